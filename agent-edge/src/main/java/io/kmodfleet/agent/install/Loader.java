package io.kmodfleet.agent.install;

import io.kmodfleet.agent.host.HostPrograms;
import io.kmodfleet.agent.host.HostPrograms.Outcome;
import io.kmodfleet.agent.host.HostRoot;
import java.io.IOException;
import java.nio.file.Files;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import org.jboss.logging.Logger;

/** Loads modules into the kernel that runs. What is loaded stays loaded. */
final class Loader {

    private static final Logger LOG = Logger.getLogger(Loader.class);
    private static final Duration LIMIT = Duration.ofMinutes(5);
    private static final List<String> OF_THE_HOST = List.of(
            "Key was rejected by service",
            "Required key not available",
            "Operation not permitted",
            "not found in directory");
    private static final int KERNEL_LINES = 3;
    private static final int MOST_WORDS = 2_000;

    private final HostRoot root;
    private final HostPrograms programs;

    Loader(HostRoot root, HostPrograms programs) {
        this.root = root;
        this.programs = programs;
    }

    /**
     * @return why it was refused, in the words of modprobe and of the kernel; empty where a module of that name is loaded, and
     *     where the reason lies in the host: then nothing is known against the module
     * @throws InterruptedException where the agent ends: then it is done again
     */
    Optional<String> load(String module) throws InterruptedException {
        if (isLoaded(module)) {
            return Optional.empty();
        }
        if (root.program("modprobe").isEmpty()) {
            LOG.warnf("not loaded, this host has no modprobe module=%s", module);
            return Optional.empty();
        }
        try {
            Outcome outcome = programs.run(LIMIT, List.of("modprobe", module));
            if (outcome.isSuccess() && isLoaded(module)) {
                return Optional.empty();
            }
            if (liesInTheHost(outcome)) {
                LOG.warnf("not loaded, for this host does not let it module=%s error=%s", module, outcome.lastLine());
                return Optional.empty();
            }
            String words = said(outcome) + kernelWordsOn(module);
            return Optional.of(words.length() > MOST_WORDS ? words.substring(0, MOST_WORDS) : words);
        } catch (IOException e) {
            if (Thread.interrupted()) {
                throw new InterruptedException("the agent ends");
            }
            LOG.warnf("not loaded, modprobe did not run module=%s error=%s", module, e);
            return Optional.empty();
        }
    }

    /**
     * Whether the refusal says nothing of the module: a key that is not enrolled (EKEYREJECTED, ENOKEY), lockdown or
     * {@code modules_disabled} (EPERM), no file of that name in {@code modules.dep}. It must not count against a package that
     * loads everywhere else.
     */
    static boolean liesInTheHost(Outcome outcome) {
        return OF_THE_HOST.stream().anyMatch(outcome.output()::contains);
    }

    static String said(Outcome outcome) {
        if (outcome.isSuccess()) {
            return "modprobe succeeded, but it is not loaded";
        }
        return outcome.exitCode() == Outcome.TIMED_OUT
                ? "modprobe did not end within " + LIMIT.toMinutes() + " minutes"
                : outcome.lastLine();
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
