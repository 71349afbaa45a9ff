package io.kmodfleet.deploy.bench;

import io.kmodfleet.contracts.Binding;
import io.kmodfleet.contracts.BuildTarget;
import io.kmodfleet.contracts.Check;
import io.kmodfleet.contracts.Check.Piece;
import io.kmodfleet.contracts.Decision;
import io.kmodfleet.contracts.Digest;
import io.kmodfleet.contracts.Envelope;
import io.kmodfleet.contracts.HostId;
import io.kmodfleet.contracts.HostReport;
import io.kmodfleet.contracts.InstalledModule;
import io.kmodfleet.contracts.KernelIdentity;
import io.kmodfleet.contracts.KernelState;
import io.kmodfleet.contracts.Observation;
import io.kmodfleet.contracts.OperatingSystem;
import io.kmodfleet.contracts.Policy;
import io.kmodfleet.contracts.Proof;
import io.kmodfleet.contracts.SymbolMap;
import io.kmodfleet.contracts.wire.FleetJson;
import io.kmodfleet.coordinator.audit.AuditReport;
import io.kmodfleet.coordinator.audit.AuditRun;
import io.kmodfleet.coordinator.audit.ReadAhead;
import io.kmodfleet.coordinator.decision.FleetState;
import io.kmodfleet.coordinator.decision.Step;
import io.kmodfleet.coordinator.ledger.LedgerEntry;
import io.kmodfleet.coordinator.ledger.LedgerLines;
import io.kmodfleet.coordinator.ledger.LedgerLines.Line;
import java.io.BufferedOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Callable;
import java.util.function.LongSupplier;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/**
 * How fast a ledger is decided again. The fleet upgrades its kernels one after the other: on each new one somebody builds, the
 * store has the package, and everybody reports, installs and reports again.
 */
@Command(
        name = "replay",
        description = "Measure: ledger entries per second that are folded, decided again, and audited.")
public final class ReplayBench implements Callable<Integer> {

    private static final Digest SOURCE = digest("source");
    private static final Instant BEGIN = Instant.parse("2026-01-01T00:00:00Z");

    @Option(names = "--entries", paramLabel = "N", defaultValue = "30000", description = "Default: ${DEFAULT-VALUE}.")
    private int entries;

    @Option(names = "--hosts", paramLabel = "N", defaultValue = "1000", description = "Default: ${DEFAULT-VALUE}.")
    private int hosts;

    @Option(names = "--rounds", paramLabel = "N", defaultValue = "5", description = "Default: ${DEFAULT-VALUE}.")
    private int rounds;

    private final List<LedgerEntry> ledger = new ArrayList<>();
    private final Map<String, Long> sequences = new HashMap<>();
    private FleetState state = FleetState.empty();

    public static void main(String[] arguments) {
        System.exit(new CommandLine(new ReplayBench()).execute(arguments));
    }

    @Override
    public Integer call() throws IOException {
        record();
        Path file = Files.createTempFile("kmodfleet-replay", ".jsonl");
        try {
            long bytes = write(file);
            System.out.printf(
                    "%d entries of %d hosts, %d decisions, %d MB as JSON Lines; %d rounds, medians%n",
                    ledger.size(),
                    hosts,
                    ledger.stream().mapToInt(entry -> entry.decisions().size()).sum(),
                    bytes / 1_000_000,
                    rounds);
            double folded = rate(() -> {
                FleetState folding = FleetState.empty();
                for (LedgerEntry entry : ledger) {
                    folding = Step.settle(folding, entry.envelope(), entry.takenAt(), entry.decisions(), entry.rules());
                }
                return folding.position();
            });
            say("folded", folded);
            say("decided again and folded", rate(() -> audit(file, false)));
            say("read and parsed (the floor of an audit)", rate(() -> read(file)));
            say("audited from the file: read, chained, decided again", rate(() -> audit(file, true)));
        } finally {
            Files.delete(file);
        }
        return 0;
    }

    private long audit(Path file, boolean fromFile) {
        AuditRun run = new AuditRun(AuditRun.Delivery.ONCE, 1, Long.MAX_VALUE);
        if (fromFile) {
            try (LedgerLines.Reader lines = LedgerLines.open(file)) {
                ReadAhead.each(lines, run::next);
            } catch (IOException e) {
                throw new java.io.UncheckedIOException(e);
            }
        } else {
            for (LedgerEntry entry : ledger) {
                run.next(new Line.Read(entry.position(), entry, entry.chain()));
            }
        }
        AuditReport report = run.report();
        if (report.wrong() != 0 || report.decidedAgain() != ledger.size()) {
            throw new IllegalStateException("Expected a ledger that is right, but " + report.counts());
        }
        return report.entries();
    }

    private static long read(Path file) {
        long lines = 0;
        try (LedgerLines.Reader reader = LedgerLines.open(file)) {
            while (reader.hasNext()) {
                lines += reader.next() instanceof Line.Read ? 1 : 0;
            }
        } catch (IOException e) {
            throw new java.io.UncheckedIOException(e);
        }
        return lines;
    }

    /** Entries per second, the median of the rounds, after one that does not count. */
    private double rate(LongSupplier work) {
        List<Double> rates = new ArrayList<>();
        for (int round = 0; round <= rounds; round++) {
            long begin = System.nanoTime();
            long done = work.getAsLong();
            double seconds = (System.nanoTime() - begin) / 1e9;
            if (done != ledger.size()) {
                throw new IllegalStateException("Expected " + ledger.size() + " entries, but got " + done);
            }
            if (round > 0) {
                rates.add(done / seconds);
            }
        }
        Collections.sort(rates);
        return rates.get(rates.size() / 2);
    }

    private static void say(String what, double rate) {
        System.out.printf("  %-55s %,12.0f entries/s%n", what, rate);
    }

    private long write(Path file) throws IOException {
        try (OutputStream out = new BufferedOutputStream(Files.newOutputStream(file), 1 << 20)) {
            for (LedgerEntry entry : ledger) {
                out.write(LedgerLines.write(entry));
            }
        }
        return Files.size(file);
    }

    /** Lives through it, as the coordinator does. */
    private void record() {
        see(new Observation.SourceStored(SOURCE, "dattobd", "0.11.4", Binding.EXACT_IMAGE));
        see(new Observation.PolicyPublished("bench", policy()));
        for (int kernel = 0; ledger.size() < entries; kernel++) {
            upgrade(kernel);
        }
    }

    private void upgrade(int kernel) {
        String release = "5.15.0-" + (100 + kernel) + "-generic";
        BuildTarget target = new BuildTarget(SOURCE, "x86_64", release, digest("image " + release));
        Digest pack = digest("package " + release);
        for (int host = 0; host < hosts && ledger.size() < entries; host++) {
            for (Decision decision : see(reported(host, target, false))) {
                if (decision instanceof Decision.Build build) {
                    see(new Observation.PackageStored(
                            pack, target, "dattobd", "0.11.4", List.of(digest("body " + release)), Optional.empty()));
                    see(new Observation.BuildSucceeded(
                            build.subject().host(), build.id(), target, pack, digest("log"), 60_000));
                }
            }
            Decision order = state.standing(id(host)).stream()
                    .filter(decision -> decision.subject().release().equals(release))
                    .reduce((first, last) -> last)
                    .orElseThrow();
            see(new Observation.ModuleInstalled(id(host), order.id(), target, pack, Proof.INSTALL));
            see(reported(host, target, true));
        }
    }

    private List<Decision> see(Observation observation) {
        String source = Envelope.speakerOf(observation);
        Instant at = BEGIN.plusMillis(ledger.size());
        Envelope envelope = new Envelope(source, 1, sequences.merge(source, 1L, Long::sum), at, observation);
        Step step = Step.take(state, envelope, at);
        Optional<Digest> link = ledger.isEmpty()
                ? Optional.empty()
                : ledger.get(ledger.size() - 1).chain();
        ledger.add(new LedgerEntry(ledger.size() + 1, at, envelope, step.decisions(), Step.RULES).chainedTo(link));
        state = step.after();
        return step.decisions();
    }

    private static Observation reported(int host, BuildTarget kernel, boolean installed) {
        Check dkms = new Check(Piece.DKMS, host % 10 == 0, "dkms", "apt-get install dkms");
        List<InstalledModule> modules = installed
                ? List.of(new InstalledModule(
                        "dattobd",
                        Optional.of("0.11.4"),
                        "updates/dkms/dattobd.ko",
                        digest("body " + kernel.release()),
                        Optional.of(kernel.release() + " SMP"),
                        Optional.empty(),
                        Optional.empty(),
                        Optional.of(kernel.image()),
                        false,
                        Optional.empty(),
                        Optional.empty()))
                : List.of();
        KernelState state = new KernelState(
                new KernelIdentity(
                        "x86_64",
                        kernel.release(),
                        Optional.empty(),
                        Optional.of(kernel.image()),
                        Optional.empty(),
                        Optional.empty()),
                true,
                SymbolMap.USABLE,
                true,
                Optional.empty(),
                Optional.empty(),
                List.of(),
                modules,
                Optional.empty(),
                Optional.empty());
        return new Observation.HostReported(
                id(host),
                new HostReport(
                        "host-" + host,
                        new OperatingSystem("ubuntu", "22.04", "Ubuntu 22.04.5 LTS"),
                        "x86_64",
                        false,
                        List.of(dkms),
                        List.of(state),
                        null,
                        Optional.empty(),
                        Optional.empty()));
    }

    private static Policy policy() {
        try {
            return FleetJson.yaml().readValue("""
                    schema: 1
                    platformRelease: "6.10"
                    kernels: {from: "5.15", to: "6.8"}
                    architectures: [x86_64]
                    systems: [{id: ubuntu, version: "22.04", since: "6.2"}]
                    modules: [{name: dattobd, version: "0.11.4", source: "%s", binding: EXACT_IMAGE, proof: INSTALL}]
                    limits: {failuresPerTarget: 2}
                    """.formatted(SOURCE), Policy.class);
        } catch (IOException e) {
            throw new IllegalStateException(e);
        }
    }

    private static HostId id(int host) {
        return new HostId("%032x".formatted(host + 1));
    }

    private static Digest digest(String text) {
        return Digest.of(text.getBytes(StandardCharsets.UTF_8));
    }
}
