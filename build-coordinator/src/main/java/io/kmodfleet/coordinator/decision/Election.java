package io.kmodfleet.coordinator.decision;

import io.kmodfleet.contracts.BuildTarget;
import io.kmodfleet.contracts.HostId;
import io.kmodfleet.contracts.HostReport;
import io.kmodfleet.contracts.KernelState;
import io.kmodfleet.contracts.Policy.Window;
import io.kmodfleet.contracts.SymbolMap;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Who builds a target: a host with its very image, everything that a build needs, the kernel's compiler, the policy's leave,
 * and no failure of its toolchain or recalled package behind it; nobody holds it. Of several: least failures and overdue builds, least busy,
 * who asked, then the least id, so that every replay elects the same.
 *
 * @param best none where nobody can now
 * @param closed the maintenance windows of those who could, were they open
 */
record Election(Optional<HostId> best, List<Window> closed) {

    static Election of(Question q) {
        List<Window> closed = new ArrayList<>();
        Comparator<HostId> order = order(q);
        HostId best = null;
        for (Map.Entry<HostId, HostId> entry : q.placement().builders()) {
            HostId host = entry.getKey();
            if (!canBuild(q, host)) {
                continue;
            }
            Optional<Window> window = q.policy().windowOf(q.state().report(host).orElseThrow());
            if (window.isPresent() && !window.get().isOpen(q.state().now())) {
                if (!closed.contains(window.get())) {
                    closed.add(window.get());
                }
            } else if (best == null || order.compare(host, best) < 0) {
                best = host;
            }
        }
        return new Election(Optional.ofNullable(best), closed);
    }

    /** Whether there is anybody at all, be it that their window is closed. */
    static boolean isPossible(Question q) {
        for (Map.Entry<HostId, HostId> entry : q.placement().builders()) {
            if (canBuild(q, entry.getKey())) {
                return true;
            }
        }
        return false;
    }

    private static Comparator<HostId> order(Question q) {
        TargetState target = q.target().orElse(TargetState.UNKNOWN);
        return Comparator.<HostId>comparingLong(host -> target.failuresOf(host) + target.timesOvertaken(host))
                .thenComparing(host -> q.state().buildsOf(host))
                .thenComparing(host -> !host.equals(q.subject().host()))
                .thenComparing(Comparator.naturalOrder());
    }

    private static boolean canBuild(Question q, HostId id) {
        BuildTarget target = q.asked().orElseThrow();
        TargetState known = q.state().target(target);
        HostState host = q.state().hosts().get(id).orElseThrow();
        HostReport report = host.report();
        KernelState kernel = report.kernel(target.release()).orElseThrow();
        boolean supported = q.policy()
                        .system(report.os())
                        .map(rule -> q.policy().isInstalled(rule.sinceRelease()))
                        .orElse(false)
                && q.policy().architectures().contains(report.arch());
        boolean wants = q.policy()
                .module(report, q.subject().module())
                .map(module -> module.source().equals(target.source()))
                .orElse(false);
        boolean hadBad = known.recalled().stream().anyMatch(bad -> bad.builder().equals(Optional.of(id)));
        return supported
                && q.state().held(id).isEmpty()
                && wants
                && !hadBad
                && host.hasCompilerOf(kernel)
                && q.policy().mayBuild(report)
                && q.policy().mayChange(report)
                && (!q.module().needsSymbolMap() || kernel.symbolMap() == SymbolMap.USABLE)
                && !known.failedWith(HostState.toolchainOf(id, report));
    }
}
