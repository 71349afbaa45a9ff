package io.kmodfleet.agent;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * Whether the admin of this host lets modules be built on it with dkms. Stands beside the agent's memory, for every run, until
 * the file is deleted. Reusing what others built needs none.
 */
final class Consent {

    private final Path file;
    private boolean given;

    private Consent(Path file, boolean given) {
        this.file = file;
        this.given = given;
    }

    static Consent in(Path state) {
        Path file = state.resolve("dkms-enabled");
        return new Consent(file, Files.exists(file));
    }

    boolean isGiven() {
        return given;
    }

    void give() throws IOException {
        Files.createDirectories(file.getParent());
        if (Files.notExists(file)) {
            Files.createFile(file);
        }
        given = true;
    }
}
