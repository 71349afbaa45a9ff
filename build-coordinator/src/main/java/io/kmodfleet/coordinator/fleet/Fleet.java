package io.kmodfleet.coordinator.fleet;

import io.kmodfleet.coordinator.fleet.FleetView.Answer;
import io.kmodfleet.coordinator.fleet.FleetView.Decided;
import io.kmodfleet.coordinator.fleet.FleetView.Host;
import io.kmodfleet.coordinator.fleet.FleetView.Letter;
import io.kmodfleet.coordinator.fleet.FleetView.Why;
import io.quarkus.hibernate.reactive.panache.common.WithSession;
import io.smallrye.mutiny.Uni;
import jakarta.enterprise.context.ApplicationScoped;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;

/** The queries behind the API and the page. */
@ApplicationScoped
@WithSession
class Fleet {

    Uni<List<Host>> hosts(String after, int limit) {
        return HostRow.page(after, limit).chain(this::withStanding);
    }

    /** Those a name can mean: none, one, or several. */
    Uni<List<Host>> hostsNamed(String name) {
        return HostRow.named(name).chain(this::withStanding);
    }

    Uni<Why> explain(Host host) {
        return StandingRow.of(List.of(host.host()))
                .map(rows -> new Why(
                        host.host(),
                        host.hostname(),
                        rows.stream().map(Answer::of).toList()));
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

    Uni<List<Letter>> deadLetters(int limit) {
        return DeadLetterRow.newest(limit)
                .map(rows -> rows.stream().map(Letter::of).toList());
    }

    private Uni<List<Host>> withStanding(List<HostRow> rows) {
        List<String> ids = rows.stream().map(row -> row.id).toList();
        return StandingRow.of(ids)
                .map(standing ->
                        rows.stream().map(row -> Host.of(row, standing)).toList());
    }
}
