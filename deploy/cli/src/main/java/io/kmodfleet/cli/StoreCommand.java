package io.kmodfleet.cli;

import com.fasterxml.jackson.databind.JsonNode;
import io.kmodfleet.cli.Printing.Table;
import io.kmodfleet.contracts.wire.FleetJson;
import java.io.IOException;
import java.util.Optional;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** What the store keeps, and what it lets go. */
@Command(
        name = "store",
        description = "See to what the store keeps.",
        subcommands = {
            StoreCommand.Plan.class,
            StoreCommand.Apply.class,
            StoreCommand.Pin.class,
            StoreCommand.Unpin.class,
            StoreCommand.Pins.class,
            StoreCommand.Damaged.class
        })
final class StoreCommand {

    @Command(name = "plan", description = "Show which packages would go, and why. Changes nothing.")
    static final class Plan implements Callable<Integer> {

        @Mixin
        private FleetApi api;

        @Mixin
        private Printing printing;

        @Override
        public Integer call() throws IOException {
            JsonNode plan = api.fromStore("/api/v1/retention");
            if (printing.isJson()) {
                printing.json(plan);
                return 0;
            }
            printPlan(plan);
            Printing.line(
                    "%s packages would go and %s logs of builds that no package came of, and free %s."
                            + " To do it: kmodfleet store apply --yes",
                    plan.path("packages").asText(),
                    plan.path("logs").asText("0"),
                    Printing.size(plan.path("bytes").asLong()));
            return 0;
        }
    }

    @Command(
            name = "apply",
            description = {
                "Remove the packages that 'plan' shows, judged anew.",
                "Never one that a host has or would boot. Sources stay."
            })
    static final class Apply implements Callable<Integer> {

        @Mixin
        private FleetApi api;

        @Mixin
        private Printing printing;

        @Option(names = "--yes", description = "Do it.")
        private boolean yes;

        @Option(names = "--author", paramLabel = "NAME", description = "Who removes them (default: the user's name).")
        private String author;

        @Override
        public Integer call() throws IOException {
            if (!yes) {
                throw new Trouble(
                        KmodfleetCommand.WRONG_USAGE,
                        "Expected --yes: what goes does not come back by itself. 'kmodfleet store plan' shows what would go.");
            }
            JsonNode done = api.askStore("POST", "/api/v1/retention", Optional.empty(), author);
            if (printing.isJson()) {
                printing.json(done);
                return 0;
            }
            printPlan(done);
            Printing.line(
                    "✔ Removed %s packages and %s logs, %s.",
                    done.path("packages").asText(),
                    done.path("logs").asText("0"),
                    Printing.size(done.path("bytes").asLong()));
            return 0;
        }
    }

    @Command(name = "pin", description = "Keep a package, whatever the rules of retention say.")
    static final class Pin implements Callable<Integer> {

        @Mixin
        private FleetApi api;

        @Parameters(paramLabel = "DIGEST", description = "Of the package, or its first digits; 'packages' has it.")
        private String digest;

        @Option(
                names = "--reason",
                paramLabel = "TEXT",
                required = true,
                description = "For everybody who reads it later.")
        private String reason;

        @Option(names = "--author", paramLabel = "NAME", description = "Who wants it kept (default: the user's name).")
        private String author;

        @Override
        public Integer call() throws IOException {
            String hex = packageBeginning(api, digest);
            api.askStore(
                    "PUT",
                    "/api/v1/pins/" + hex,
                    Optional.of(FleetJson.mapper().createObjectNode().put("reason", reason)),
                    author);
            Printing.line("✔ %s stays.", hex.substring(0, 12));
            return 0;
        }
    }

    @Command(name = "unpin", description = "Let the rules of retention decide about a package again.")
    static final class Unpin implements Callable<Integer> {

        @Mixin
        private FleetApi api;

        @Parameters(paramLabel = "DIGEST", description = "Of the package, or its first digits; 'store pins' has it.")
        private String digest;

        @Override
        public Integer call() throws IOException {
            String hex = packageBeginning(api, digest);
            api.askStore("DELETE", "/api/v1/pins/" + hex, Optional.empty(), null);
            Printing.line("✔ %s may go when the rules say so.", hex.substring(0, 12));
            return 0;
        }
    }

    @Command(name = "pins", description = "Show packages that stay whatever the rules say, and why.")
    static final class Pins implements Callable<Integer> {

        @Mixin
        private FleetApi api;

        @Mixin
        private Printing printing;

        @Override
        public Integer call() throws IOException {
            JsonNode answer = api.fromStore("/api/v1/pins");
            if (printing.isJson()) {
                printing.json(answer);
                return 0;
            }
            Table table = new Table("No package is pinned.", "PACKAGE", "WHEN", "WHO", "REASON");
            for (JsonNode item : answer.path("items")) {
                table.row(
                        Printing.brief(item.path("digest").asText()),
                        Printing.ago(item.path("at").asText()),
                        item.path("author").asText(),
                        item.path("reason").asText());
            }
            table.print();
            return 0;
        }
    }

    @Command(name = "damaged", description = "Show files that the store's disk has changed or lost.")
    static final class Damaged implements Callable<Integer> {

        @Mixin
        private FleetApi api;

        @Mixin
        private Printing printing;

        @Override
        public Integer call() throws IOException {
            JsonNode answer = api.fromStore("/api/v1/damaged");
            if (printing.isJson()) {
                printing.json(answer);
                return 0;
            }
            Table table = new Table("Everything is as it came.", "FILE", "FOUND", "SIZE", "EVIDENCE");
            for (JsonNode item : answer.path("items")) {
                table.row(
                        Printing.brief(item.path("digest").asText()),
                        Printing.ago(item.path("damagedAt").asText()),
                        Printing.size(item.path("size").asLong()),
                        item.path("damage").asText());
            }
            table.print();
            return 0;
        }
    }

    private static void printPlan(JsonNode plan) {
        Table goes = new Table("No package may go.", "PACKAGE", "MODULE", "VERSION", "KERNEL", "SIZE", "CAME", "WHY");
        for (JsonNode item : plan.path("goes")) {
            goes.row(
                    Printing.brief(item.path("digest").asText()),
                    item.path("module").asText(),
                    item.path("moduleVersion").asText(),
                    item.path("release").asText(),
                    Printing.size(item.path("size").asLong()),
                    Printing.ago(item.path("storedAt").asText()),
                    item.path("detail").asText());
        }
        goes.print();
        Table stay = new Table("", "STAY", "BECAUSE");
        plan.path("stay")
                .fields()
                .forEachRemaining(reason -> stay.row(reason.getValue().asText(), reason.getKey()));
        stay.print();
    }

    private static String packageBeginning(FleetApi api, String digits) throws IOException {
        String hex = digits.startsWith("sha256:") ? digits.substring("sha256:".length()) : digits;
        if (!hex.matches("[0-9a-f]{8,64}")) {
            throw new Trouble(
                    KmodfleetCommand.WRONG_USAGE,
                    "Expected 8 to 64 lower-case hexadecimal digits of a package, but got '" + digits + "'.");
        }
        JsonNode found = api.fromStore("/api/v1/packages?limit=2&text=" + hex).path("items");
        if (found.size() != 1) {
            throw new Trouble(
                    found.isEmpty() ? KmodfleetCommand.NOT_FOUND : KmodfleetCommand.FAILED,
                    "Expected one package that begins with " + hex + ", but there "
                            + (found.isEmpty() ? "is none." : "are several. Give more digits."));
        }
        return found.get(0).path("digest").asText().replace("sha256:", "");
    }
}
