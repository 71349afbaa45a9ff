package io.kmodfleet.agent;

import io.kmodfleet.agent.bus.FleetBus;
import io.kmodfleet.agent.bus.FleetBus.Received;
import io.kmodfleet.agent.dkms.BuildLimit;
import io.kmodfleet.agent.dkms.BuildLog;
import io.kmodfleet.agent.dkms.Dkms;
import io.kmodfleet.agent.dkms.KernelInputs;
import io.kmodfleet.agent.dkms.LiveLog;
import io.kmodfleet.agent.dkms.ModuleBuilder;
import io.kmodfleet.agent.dkms.SourceBuild;
import io.kmodfleet.agent.host.HostInspector;
import io.kmodfleet.agent.host.HostPrograms;
import io.kmodfleet.agent.host.HostRoot;
import io.kmodfleet.agent.host.InstallRecord;
import io.kmodfleet.agent.host.KernelExports;
import io.kmodfleet.agent.host.KernelWatch;
import io.kmodfleet.agent.install.Activator;
import io.kmodfleet.agent.install.Installer;
import io.kmodfleet.agent.install.Leftovers;
import io.kmodfleet.agent.journal.Journal;
import io.kmodfleet.agent.store.FileCache;
import io.kmodfleet.agent.store.StoreClient;
import io.kmodfleet.contracts.Command;
import io.kmodfleet.contracts.Decision;
import io.kmodfleet.contracts.DecisionId;
import io.kmodfleet.contracts.Digest;
import io.kmodfleet.contracts.Envelope;
import io.kmodfleet.contracts.HostId;
import io.kmodfleet.contracts.HostReport;
import io.kmodfleet.contracts.InstalledModule;
import io.kmodfleet.contracts.KernelIdentity;
import io.kmodfleet.contracts.KernelInterface;
import io.kmodfleet.contracts.KernelState;
import io.kmodfleet.contracts.Observation;
import io.kmodfleet.contracts.Subject;
import io.kmodfleet.contracts.wire.CloudEvents;
import io.kmodfleet.contracts.wire.FleetJson;
import io.kmodfleet.contracts.wire.TraceContext;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.net.URI;
import java.nio.channels.ClosedByInterruptException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.Set;
import java.util.SortedMap;
import org.jboss.logging.Logger;

/**
 * One agent at work: looks, reports, obeys, one thing after the other. An observation is in the journal before it is sent; a
 * command counts as carried out when its result is in the journal. So it may be killed at any moment and goes on where it was.
 */
public final class Agent implements AutoCloseable {

    public static final String VERSION = "0.1.0";

    /** In the directory of its state: held by the service as long as it lives, also between its visits. */
    public static final String SERVICE_LOCK = "service.lock";

    private static final Logger LOG = Logger.getLogger(Agent.class);
    private static final Duration SEND_AGAIN = Duration.ofSeconds(20);
    private static final Duration SOON = Duration.ofSeconds(1);
    private static final Duration QUIET = Duration.ofSeconds(1);

    /** A visit of the service, or of somebody else on this host, ends by itself where it does not build. */
    private static final Duration OTHERS_VISIT = Duration.ofSeconds(20);

    private static final int SAVE_PLACE_EVERY = 1_000;

    /** Of packages and sources kept on this host. */
    private static final long CACHE_BYTES = 256L * 1024 * 1024;

    /** In one record, beside what else it says. */
    private static final int ROOM_FOR_EXPORTS = CloudEvents.MAX_BYTES - 8 * 1024;

    private final Clock clock = Clock.systemUTC();
    private final FileChannel lockChannel;
    private final HostId host;
    private final Consent consent;
    private final HostInspector inspector;
    private final boolean observeOnly;
    private final Duration lookEvery;
    private final AgentMemory memory;
    private final Journal journal;
    private final FleetBus bus;
    private final KernelWatch watch;
    private final ModuleBuilder builder;
    private final Installer installer;
    private final Activator activator;
    private final KernelExports exports;
    private final KernelInputs inputs;
    private final StoreClient store;

    private Optional<Digest> reported = Optional.empty();
    private Instant lookAt = Instant.EPOCH;
    private Instant sendAgainAt = Instant.EPOCH;
    private long sentUpTo;
    private Optional<Instant> acknowledgedAt = Optional.empty();
    private boolean worked = true;
    private List<Decision.Reuse> testable = List.of();
    private List<KernelState> untold = List.of();

    /** Of the command that is being carried out, as long as nothing was observed of it. */
    private Optional<TraceContext> unused = Optional.empty();

    private Optional<TraceContext> following = Optional.empty();

    /**
     * @param labels what its admin calls the host
     * @param enableDkms whether its admin lets modules be built there from now on
     * @param packages where copies of built packages are left, on the host
     * @param lookEvery how often the host is looked at
     * @param heartbeatEvery how often whoever runs it for good says that it lives
     */
    public record Settings(
            HostRoot root,
            Path state,
            SortedMap<String, String> labels,
            String kafka,
            URI store,
            boolean observeOnly,
            boolean enableDkms,
            Path packages,
            Duration lookEvery,
            Duration heartbeatEvery) {}

    private Agent(Settings settings, FileChannel lockChannel) throws IOException {
        this.lockChannel = lockChannel;
        this.observeOnly = settings.observeOnly();
        this.lookEvery = settings.lookEvery();
        this.memory = AgentMemory.open(settings.state());
        this.consent = Consent.in(settings.state());
        if (settings.enableDkms()) {
            consent.give();
        }
        this.inspector = new HostInspector(
                settings.root(),
                observeOnly,
                Optional.of(settings.state()),
                memory::installed,
                settings.labels(),
                consent::isGiven);
        this.host = inspector.hostId();
        this.journal = Journal.open(settings.state(), host, clock.instant());
        if (memory.isNew()) {
            // Whoever forgot what it was told asks for everything: with a new counting the coordinator answers all of
            // it.
            journal.startAnew(clock.instant());
        }
        HostPrograms programs = new HostPrograms(settings.root());
        Dkms dkms = new Dkms(settings.root(), programs, settings.state());
        FileCache cache =
                new FileCache(settings.state().resolve("cache"), CACHE_BYTES, () -> neededBy(settings.root()), clock);
        this.store = new StoreClient(settings.store(), Optional.of(cache));
        SourceBuild building = new SourceBuild(settings.root(), programs, dkms, BuildLimit.fromEnvironment(), clock);
        LiveLog live = new LiveLog(this::tell);
        this.builder = new ModuleBuilder(
                host,
                settings.root(),
                building,
                store,
                settings.packages(),
                new BuildLog(settings.state(), live::line),
                live,
                clock);
        this.installer = new Installer(host, settings.root(), programs, dkms, store, settings.state());
        this.activator = new Activator(host, settings.root(), programs);
        this.exports = new KernelExports(settings.root());
        this.inputs = new KernelInputs(settings.root(), host, programs, store, settings.state(), clock);
        if (!observeOnly) {
            mendLeftovers(new Leftovers(settings.root(), programs, settings.state()));
        }
        this.bus = new FleetBus(settings.kafka(), host);
        this.watch = new KernelWatch(settings.root(), !observeOnly, bus::wakeUp);
    }

    /** What the modules came in that kernels which are still there have from this agent. */
    private Set<Digest> neededBy(HostRoot root) {
        Set<Digest> needed = new HashSet<>();
        for (InstallRecord record : memory.installed().values()) {
            if (Files.isDirectory(root.at("/lib/modules/" + record.target().release()))) {
                needed.add(record.packageDigest());
                needed.add(record.target().source());
            }
        }
        return needed;
    }

    /** Before anything else looks at the host. What cannot be mended now is told by 'doctor', and tried again at the next start. */
    private static void mendLeftovers(Leftovers leftovers) throws IOException {
        try {
            for (Leftovers.Leftover found : leftovers.find()) {
                LOG.warnf("left by something that was cut off, mending it: %s (%s)", found.where(), found.words());
            }
            leftovers.mend();
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new IOException("the agent ends", e);
        } catch (IOException e) {
            LOG.errorf("not mended error=%s", e);
        }
    }

    public static Agent start(Settings settings) throws IOException {
        Files.createDirectories(settings.state());
        FileChannel channel = FileChannel.open(
                settings.state().resolve("agent.lock"), StandardOpenOption.CREATE, StandardOpenOption.WRITE);
        FileLock lock = channel.tryLock();
        for (long end = System.nanoTime() + OTHERS_VISIT.toNanos(); lock == null && System.nanoTime() < end; ) {
            pause();
            lock = channel.tryLock();
        }
        if (lock == null) {
            channel.close();
            throw new IOException("Expected to be the only agent with its state in " + settings.state()
                    + ", but another one runs. Stop it first, or see 'kmodfleet-agent status'");
        }
        Agent agent = new Agent(settings, channel);
        LOG.infof(
                "agent started host=%s root=%s observe=%s",
                agent.host, settings.root().directory(), agent.observeOnly);
        return agent;
    }

    private static void pause() throws InterruptedIOException {
        try {
            Thread.sleep(200);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw new InterruptedIOException("told to end while another agent had its visit");
        }
    }

    /**
     * What an agent that ends hands to the one that goes on, so that neither a report nor a command is gone through twice.
     *
     * @param place next offset in the commands partition
     * @param reported digest of the last report on the host
     * @param isWaiting whether something waits for the ledger
     */
    public record HandOver(HostId host, OptionalLong place, Optional<Digest> reported, boolean isWaiting) {}

    public HandOver handOver() {
        OptionalLong place = bus.place();
        return new HandOver(
                host,
                place.isPresent() ? place : memory.place(),
                reported,
                !journal.waiting().isEmpty());
    }

    /**
     * Goes on where another agent on this host ended; before the first round.
     *
     * @param place before which nothing of the commands was for this host
     */
    public void takeOver(OptionalLong place, Optional<Digest> reported) throws IOException {
        if (memory.isNew()) {
            return;
        }
        this.reported = reported;
        if (place.isPresent() && place.getAsLong() > memory.place().orElse(Long.MAX_VALUE)) {
            memory.movedTo(place.getAsLong());
        }
    }

    /** Whether nothing is left to do until something happens. */
    public boolean isAtRest() {
        return !worked
                && journal.waiting().isEmpty()
                && untold.isEmpty()
                && watch.due(System.nanoTime()).isEmpty();
    }

    /** One round: look if it is time, send what waits, take what comes within that time or until something else is due. */
    public void turn(Duration patience) throws IOException, InterruptedException {
        boolean changed = watch.due(System.nanoTime()).filter(Duration::isZero).isPresent();
        if (changed || !clock.instant().isBefore(lookAt)) {
            watch.looking();
            look();
        }
        testWhatWaits();
        if (!bus.connect(memory.place(), shorter(patience, SOON))) {
            untold = List.of();
            return;
        }
        sendWaiting();
        try {
            List<Received> batch = bus.poll(untilDue(patience));
            Map<Subject, Received> newest = newestOf(batch);
            worked |= !batch.isEmpty();
            if (batch.isEmpty()) {
                tellInputs();
            }
            giveMemoryBackWhenIdle(batch.isEmpty());
            for (Received received : batch) {
                take(received, newest);
            }
        } catch (FleetBus.PlaceLost e) {
            beginAnew("the place among the commands is lost");
            return;
        }
        OptionalLong place = bus.place();
        if (place.isPresent() && place.getAsLong() - memory.place().orElse(0) > SAVE_PLACE_EVERY) {
            memory.movedTo(place.getAsLong());
        }
    }

    private boolean tell(DecisionId build, String line) {
        return bus.tell(build.toString(), line);
    }

    /** After everything that somebody waits for. A store that is away is asked again at the next look. */
    private void tellInputs() throws InterruptedException {
        if (!untold.isEmpty() && journal.waiting().isEmpty()) {
            inputs.offer(untold);
            untold = List.of();
        }
    }

    /** After work, once nothing comes any more: what it took is not kept for days in which nothing happens. */
    private void giveMemoryBackWhenIdle(boolean quiet) {
        if (worked && quiet && journal.waiting().isEmpty()) {
            worked = false;
            System.gc();
        }
    }

    private Duration untilDue(Duration patience) {
        Duration untilLook = Duration.between(clock.instant(), lookAt);
        Duration planned = shorter(patience, untilLook.isNegative() ? Duration.ZERO : untilLook);
        Duration due = shorter(planned, watch.due(System.nanoTime()).orElse(planned));
        return journal.waiting().isEmpty() ? due : shorter(due, SOON);
    }

    private static Duration shorter(Duration one, Duration other) {
        return one.compareTo(other) < 0 ? one : other;
    }

    /** Whether the ledger has everything that this agent has seen, and what it thinks of it had time to come. */
    boolean isAnswered() {
        return journal.waiting().isEmpty()
                && acknowledgedAt
                        .map(at -> clock.instant().isAfter(at.plus(QUIET)))
                        .orElse(false);
    }

    /** Its admin was asked and agreed. */
    void enableDkms() throws IOException {
        consent.give();
        acknowledgedAt = Optional.empty();
        lookAt = Instant.EPOCH;
    }

    List<Decision> decisions() {
        return memory.standing().stream().map(AgentMemory.Standing::decision).toList();
    }

    @Override
    public void close() throws IOException {
        LOG.info("agent ends");
        watch.close();
        bus.close();
        journal.close();
        lockChannel.close();
    }

    private void look() throws IOException {
        HostReport report = inspector.inspect();
        lookAt = clock.instant().plus(lookEvery);
        untold = report.kernels();
        testable = memory.untested().stream()
                .filter(order -> isLoadedNow(order, report))
                .toList();
        Digest digest = Digest.of(FleetJson.writeBytes(report));
        try {
            memory.forgetKernelsNotIn(report);
            if (!reported.equals(Optional.of(digest))) {
                observe(new Observation.HostReported(host, report));
                reported = Optional.of(digest);
            }
        } catch (IOException e) {
            if (Thread.currentThread().isInterrupted() || e instanceof ClosedByInterruptException) {
                throw e;
            }
            // A full disk, mostly: what the host looks like then can be told later.
            LOG.warnf("report not written down, tried again at the next look error=%s", e);
        }
    }

    /** After a boot, mostly: a package that was installed before it is loaded now. */
    private void testWhatWaits() throws IOException, InterruptedException {
        List<Decision.Reuse> due = testable;
        testable = List.of();
        for (Decision.Reuse order : due) {
            Optional<List<Observation>> tested = installer.test(order);
            if (tested.isPresent()) {
                for (Observation observation : tested.get()) {
                    observe(observation);
                }
                memory.tested(order);
            }
        }
    }

    private static boolean isLoadedNow(Decision.Reuse order, HostReport report) {
        return report.kernel(order.subject().release())
                .filter(KernelState::running)
                .map(kernel -> kernel.modules().stream().anyMatch(InstalledModule::loaded))
                .orElse(false);
    }

    private void observe(Observation observation) throws IOException {
        long before = journal.epoch();
        journal.append(observation, clock.instant(), Optional.of(traceOfNext()));
        acknowledgedAt = Optional.empty();
        if (journal.epoch() != before) {
            sentUpTo = 0;
        }
    }

    /** What was seen while a command was carried out belongs to its trace; else one begins here. */
    private TraceContext traceOfNext() {
        TraceContext trace = unused.or(() -> following.map(TraceContext::next)).orElseGet(TraceContext::begin);
        unused = Optional.empty();
        return trace;
    }

    private void follow(Optional<TraceContext> trace) {
        following = trace;
        unused = trace;
        store.follow(trace);
    }

    private void sendWaiting() {
        Instant now = clock.instant();
        // What the broker has not taken yet is still being sent.
        boolean all = now.isAfter(sendAgainAt) && bus.isIdle();
        for (Journal.Entry entry : journal.entries()) {
            Envelope envelope = entry.envelope();
            if (all || envelope.sequence() > sentUpTo) {
                if (!bus.send(envelope, entry.trace())) {
                    return;
                }
                sentUpTo = Math.max(sentUpTo, envelope.sequence());
                sendAgainAt = now.plus(SEND_AGAIN);
            }
        }
    }

    /** Of a backlog only the last answer on each subject counts. */
    private static Map<Subject, Received> newestOf(List<Received> batch) {
        Map<Subject, Received> newest = new HashMap<>();
        for (Received received : batch) {
            decisionOf(received.command()).ifPresent(decision -> newest.put(decision.subject(), received));
        }
        return newest;
    }

    private static Optional<Decision> decisionOf(Command command) {
        return command.match(new Command.Cases<>() {
            @Override
            public Optional<Decision> on(Command.BuildModule build) {
                return Optional.of(build.decision());
            }

            @Override
            public Optional<Decision> on(Command.InstallPackage install) {
                return Optional.of(install.decision());
            }

            @Override
            public Optional<Decision> on(Command.ActivateModule activate) {
                return Optional.of(activate.decision());
            }

            @Override
            public Optional<Decision> on(Command.NoteDecision note) {
                return Optional.of(note.decision());
            }

            @Override
            public Optional<Decision> on(Command.Acknowledge acknowledge) {
                return Optional.empty();
            }
        });
    }

    private void take(Received received, Map<Subject, Received> newest) throws IOException, InterruptedException {
        Optional<Decision> decision = decisionOf(received.command());
        if (decision.isPresent()) {
            boolean superseded = newest.get(decision.get().subject()) != received;
            if (superseded || memory.hasHandled(received.digest())) {
                LOG.debugf(
                        "command superseded or repeated, passed over id=%s",
                        decision.get().id());
                return;
            }
            note(decision.get(), received.at());
        }
        Work work = received.command().match(new Command.Cases<Work>() {
            @Override
            public Work on(Command.BuildModule command) {
                return () -> build(command.decision());
            }

            @Override
            public Work on(Command.InstallPackage command) {
                return () -> install(command.decision(), command.asksForSelfTest());
            }

            @Override
            public Work on(Command.ActivateModule command) {
                return () -> activate(command.decision());
            }

            @Override
            public Work on(Command.NoteDecision command) {
                return () -> reportExports(command.decision());
            }

            @Override
            public Work on(Command.Acknowledge command) {
                return () -> acknowledge(command);
            }
        });
        follow(received.trace().map(TraceContext::next));
        try {
            work.run();
        } finally {
            follow(Optional.empty());
        }
        if (decision.isPresent()) {
            memory.handled(received.digest(), received.offset() + 1);
        } else {
            memory.movedTo(received.offset() + 1);
        }
    }

    private interface Work {
        void run() throws IOException, InterruptedException;
    }

    private void note(Decision decision, Instant since) throws IOException {
        LOG.infof(
                "decision=%s reason=%s kernel=%s module=%s",
                decision.getClass().getSimpleName(),
                decision.reason(),
                decision.subject().release(),
                decision.subject().module());
        memory.note(decision, since);
    }

    private void acknowledge(Command.Acknowledge command) throws IOException {
        if (journal.contradicts(command.epoch(), command.sequence())) {
            beginAnew("the ledger counts otherwise");
            return;
        }
        journal.acknowledge(command.epoch(), command.sequence());
        acknowledgedAt = Optional.of(clock.instant());
        sendAgainAt = clock.instant().plus(SEND_AGAIN);
    }

    /** What the coordinator knew of this host, or this host of the coordinator, is gone: it is told and asked everything again. */
    private void beginAnew(String why) throws IOException {
        LOG.warnf("reporting everything again, for %s", why);
        memory.forgetHandled();
        journal.startAnew(clock.instant());
        sentUpTo = 0;
        acknowledgedAt = Optional.empty();
        reported = Optional.empty();
        lookAt = Instant.EPOCH;
    }

    private void build(Decision.Build order) throws IOException, InterruptedException {
        if (mayNotAct(order)) {
            return;
        }
        if (!consent.isGiven()) {
            observe(notBuilt(order, "Expected building with DKMS to be enabled on this host, but nobody enabled it"));
            return;
        }
        Optional<KernelState> kernel = inspector.inspect().kernel(order.target().release());
        if (kernel.isEmpty()) {
            observe(notBuilt(
                    order, "Expected kernel " + order.target().release() + ", but it is not installed any more"));
            return;
        }
        observe(builder.build(order, kernel.get()));
    }

    private Observation notBuilt(Decision.Build order, String why) {
        return new Observation.BuildFailed(
                host,
                order.id(),
                order.target(),
                Observation.FailureClass.INFRASTRUCTURE,
                Optional.empty(),
                why,
                Optional.empty());
    }

    private void install(Decision.Reuse order, boolean selfTest) throws IOException, InterruptedException {
        if (mayNotAct(order)) {
            return;
        }
        String release = order.subject().release();
        Optional<KernelState> kernel = inspector.inspect().kernel(release);
        if (kernel.isEmpty()) {
            observe(new Observation.InstallFailed(
                    host,
                    order.id(),
                    order.target(),
                    order.packageDigest(),
                    "look",
                    "Expected kernel " + release + ", but it is not installed any more"));
            return;
        }
        Installer.Result result = installer.install(order, kernel.get(), selfTest);
        // The record first: a report must never show the module without saying what it is.
        memory.installed(result.bodies().stream()
                .map(body -> new InstallRecord(body, order.moduleVersion(), order.target(), order.packageDigest()))
                .toList());
        if (result.testWaits()) {
            memory.awaitTest(order);
        }
        for (Observation observation : result.observations()) {
            observe(observation);
        }
        look();
    }

    private void activate(Decision.Keep order) throws IOException, InterruptedException {
        if (mayNotAct(order)) {
            return;
        }
        Optional<KernelState> kernel =
                inspector.inspect().kernel(order.subject().release());
        if (kernel.isEmpty()) {
            return;
        }
        Optional<Observation.LoadFailed> refused = activator.activate(order, kernel.get(), memory.installed());
        if (refused.isPresent()) {
            observe(refused.get());
        }
        look();
    }

    /** Where a package of another kernel might serve, the coordinator says so, and asks by that for what this kernel exports. */
    private void reportExports(Decision decision) throws IOException {
        boolean asked = decision instanceof Decision.Reject
                && decision.facts().stream().anyMatch(fact -> fact.name().equals(Decision.Reject.EXPORTS));
        if (!asked) {
            return;
        }
        KernelIdentity kernel = inspector
                .inspect()
                .kernel(decision.subject().release())
                .map(KernelState::identity)
                .orElse(null);
        if (kernel == null || kernel.image().isEmpty() || isTellingExportsOf(kernel)) {
            return;
        }
        Optional<KernelInterface> offered = exports.of(kernel.release(), ROOM_FOR_EXPORTS);
        if (offered.isPresent()) {
            observe(new Observation.KernelExportsReported(
                    host, kernel.arch(), kernel.release(), kernel.image().get(), offered.get()));
        }
    }

    /** Whether the ledger is about to have them: every module that is wanted for this kernel asks, and they are long. */
    private boolean isTellingExportsOf(KernelIdentity kernel) {
        return journal.waiting().stream()
                .anyMatch(waiting -> waiting.observation() instanceof Observation.KernelExportsReported told
                        && told.release().equals(kernel.release())
                        && kernel.image().equals(Optional.of(told.image())));
    }

    private boolean mayNotAct(Decision order) {
        if (observeOnly) {
            LOG.infof("command passed over, this agent only observes id=%s", order.id());
        }
        return observeOnly;
    }
}
