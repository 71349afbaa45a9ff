package io.kmodfleet.coordinator.board;

import io.kmodfleet.contracts.Decision;
import io.kmodfleet.contracts.HostId;
import io.kmodfleet.contracts.HostReport;
import io.kmodfleet.contracts.KernelState;
import io.kmodfleet.contracts.Reason;
import io.kmodfleet.coordinator.decision.FleetState;
import io.kmodfleet.coordinator.decision.RebootSafety;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.SortedMap;

/**
 * One host on one line.
 *
 * @param kernel the release that runs; empty where the host does not say
 * @param reason of the answer about what blocks; absent where nothing blocks, or nothing was answered about it
 * @param because what blocks, in words; empty where nothing does
 * @param modules that answers are in force about
 * @param reasons of all answers in force
 * @param since ledger position of the answer about what blocks; 0 where there is none
 * @param silence there where nothing is heard of it; then it is the state too
 */
public record HostLine(
        HostId host,
        String hostname,
        String os,
        String kernel,
        SortedMap<String, String> labels,
        boolean observeOnly,
        Safety safety,
        Optional<Reason> reason,
        String because,
        List<String> modules,
        List<Reason> reasons,
        long since,
        Optional<Silence> silence) {

    /**
     * Nothing is heard of it.
     *
     * @param lastState the word that it had, and would have
     * @param heardAt when it was last heard of
     */
    public record Silence(Safety lastState, Instant heardAt) {}

    /** The same of a host that was last heard of then, and is silent since. */
    public HostLine silentSince(Instant heardAt) {
        return new HostLine(
                host,
                hostname,
                os,
                kernel,
                labels,
                observeOnly,
                Safety.SILENT,
                reason,
                because,
                modules,
                reasons,
                since,
                Optional.of(new Silence(safety, heardAt)));
    }

    /** @throws java.util.NoSuchElementException for a host that never reported */
    public static HostLine of(FleetState state, HostId host) {
        HostReport report = state.report(host).orElseThrow();
        RebootSafety reboot = RebootSafety.of(state, host);
        List<Decision> standing = state.standing(host);
        Optional<Decision> blocking = standing.stream()
                .filter(decision -> reboot.kernel()
                                .equals(Optional.of(decision.subject().release()))
                        && reboot.module().equals(Optional.of(decision.subject().module())))
                .findFirst();
        return new HostLine(
                host,
                report.hostname(),
                report.os().prettyName(),
                report.kernels().stream()
                        .filter(KernelState::running)
                        .findFirst()
                        .map(kernel -> kernel.identity().release())
                        .orElse(""),
                report.labels(),
                report.observeOnly(),
                isAccepted(state, reboot, standing) ? Safety.ACCEPTED : safety(reboot, blocking),
                blocking.map(Decision::reason),
                reboot.because(),
                standing.stream()
                        .map(decision -> decision.subject().module())
                        .distinct()
                        .sorted()
                        .toList(),
                standing.stream().map(Decision::reason).distinct().sorted().toList(),
                blocking.map(decision -> decision.id().position()).orElse(0L),
                Optional.empty());
    }

    /** Whether somebody lives with everything that holds it back. */
    private static boolean isAccepted(FleetState state, RebootSafety reboot, List<Decision> standing) {
        List<Decision> holding = reboot.answer() != RebootSafety.Answer.NOT_SAFE
                ? List.of()
                : standing.stream()
                        .filter(decision -> reboot.kernel()
                                .equals(Optional.of(decision.subject().release())))
                        .filter(decision ->
                                !(decision instanceof Decision.Keep keep) || keep.reason() != Reason.UP_TO_DATE)
                        .toList();
        return !holding.isEmpty()
                && holding.stream()
                        .allMatch(decision -> state.accepted(decision).isPresent());
    }

    private static Safety safety(RebootSafety reboot, Optional<Decision> blocking) {
        return switch (reboot.answer()) {
            case SAFE -> Safety.SAFE;
            case UNKNOWN -> Safety.UNKNOWN;
            case NOT_SAFE -> blocking.map(HostLine::safety).orElse(Safety.UNKNOWN);
        };
    }

    private static Safety safety(Decision blocking) {
        if (blocking instanceof Decision.Reject) {
            return Safety.REFUSED;
        }
        if (!(blocking instanceof Decision.Wait)) {
            return Safety.UNDER_WAY;
        }
        return switch (blocking.reason()) {
            case BUILD_RUNNING, BUILD_ELSEWHERE, CANARY_RUNNING -> Safety.UNDER_WAY;
            default -> Safety.WAITING;
        };
    }
}
