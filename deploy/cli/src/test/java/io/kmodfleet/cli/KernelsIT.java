package io.kmodfleet.cli;

import static org.assertj.core.api.Assertions.assertThat;

import io.kmodfleet.contracts.Samples;
import io.quarkus.test.junit.main.LaunchResult;
import io.quarkus.test.junit.main.QuarkusMainLauncher;
import io.quarkus.test.junit.main.QuarkusMainTest;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

@QuarkusMainTest
class KernelsIT {

    private static final String RELEASE = "6.1.0-56-amd64";
    private static final String KERNEL = """
            {"image":"%s","release":"%s","arch":"x86_64","compiler":"gcc-12",
             "inputs":[{"kind":"config","size":1},{"kind":"module-symvers","size":1}]}
            """;

    private FakeFleet fleet;
    private QuarkusMainLauncher launcher;

    @BeforeEach
    void start(QuarkusMainLauncher launcher) throws IOException {
        this.fleet = new FakeFleet();
        this.launcher = launcher;
    }

    @AfterEach
    void end() {
        fleet.close();
    }

    @Test
    void kernels_are_listed_with_what_is_kept_of_them() {
        fleet.answers(
                "GET /api/v1/kernels?limit=3000",
                200,
                "{\"items\":[" + KERNEL.formatted(Samples.digest("a"), RELEASE) + "]}");

        assertThat(run("kernels", "list").getOutput()).contains(RELEASE, "config, module-symvers", "gcc-12");
    }

    @Test
    void one_that_is_kept_is_printed_by_release_or_by_image() {
        fleet.answers(
                "GET /api/v1/kernels?limit=3000&release=" + RELEASE,
                200,
                "{\"items\":[" + KERNEL.formatted(Samples.digest("a"), RELEASE) + "]}");
        fleet.offers(
                "/api/v1/kernels/" + Samples.digest("a").hex() + "/config",
                "CONFIG_A=y\n".getBytes(StandardCharsets.US_ASCII));

        assertThat(run("kernels", "get", RELEASE, "config").getOutput()).isEqualTo("CONFIG_A=y");
        assertThat(run("kernels", "get", Samples.digest("a").toString(), "config")
                        .getOutput())
                .isEqualTo("CONFIG_A=y");
    }

    @Test
    void a_release_with_two_images_is_not_guessed() {
        fleet.answers(
                "GET /api/v1/kernels?limit=3000&release=" + RELEASE,
                200,
                "{\"items\":[" + KERNEL.formatted(Samples.digest("a"), RELEASE) + ","
                        + KERNEL.formatted(Samples.digest("b"), RELEASE) + "]}");

        LaunchResult several = run("kernels", "get", RELEASE, "config");

        assertThat(several.exitCode()).isEqualTo(4);
        assertThat(several.getErrorOutput()).contains("2 images of that release");
        assertThat(run("kernels", "get", RELEASE, "vmlinux").exitCode()).isEqualTo(2);
    }

    private LaunchResult run(String... command) {
        List<String> line = new ArrayList<>(List.of(command));
        line.addAll(List.of("--store", fleet.address()));
        return launcher.launch(line.toArray(String[]::new));
    }
}
