package io.kmodfleet.coordinator.fleet;

import io.kmodfleet.contracts.Decision;
import io.kmodfleet.contracts.HostId;
import io.kmodfleet.coordinator.decision.FleetState;
import io.kmodfleet.coordinator.decision.Trail;
import io.kmodfleet.coordinator.fleet.FleetView.Answer;
import io.kmodfleet.coordinator.fleet.FleetView.Decided;
import io.kmodfleet.coordinator.fleet.FleetView.Host;
import io.kmodfleet.coordinator.fleet.FleetView.Items;
import io.kmodfleet.coordinator.fleet.FleetView.Letter;
import io.kmodfleet.coordinator.fleet.FleetView.Version;
import io.kmodfleet.coordinator.fleet.FleetView.Why;
import io.kmodfleet.coordinator.heartbeat.Heartbeats;
import io.kmodfleet.coordinator.intake.CoordinatorLoop;
import io.quarkus.hibernate.reactive.panache.common.WithSession;
import io.smallrye.mutiny.Uni;
import jakarta.enterprise.context.ApplicationScoped;
import java.time.Instant;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;

/** The queries behind the API and the page. */
@ApplicationScoped
@WithSession
class Fleet {

    private final CoordinatorLoop loop;
    private final Heartbeats heartbeats;

    Fleet(CoordinatorLoop loop, Heartbeats heartbeats) {
        this.loop = loop;
        this.heartbeats = heartbeats;
    }

    Uni<Items<Host>> hosts(String after, int limit) {
        return HostRow.page(after, limit)
                .map(rows -> new Items<>(
                        known(rows),
                        rows.size() < limit ? Optional.empty() : Optional.of(rows.get(rows.size() - 1).id)));
    }

    /** Those a name can mean: none, one, or several. */
    Uni<List<Host>> hostsNamed(String name) {
        return HostRow.named(name).map(this::known);
    }

    /** @throws Problem (as failure) where it is nobody's name, or several hosts' */
    Uni<Host> hostMeantBy(String name) {
        return hostsNamed(name).map(found -> {
            List<Host> exact =
                    found.stream().filter(host -> host.host().equals(name)).toList();
            List<Host> meant = exact.isEmpty() ? found : exact;
            if (meant.isEmpty()) {
                throw new Problem(
                        404,
                        "No such host",
                        "Expected a host id, the first six or more digits of one, or a host name, but no host is called '"
                                + name + "'. See /api/v1/hosts");
            }
            if (meant.size() > 1) {
                throw new Problem(
                        409,
                        "Several hosts",
                        "Expected one host, but '" + name + "' may be "
                                + String.join(
                                        ", ", meant.stream().map(Host::host).toList()));
            }
            return meant.get(0);
        });
    }

    /** @param kernel only that release */
    Uni<Why> explain(Host host, Optional<String> kernel) {
        FleetState state = loop.state();
        List<Decision> standing = state.standing(new HostId(host.host())).stream()
                .filter(decision ->
                        kernel.map(decision.subject().release()::equals).orElse(true))
                .toList();
        List<Long> positions =
                standing.stream().map(decision -> decision.id().position()).toList();
        return DecisionRow.at(host.host(), positions).map(rows -> {
            Map<Long, Instant> times = new HashMap<>();
            rows.forEach(row -> times.put(row.position, row.takenAt));
            return new Why(
                    host.host(),
                    host.hostname(),
                    host.reboot(),
                    standing.stream()
                            .map(decision -> Answer.of(
                                    decision,
                                    times.get(decision.id().position()),
                                    Trail.of(state, decision.subject())
                                            .map(Trail::rules)
                                            .orElse(List.of())))
                            .toList());
        });
    }

    Uni<List<Decided>> decisions(Optional<String> host, long before, int limit) {
        return DecisionRow.newest(host, before, limit).chain(rows -> {
            List<String> ids = rows.stream().map(row -> row.host).distinct().toList();
            return HostRow.<HostRow>list("id in ?1", ids).map(hosts -> {
                Map<String, String> names =
                        hosts.stream().collect(Collectors.toMap(row -> row.id, row -> row.hostname));
                return rows.stream()
                        .map(row -> Decided.of(row, names.getOrDefault(row.host, "")))
                        .toList();
            });
        });
    }

    Uni<Optional<PolicyRow>> policy() {
        return PolicyRow.current().map(Optional::ofNullable);
    }

    Uni<List<Version>> policies(long before, int limit) {
        return PolicyRow.before(before, limit)
                .map(rows -> rows.stream().map(Version::of).toList());
    }

    /** The one that was published there. */
    Uni<Optional<PolicyRow>> policyAt(long position) {
        return PolicyRow.<PolicyRow>findById(position).map(Optional::ofNullable);
    }

    Uni<List<Letter>> deadLetters(int limit) {
        return DeadLetterRow.newest(limit)
                .map(rows -> rows.stream().map(Letter::of).toList());
    }

    private List<Host> known(List<HostRow> rows) {
        FleetState state = loop.state();
        return rows.stream()
                .flatMap(row -> Host.of(row, state, heartbeats.silentSince(new HostId(row.id))).stream())
                .toList();
    }
}
