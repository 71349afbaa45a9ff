package io.kmodfleet.cli;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import io.kmodfleet.contracts.Policy;
import io.kmodfleet.contracts.wire.FleetJson;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** The policy. */
@Command(name = "policy", description = "Show and publish the policy.")
final class PolicyCommand {

    @Command(name = "get", description = "Print the policy in force, as YAML.")
    int get(@Mixin FleetApi fleet, @Mixin Printing print) throws IOException {
        System.out.println(fleet.policy(print.isJson() ? "application/json" : "application/yaml")
                .stripTrailing());
        return 0;
    }

    @Command(
            name = "set",
            description = {
                "Publish a policy; everything that failed is asked for again.",
                "It is in force at once, or when as many others have approved it as the policy in force wants ('approvals')."
            })
    int set(
            @Mixin FleetApi fleet,
            @Mixin Printing print,
            @Option(
                            names = "--author",
                            paramLabel = "NAME",
                            description = "Who publishes it (default: the user's name).")
                    String author,
            @Parameters(paramLabel = "FILE", description = "YAML or JSON; - for standard input.") String file)
            throws IOException {
        String document = documentOf(file);
        policyOf(file, document);
        JsonNode answer =
                fleet.publishPolicy(document, author == null ? System.getProperty("user.name", "unknown") : author);
        if (print.isJson()) {
            print.json(answer);
        } else {
            published(answer);
        }
        return 0;
    }

    @Command(name = "proposal", description = "Print the policy that waits for approval, as YAML.")
    int proposal(@Mixin FleetApi fleet, @Mixin Printing print) throws IOException {
        JsonNode waiting = fleet.fromCoordinator("/api/v1/policy/proposal");
        if (print.isJson()) {
            print.json(waiting);
            return 0;
        }
        List<String> approvers = new ArrayList<>();
        waiting.path("approvers").forEach(person -> approvers.add(person.asText()));
        System.out.println("# Published by " + waiting.path("author").asText() + " at position "
                + waiting.path("position").asLong() + " of the ledger"
                + (approvers.isEmpty() ? "" : "; approved by " + String.join(", ", approvers)));
        System.out.println(
                "# Waits for approval by " + waiting.path("approvalsMissing").asInt()
                        + ". What it would change: kmodfleet policy proposal | kmodfleet what-if --policy -");
        System.out.println(
                FleetJson.yaml().writeValueAsString(waiting.path("policy")).stripTrailing());
        return 0;
    }

    @Command(
            name = "approve",
            description = {
                "Approve a policy that somebody else published; the last approval that is wanted puts it in force.",
                "'proposal' prints it with its position."
            })
    int approve(
            @Mixin FleetApi fleet,
            @Mixin Printing print,
            @Option(
                            names = "--author",
                            paramLabel = "NAME",
                            description = "Who approves it (default: the user's name).")
                    String author,
            @Parameters(paramLabel = "POSITION", description = "Of the ledger, at which it was published.")
                    long position)
            throws IOException {
        JsonNode answer = fleet.ask(
                "/api/v1/policy/approve", FleetJson.mapper().createObjectNode().put("position", position), author);
        if (print.isJson()) {
            print.json(answer);
        } else {
            published(answer);
        }
        return 0;
    }

    private static void published(JsonNode answer) {
        long position = answer.path("position").asLong();
        int missing = answer.path("approvalsMissing").asInt();
        System.out.println(
                missing == 0
                        ? "✔ The policy is in force; it stands at position " + position + " of the ledger."
                        : "✔ The policy stands at position " + position + " of the ledger and waits for approval by "
                                + missing + (missing == 1 ? " other person" : " other people")
                                + ": kmodfleet policy approve " + position);
    }

    /** @param file - for standard input */
    static String documentOf(String file) throws IOException {
        return file.equals("-") ? new String(System.in.readAllBytes(), StandardCharsets.UTF_8) : read(Path.of(file));
    }

    private static String read(Path file) throws IOException {
        if (!Files.isRegularFile(file)) {
            throw new Trouble(KmodfleetCommand.NOT_FOUND, "Expected a policy file, but there is no " + file + ".");
        }
        return Files.readString(file);
    }

    /** What a document says, or where it is wrong. */
    static Policy policyOf(String file, String document) {
        try {
            Policy policy = FleetJson.yaml().readValue(document, Policy.class);
            if (policy == null) {
                throw new Trouble(KmodfleetCommand.FAILED, file + ": Expected a policy, but it is empty.");
            }
            return policy;
        } catch (JsonProcessingException e) {
            String line = e.getLocation() == null ? "" : ":" + e.getLocation().getLineNr();
            String what =
                    e.getCause() instanceof IllegalArgumentException || e.getCause() instanceof NullPointerException
                            ? e.getCause().getMessage()
                            : e.getOriginalMessage();
            throw new Trouble(KmodfleetCommand.FAILED, file + line + ": " + what);
        }
    }
}
