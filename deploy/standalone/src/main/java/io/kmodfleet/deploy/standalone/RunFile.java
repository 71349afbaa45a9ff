package io.kmodfleet.deploy.standalone;

import io.kmodfleet.contracts.wire.FleetJson;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.Instant;
import java.util.List;
import java.util.Optional;

/**
 * {@code run.json} in the data directory: which processes belong to the stack. A process is told by its number and the moment
 * it was started, so that a number that was given to somebody else is never taken for ours.
 *
 * @param launcher who ends the others
 * @param healthy whether everything had come up
 */
record RunFile(Entry launcher, int port, boolean healthy, List<Entry> parts) {

    private static final String NAME = "run.json";

    record Entry(String name, long pid, Optional<Instant> startedAt) {

        static Entry of(String name, ProcessHandle process) {
            return new Entry(name, process.pid(), process.info().startInstant());
        }

        /** The process, where it is still the same one. */
        Optional<ProcessHandle> process() {
            return ProcessHandle.of(pid)
                    .filter(ProcessHandle::isAlive)
                    .filter(process -> process.info().startInstant().equals(startedAt));
        }
    }

    static Optional<RunFile> read(Path data) {
        try {
            return Optional.of(FleetJson.mapper().readValue(data.resolve(NAME).toFile(), RunFile.class));
        } catch (IOException e) {
            return Optional.empty();
        }
    }

    void write(Path data) throws IOException {
        Path fresh = data.resolve(NAME + ".new");
        Files.write(fresh, FleetJson.writeBytes(this));
        Files.move(fresh, data.resolve(NAME), StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
    }

    static void delete(Path data) throws IOException {
        Files.deleteIfExists(data.resolve(NAME));
    }
}
