package io.kmodfleet.agent.service;

import java.io.BufferedReader;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.concurrent.TimeUnit;

/** Runs an {@link AgentShift} in a process of its own, with the same Java and class path. */
final class ShiftProcess {

    /** Options of its Java, separated by spaces; the launcher knows them. */
    static final String OPTIONS = "kmodfleet.shift.options";

    private static final Duration SIGN_OF_LIFE = Duration.ofMinutes(1);
    private static final Duration TO_END = Duration.ofSeconds(15);

    private ShiftProcess() {}

    /**
     * @param before the last shift's report
     * @param place before which nothing came for this host since then
     * @param waiting called now and then while it works
     * @return its report; nothing where it failed, and has said why on the standard error
     */
    static Optional<ShiftReport> run(Optional<ShiftReport> before, Optional<OptionalLong> place, Runnable waiting)
            throws IOException, InterruptedException {
        Process process = new ProcessBuilder(line(before, place))
                .redirectError(ProcessBuilder.Redirect.INHERIT)
                .start();
        // It ends when this end of its standard input does, also where this process was killed.
        try {
            while (!process.waitFor(SIGN_OF_LIFE.toMillis(), TimeUnit.MILLISECONDS)) {
                waiting.run();
            }
            return process.exitValue() == 0 ? reportOf(process) : Optional.empty();
        } finally {
            if (process.isAlive()) {
                end(process);
            }
        }
    }

    private static List<String> line(Optional<ShiftReport> before, Optional<OptionalLong> place) {
        List<String> line = new ArrayList<>();
        line.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
        for (String option : System.getProperty(OPTIONS, "").split(" ")) {
            if (!option.isEmpty()) {
                line.add(option);
            }
        }
        line.addAll(List.of("-cp", System.getProperty("java.class.path"), AgentShift.class.getName()));
        line.add(ShiftReport.word(place.orElse(OptionalLong.empty())));
        line.add(ShiftReport.word(before.flatMap(ShiftReport::reported)));
        return line;
    }

    private static Optional<ShiftReport> reportOf(Process process) throws IOException {
        try (BufferedReader lines = process.inputReader(StandardCharsets.UTF_8)) {
            for (String line = lines.readLine(); line != null; line = lines.readLine()) {
                Optional<ShiftReport> report = ShiftReport.parse(line);
                if (report.isPresent()) {
                    return report;
                }
            }
        }
        return Optional.empty();
    }

    private static void end(Process process) throws IOException {
        boolean interrupted = Thread.interrupted();
        process.getOutputStream().close();
        try {
            if (!process.waitFor(TO_END.toMillis(), TimeUnit.MILLISECONDS)) {
                process.destroyForcibly();
            }
        } catch (InterruptedException e) {
            process.destroyForcibly();
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }
}
