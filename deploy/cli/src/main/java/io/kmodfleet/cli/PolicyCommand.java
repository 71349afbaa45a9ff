package io.kmodfleet.cli;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import io.kmodfleet.contracts.Policy;
import io.kmodfleet.contracts.wire.FleetJson;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
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
            description = "Publish a policy; it is in force at once, and everything that failed is asked for again.")
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
            System.out.println("✔ The policy is in force; it stands at position "
                    + answer.path("position").asLong() + " of the ledger.");
        }
        return 0;
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
