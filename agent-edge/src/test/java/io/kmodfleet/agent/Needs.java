package io.kmodfleet.agent;

import static org.assertj.core.api.Assertions.fail;

import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Assumptions;

/** What a test needs from the machine. Without it the test is skipped and says why; under CI that is a failure. */
public final class Needs {

    private static final String ROOTS = "KMODFLEET_ROOTS";

    private Needs() {}

    /** The directory that {@code deploy/host-roots DIR} made. */
    public static Path hostRoots() {
        String kept = System.getProperty("user.home") + "/.cache/kmodfleet/host-roots";
        Path roots = Path.of(System.getenv().getOrDefault(ROOTS, kept));
        if (!Files.isRegularFile(roots.resolve("roots.env"))) {
            missing("host roots in " + roots + ", which has none. Run deploy/host-roots " + roots + " as root");
        }
        root();
        return roots;
    }

    public static void root() {
        if (!"root".equals(System.getProperty("user.name"))) {
            missing("to run as root, for dkms and depmod run inside a host root");
        }
    }

    private static void missing(String what) {
        String sentence = "This test needs " + what + ".";
        if ("true".equals(System.getenv("CI"))) {
            fail(sentence);
        }
        Assumptions.abort(sentence);
    }
}
