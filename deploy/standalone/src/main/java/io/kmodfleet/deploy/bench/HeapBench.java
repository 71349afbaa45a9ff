package io.kmodfleet.deploy.bench;

import io.kmodfleet.contracts.Envelope;
import io.kmodfleet.contracts.wire.CloudEvents;
import io.kmodfleet.contracts.wire.CloudEvents.Event;
import io.kmodfleet.contracts.wire.UnreadableEvent;
import io.kmodfleet.coordinator.decision.FleetState;
import io.kmodfleet.coordinator.decision.Step;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** What a coordinator keeps in memory of each host, read from the wire as it reads them. */
@Command(name = "heap", description = "Measure: bytes of heap for each host that is known.")
public final class HeapBench implements Callable<Integer> {

    @Option(names = "--hosts", defaultValue = "50000", description = "How many (default: ${DEFAULT-VALUE}).")
    private int hosts;

    private FleetState state = FleetState.empty();

    @Override
    public Integer call() throws InterruptedException, UnreadableEvent {
        Traffic traffic = new Traffic(hosts);
        for (Envelope envelope : Traffic.beginning(1)) {
            take(envelope);
        }
        long before = usedAfterGc();
        for (int i = 0; i < hosts; i++) {
            take(traffic.next());
        }
        long used = usedAfterGc() - before;
        Table.title("Heap of " + Table.number(state.hostCount()) + " hosts, each with a kernel and an answer");
        Table.atMost("bytes for each host", (double) used / state.hostCount(), 2048, "");
        return 0;
    }

    private void take(Envelope sent) throws UnreadableEvent {
        Event event = CloudEvents.write(sent);
        Map<String, byte[]> headers = new HashMap<>();
        event.headers().forEach((name, value) -> headers.put(name, value.getBytes(StandardCharsets.UTF_8)));
        Envelope envelope =
                CloudEvents.readObservation(event.key().getBytes(StandardCharsets.UTF_8), event.value(), headers);
        state = Step.take(state, envelope, Instant.EPOCH).after();
    }

    private static long usedAfterGc() throws InterruptedException {
        for (int i = 0; i < 5; i++) {
            System.gc();
            Thread.sleep(100);
        }
        return Runtime.getRuntime().totalMemory() - Runtime.getRuntime().freeMemory();
    }
}
