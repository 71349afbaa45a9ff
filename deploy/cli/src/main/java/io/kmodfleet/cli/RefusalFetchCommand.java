package io.kmodfleet.cli;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.LinkedHashSet;
import java.util.Set;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Parameters;

/** What was not taken, for a look at it. */
@Command(
        name = "fetch",
        description = {
            "Save the bytes of a refused upload for inspection. They are what somebody sent: look at them, run nothing of them."
        })
final class RefusalFetchCommand implements Callable<Integer> {

    @Mixin
    private FleetApi api;

    @Parameters(index = "0", paramLabel = "BYTES", description = "The first digits of their digest; 'refusals' has it.")
    private String digits;

    @Parameters(index = "1", paramLabel = "FILE", description = "Where to; it must not exist.")
    private Path file;

    @Override
    public Integer call() throws IOException {
        String hex = digits.startsWith("sha256:") ? digits.substring("sha256:".length()) : digits;
        Set<String> found = new LinkedHashSet<>();
        for (JsonNode item : api.fromStore("/api/v1/refusals?limit=1000").path("items")) {
            String bytes = item.path("found").asText().replace("sha256:", "");
            if (item.path("kept").asBoolean() && bytes.startsWith(hex)) {
                found.add(bytes);
            }
        }
        if (found.size() != 1) {
            throw new Trouble(
                    found.isEmpty() ? KmodfleetCommand.NOT_FOUND : KmodfleetCommand.FAILED,
                    "Expected one refused upload whose bytes are there and begin with " + hex + ", but there are "
                            + found.size() + ".");
        }
        byte[] bytes = api.bytesFromStore("/api/v1/refusals/" + found.iterator().next() + "/file");
        try {
            Files.write(file, bytes, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE);
        } catch (FileAlreadyExistsException e) {
            throw new Trouble(
                    KmodfleetCommand.FAILED, "Expected to make the file " + file + ", but there is one already.");
        }
        Printing.line("✔ Saved %s bytes to %s.", Integer.toString(bytes.length), file.toString());
        return 0;
    }
}
