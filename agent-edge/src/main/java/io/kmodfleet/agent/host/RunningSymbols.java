package io.kmodfleet.agent.host;

import io.kmodfleet.contracts.KernelIdentity;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;

/**
 * Whether the running kernel shows root where its symbols are: a build can be given a symbol map made from that. On Debian, whose
 * {@code System.map} is a stub, there is no other one.
 */
final class RunningSymbols {

    private final HostRoot root;
    private final RootQuestions questions;
    private Optional<String> askedUnder = Optional.empty();
    private boolean shown;

    RunningSymbols(HostRoot root, RootQuestions questions) {
        this.root = root;
        this.questions = questions;
    }

    /** Only where the address is known that an image is linked to. */
    boolean serveFor(KernelIdentity kernel) {
        return root.isRunningSystem() && kernel.arch().equals("x86_64") && areShown();
    }

    /** Asked again when the setting changes. A service may not see the file itself; its programs have a fresh {@code /proc}. */
    private boolean areShown() {
        try {
            String setting = Files.readString(Path.of("/proc/sys/kernel/kptr_restrict"));
            if (!askedUnder.equals(Optional.of(setting))) {
                shown = questions
                        .ask("grep", "-m1", " _text$", "/proc/kallsyms")
                        .map(line -> !line.startsWith("0000000000000000"))
                        .orElse(false);
                askedUnder = Optional.of(setting);
            }
            return shown;
        } catch (IOException e) {
            return false;
        }
    }
}
