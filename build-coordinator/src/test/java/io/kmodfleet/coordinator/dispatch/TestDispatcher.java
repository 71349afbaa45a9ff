package io.kmodfleet.coordinator.dispatch;

import java.util.Map;

/** A real one, for a broker that a test has started. */
public final class TestDispatcher {

    private TestDispatcher() {}

    public static Dispatcher to(String broker) {
        return new Dispatcher(Map.of("bootstrap.servers", broker));
    }

    public static void end(Dispatcher dispatcher) {
        dispatcher.end();
    }
}
