package io.kmodfleet.cli;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;

/** Builds that should be the same and are not. */
@Command(
        name = "divergences",
        description = {
            "Show packages that were built from one source for one kernel image and are not the same: which sections of the modules",
            "differ, and why that usually happens. It explains; it does not tell which one is right. 'kmodfleet recall' takes one back."
        })
final class DivergencesCommand implements Callable<Integer> {

    @Mixin
    private FleetApi api;

    @Mixin
    private Printing printing;

    @Override
    public Integer call() throws IOException {
        JsonNode answer = api.fromStore("/api/v1/divergences?limit=1000");
        if (printing.isJson()) {
            printing.json(answer);
            return 0;
        }
        if (answer.path("items").isEmpty()) {
            System.out.println("Every build of the same is the same.");
        }
        for (JsonNode item : answer.path("items")) {
            Printing.line(
                    "%s for %s (image %s), %s: package %s and, later, %s%s",
                    item.path("module").asText(),
                    item.path("release").asText(),
                    Printing.brief(item.path("image").asText()),
                    Printing.ago(item.path("at").asText()),
                    Printing.brief(item.path("one").asText()),
                    Printing.brief(item.path("other").asText()),
                    item.path("open").asBoolean() ? "" : "; one of them is recalled");
            for (JsonNode difference : item.path("differences")) {
                Printing.line(
                        "  %s %s%s: %s. Usually: %s",
                        difference.path("file").asText(),
                        difference.path("section").asText(),
                        difference.path("loaded").asBoolean() ? "" : " (not loaded)",
                        difference.path("what").asText(),
                        difference.path("why").asText());
            }
        }
        return 0;
    }
}
