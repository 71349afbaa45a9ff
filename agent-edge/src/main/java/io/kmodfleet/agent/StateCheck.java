package io.kmodfleet.agent;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermission;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/**
 * How the agent's own directory is, looked at without changing it.
 *
 * @param exists whether an agent ever worked there
 * @param agentRuns whether one does now
 * @param openToOthers whether somebody else may write there
 * @param writable whether this user may
 * @param memoryFault why its memory cannot be read
 * @param journalFault why its journal cannot be read
 * @param standing the answers that stand; none where the memory cannot be read
 */
record StateCheck(
        Path directory,
        boolean exists,
        boolean agentRuns,
        boolean openToOthers,
        boolean writable,
        Optional<String> memoryFault,
        Optional<String> journalFault,
        List<AgentMemory.Standing> standing) {

    static StateCheck of(Path directory) throws IOException {
        if (Files.notExists(directory)) {
            return new StateCheck(directory, false, false, false, true, Optional.empty(), Optional.empty(), List.of());
        }
        Optional<String> memoryFault = Optional.empty();
        List<AgentMemory.Standing> standing = List.of();
        try {
            standing = AgentMemory.open(directory).standing();
        } catch (IOException e) {
            memoryFault = Optional.of(reason(e));
        }
        Set<PosixFilePermission> mode = Files.getPosixFilePermissions(directory);
        return new StateCheck(
                directory,
                List.of("memory.json", "journal", "agent.lock").stream()
                        .anyMatch(name -> Files.exists(directory.resolve(name), LinkOption.NOFOLLOW_LINKS)),
                isHeld(directory.resolve("agent.lock")) || isHeld(directory.resolve(Agent.SERVICE_LOCK)),
                mode.contains(PosixFilePermission.GROUP_WRITE) || mode.contains(PosixFilePermission.OTHERS_WRITE),
                Files.isWritable(directory),
                memoryFault,
                journalFault(directory.resolve("journal")),
                standing);
    }

    private static String reason(IOException e) {
        return e.getMessage() == null ? e.toString() : e.getMessage();
    }

    /** A damaged line mends itself when the agent starts; what is no file of its own does not. */
    private static Optional<String> journalFault(Path journal) {
        if (Files.notExists(journal, LinkOption.NOFOLLOW_LINKS)) {
            return Optional.empty();
        }
        if (!Files.isRegularFile(journal, LinkOption.NOFOLLOW_LINKS)) {
            return Optional.of("it is no regular file");
        }
        try (FileChannel channel = FileChannel.open(journal, StandardOpenOption.READ)) {
            return channel.size() < 0 ? Optional.of("it has no size") : Optional.empty();
        } catch (IOException e) {
            return Optional.of(e.getClass().getSimpleName());
        }
    }

    private static boolean isHeld(Path file) {
        try (FileChannel channel = FileChannel.open(file, StandardOpenOption.WRITE);
                FileLock lock = channel.tryLock()) {
            return lock == null;
        } catch (IOException e) {
            return false;
        }
    }
}
