package io.kmodfleet.coordinator.intake;

import io.kmodfleet.contracts.Binding;
import io.kmodfleet.contracts.Check;
import io.kmodfleet.contracts.Digest;
import io.kmodfleet.contracts.Envelope;
import io.kmodfleet.contracts.HostId;
import io.kmodfleet.contracts.HostReport;
import io.kmodfleet.contracts.KernelIdentity;
import io.kmodfleet.contracts.KernelRange;
import io.kmodfleet.contracts.KernelState;
import io.kmodfleet.contracts.Observation;
import io.kmodfleet.contracts.OperatingSystem;
import io.kmodfleet.contracts.Policy;
import io.kmodfleet.contracts.Proof;
import io.kmodfleet.contracts.SymbolMap;
import io.kmodfleet.contracts.wire.CloudEvents;
import io.kmodfleet.contracts.wire.CloudEvents.Event;
import io.kmodfleet.contracts.wire.Topics;
import io.kmodfleet.coordinator.decision.FleetState;
import io.kmodfleet.coordinator.decision.Step;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.TreeMap;
import org.apache.kafka.clients.consumer.ConsumerRecord;

/** Observations as they arrive: a source, a policy, and hosts that can build. */
public final class Observed {

    static final Instant AT = Instant.parse("2026-11-24T03:00:00.000001Z");
    private static final Digest SOURCE = digest("source");

    private Observed() {}

    /** A source and a policy that wants it. */
    public static List<Envelope> beginning() {
        Observation source = new Observation.SourceStored(SOURCE, "v4l2loopback", "0.12.7", Binding.SYMBOL_CRC);
        Policy.WantedModule wanted = new Policy.WantedModule(
                "v4l2loopback",
                "0.12.7",
                SOURCE,
                Binding.EXACT_IMAGE,
                Proof.INSTALL,
                Optional.empty(),
                Optional.empty());
        Policy policy = new Policy(
                1,
                "6.10",
                new KernelRange("5.15", "6.8"),
                List.of("x86_64"),
                List.of(new Policy.SystemRule("debian", "12", "6.7", Optional.empty())),
                List.of(wanted),
                Policy.Limits.ofFailures(2),
                List.of(),
                List.of(),
                Optional.empty(),
                Optional.empty(),
                Optional.empty());
        return List.of(
                new Envelope(Envelope.STORE, 1, 1, AT, source),
                new Envelope(Envelope.OPERATOR, 1, 1, AT, new Observation.PolicyPublished("ada", policy)));
    }

    /** A host that can build, and has the kernel image of that name. */
    public static Envelope report(String name, long sequence, String image) {
        return report(name, sequence, image, new Check(Check.Piece.DKMS, true, "dkms-3.0.10", ""));
    }

    /** A host that cannot build. */
    public static Envelope unable(String name, String image) {
        return report(name, 1, image, new Check(Check.Piece.DKMS, false, "not found", "apt-get install dkms"));
    }

    private static Envelope report(String name, long sequence, String image, Check dkms) {
        KernelState kernel = new KernelState(
                new KernelIdentity(
                        "x86_64",
                        "6.1.0-" + image,
                        Optional.empty(),
                        Optional.of(digest(image)),
                        Optional.empty(),
                        Optional.empty()),
                true,
                SymbolMap.STUB,
                true,
                Optional.empty(),
                Optional.empty(),
                List.of(),
                List.of(),
                Optional.empty(),
                Optional.empty());
        HostReport report = new HostReport(
                name,
                new OperatingSystem("debian", "12", "Debian 12"),
                "x86_64",
                false,
                List.of(dkms),
                List.of(kernel),
                new TreeMap<>(),
                Optional.empty(),
                Optional.empty());
        HostId host = HostId.fromMachineId(digest(name).hex().substring(0, 32));
        return new Envelope(host.value(), 1, sequence, AT, new Observation.HostReported(host, report));
    }

    static FleetState withABuildUnderWay() {
        List<Envelope> story = new ArrayList<>(beginning());
        story.add(report("a", 1, "one"));
        return take(FleetState.empty(), story.toArray(Envelope[]::new));
    }

    static FleetState withAnotherBuildUnderWay(FleetState before) {
        return take(before, report("b", 1, "two"));
    }

    public static FleetState take(FleetState before, Envelope... envelopes) {
        FleetState state = before;
        for (Envelope envelope : envelopes) {
            state = Step.take(state, envelope, AT).after();
        }
        return state;
    }

    static FleetState take(FleetState before, Envelope envelope, Instant at) {
        return Step.take(before, envelope, at).after();
    }

    static List<Arrival> arrivals(List<Envelope> envelopes) {
        return envelopes.stream().map(Observed::arrival).toList();
    }

    private static Arrival arrival(Envelope envelope) {
        Event event = CloudEvents.write(envelope);
        ConsumerRecord<byte[], byte[]> record = new ConsumerRecord<>(
                Topics.OBSERVATIONS, 0, 0, event.key().getBytes(StandardCharsets.UTF_8), event.value());
        event.headers().forEach((name, value) -> record.headers().add(name, value.getBytes(StandardCharsets.UTF_8)));
        return Arrival.of(record);
    }

    static Digest digest(String text) {
        return Digest.of(text.getBytes(StandardCharsets.UTF_8));
    }
}
