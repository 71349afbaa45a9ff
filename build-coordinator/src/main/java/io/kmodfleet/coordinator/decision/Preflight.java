package io.kmodfleet.coordinator.decision;

import io.kmodfleet.contracts.Check;
import io.kmodfleet.contracts.Compiler;
import io.kmodfleet.contracts.Decision;
import io.kmodfleet.contracts.DecisionId;
import io.kmodfleet.contracts.Digest;
import io.kmodfleet.contracts.HostId;
import io.kmodfleet.contracts.HostReport;
import io.kmodfleet.contracts.HostReport.SecureBoot;
import io.kmodfleet.contracts.KernelIdentity;
import io.kmodfleet.contracts.KernelState;
import io.kmodfleet.contracts.OperatingSystem;
import io.kmodfleet.contracts.Policy.WantedModule;
import io.kmodfleet.contracts.Reason;
import io.kmodfleet.contracts.Subject;
import io.kmodfleet.contracts.SymbolMap;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.LinkedHashMap;
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
        return of(state, kernel, kernel.image().isEmpty());
    }

    /** @param together whether hosts that no rule can tell apart are asked about once; right where no target of the kernel is known */
    static Preflight of(FleetState state, KernelIdentity kernel, boolean together) {
        KernelIdentity meant = new KernelIdentity(
                kernel.arch(),
                kernel.release(),
                kernel.version(),
                Optional.of(kernel.image().orElse(NO_IMAGE)),
                kernel.config(),
                Optional.empty());
        int hosts = 0;
        Map<Object, Group> groups = new LinkedHashMap<>();
        FleetState upgraded = state;
        for (Map.Entry<HostId, HostState> entry : state.hosts()) {
            HostId host = entry.getKey();
            HostReport report = entry.getValue().report();
            if (!report.arch().equals(kernel.arch())) {
                continue;
            }
            hosts++;
            boolean alone = !together || state.held(host).isPresent() || state.buildsOf(host) > 0;
            Group group = groups.computeIfAbsent(alone ? host : Alike.of(report), any -> new Group(host));
            group.size++;
            if (group.first.equals(host)) {
                upgraded = withKernel(upgraded, host, entry.getValue(), meant);
            }
        }
        Map<String, Count> counts = new TreeMap<>();
        for (Group group : groups.values()) {
            HostId host = group.first;
            HostReport report = upgraded.report(host).orElseThrow();
            for (WantedModule module :
                    upgraded.policy().map(policy -> policy.modules(report)).orElse(List.of())) {
                Question question = Question.of(upgraded, new Subject(host, meant.release(), module.name()))
                        .orElseThrow();
                counts.computeIfAbsent(module.name(), any -> new Count()).add(question, group.size);
            }
        }
        List<Line> lines = new ArrayList<>();
        counts.forEach((module, count) -> lines.add(count.line(module)));
        return new Preflight(hosts, List.copyOf(lines));
    }

    /** Everything of a host that a rule can ask about with a kernel that it does not have. */
    private record Alike(
            OperatingSystem os,
            boolean observeOnly,
            List<Check> checks,
            Map<String, String> labels,
            Optional<Compiler> compiler,
            Optional<SecureBoot> secureBoot,
            Optional<SymbolMap> symbolMap,
            List<Check> kernelChecks,
            Optional<Compiler> kernelCompiler) {

        static Alike of(HostReport report) {
            Optional<KernelState> like = like(report);
            return new Alike(
                    report.os(),
                    report.observeOnly(),
                    report.checks(),
                    report.labels(),
                    report.compiler(),
                    report.secureBoot(),
                    like.map(KernelState::symbolMap),
                    like.map(KernelState::checks).orElse(List.of()),
                    like.flatMap(KernelState::compiler));
        }
    }

    /** Hosts that get the same answer as the first of them. */
    private static final class Group {
        private final HostId first;
        private int size;

        Group(HostId first) {
            this.first = first;
        }
    }

    /** The kernel that another one is taken to be like: the one that runs, else the last. */
    private static Optional<KernelState> like(HostReport report) {
        return report.kernels().stream()
                .max(Comparator.comparing(KernelState::running)
                        .thenComparing(known -> known.identity().release()));
    }

    private static FleetState withKernel(FleetState state, HostId id, HostState host, KernelIdentity kernel) {
        HostReport report = host.report();
        Optional<KernelState> like = like(report);
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

    /** One module, group by group. */
    private static final class Count {
        private final Map<Reason, Integer> refused = new TreeMap<>();
        private int reuse;
        private int wait;
        private int build;
        private Optional<String> builder = Optional.empty();
        private Optional<Instant> opens = Optional.empty();

        void add(Question question, int hosts) {
            Rules.Answer answer = Rules.answer(question);
            Decision decision = answer.draft().with(NOWHERE);
            answer.alsoFor().map(draft -> draft.with(NOWHERE)).ifPresent(order -> builds(question, order));
            if (decision instanceof Decision.Reject) {
                refused.merge(decision.reason(), hosts, Integer::sum);
            } else if (decision instanceof Decision.Build) {
                builds(question, decision);
                wait += hosts;
            } else if (decision instanceof Decision.Wait) {
                wait += hosts;
                if (decision.reason() == Reason.OUTSIDE_WINDOW) {
                    opens = Election.of(question).closed().stream()
                            .map(window -> window.nextOpening(question.state().now()))
                            .min(Comparator.naturalOrder());
                }
            } else {
                reuse += hosts;
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
