package io.kmodfleet.coordinator.trace;

import com.github.benmanes.caffeine.cache.Cache;
import com.github.benmanes.caffeine.cache.Caffeine;
import io.kmodfleet.contracts.DecisionId;
import io.kmodfleet.contracts.Envelope;
import io.kmodfleet.contracts.Observation;
import io.kmodfleet.contracts.wire.TraceContext;
import io.kmodfleet.coordinator.intake.CoordinatorLoop;
import io.kmodfleet.coordinator.intake.CoordinatorLoop.Traced;
import io.kmodfleet.coordinator.ledger.LedgerEntry;
import io.opentelemetry.api.OpenTelemetry;
import io.opentelemetry.api.common.AttributeKey;
import io.opentelemetry.api.trace.Span;
import io.opentelemetry.api.trace.SpanBuilder;
import io.opentelemetry.api.trace.SpanContext;
import io.opentelemetry.api.trace.SpanKind;
import io.opentelemetry.api.trace.StatusCode;
import io.opentelemetry.api.trace.TraceFlags;
import io.opentelemetry.api.trace.TraceState;
import io.opentelemetry.api.trace.Tracer;
import io.opentelemetry.context.Context;
import io.quarkus.runtime.StartupEvent;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.enterprise.event.Observes;
import java.time.Instant;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import org.eclipse.microprofile.config.inject.ConfigProperty;
import org.jboss.logging.Logger;

/**
 * Of every entry that belongs to a trace two spans: what the host did, on its behalf (an agent has no exporter: it is to stay small),
 * and the decision, from its commit until its commands were out. Off by default, and then it is not even told.
 */
@ApplicationScoped
class Spans {

    private static final Logger LOG = Logger.getLogger(Spans.class);
    private static final int DECISIONS = 20_000;
    private static final int NAMED = 20;
    private static final AttributeKey<String> PART = AttributeKey.stringKey("kmodfleet.part");
    private static final AttributeKey<String> HOST = AttributeKey.stringKey("kmodfleet.host");
    private static final AttributeKey<Long> POSITION = AttributeKey.longKey("kmodfleet.position");
    private static final AttributeKey<List<String>> ANSWERS = AttributeKey.stringArrayKey("kmodfleet.decisions");

    private final CoordinatorLoop loop;
    private final SpanIds ids;
    private final Tracer tracer;
    private final boolean off;

    /** When the last entries were taken: what came of their commands began then. */
    private final Cache<Long, Instant> taken =
            Caffeine.newBuilder().maximumSize(DECISIONS).build();

    Spans(
            CoordinatorLoop loop,
            SpanIds ids,
            OpenTelemetry telemetry,
            @ConfigProperty(name = "quarkus.otel.sdk.disabled") boolean off) {
        this.loop = loop;
        this.ids = ids;
        this.tracer = telemetry.getTracer("io.kmodfleet.coordinator");
        this.off = off;
    }

    void onStart(@Observes StartupEvent event) {
        if (!off) {
            loop.trace(this::tell);
            LOG.info("traces are told to a collector");
        }
    }

    /** By whoever sends: what goes wrong in here is no trouble of his. */
    private void tell(Traced traced) {
        try {
            if (traced.cause().sampled()) {
                TraceContext cause = traced.cause();
                LedgerEntry entry = traced.entry();
                if (!entry.decisions().isEmpty()) {
                    taken.put(entry.position(), entry.takenAt());
                }
                if (isHost(entry.envelope())) {
                    workOf(cause, entry.envelope());
                }
                decision(cause, entry);
            }
        } catch (RuntimeException e) {
            LOG.warnf("trace not told position=%d error=%s", traced.entry().position(), e);
        }
    }

    private void workOf(TraceContext cause, Envelope envelope) {
        Observation observation = envelope.observation();
        Optional<DecisionId> order = orderOf(observation);
        Instant end = envelope.at();
        Instant begin = observation instanceof Observation.BuildSucceeded built
                ? end.minusMillis(built.millis())
                : order.map(id -> taken.getIfPresent(id.position()))
                        .filter(at -> at.isBefore(end))
                        .orElse(end);
        SpanBuilder span = tracer.spanBuilder("agent " + nameOf(observation))
                .setSpanKind(order.isPresent() ? SpanKind.CONSUMER : SpanKind.PRODUCER)
                .setParent(
                        order.map(id -> remote(cause.atPosition(id.position()))).orElse(Context.root()))
                .setStartTimestamp(begin)
                .setAttribute(PART, "agent")
                .setAttribute(HOST, envelope.source());
        Span begun = ids.with(cause, span::startSpan);
        errorOf(observation).ifPresent(error -> begun.setStatus(StatusCode.ERROR, error));
        begun.end(end);
    }

    private void decision(TraceContext cause, LedgerEntry entry) {
        SpanBuilder span = tracer.spanBuilder(
                        "decide " + nameOf(entry.envelope().observation()))
                .setSpanKind(SpanKind.CONSUMER)
                .setParent(remote(cause))
                .setStartTimestamp(entry.takenAt())
                .setAttribute(PART, "coordinator")
                .setAttribute(POSITION, entry.position())
                .setAttribute(
                        ANSWERS,
                        entry.decisions().stream()
                                .limit(NAMED)
                                .map(decision -> decision.getClass().getSimpleName() + " " + decision.reason() + " "
                                        + decision.subject().host())
                                .toList());
        Instant now = Instant.now();
        ids.with(cause.atPosition(entry.position()), span::startSpan)
                .end(now.isBefore(entry.takenAt()) ? entry.takenAt() : now);
    }

    private static Context remote(TraceContext cause) {
        return Context.root()
                .with(Span.wrap(SpanContext.createFromRemoteParent(
                        cause.trace(), cause.span(), TraceFlags.getSampled(), TraceState.getDefault())));
    }

    private static boolean isHost(Envelope envelope) {
        return !List.of(Envelope.STORE, Envelope.OPERATOR, Envelope.TICKER).contains(envelope.source());
    }

    /** What it was told to do. */
    private static Optional<DecisionId> orderOf(Observation observation) {
        if (observation instanceof Observation.BuildSucceeded built) {
            return Optional.of(built.build());
        }
        if (observation instanceof Observation.BuildFailed failed) {
            return Optional.of(failed.build());
        }
        if (observation instanceof Observation.ModuleInstalled installed) {
            return Optional.of(installed.command());
        }
        if (observation instanceof Observation.InstallFailed failed) {
            return Optional.of(failed.command());
        }
        return observation instanceof Observation.LoadFailed failed ? Optional.of(failed.command()) : Optional.empty();
    }

    private static Optional<String> errorOf(Observation observation) {
        if (observation instanceof Observation.BuildFailed failed) {
            return Optional.of(failed.error());
        }
        if (observation instanceof Observation.InstallFailed failed) {
            return Optional.of(failed.error());
        }
        return observation instanceof Observation.LoadFailed failed ? Optional.of(failed.error()) : Optional.empty();
    }

    /** As on the wire. */
    private static String nameOf(Observation observation) {
        return observation
                .getClass()
                .getSimpleName()
                .replaceAll("([a-z])([A-Z])", "$1-$2")
                .toLowerCase(Locale.ROOT);
    }
}
