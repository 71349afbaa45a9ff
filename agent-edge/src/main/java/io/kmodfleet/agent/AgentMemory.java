package io.kmodfleet.agent;

import com.fasterxml.jackson.annotation.JsonInclude;
import io.kmodfleet.agent.host.InstallRecord;
import io.kmodfleet.contracts.Decision;
import io.kmodfleet.contracts.Digest;
import io.kmodfleet.contracts.HostReport;
import io.kmodfleet.contracts.wire.FleetJson;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.time.Instant;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalLong;

/**
 * What the agent must still know after a restart: its place among the commands, what it has carried out, the answers that stand,
 * and what it has installed. One file, replaced as a whole.
 */
final class AgentMemory {

    private static final int REMEMBERED = 512;

    private static final Content NOTHING =
            new Content(OptionalLong.empty(), List.of(), List.of(), List.of(), List.of());

    private final Path file;
    private Content content;

    /**
     * @param place next offset in the commands partition
     * @param handled digests of commands that were carried out, the newest last
     * @param decisions the last answer on each kernel and module
     * @param untested packages that are installed and whose self-test waits for the module to be loaded
     */
    private record Content(
            OptionalLong place,
            List<Digest> handled,
            List<Standing> decisions,
            List<InstallRecord> installed,
            @JsonInclude(JsonInclude.Include.NON_EMPTY) List<Decision.Reuse> untested) {
        private Content {
            untested = untested == null ? List.of() : List.copyOf(untested);
        }
    }

    /** An answer that stands. */
    record Standing(Instant since, Decision decision) {}

    private AgentMemory(Path file, Content content) {
        this.file = file;
        this.content = content;
    }

    static AgentMemory open(Path state) throws IOException {
        Path file = state.resolve("memory.json");
        try {
            return new AgentMemory(file, FleetJson.mapper().readValue(Files.readAllBytes(file), Content.class));
        } catch (NoSuchFileException e) {
            return new AgentMemory(file, NOTHING);
        } catch (com.fasterxml.jackson.core.JsonProcessingException e) {
            throw new IOException("Expected the agent's memory in " + file + ", but it cannot be read ("
                    + e.getOriginalMessage() + "). Delete the file: the coordinator tells everything again");
        }
    }

    OptionalLong place() {
        return content.place;
    }

    /** Whether there was one before this start. */
    boolean isNew() {
        return content.equals(NOTHING);
    }

    List<Standing> standing() {
        return content.decisions;
    }

    boolean hasHandled(Digest command) {
        return content.handled.contains(command);
    }

    /** By body. */
    Map<Digest, InstallRecord> installed() {
        Map<Digest, InstallRecord> byBody = new LinkedHashMap<>();
        content.installed.forEach(record -> byBody.put(record.body(), record));
        return byBody;
    }

    void handled(Digest command, long place) throws IOException {
        List<Digest> handled = new ArrayList<>(content.handled);
        handled.remove(command);
        handled.add(command);
        List<Digest> kept = handled.subList(Math.max(0, handled.size() - REMEMBERED), handled.size());
        save(new Content(
                OptionalLong.of(place), List.copyOf(kept), content.decisions, content.installed, content.untested));
    }

    void movedTo(long place) throws IOException {
        save(new Content(
                OptionalLong.of(place), content.handled, content.decisions, content.installed, content.untested));
    }

    /** The coordinator begins anew and may use the ids of before for other commands. */
    void forgetHandled() throws IOException {
        save(new Content(content.place, List.of(), content.decisions, content.installed, content.untested));
    }

    void note(Decision decision, Instant since) throws IOException {
        List<Standing> decisions = new ArrayList<>(content.decisions);
        decisions.removeIf(known -> known.decision().subject().equals(decision.subject()));
        decisions.add(new Standing(since, decision));
        save(new Content(content.place, content.handled, List.copyOf(decisions), content.installed, content.untested));
    }

    /** Answers on kernels that are gone mean nothing any more. */
    void forgetKernelsNotIn(HostReport report) throws IOException {
        List<Standing> decisions = content.decisions.stream()
                .filter(standing ->
                        report.kernel(standing.decision().subject().release()).isPresent())
                .toList();
        List<Decision.Reuse> untested = content.untested.stream()
                .filter(order -> report.kernel(order.subject().release()).isPresent())
                .toList();
        if (decisions.size() < content.decisions.size() || untested.size() < content.untested.size()) {
            save(new Content(content.place, content.handled, decisions, content.installed, untested));
        }
    }

    void installed(List<InstallRecord> records) throws IOException {
        List<InstallRecord> installed = new ArrayList<>(content.installed);
        for (InstallRecord record : records) {
            installed.removeIf(known -> known.body().equals(record.body()));
            installed.add(record);
        }
        List<InstallRecord> kept = installed.subList(Math.max(0, installed.size() - REMEMBERED), installed.size());
        save(new Content(content.place, content.handled, content.decisions, List.copyOf(kept), content.untested));
    }

    /** Packages whose self-test waits, the newest of each subject. */
    List<Decision.Reuse> untested() {
        return content.untested;
    }

    void awaitTest(Decision.Reuse order) throws IOException {
        List<Decision.Reuse> untested = new ArrayList<>(content.untested);
        untested.removeIf(known -> known.subject().equals(order.subject()));
        untested.add(order);
        save(new Content(content.place, content.handled, content.decisions, content.installed, untested));
    }

    void tested(Decision.Reuse order) throws IOException {
        List<Decision.Reuse> untested = new ArrayList<>(content.untested);
        if (untested.remove(order)) {
            save(new Content(content.place, content.handled, content.decisions, content.installed, untested));
        }
    }

    private void save(Content next) throws IOException {
        Path fresh = file.resolveSibling("memory.json.new");
        try (FileChannel out = FileChannel.open(
                fresh, StandardOpenOption.CREATE, StandardOpenOption.TRUNCATE_EXISTING, StandardOpenOption.WRITE)) {
            ByteBuffer bytes = ByteBuffer.wrap(FleetJson.writeBytes(next));
            while (bytes.hasRemaining()) {
                out.write(bytes);
            }
            out.force(true);
        }
        Files.move(fresh, file, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
        content = next;
    }
}
