package io.kmodfleet.deploy.demo;

import static org.junit.jupiter.api.Assertions.fail;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import java.util.stream.Stream;

/** What a test needs of the machine. Missing, the test is skipped and says why; under CI that is a failure. */
final class Needs {

    private Needs() {}

    static void hostRoots() {
        present(HostRoots.missing());
    }

    static void browser() {
        present(
                Files.isExecutable(Browser.PROGRAM) && Files.isExecutable(Browser.DRIVER)
                        ? Optional.empty()
                        : Optional.of("Expected a browser. Run: apt-get install chromium chromium-driver"));
    }

    static void promtool() {
        present(
                Stream.of(System.getenv("PATH").split(":"))
                                .anyMatch(place -> Files.isExecutable(Path.of(place, "promtool")))
                        ? Optional.empty()
                        : Optional.of("Expected promtool. Run: apt-get install prometheus"));
    }

    private static void present(Optional<String> missing) {
        if (missing.isPresent() && "true".equals(System.getenv("CI"))) {
            fail("Expected everything the tests need under CI, but: " + missing.get());
        }
        assumeTrue(missing.isEmpty(), () -> missing.get());
    }
}
