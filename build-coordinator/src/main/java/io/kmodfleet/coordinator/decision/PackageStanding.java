package io.kmodfleet.coordinator.decision;

import io.kmodfleet.contracts.BuildTarget;
import io.kmodfleet.contracts.Decision;
import io.kmodfleet.contracts.Digest;
import io.kmodfleet.contracts.HostId;
import io.kmodfleet.contracts.InstalledModule;
import io.kmodfleet.contracts.KernelState;
import io.kmodfleet.contracts.Policy;
import io.kmodfleet.contracts.Policy.WantedModule;
import io.kmodfleet.contracts.Proof;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;

/**
 * What a package is to the fleet now: what a catalogue shows of it, and what must be known before it is removed.
 *
 * @param state in one word
 * @param why it was recalled
 * @param builders how many were asked to build it and gave the very same modules
 * @param hosts how many have a module of it for any of their kernels, or are told to install it
 * @param kernels how many hosts have the kernel that it was built for
 */
public record PackageStanding(Digest digest, State state, Optional<String> why, int builders, int hosts, int kernels) {

    /** Wire names, in lower case. */
    public enum State {
        CANDIDATE,
        PROVEN,
        RECALLED
    }

    /** A package as whoever asks knows it. */
    public record Asked(Digest digest, String module, BuildTarget target) {}

    /** In the order of the question; one that the ledger does not know is a candidate. */
    public static List<PackageStanding> of(FleetState state, List<Asked> asked) {
        Map<Digest, Set<HostId>> holders = holders(state, asked);
        List<PackageStanding> standings = new ArrayList<>(asked.size());
        for (Asked one : asked) {
            Optional<PackageState> known = state.target(one.target()).find(one.digest());
            standings.add(new PackageStanding(
                    one.digest(),
                    known.map(found -> stateOf(found, proofOf(state, one.module())))
                            .orElse(State.CANDIDATE),
                    known.flatMap(PackageState::recalled),
                    known.map(state.target(one.target())::buildersOf).orElse(0),
                    holders.get(one.digest()).size(),
                    state.hostsWith(KernelImage.of(one.target())).size()));
        }
        return standings;
    }

    private static State stateOf(PackageState known, Proof wanted) {
        if (known.isRecalled()) {
            return State.RECALLED;
        }
        return known.isProven(wanted) ? State.PROVEN : State.CANDIDATE;
    }

    /** As the policy asks of everybody; a group may ask for more. */
    static Proof proofOf(FleetState state, String module) {
        return state.policy().map(Policy::modules).orElse(List.of()).stream()
                .filter(wanted -> wanted.name().equals(module))
                .map(WantedModule::proof)
                .findFirst()
                .orElse(Proof.LOAD);
    }

    /** One look at every host, however many packages are asked for. */
    private static Map<Digest, Set<HostId>> holders(FleetState state, List<Asked> asked) {
        Map<Digest, Set<HostId>> holders = new TreeMap<>();
        Map<Digest, List<Digest>> packagesWithBody = new TreeMap<>();
        for (Asked one : asked) {
            holders.put(one.digest(), new TreeSet<>());
            state.target(one.target())
                    .find(one.digest())
                    .map(PackageState::bodies)
                    .orElse(List.of())
                    .forEach(body -> packagesWithBody
                            .computeIfAbsent(body, unseen -> new ArrayList<>())
                            .add(one.digest()));
        }
        for (Map.Entry<HostId, HostState> host : state.hosts()) {
            for (KernelState kernel : host.getValue().report().kernels()) {
                for (InstalledModule module : kernel.modules()) {
                    packagesWithBody.getOrDefault(module.body(), List.of()).forEach(digest -> holders.get(digest)
                            .add(host.getKey()));
                }
            }
            host.getValue().standing().forEach(standing -> {
                if (standing.getValue().decision() instanceof Decision.Reuse told
                        && holders.containsKey(told.packageDigest())) {
                    holders.get(told.packageDigest()).add(host.getKey());
                }
            });
        }
        return holders;
    }
}
