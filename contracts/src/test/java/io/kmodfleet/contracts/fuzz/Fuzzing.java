package io.kmodfleet.contracts.fuzz;

import static org.assertj.core.api.Assertions.assertThat;

import io.kmodfleet.contracts.Digest;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Runs Jazzer on one parser, as a process of its own with a small heap. What it learned stays in {@code target/fuzz} and is where
 * the next run begins.
 */
public final class Fuzzing {

    /** With the start, which takes half of so few. */
    private static final long SECONDS = Long.getLong("kmodfleet.fuzzSeconds", 10);

    private static final String HEAP = "-Xmx256m";

    /** Real modules are larger, but what is in them is the same over and over. */
    private static final int LONGEST = 64 * 1024;

    private static final Pattern DONE =
            Pattern.compile("#(\\d+)\\s+DONE\\s+cov: (\\d+) ft: (\\d+) corp: (\\d+)/(\\S+).*?exec/s: (\\d+).*");
    private static final Pattern BEGUN = Pattern.compile("#\\d+\\s+INITED\\s+cov: (\\d+) ft: (\\d+) corp: (\\d+)/.*");

    private Fuzzing() {}

    /** Fails with what Jazzer says, and with the path of the input that it found. */
    public static void run(Class<? extends HostileInput> parser) throws Exception {
        Path directory = Path.of("target", "fuzz", parser.getSimpleName()).toAbsolutePath();
        Path corpus = Files.createDirectories(directory.resolve("corpus"));
        for (byte[] seed : parser.getDeclaredConstructor().newInstance().seeds()) {
            Files.write(corpus.resolve(Digest.of(seed).hex()), seed);
        }
        Path log = directory.resolve("log");
        Process process = new ProcessBuilder(command(parser, directory, corpus))
                .redirectErrorStream(true)
                .redirectOutput(log.toFile())
                .start();
        int status;
        try {
            status = process.waitFor();
        } finally {
            process.destroyForcibly();
        }
        List<String> lines = Files.readAllLines(log, StandardCharsets.ISO_8859_1);
        assertThat(status)
                .as(() -> "%s: %s%n%s"
                        .formatted(
                                parser.getSimpleName(),
                                directory,
                                String.join("\n", lines.subList(Math.max(0, lines.size() - 60), lines.size()))))
                .isZero();
        System.out.println(parser.getSimpleName() + ": " + summary(lines));
    }

    private static List<String> command(Class<?> parser, Path directory, Path corpus) throws IOException {
        return List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                HEAP,
                "-XX:+UseSerialGC",
                "-XX:TieredStopAtLevel=" + (SECONDS < 30 ? 1 : 4),
                "-cp",
                System.getProperty("java.class.path"),
                "com.code_intelligence.jazzer.Jazzer",
                "--target_class=" + FuzzTarget.class.getName(),
                "--target_args=" + parser.getName(),
                "--instrumentation_includes=io.kmodfleet.**:org.apache.commons.compress.**:org.tukaani.xz.**"
                        + ":io.airlift.compress.**:com.fasterxml.jackson.core.json.**",
                "--instrumentation_excludes=io.kmodfleet.contracts.fuzz.**",
                "--custom_hook_excludes=org.assertj.**:com.fasterxml.**",
                "--reproducer_path=" + directory,
                // Among the inputs: what was found is tried again until it is mended.
                "-artifact_prefix=" + corpus + "/",
                "-max_total_time=" + SECONDS,
                "-max_len=" + LONGEST,
                // Of the clock: on a machine that does other work too. FuzzTarget counts this thread's own.
                "-timeout=60",
                "-rss_limit_mb=0",
                corpus.toString());
    }

    private static String summary(List<String> lines) {
        StringBuilder summary = new StringBuilder();
        String before = "";
        for (String line : lines) {
            Matcher begun = BEGUN.matcher(line);
            Matcher done = DONE.matcher(line);
            if (begun.matches()) {
                before = " (at first %s, %s, %s)".formatted(begun.group(1), begun.group(2), begun.group(3));
            } else if (done.matches()) {
                summary.append("%s inputs, %s/s, %s edges, %s features, %s kept%s; "
                        .formatted(done.group(1), done.group(6), done.group(2), done.group(3), done.group(4), before));
            } else if (line.startsWith(FuzzTarget.COST)) {
                summary.append(line.substring(FuzzTarget.COST.length()));
            }
        }
        return summary.toString();
    }
}
