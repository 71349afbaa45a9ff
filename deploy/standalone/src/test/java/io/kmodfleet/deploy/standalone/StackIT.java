package io.kmodfleet.deploy.standalone;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import java.io.IOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class StackIT {

    private static final Path HOME = Path.of(System.getProperty("kmodfleet.home", "../.."))
            .toAbsolutePath()
            .normalize();

    @TempDir
    private Path data;

    @Test
    void a_second_start_continues_with_the_data_of_the_first_also_on_other_ports() throws Exception {
        List<String> said = new ArrayList<>();
        try (Stack stack = Stack.start(options(Ports.free()), said::add)) {
            assertThat(policyOf(stack)).isEqualTo(200);
            assertThat(RunFile.read(data))
                    .hasValueSatisfying(run -> assertThat(run.healthy()).isTrue());
        }
        assertThat(RunFile.read(data)).isEmpty();
        assertThat(said).contains("✔ default policy is published (deploy/policy/default.yaml)");
        said.clear();

        try (Stack stack = Stack.start(options(Ports.free()), said::add)) {
            assertThat(policyOf(stack)).isEqualTo(200);
            assertThat(said).noneMatch(line -> line.contains("policy"));
            assertThatExceptionOfType(Trouble.class)
                    .isThrownBy(() -> Stack.start(options(Ports.free()), Progress.silent()))
                    .withMessageContaining("Expected nobody to use the data directory");
        }
    }

    @Test
    void told_to_end_the_launcher_ends_everything_in_order_and_at_once() throws Exception {
        Path output = data.resolve("up.log");
        Process launcher = new ProcessBuilder(
                        Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                        "-Dkmodfleet.home=" + HOME,
                        "-cp",
                        System.getProperty("java.class.path"),
                        Standalone.class.getName(),
                        "up",
                        "--data",
                        data.resolve("stack").toString(),
                        "--port",
                        Integer.toString(Ports.free().coordinator()),
                        "--no-agent")
                .redirectErrorStream(true)
                .redirectOutput(output.toFile())
                .start();
        try {
            Path stack = data.resolve("stack");
            while (RunFile.read(stack).filter(RunFile::healthy).isEmpty()) {
                assertThat(launcher.waitFor(200, TimeUnit.MILLISECONDS))
                        .as(Files.readString(output))
                        .isFalse();
            }

            launcher.destroy();

            assertThat(launcher.waitFor(60, TimeUnit.SECONDS)).isTrue();
            assertThat(RunFile.read(stack)).isEmpty();
            assertThat(Files.readString(output))
                    .containsSubsequence("ending store", "ending coordinator", "ending kafka", "ending postgres");
        } finally {
            launcher.destroyForcibly();
        }
    }

    @Test
    void a_port_in_use_is_named_with_its_part_and_nothing_is_started() throws IOException {
        Ports ports = Ports.free();
        try (ServerSocket somebody = new ServerSocket(ports.kafka(), 1, InetAddress.getLoopbackAddress())) {
            assertThatExceptionOfType(Trouble.class)
                    .isThrownBy(() -> Stack.start(options(ports), Progress.silent()))
                    .withMessage("Expected port " + somebody.getLocalPort()
                            + " to be free for kafka, but something listens on it."
                            + " Choose other ports with --port P (P to P+4 are used).");
        }
        assertThat(RunFile.read(data)).isEmpty();
    }

    @Test
    void a_data_directory_of_another_version_is_left_alone() throws IOException {
        Files.writeString(data.resolve("VERSION"), "99\n");

        assertThatExceptionOfType(Trouble.class)
                .isThrownBy(() -> Stack.start(options(Ports.free()), Progress.silent()))
                .withMessageContaining("of version '99'");
        assertThat(Files.readString(data.resolve("VERSION"))).isEqualTo("99\n");
    }

    @Test
    void a_broker_elsewhere_that_does_not_answer_is_one_sentence() {
        StackOptions options =
                new StackOptions(HOME, data, Ports.free(), Optional.of("127.0.0.1:1"), Optional.empty(), false);

        assertThatExceptionOfType(Trouble.class)
                .isThrownBy(() -> Stack.start(options, Progress.silent()))
                .withMessageContaining("Expected Kafka at 127.0.0.1:1");
    }

    private StackOptions options(Ports ports) {
        return new StackOptions(HOME, data, ports, Optional.empty(), Optional.empty(), false);
    }

    private static int policyOf(Stack stack) throws IOException, InterruptedException {
        URI policy = stack.coordinatorUrl().resolve("/api/v1/policy");
        return HttpClient.newHttpClient()
                .send(HttpRequest.newBuilder(policy).build(), HttpResponse.BodyHandlers.discarding())
                .statusCode();
    }
}
