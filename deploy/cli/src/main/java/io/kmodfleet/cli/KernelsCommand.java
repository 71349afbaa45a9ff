package io.kmodfleet.cli;

import com.fasterxml.jackson.databind.JsonNode;
import io.kmodfleet.cli.Printing.Table;
import io.kmodfleet.contracts.Digest;
import java.io.IOException;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.StreamSupport;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** What is kept of kernels. */
@Command(
        name = "kernels",
        description = {
            "Show of which kernels the store keeps what modules are built and checked with: Module.symvers, symbol map, configuration.",
            "Each came from the first host that had it, and stays after the kernel's headers have left the mirrors."
        })
final class KernelsCommand {

    @Command(name = "list", description = "Show the kernels.")
    int list(
            @Mixin FleetApi fleet,
            @Mixin Printing print,
            @Option(names = "--release", paramLabel = "RELEASE", description = "Only those of this release.")
                    String release)
            throws IOException {
        JsonNode answer = fleet.fromStore(path(release));
        if (print.isJson()) {
            print.json(answer);
            return 0;
        }
        Table table = new Table(
                "Nothing is kept of any kernel yet. Agents give it by themselves.",
                "KERNEL",
                "ARCH",
                "IMAGE",
                "KEPT",
                "COMPILER");
        for (JsonNode kernel : answer.path("items")) {
            table.row(
                    kernel.path("release").asText(),
                    kernel.path("arch").asText(),
                    Printing.brief(kernel.path("image").asText()),
                    StreamSupport.stream(kernel.path("inputs").spliterator(), false)
                            .map(input -> input.path("kind").asText())
                            .collect(Collectors.joining(", ")),
                    kernel.path("compiler").asText("–"));
        }
        table.print();
        return 0;
    }

    @Command(name = "get", description = "Print what is kept of one kernel.")
    int get(
            @Mixin FleetApi fleet,
            @Parameters(paramLabel = "KERNEL", description = "Its release, or the digest of its image.") String kernel,
            @Parameters(paramLabel = "KIND", description = "module-symvers, system-map or config.") String kind)
            throws IOException {
        if (!List.of("module-symvers", "system-map", "config").contains(kind)) {
            throw new Trouble(
                    KmodfleetCommand.WRONG_USAGE,
                    "Expected module-symvers, system-map or config, but got '" + kind + "'.");
        }
        byte[] content = fleet.bytesFromStore("/api/v1/kernels/" + imageOf(fleet, kernel) + "/" + kind);
        System.out.write(content, 0, content.length);
        System.out.flush();
        return 0;
    }

    private static String imageOf(FleetApi fleet, String kernel) throws IOException {
        try {
            return Digest.parse(kernel).hex();
        } catch (IllegalArgumentException e) {
            JsonNode found = fleet.fromStore(path(kernel)).path("items");
            if (found.size() != 1) {
                throw new Trouble(
                        KmodfleetCommand.NOT_FOUND,
                        "Expected one kernel " + kernel + " in the store, but there are " + found.size()
                                + (found.isEmpty()
                                        ? ". 'kmodfleet kernels list' shows them."
                                        : " images of that release. Name one by its digest."));
            }
            return Digest.parse(found.get(0).path("image").asText()).hex();
        }
    }

    private static String path(String release) {
        return "/api/v1/kernels?limit=3000" + (release == null ? "" : "&release=" + FleetApi.escaped(release));
    }
}
