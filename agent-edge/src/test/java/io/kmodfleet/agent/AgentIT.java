package io.kmodfleet.agent;

import static io.kmodfleet.agent.Kernels.HOST;
import static io.kmodfleet.agent.Kernels.RELEASE;
import static io.kmodfleet.agent.Kernels.digest;
import static org.assertj.core.api.Assertions.assertThat;

import io.kmodfleet.agent.bus.TestBroker;
import io.kmodfleet.agent.host.HostRoot;
import io.kmodfleet.agent.host.KernelWatch;
import io.kmodfleet.contracts.BuildTarget;
import io.kmodfleet.contracts.Check;
import io.kmodfleet.contracts.Command;
import io.kmodfleet.contracts.Decision;
import io.kmodfleet.contracts.DecisionId;
import io.kmodfleet.contracts.Envelope;
import io.kmodfleet.contracts.Fact;
import io.kmodfleet.contracts.Observation.BuildFailed;
import io.kmodfleet.contracts.Observation.HostReported;
import io.kmodfleet.contracts.Observation.KernelExportsReported;
import io.kmodfleet.contracts.Reason;
import io.kmodfleet.contracts.Subject;
import io.kmodfleet.contracts.module.ModuleFixture;
import io.kmodfleet.contracts.wire.CloudEvents;
import io.kmodfleet.contracts.wire.CloudEvents.Event;
import io.kmodfleet.contracts.wire.Topics;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.BooleanSupplier;
import java.util.stream.Stream;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The agent against a real broker, where a test plays the coordinator. The builds ordered here fail at once: no such image. */
class AgentIT {

    private static final Duration LONGEST = Duration.ofSeconds(30);
    private static final Fact WOULD_HELP = Fact.of(Decision.Reject.EXPORTS, "not known");
    private static final TopicPartition OBSERVATIONS = new TopicPartition(Topics.OBSERVATIONS, 0);

    @TempDir
    Path directory;

    private TestBroker broker;
    private KafkaProducer<byte[], byte[]> coordinator;
    private KafkaConsumer<byte[], byte[]> listener;
    private final List<Envelope> observed = new ArrayList<>();

    @BeforeEach
    void start() throws Exception {
        Files.createDirectories(directory.resolve("host/etc"));
        Files.createDirectories(directory.resolve("host/boot"));
        Files.writeString(directory.resolve("host/etc/machine-id"), "0123456789abcdef0123456789abcdef");
        Files.writeString(directory.resolve("host/boot/vmlinuz-" + RELEASE), "an image");
        broker = new TestBroker(Files.createDirectory(directory.resolve("broker"))).start();
        broker.createTopics(1, Topics.COMMANDS, Topics.OBSERVATIONS);
        Map<String, Object> settings = Map.of("bootstrap.servers", broker.address());
        coordinator = new KafkaProducer<>(settings, new ByteArraySerializer(), new ByteArraySerializer());
        listener = new KafkaConsumer<>(settings, new ByteArrayDeserializer(), new ByteArrayDeserializer());
        listener.assign(List.of(OBSERVATIONS));
        listener.seekToBeginning(List.of(OBSERVATIONS));
    }

    @AfterEach
    void end() {
        listener.close();
        coordinator.close();
        broker.close();
    }

    @Test
    void it_reports_its_host_once_and_forgets_the_report_when_the_ledger_has_it() throws Exception {
        try (Agent agent = agent(false)) {
            until(agent, () -> observed.size() == 1);
            tell(new Command.Acknowledge(HOST, observed.get(0).epoch(), 1));
            until(agent, agent::isAnswered);
        }
        try (Agent agent = agent(false)) {
            until(agent, () -> observed.size() == 2);
        }

        assertThat(observed).allMatch(envelope -> envelope.observation() instanceof HostReported);
        assertThat(observed).extracting(Envelope::sequence).containsExactly(1L, 2L);
        assertThat(observed.get(1).epoch()).isEqualTo(observed.get(0).epoch());
    }

    @Test
    void of_a_backlog_only_the_last_answer_is_obeyed() throws Exception {
        tell(build(3));
        tell(build(4));
        tell(build(5));

        try (Agent agent = agent(false)) {
            until(agent, () -> !failures().isEmpty());
            quiet(agent);
        }

        assertThat(failures()).extracting(BuildFailed::build).containsExactly(new DecisionId(5, 0));
    }

    @Test
    void a_repeated_command_is_carried_out_once() throws Exception {
        try (Agent agent = agent(false)) {
            tell(build(3));
            until(agent, () -> !failures().isEmpty());
            tell(build(3));
            quiet(agent);
        }
        try (Agent agent = agent(false)) {
            quiet(agent);
        }

        assertThat(failures()).hasSize(1);
    }

    @Test
    void an_agent_that_only_observes_obeys_nothing_and_remembers_the_answer() throws Exception {
        tell(build(3));

        try (Agent agent = agent(true)) {
            until(agent, () -> !agent.decisions().isEmpty());
            quiet(agent);
            assertThat(agent.decisions()).containsExactly(build(3).decision());
        }

        assertThat(failures()).isEmpty();
        assertThat(((HostReported) observed.get(0).observation()).report().observeOnly())
                .isTrue();
    }

    @Test
    void what_a_kernel_exports_is_told_where_the_coordinator_says_that_it_would_help() throws Exception {
        exporting();
        try (Agent agent = agent(false)) {
            tell(new Command.NoteDecision(reject(3)));
            quiet(agent);
            assertThat(exports()).isEmpty();

            tell(new Command.NoteDecision(reject(4, WOULD_HELP)));
            until(agent, () -> !exports().isEmpty());
        }

        assertThat(exports().get(0).release()).isEqualTo(RELEASE);
        assertThat(exports().get(0).exports().crcs()).containsExactly(Map.entry("_printk", "12345678"));
    }

    @Test
    void what_a_kernel_exports_is_not_told_twice_before_the_ledger_has_it() throws Exception {
        exporting();
        try (Agent agent = agent(false)) {
            tell(new Command.NoteDecision(reject(3, WOULD_HELP)));
            until(agent, () -> !exports().isEmpty());
            tell(new Command.NoteDecision(reject(4, WOULD_HELP)));
            quiet(agent);
            assertThat(exports()).hasSize(1);
        }
        try (Agent agent = agent(false)) {
            tell(new Command.NoteDecision(reject(5, WOULD_HELP)));
            quiet(agent);
        }

        assertThat(exports()).hasSize(1);
    }

    @Test
    void who_asks_again_although_the_ledger_had_it_is_told_again() throws Exception {
        exporting();
        try (Agent agent = agent(false)) {
            tell(new Command.NoteDecision(reject(3, WOULD_HELP)));
            until(agent, () -> !exports().isEmpty());
            tell(new Command.Acknowledge(
                    HOST,
                    observed.get(0).epoch(),
                    observed.get(observed.size() - 1).sequence()));
            until(agent, agent::isAnswered);
            tell(new Command.NoteDecision(reject(4, WOULD_HELP)));
            until(agent, () -> exports().size() == 2);
        }
    }

    /** Gives the kernel a module of its own, and headers. */
    private void exporting() throws Exception {
        Path modules = directory.resolve("host/lib/modules/" + RELEASE);
        Files.createDirectories(modules.resolve("kernel"));
        Files.createDirectories(modules.resolve("build"));
        Files.write(
                modules.resolve("kernel/own.ko"),
                ModuleFixture.module("own", RELEASE).bytes());
        Files.writeString(modules.resolve("build/Module.symvers"), "0x12345678\t_printk\tvmlinux\tEXPORT_SYMBOL\t\n");
    }

    @Test
    void a_ledger_that_lost_what_it_had_is_told_everything_again() throws Exception {
        try (Agent agent = agent(false)) {
            until(agent, () -> observed.size() == 1);
            long epoch = observed.get(0).epoch();
            tell(new Command.Acknowledge(HOST, epoch, 1));
            until(agent, agent::isAnswered);
            tell(new Command.Acknowledge(HOST, epoch, 99));
            until(agent, () -> observed.size() == 2);

            assertThat(observed.get(1).epoch()).isGreaterThan(epoch);
            assertThat(observed.get(1).sequence()).isEqualTo(1);
        }
    }

    @Test
    void whoever_orders_it_nothing_is_built_where_the_admin_did_not_enable_it() throws Exception {
        tell(build(3));

        try (Agent agent = agent(false, false, Duration.ofSeconds(30))) {
            until(agent, () -> !failures().isEmpty());
        }

        assertThat(failures().get(0).error()).contains("nobody enabled it");
        assertThat(reports().get(0).report().checks())
                .contains(new Check(
                        Check.Piece.CONSENT,
                        false,
                        "nobody enabled building with DKMS on this host",
                        "kmodfleet-agent install --enable-dkms"));
    }

    @Test
    void a_new_kernel_is_reported_once_when_its_installation_is_over_long_before_the_next_look() throws Exception {
        Path host = directory.resolve("host");
        try (Agent agent = agent(false, Duration.ofHours(1))) {
            until(agent, () -> observed.size() == 1);
            Path modules = Files.createDirectories(host.resolve("lib/modules/6.1.0-99-amd64"));
            for (int i = 0; i < 20; i++) {
                Files.writeString(modules.resolve("modules." + i), "some");
                round(agent);
            }
            Files.writeString(modules.resolve("modules.builtin"), "some");
            Files.writeString(host.resolve("boot/vmlinuz-6.1.0-99-amd64"), "another image");

            until(agent, () -> reports().size() == 2);
            quiet(agent);
        }

        assertThat(reports()).hasSize(2);
        assertThat(reports().get(1).report().kernel("6.1.0-99-amd64")).isPresent();
    }

    @Test
    void hooks_of_the_package_manager_have_it_look_at_once_and_fail_nowhere() throws Exception {
        Path sign = directory.resolve("host" + KernelWatch.SIGN);
        try (Agent agent = agent(false, Duration.ofHours(1))) {
            until(agent, () -> observed.size() == 1);
            // Nothing that is watched.
            Files.writeString(directory.resolve("host/etc/hostname"), "renamed");
            quiet(agent);
            assertThat(reports()).hasSize(1);

            assertThat(sign.getParent()).isDirectory();
            Files.write(sign, new byte[0]);
            until(agent, () -> reports().size() == 2);
        }

        assertThat(reports().get(1).report().hostname()).isEqualTo("renamed");
        try (Stream<Path> files = Files.walk(Path.of("../deploy/agent/root"))) {
            List<Path> hooks = files.filter(Files::isRegularFile)
                    .filter(file -> file.toString().contains("/kernel/"))
                    .toList();
            assertThat(hooks).hasSize(4);
            for (Path hook : hooks) {
                Process process = new ProcessBuilder(
                                "sh", hook.toString(), "6.1.0-99-amd64", "/boot/vmlinuz-6.1.0-99-amd64")
                        .redirectErrorStream(true)
                        .start();
                assertThat(process.getInputStream().readAllBytes())
                        .as(hook.toString())
                        .isEmpty();
                assertThat(process.waitFor()).as(hook.toString()).isZero();
            }
        }
    }

    private List<HostReported> reports() {
        return observed.stream()
                .distinct()
                .map(Envelope::observation)
                .filter(HostReported.class::isInstance)
                .map(HostReported.class::cast)
                .toList();
    }

    private Agent agent(boolean observeOnly) throws Exception {
        return agent(observeOnly, Duration.ofSeconds(30));
    }

    private Agent agent(boolean observeOnly, Duration lookEvery) throws Exception {
        return agent(observeOnly, true, lookEvery);
    }

    private Agent agent(boolean observeOnly, boolean enableDkms, Duration lookEvery) throws Exception {
        return Agent.start(new Agent.Settings(
                new HostRoot(directory.resolve("host")),
                directory.resolve("state"),
                Collections.emptySortedMap(),
                broker.address(),
                URI.create("http://127.0.0.1:9"),
                observeOnly,
                enableDkms,
                Path.of("/root/packages"),
                lookEvery,
                Duration.ofMinutes(1)));
    }

    private void until(Agent agent, BooleanSupplier condition) throws Exception {
        for (Instant end = Instant.now().plus(LONGEST); !condition.getAsBoolean(); ) {
            assertThat(Instant.now()).as("what the test waits for").isBefore(end);
            round(agent);
        }
    }

    private void quiet(Agent agent) throws Exception {
        for (Instant end = Instant.now().plusSeconds(3); Instant.now().isBefore(end); ) {
            round(agent);
        }
    }

    private void round(Agent agent) throws Exception {
        agent.turn(Duration.ofMillis(200));
        for (ConsumerRecord<byte[], byte[]> record : listener.poll(Duration.ofMillis(50))) {
            Map<String, byte[]> headers = new HashMap<>();
            record.headers().forEach(header -> headers.put(header.key(), header.value()));
            observed.add(CloudEvents.readObservation(record.key(), record.value(), headers));
        }
    }

    private List<BuildFailed> failures() {
        // Sent again under the same number is no second observation.
        return observed.stream()
                .distinct()
                .map(Envelope::observation)
                .filter(BuildFailed.class::isInstance)
                .map(BuildFailed.class::cast)
                .toList();
    }

    private List<KernelExportsReported> exports() {
        return observed.stream()
                .distinct()
                .map(Envelope::observation)
                .filter(KernelExportsReported.class::isInstance)
                .map(KernelExportsReported.class::cast)
                .toList();
    }

    private static Decision.Reject reject(int position, Fact... facts) {
        return new Decision.Reject(
                new DecisionId(position, 0),
                new Subject(HOST, RELEASE, "toy"),
                Reason.NO_BUILD_ENVIRONMENT,
                List.of(),
                List.of(facts));
    }

    private static Command.BuildModule build(int position) {
        return new Command.BuildModule(new Decision.Build(
                new DecisionId(position, 0),
                new Subject(HOST, RELEASE, "toy"),
                Reason.NO_PACKAGE,
                new BuildTarget(digest("source"), "x86_64", RELEASE, digest("no such image")),
                "1.0",
                List.of()));
    }

    private void tell(Command command) throws Exception {
        Event event = CloudEvents.write(command, Instant.EPOCH);
        ProducerRecord<byte[], byte[]> record =
                new ProducerRecord<>(Topics.COMMANDS, event.key().getBytes(StandardCharsets.UTF_8), event.value());
        event.headers().forEach((name, value) -> record.headers().add(name, value.getBytes(StandardCharsets.UTF_8)));
        coordinator.send(record).get();
    }
}
