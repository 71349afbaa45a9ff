package io.kmodfleet.contracts;

import static org.assertj.core.api.Assertions.fail;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Assumptions;

/**
 * Every module of the Debian kernels in the host roots, and the tools to hold ours against. Without them a test is skipped and
 * says why; under CI that is a failure.
 */
public final class RealKernel {

    private static final String ROOTS = "KMODFLEET_ROOTS";

    private RealKernel() {}

    /** The modules of one of the roots that {@code deploy/host-roots DIR} makes; nothing in it is ever changed. */
    public static List<Path> modules(String root) {
        Path modules = roots().resolve(root).resolve("usr/lib/modules");
        try (Stream<Path> files = Files.walk(modules)) {
            List<Path> found = files.filter(
                            file -> file.getFileName().toString().contains(".ko"))
                    .filter(Files::isRegularFile)
                    .sorted()
                    .toList();
            if (found.size() < 1_000) {
                missing("a whole kernel in " + modules + ", which has only " + found.size() + " modules");
            }
            return found;
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    /** The {@code Module.symvers} of the kernel in root a. */
    public static Path symvers() throws IOException {
        try (Stream<Path> files =
                Files.find(roots().resolve("a/usr/src"), 2, (file, any) -> file.endsWith("Module.symvers"))) {
            return files.findFirst().orElseGet(() -> {
                missing("Module.symvers in root a");
                return null;
            });
        }
    }

    /** What a tool prints of these files; it may complain of some of them. */
    public static byte[] printed(List<Path> files, String... command) throws IOException {
        List<String> line = new ArrayList<>(List.of(command));
        files.forEach(file -> line.add(file.toString()));
        ProcessBuilder builder = new ProcessBuilder(line).redirectError(ProcessBuilder.Redirect.DISCARD);
        builder.environment().put("LC_ALL", "C");
        try {
            Process process = builder.start();
            process.getOutputStream().close();
            return process.getInputStream().readAllBytes();
        } catch (IOException e) {
            missing(command[0] + ". Run: apt-get install kmod binutils openssl");
            throw e;
        }
    }

    public static String text(byte[] printed) {
        return new String(printed, StandardCharsets.UTF_8);
    }

    private static Path roots() {
        String kept = System.getProperty("user.home") + "/.cache/kmodfleet/host-roots";
        Path roots = Path.of(System.getenv().getOrDefault(ROOTS, kept));
        if (!Files.isRegularFile(roots.resolve("roots.env"))) {
            missing("host roots in " + roots + ", which has none. Run deploy/host-roots " + roots + " as root");
        }
        return roots;
    }

    private static void missing(String what) {
        String sentence = "This test needs " + what + ".";
        if ("true".equals(System.getenv("CI"))) {
            fail(sentence);
        }
        Assumptions.abort(sentence);
    }
}
