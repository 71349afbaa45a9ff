package io.kmodfleet.deploy.demo;

import static org.assertj.core.api.Assertions.assertThat;

import io.kmodfleet.contracts.wire.TraceContext;
import io.kmodfleet.deploy.demo.Collector.Told;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;
import java.util.stream.Collectors;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/** One trace from what a host sees to the module that it has, over Kafka, the ledger, and the store. */
class TracesIT {

    private static final Collector COLLECTOR = new Collector();

    @RegisterExtension
    private final RehearsalExtension stage = new RehearsalExtension(COLLECTOR.settings());

    @AfterAll
    static void end() {
        COLLECTOR.close();
    }

    @Test
    void a_report_its_build_and_its_installation_are_one_trace_and_nothing_in_it_hangs_in_the_air() throws Exception {
        Rehearsal rehearsal = stage.rehearsal();
        rehearsal.wantModule(stage.roots());

        rehearsal.startAgent(stage.host("a", "host-a"));
        rehearsal.awaitAnswer("host-a", answer -> answer.equals("keep UP_TO_DATE"));
        rehearsal.await(
                "the spans of an installation",
                () -> named("decide module-installed").isPresent()
                        && named("agent build-succeeded").isPresent());

        Told installed = named("agent module-installed").orElseThrow();
        List<Told> trace = COLLECTOR.spans().stream()
                .filter(span -> span.trace().equals(installed.trace()))
                .toList();
        Map<String, Told> byId = trace.stream().collect(Collectors.toMap(Told::span, Function.identity()));
        assertThat(trace)
                .extracting(Told::name)
                .contains(
                        "agent host-reported",
                        "decide host-reported",
                        "agent build-succeeded",
                        "decide build-succeeded",
                        "decide package-stored",
                        "agent module-installed",
                        "decide module-installed");
        assertThat(trace).extracting(Told::service).contains("kmodfleet-coordinator", "kmodfleet-store");
        assertThat(trace)
                .filteredOn(span -> span.service().equals("kmodfleet-store"))
                .extracting(Told::name)
                .anyMatch(name -> name.startsWith("PUT /api/v1/packages"));

        Told built = one(trace, "agent build-succeeded");
        Told ordered = byId.get(built.parent().orElseThrow());
        Told reported = byId.get(ordered.parent().orElseThrow());
        assertThat(ordered.name()).isEqualTo("decide host-reported");
        assertThat(reported.name()).isEqualTo("agent host-reported");
        assertThat(reported.parent()).isEmpty();
        assertThat(built.begin()).isBefore(built.end()).isAfterOrEqualTo(ordered.begin());
        assertThat(byId.get(installed.parent().orElseThrow()).name()).startsWith("decide ");
        assertThat(trace).allSatisfy(span -> {
            assertThat(span.end()).isAfterOrEqualTo(span.begin());
            span.parent()
                    .ifPresent(parent -> assertThat(byId).as(span.toString()).containsKey(parent));
            assertThat(TraceContext.read("00-" + span.trace() + "-" + span.span() + "-01"))
                    .isPresent();
        });
        assertThat(rehearsal.kmodfleet("audit").exitCode()).isZero();
    }

    private static Optional<Told> named(String name) {
        return COLLECTOR.spans().stream()
                .filter(span -> span.name().equals(name))
                .findFirst();
    }

    private static Told one(List<Told> trace, String name) {
        return trace.stream()
                .filter(span -> span.name().equals(name))
                .findFirst()
                .orElseThrow();
    }
}
