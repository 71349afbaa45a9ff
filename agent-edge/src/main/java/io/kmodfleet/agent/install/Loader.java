package io.kmodfleet.agent.install;

import io.kmodfleet.agent.host.HostPrograms;
import io.kmodfleet.agent.host.HostPrograms.Outcome;
import io.kmodfleet.agent.host.HostRoot;
import java.io.IOException;
import java.nio.file.Files;
import java.time.Duration;
import java.util.List;
import java.util.Optional;

/** Loads modules into the kernel that runs. What is loaded stays loaded. */
final class Loader {

    private static final Duration LIMIT = Duration.ofMinutes(5);
    private static final int KERNEL_LINES = 3;
    private static final int MOST_WORDS = 2_000;

    private final HostRoot root;
    private final HostPrograms programs;

    Loader(HostRoot root, HostPrograms programs) {
        this.root = root;
        this.programs = programs;
    }

    /** @return why it was refused, in the words of modprobe and of the kernel; empty where a module of that name is loaded */
    Optional<String> load(String module) throws IOException, InterruptedException {
        if (isLoaded(module)) {
            return Optional.empty();
        }
        Outcome outcome = programs.run(LIMIT, List.of("modprobe", module));
        if (outcome.isSuccess() && isLoaded(module)) {
            return Optional.empty();
        }
        String said = outcome.isSuccess() ? "modprobe succeeded, but it is not loaded" : outcome.lastLine();
        String words = said + kernelWordsOn(module);
        return Optional.of(words.length() > MOST_WORDS ? words.substring(0, MOST_WORDS) : words);
    }

    private boolean isLoaded(String module) {
        return Files.exists(root.at("/sys/module/" + module));
    }

    private String kernelWordsOn(String module) throws InterruptedException {
        try {
            List<String> lines = programs.run(LIMIT, List.of("dmesg"))
                    .output()
                    .lines()
                    .filter(line -> line.contains(module))
                    .toList();
            List<String> last = lines.subList(Math.max(0, lines.size() - KERNEL_LINES), lines.size());
            return last.isEmpty() ? "" : "; the kernel says: " + String.join(" | ", last);
        } catch (IOException e) {
            return "";
        }
    }
}
