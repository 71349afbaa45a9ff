package io.kmodfleet.coordinator.decision;

import io.kmodfleet.contracts.Decision;
import io.kmodfleet.contracts.DecisionId;
import io.kmodfleet.contracts.Digest;
import io.kmodfleet.contracts.HostId;
import io.kmodfleet.contracts.HostReport;
import io.kmodfleet.contracts.KernelIdentity;
import io.kmodfleet.contracts.KernelState;
import io.kmodfleet.contracts.Policy.WantedModule;
import io.kmodfleet.contracts.Reason;
import io.kmodfleet.contracts.Subject;
import io.kmodfleet.contracts.SymbolMap;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/**
 * What would happen if every host got a kernel, by the rules in force and what is known now: nothing is decided. A host is taken
 * to get its headers where it has those of a kernel today.
 *
 * @param hosts that would get it: those of its architecture
 * @param modules one line for each module that somebody wants
 */
public record Preflight(int hosts, List<Line> modules) {

    private static final DecisionId NOWHERE = new DecisionId(Long.MAX_VALUE, 0);

    /** Of a kernel whose image nobody has: no package and no host can match it. */
    private static final Digest NO_IMAGE = new Digest("0".repeat(64));

    /**
     * @param reuse hosts that a package is there for
     * @param build builds that would be needed: one for the whole fleet, or none
     * @param waiting hosts that would wait for that build
     * @param refused hosts that would be refused, by reason
     * @param builder who would build
     * @param opens when the first maintenance window opens, where those of all who could build are closed
     */
    public record Line(
            String module,
            int reuse,
            int build,
            int waiting,
            Map<Reason, Integer> refused,
            Optional<String> builder,
            Optional<Instant> opens) {

        public int refusedHosts() {
            return refused.values().stream().mapToInt(Integer::intValue).sum();
        }
    }

    /** @param kernel with an image where the fleet is to be asked about that very one; else about any image of its release */
    public static Preflight of(FleetState state, KernelIdentity kernel) {
        KernelIdentity meant = new KernelIdentity(
                kernel.arch(),
                kernel.release(),
                kernel.version(),
                Optional.of(kernel.image().orElse(NO_IMAGE)),
                kernel.config(),
                Optional.empty());
        List<HostId> hosts = new ArrayList<>();
        FleetState upgraded = state;
        for (Map.Entry<HostId, HostState> entry : state.hosts()) {
            if (entry.getValue().report().arch().equals(kernel.arch())) {
                hosts.add(entry.getKey());
                upgraded = withKernel(upgraded, entry.getKey(), entry.getValue(), meant);
            }
        }
        Map<String, Count> counts = new TreeMap<>();
        for (HostId host : hosts) {
            HostReport report = upgraded.report(host).orElseThrow();
            for (WantedModule module :
                    upgraded.policy().map(policy -> policy.modules(report)).orElse(List.of())) {
                Question question = Question.of(upgraded, new Subject(host, meant.release(), module.name()))
                        .orElseThrow();
                counts.computeIfAbsent(module.name(), any -> new Count()).add(question);
            }
        }
        List<Line> lines = new ArrayList<>();
        counts.forEach((module, count) -> lines.add(count.line(module)));
        return new Preflight(hosts.size(), List.copyOf(lines));
    }

    private static FleetState withKernel(FleetState state, HostId id, HostState host, KernelIdentity kernel) {
        HostReport report = host.report();
        Optional<KernelState> like = report.kernels().stream()
                .max(Comparator.comparing(KernelState::running)
                        .thenComparing(known -> known.identity().release()));
        KernelState there = report.kernel(kernel.release())
                .filter(known -> known.identity().image().equals(kernel.image()))
                .orElseGet(() -> new KernelState(
                        kernel,
                        false,
                        like.map(KernelState::symbolMap).orElse(SymbolMap.MISSING),
                        true,
                        Optional.empty(),
                        Optional.empty(),
                        like.map(KernelState::checks).orElse(List.of()),
                        List.of(),
                        Optional.empty(),
                        like.flatMap(KernelState::compiler)));
        List<KernelState> kernels = new ArrayList<>(report.kernels().stream()
                .filter(known -> !known.identity().release().equals(kernel.release()))
                .toList());
        kernels.add(there);
        HostReport next = new HostReport(
                report.hostname(),
                report.os(),
                report.arch(),
                report.observeOnly(),
                report.checks(),
                kernels,
                report.labels(),
                report.compiler(),
                report.secureBoot());
        HostState known = host.with(next);
        return state.with(id, known)
                .placing(id, KernelImage.of(there.identity()).orElseThrow(), known, there);
    }

    /** One module, host by host. */
    private static final class Count {
        private final Map<Reason, Integer> refused = new TreeMap<>();
        private int reuse;
        private int wait;
        private int build;
        private Optional<String> builder = Optional.empty();
        private Optional<Instant> opens = Optional.empty();

        void add(Question question) {
            Rules.Answer answer = Rules.answer(question);
            Decision decision = answer.draft().with(NOWHERE);
            answer.alsoFor().map(draft -> draft.with(NOWHERE)).ifPresent(order -> builds(question, order));
            if (decision instanceof Decision.Reject) {
                refused.merge(decision.reason(), 1, Integer::sum);
            } else if (decision instanceof Decision.Build) {
                builds(question, decision);
                wait++;
            } else if (decision instanceof Decision.Wait) {
                wait++;
                if (decision.reason() == Reason.OUTSIDE_WINDOW) {
                    opens = Election.of(question).closed().stream()
                            .map(window -> window.nextOpening(question.state().now()))
                            .min(Comparator.naturalOrder());
                }
            } else {
                reuse++;
            }
        }

        private void builds(Question question, Decision order) {
            build = 1;
            builder =
                    builder.or(() -> Optional.of(question.nameOf(order.subject().host())));
        }

        Line line(String module) {
            return new Line(module, reuse, build, wait, Collections.unmodifiableMap(refused), builder, opens);
        }
    }
}
