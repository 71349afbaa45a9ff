package io.kmodfleet.deploy.bench;

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
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.apache.kafka.common.serialization.StringSerializer;

/**
 * A fleet that talks: hosts that cannot build report one after the other that their kernel is another one. Each report leads to
 * exactly one decision about the new kernel.
 */
final class Traffic {

    private static final Digest SOURCE = digest("bench source");
    private static final Instant AT = Instant.parse("2026-01-01T00:00:00Z");

    private final HostId[] hosts;
    private final long[] sequences;
    private int next;

    Traffic(int count) {
        hosts = new HostId[count];
        sequences = new long[count];
        for (int i = 0; i < count; i++) {
            hosts[i] = HostId.fromMachineId(digest("bench host " + i).hex().substring(0, 32));
        }
    }

    int hosts() {
        return hosts.length;
    }

    /** What hosts are decided by: a source, and a policy that wants it. */
    static List<Envelope> beginning(long epoch) {
        Observation source = new Observation.SourceStored(SOURCE, "dattobd", "0.12.0", Binding.EXACT_IMAGE);
        Policy.WantedModule wanted = new Policy.WantedModule(
                "dattobd", "0.12.0", SOURCE, Binding.EXACT_IMAGE, Proof.LOAD, Optional.empty(), Optional.empty());
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
                new Envelope(Envelope.STORE, epoch, 1, AT, source),
                new Envelope(Envelope.OPERATOR, epoch, 1, AT, new Observation.PolicyPublished("bench", policy)));
    }

    /** The next host's next report. */
    Envelope next() {
        int host = next;
        next = (next + 1) % hosts.length;
        return next(host);
    }

    Envelope next(int host) {
        long sequence = ++sequences[host];
        return new Envelope(
                hosts[host].value(),
                1,
                sequence,
                Instant.now(),
                new Observation.HostReported(hosts[host], report(host, sequence)));
    }

    private static HostReport report(int host, long generation) {
        List<Check> checks = List.of(
                new Check(Check.Piece.DKMS, false, "not found", "apt-get install dkms"),
                new Check(Check.Piece.MAKE, true, "GNU Make 4.3", ""));
        String release = "6.1.0-" + (10 + generation % 80) + "-amd64";
        KernelState kernel = new KernelState(
                new KernelIdentity(
                        "x86_64",
                        release,
                        Optional.of("#1 SMP PREEMPT_DYNAMIC Debian 6.1.129-1 (2025-03-06)"),
                        Optional.of(digest(release)),
                        Optional.of(digest("config " + release)),
                        Optional.empty()),
                true,
                SymbolMap.STUB,
                true,
                Optional.of(AT),
                Optional.empty(),
                List.of(),
                List.of(),
                Optional.empty(),
                Optional.empty());
        return new HostReport(
                "host-" + host,
                new OperatingSystem("debian", "12", "Debian GNU/Linux 12 (bookworm)"),
                "x86_64",
                false,
                checks,
                List.of(kernel),
                new TreeMap<>(),
                Optional.empty(),
                Optional.empty());
    }

    static ProducerRecord<String, byte[]> record(Envelope envelope) {
        Event event = CloudEvents.write(envelope);
        ProducerRecord<String, byte[]> record = new ProducerRecord<>(Topics.OBSERVATIONS, event.key(), event.value());
        event.headers().forEach((name, value) -> record.headers().add(name, value.getBytes(StandardCharsets.UTF_8)));
        return record;
    }

    static KafkaProducer<String, byte[]> producer(String kafka, int linger) {
        Map<String, Object> settings = new HashMap<>();
        settings.put("bootstrap.servers", kafka);
        settings.put("acks", "all");
        settings.put("linger.ms", linger);
        settings.put("batch.size", 128 * 1024);
        settings.put("compression.type", "lz4");
        return new KafkaProducer<>(settings, new StringSerializer(), new ByteArraySerializer());
    }

    static Digest digest(String text) {
        return Digest.of(text.getBytes(StandardCharsets.UTF_8));
    }
}
