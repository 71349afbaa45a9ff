package io.kmodfleet.cli;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.github.difflib.DiffUtils;
import com.github.difflib.UnifiedDiffUtils;
import io.kmodfleet.cli.Printing.Table;
import io.kmodfleet.contracts.Policy;
import io.kmodfleet.contracts.wire.FleetJson;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** The policy. */
@Command(name = "policy", description = "Show and publish the policy.")
final class PolicyCommand {

    private static final String YAML = "application/yaml";

    @Command(name = "get", description = "Print the policy in force, or one that was, as YAML.")
    int get(
            @Mixin FleetApi fleet,
            @Mixin Printing print,
            @Option(
                            names = "--version",
                            paramLabel = "POSITION",
                            description = "The one that was published there; 'policy history' lists them.")
                    Optional<Long> version)
            throws IOException {
        System.out.println(fleet.policy(print.isJson() ? "application/json" : YAML, version)
                .stripTrailing());
        return 0;
    }

    @Command(name = "history", description = "Show every policy that was published, the newest first.")
    int history(
            @Mixin FleetApi fleet,
            @Mixin Printing print,
            @Option(
                            names = "--limit",
                            paramLabel = "N",
                            defaultValue = "50",
                            description = "At most so many (default: ${DEFAULT-VALUE}).")
                    int limit)
            throws IOException {
        JsonNode answer = fleet.fromCoordinator("/api/v1/policy/versions?limit=" + limit);
        if (print.isJson()) {
            print.json(answer);
            return 0;
        }
        Table table = new Table("No policy was published yet.", "POSITION", "WHEN", "AUTHOR", "IN FORCE");
        for (JsonNode version : answer.path("items")) {
            table.row(
                    version.path("position").asText(),
                    version.path("at").asText(),
                    version.path("author").asText(),
                    version.hasNonNull("inForceAt")
                            ? "since " + version.path("inForceAt").asText()
                            : "never");
        }
        table.print();
        return 0;
    }

    @Command(
            name = "diff",
            description = "Show what differs between the policy in force and a file, or a policy that was published.",
            footer = {
                "",
                "Exit codes:",
                "  0  nothing differs",
                "  1  something does, and is shown; or the file does not validate",
                "  2  wrong usage",
                "  3  coordinator not reached",
                "  4  no such file, or no policy was published there"
            })
    int diff(
            @Mixin FleetApi fleet,
            @Mixin Printing print,
            @Option(
                            names = "--from",
                            paramLabel = "POSITION",
                            description = "From the policy that was published there (default: the one in force).")
                    Optional<Long> from,
            @Parameters(
                            paramLabel = "FILE|POSITION",
                            description = "A file, - for standard input, or where another policy was published.")
                    String other)
            throws IOException {
        String before = fleet.policy(YAML, from);
        boolean published = other.matches("[0-9]{1,18}") && !Files.exists(Path.of(other));
        String after = published
                ? fleet.policy(YAML, Optional.of(Long.parseLong(other)))
                // In the words in which the coordinator would give it back.
                : FleetJson.yaml()
                        .writeValueAsString(
                                FleetJson.mapper().readTree(FleetJson.write(policyOf(other, documentOf(other)))));
        List<String> old = before.strip().lines().toList();
        List<String> lines = UnifiedDiffUtils.generateUnifiedDiff(
                from.map(position -> "position " + position).orElse("in force"),
                published ? "position " + other : other,
                old,
                DiffUtils.diff(old, after.strip().lines().toList()),
                3);
        if (print.isJson()) {
            ObjectNode json = FleetJson.mapper().createObjectNode();
            lines.forEach(json.putArray("lines")::add);
            print.json(json);
        } else {
            lines.forEach(line -> Printing.line("%s", line));
        }
        return lines.isEmpty() ? 0 : KmodfleetCommand.FAILED;
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
