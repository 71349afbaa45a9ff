package io.kmodfleet.coordinator.decision;

import io.kmodfleet.contracts.Digest;
import io.kmodfleet.contracts.HostId;
import io.kmodfleet.contracts.KernelInterface;
import io.kmodfleet.contracts.Proof;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * One package of a target. It is offered when a builder claims it for a build that was ordered and the store found it right;
 * it is proven when one host has shown what the policy asks for; it is recalled when somebody says so or hosts cannot load it.
 *
 * @param builder who built it on order
 * @param toolchain what it was built with
 * @param bodies the bodies of its modules, once the store has it
 * @param needs what its modules ask of a kernel
 * @param offeredAt the ledger position at which it was both claimed and stored
 * @param proof the most that any host has shown of it
 * @param canary the one host that may try it before it is proven
 * @param abandoned whether its canary is gone, or forgot that it was to try
 * @param failedOn hosts on which it could not be installed, in order
 * @param notLoadedOn hosts that could not load it, in order
 * @param recalled why no host gets it any more
 * @param damaged whether the store has lost its bytes, since rules 3
 * @param told hosts that were told to install it
 * @param served those of them that reported success
 * @param awaited who was told to install it and has not said how that went
 */
record PackageState(
        Digest digest,
        Optional<HostId> builder,
        String toolchain,
        List<Digest> bodies,
        Optional<KernelInterface> needs,
        Optional<Long> offeredAt,
        Optional<Proof> proof,
        Optional<HostId> canary,
        boolean abandoned,
        List<HostId> failedOn,
        List<HostId> notLoadedOn,
        Optional<String> recalled,
        boolean damaged,
        PersistentMap<HostId, HostId> told,
        PersistentMap<HostId, HostId> served,
        Optional<Awaited> awaited) {

    /**
     * @param since when the last of them was told
     * @param length how long others wait for them
     */
    record Awaited(PersistentMap<HostId, HostId> hosts, Instant since, Duration length) {

        Instant until() {
            return since.plus(length);
        }
    }

    static PackageState unheardOf(Digest digest) {
        return new PackageState(
                digest,
                Optional.empty(),
                "",
                List.of(),
                Optional.empty(),
                Optional.empty(),
                Optional.empty(),
                Optional.empty(),
                false,
                List.of(),
                List.of(),
                Optional.empty(),
                false,
                PersistentMap.empty(),
                PersistentMap.empty(),
                Optional.empty());
    }

    boolean isOffered() {
        return offeredAt.isPresent();
    }

    boolean isRecalled() {
        return recalled.isPresent();
    }

    /** Whether hosts may get it: built on order, found right, still there, and not recalled. */
    boolean counts() {
        return isOffered() && !isRecalled() && !damaged;
    }

    /** Whether the modules of both are the same, byte for byte. */
    boolean hasModulesOf(PackageState other) {
        return bodies.size() == other.bodies.size()
                && bodies.containsAll(other.bodies)
                && other.bodies.containsAll(bodies);
    }

    boolean isProven(Proof wanted) {
        return proof.map(shown -> shown.covers(wanted)).orElse(false);
    }

    boolean failedAnyhowOn(HostId host) {
        return failedOn.contains(host) || notLoadedOn.contains(host);
    }

    /** Hosts that could not use it. */
    int failures() {
        return failedOn.size() + notLoadedOn.size();
    }

    /** The builder tries its own package first. */
    PackageState builtBy(HostId host, String with, long position) {
        return builder.isPresent()
                ? this
                : copy(
                        Optional.of(host),
                        with,
                        bodies,
                        needs,
                        bodies.isEmpty() ? offeredAt : Optional.of(position),
                        proof,
                        Optional.of(host));
    }

    PackageState storedWith(List<Digest> found, Optional<KernelInterface> asks, long position) {
        Optional<Long> since = offeredAt.isPresent() || builder.isEmpty() ? offeredAt : Optional.of(position);
        return copy(builder, toolchain, List.copyOf(found), asks, since, proof, canary);
    }

    PackageState shown(Proof more) {
        return isProven(more) ? this : copy(builder, toolchain, bodies, needs, offeredAt, Optional.of(more), canary);
    }

    /** @param twin another package with the same modules */
    PackageState knowing(PackageState twin) {
        PackageState bad = twin.recalled().map(this::recalledFor).orElse(this);
        return bad.isOffered() && twin.isOffered()
                ? twin.proof().map(bad::shown).orElse(bad)
                : bad;
    }

    PackageState triedBy(HostId next) {
        return canary.equals(Optional.of(next)) && !abandoned
                ? this
                : copy(builder, toolchain, bodies, needs, offeredAt, proof, Optional.of(next))
                        .abandoned(false);
    }

    PackageState failedOn(HostId host) {
        return failedOn.contains(host)
                ? this
                : answeredBy(host).copy(with(failedOn, host), notLoadedOn, recalled, told, served);
    }

    PackageState notLoadedOn(HostId host) {
        return notLoadedOn.contains(host)
                ? this
                : answeredBy(host).copy(failedOn, with(notLoadedOn, host), recalled, told, served);
    }

    PackageState recalledFor(String why) {
        return isRecalled() ? this : copy(failedOn, notLoadedOn, Optional.of(why), told, served);
    }

    PackageState damaged(boolean now) {
        return now == damaged
                ? this
                : new PackageState(
                        digest,
                        builder,
                        toolchain,
                        bodies,
                        needs,
                        offeredAt,
                        proof,
                        canary,
                        abandoned,
                        failedOn,
                        notLoadedOn,
                        recalled,
                        now,
                        told,
                        served,
                        awaited);
    }

    /** Somebody asked to try again. */
    PackageState forgiven(Optional<HostId> onlyOn) {
        if (failedOn.isEmpty() && notLoadedOn.isEmpty()) {
            return this;
        }
        return copy(without(failedOn, onlyOn), without(notLoadedOn, onlyOn), recalled, told, served);
    }

    PackageState toldTo(HostId host) {
        return told.get(host).isPresent() ? this : copy(failedOn, notLoadedOn, recalled, told.with(host, host), served);
    }

    /** Others wait for it, but not for ever. */
    PackageState awaiting(HostId host, Instant now, Duration length) {
        PersistentMap<HostId, HostId> hosts = awaited.map(Awaited::hosts).orElse(PersistentMap.empty());
        return awaited(Optional.of(new Awaited(hosts.with(host, host), now, length)));
    }

    PackageState answeredBy(HostId host) {
        return awaited.filter(who -> who.hosts().get(host).isPresent())
                .map(who -> awaited(Optional.of(new Awaited(who.hosts().without(host), who.since(), who.length()))
                        .filter(rest -> !rest.hosts().isEmpty())))
                .orElse(this);
    }

    /** Whoever has not answered by now is waited for no longer. */
    PackageState withoutSilent() {
        PackageState rest = this;
        for (HostId silent : awaited.map(who -> who.hosts().keys()).orElse(List.of())) {
            rest = rest.notToldTo(silent);
        }
        return rest;
    }

    /** Nobody waits for a host that is gone or forgot. */
    PackageState notToldTo(HostId host) {
        return answeredBy(host).withoutTold(host);
    }

    private PackageState withoutTold(HostId host) {
        PackageState rest = told.get(host).isEmpty()
                ? this
                : copy(failedOn, notLoadedOn, recalled, told.without(host), served.without(host));
        return canary.equals(Optional.of(host)) && !abandoned ? rest.abandoned(true) : rest;
    }

    private PackageState awaited(Optional<Awaited> now) {
        return copy(abandoned, now);
    }

    private PackageState abandoned(boolean now) {
        return copy(now, awaited);
    }

    private PackageState copy(boolean abandoned, Optional<Awaited> awaited) {
        return new PackageState(
                digest,
                builder,
                toolchain,
                bodies,
                needs,
                offeredAt,
                proof,
                canary,
                abandoned,
                failedOn,
                notLoadedOn,
                recalled,
                damaged,
                told,
                served,
                awaited);
    }

    PackageState servedTo(HostId host) {
        return answeredBy(host).countServed(host);
    }

    private PackageState countServed(HostId host) {
        return served.get(host).isPresent() || told.get(host).isEmpty()
                ? this
                : copy(failedOn, notLoadedOn, recalled, told, served.with(host, host));
    }

    private static List<HostId> with(List<HostId> hosts, HostId host) {
        List<HostId> more = new ArrayList<>(hosts);
        more.add(host);
        return List.copyOf(more);
    }

    private static List<HostId> without(List<HostId> hosts, Optional<HostId> host) {
        return hosts.stream()
                .filter(known -> host.isPresent() && !known.equals(host.get()))
                .toList();
    }

    private PackageState copy(
            Optional<HostId> builder,
            String toolchain,
            List<Digest> bodies,
            Optional<KernelInterface> needs,
            Optional<Long> offeredAt,
            Optional<Proof> proof,
            Optional<HostId> canary) {
        return new PackageState(
                digest,
                builder,
                toolchain,
                bodies,
                needs,
                offeredAt,
                proof,
                canary,
                abandoned && canary.equals(this.canary),
                failedOn,
                notLoadedOn,
                recalled,
                damaged,
                told,
                served,
                awaited);
    }

    private PackageState copy(
            List<HostId> failedOn,
            List<HostId> notLoadedOn,
            Optional<String> recalled,
            PersistentMap<HostId, HostId> told,
            PersistentMap<HostId, HostId> served) {
        return new PackageState(
                digest,
                builder,
                toolchain,
                bodies,
                needs,
                offeredAt,
                proof,
                canary,
                abandoned,
                failedOn,
                notLoadedOn,
                recalled,
                damaged,
                told,
                served,
                awaited);
    }
}
