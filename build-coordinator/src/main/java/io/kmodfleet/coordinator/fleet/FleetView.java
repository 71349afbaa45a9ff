package io.kmodfleet.coordinator.fleet;

import com.fasterxml.jackson.annotation.JsonUnwrapped;
import com.fasterxml.jackson.core.JsonProcessingException;
import io.kmodfleet.contracts.Check;
import io.kmodfleet.contracts.Decision;
import io.kmodfleet.contracts.DecisionId;
import io.kmodfleet.contracts.Digest;
import io.kmodfleet.contracts.Explanation;
import io.kmodfleet.contracts.Fact;
import io.kmodfleet.contracts.HostId;
import io.kmodfleet.contracts.Reason;
import io.kmodfleet.contracts.wire.FleetJson;
import io.kmodfleet.coordinator.decision.FleetState;
import io.kmodfleet.coordinator.decision.RebootSafety;
import io.kmodfleet.coordinator.decision.Trail;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.List;
import java.util.Locale;
import java.util.Optional;

/** What the API and the page show; one screen of it. */
interface FleetView {

    /** A list, in an object, so that it can grow. @param next to be given as {@code after}; absent where there are no more */
    record Items<T>(List<T> items, Optional<String> next) {
        Items(List<T> items) {
            this(items, Optional.empty());
        }
    }

    /** @param silentSince when it was last heard of, where it is silent */
    record Host(
            String host,
            String hostname,
            String os,
            String arch,
            boolean observeOnly,
            Instant reportedAt,
            Optional<Instant> silentSince,
            RebootSafety reboot,
            List<Kernel> kernels,
            List<Told> decisions) {

        /** Empty where the fold is not as far as the database yet. */
        static Optional<Host> of(HostRow row, FleetState state, Optional<Instant> silentSince) {
            HostId id = new HostId(row.id);
            return state.report(id)
                    .map(report -> new Host(
                            row.id,
                            row.hostname,
                            row.os,
                            row.arch,
                            row.observeOnly,
                            row.reportedAt,
                            silentSince,
                            RebootSafety.of(state, id),
                            report.kernels().stream()
                                    .map(kernel -> new Kernel(
                                            kernel.identity().release(),
                                            kernel.running(),
                                            kernel.identity().image()))
                                    .toList(),
                            state.standing(id).stream().map(Told::of).toList()));
        }
    }

    record Kernel(String release, boolean running, Optional<Digest> image) {}

    record Told(String release, String module, String decision, Reason reason, DecisionId id) {
        static Told of(Decision decision) {
            return new Told(
                    decision.subject().release(),
                    decision.subject().module(),
                    kindOf(decision),
                    decision.reason(),
                    decision.id());
        }
    }

    record Why(String host, String hostname, RebootSafety reboot, List<Answer> answers) {}

    /** @param running whether the kernel that the module lies for runs now */
    record Bearer(String host, String hostname, boolean running) {}

    record Answer(
            DecisionId id,
            Instant at,
            String release,
            String module,
            String decision,
            Reason reason,
            @JsonUnwrapped Explanation explanation,
            List<Fact> facts,
            List<Check> missing,
            List<Trail.Applied> rules) {

        static Answer of(Decision decision, Instant at, List<Trail.Applied> rules) {
            return new Answer(
                    decision.id(),
                    at,
                    decision.subject().release(),
                    decision.subject().module(),
                    kindOf(decision),
                    decision.reason(),
                    Explanation.of(decision),
                    decision.facts(),
                    decision instanceof Decision.Reject reject ? reject.missing() : List.of(),
                    rules);
        }
    }

    record Decided(
            DecisionId id,
            Instant at,
            String host,
            String hostname,
            String release,
            String module,
            String decision,
            Reason reason,
            String text) {

        /** For people: to the second, in UTC. */
        public String when() {
            return readable(at);
        }

        static Decided of(DecisionRow row, String hostname) {
            Decision decision = read(row.body, Decision.class);
            return new Decided(
                    decision.id(),
                    row.takenAt,
                    row.host,
                    hostname,
                    row.release,
                    row.module,
                    row.kind,
                    decision.reason(),
                    Explanation.of(decision).text());
        }
    }

    /** A policy that was published. @param inForceAt position of the entry that put it in force; absent where none did */
    record Version(long position, String author, Instant at, Optional<Long> inForceAt) {
        static Version of(PolicyRow row) {
            return new Version(row.position, row.author, row.publishedAt, Optional.ofNullable(row.inForceAt));
        }
    }

    record Letter(String topic, int partition, long offset, String problem, String detail, Instant at, String excerpt) {
        /** For people: to the second, in UTC. */
        public String when() {
            return readable(at);
        }

        static Letter of(DeadLetterRow row) {
            return new Letter(row.topic, row.part, row.partOffset, row.problem, row.detail, row.at, row.excerpt);
        }
    }

    private static String readable(Instant at) {
        return at.truncatedTo(ChronoUnit.SECONDS).toString().replace('T', ' ');
    }

    private static String kindOf(Decision decision) {
        return decision.getClass().getSimpleName().toLowerCase(Locale.ROOT);
    }

    private static <T> T read(String json, Class<T> type) {
        try {
            return FleetJson.mapper().readValue(json, type);
        } catch (JsonProcessingException e) {
            throw new IllegalStateException("Expected the projection to hold a " + type.getSimpleName(), e);
        }
    }
}
