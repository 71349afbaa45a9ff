package io.kmodfleet.coordinator.trace;

import io.kmodfleet.contracts.wire.TraceContext;
import io.opentelemetry.sdk.trace.IdGenerator;
import jakarta.inject.Singleton;
import java.util.function.Supplier;

/** Random ids, except for spans whose ids others know already: they stood in a header, or follow from the ledger's position. */
@Singleton
class SpanIds implements IdGenerator {

    private final IdGenerator random = IdGenerator.random();
    private final ThreadLocal<TraceContext> given = new ThreadLocal<>();

    /** Has the spans that are begun meanwhile, which is one, called so. */
    <T> T with(TraceContext ids, Supplier<T> begin) {
        given.set(ids);
        try {
            return begin.get();
        } finally {
            given.remove();
        }
    }

    @Override
    public String generateSpanId() {
        TraceContext ids = given.get();
        return ids == null ? random.generateSpanId() : ids.span();
    }

    @Override
    public String generateTraceId() {
        TraceContext ids = given.get();
        return ids == null ? random.generateTraceId() : ids.trace();
    }
}
