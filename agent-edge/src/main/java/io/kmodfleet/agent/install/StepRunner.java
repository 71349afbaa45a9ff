package io.kmodfleet.agent.install;

import io.kmodfleet.agent.dkms.Dkms;
import io.kmodfleet.agent.durable.Durable;
import io.kmodfleet.agent.host.HostPrograms;
import io.kmodfleet.agent.host.HostPrograms.Outcome;
import io.kmodfleet.agent.host.HostRoot;
import io.kmodfleet.agent.install.InstallPlan.Step;
import io.kmodfleet.contracts.PackageManifest.PackagedModule;
import io.kmodfleet.contracts.pack.SourcePackage;
import io.kmodfleet.contracts.pack.SourcePackage.SourceFile;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.jboss.logging.Logger;

/**
 * Runs the steps of one plan. Where one fails, the host is as it was before; where the power fails, it is so after {@link Leftovers}
 * were mended.
 */
final class StepRunner {

    private static final Logger LOG = Logger.getLogger(StepRunner.class);
    private static final Duration LIMIT = Duration.ofMinutes(15);

    private final HostRoot root;
    private final HostPrograms programs;
    private final Path state;
    private final Payload payload;

    /** A step that did not do what it should. */
    static final class StepFailed extends IOException {
        private final String step;

        StepFailed(String step, String error) {
            super(error);
            this.step = step;
        }

        String step() {
            return step;
        }
    }

    /**
     * The verified bytes that a plan puts onto the host.
     *
     * @param modules with their files in the same order
     * @param source the operator's source package, where a step needs it
     */
    record Payload(String what, List<PackagedModule> modules, List<byte[]> files, Optional<SourcePackage> source) {
        Payload {
            modules = List.copyOf(modules);
            files = List.copyOf(files);
        }

        private byte[] fileOf(PackagedModule module) {
            return files.get(modules.indexOf(module));
        }
    }

    /** @param state where the record of a running installation lies */
    StepRunner(HostRoot root, HostPrograms programs, Path state, Payload payload) {
        this.root = root;
        this.programs = programs;
        this.state = state;
        this.payload = payload;
    }

    void run(InstallPlan plan) throws IOException, InterruptedException {
        Changes changes = Changes.begin(root, state, payload.what(), plan, Instant.now());
        for (Step step : plan.steps()) {
            LOG.debugf("step step=%s", step.name());
            try {
                run(step, plan.release(), changes);
            } catch (IOException e) {
                if (Thread.interrupted()) {
                    throw new InterruptedException("the agent ends");
                }
                putBack(changes);
                throw e instanceof StepFailed ? e : new StepFailed(step.name(), String.valueOf(e));
            }
        }
        changes.commit();
    }

    private void run(Step step, String release, Changes changes) throws IOException, InterruptedException {
        if (step instanceof Step.PutSource put) {
            changes.putTree(put.path(), Dkms.filesToEnter(payload.source().orElseThrow()));
        } else if (step instanceof Step.EnterBuild enter) {
            changes.putTree(enter.path(), entry());
        } else if (step instanceof Step.Link link) {
            changes.putLink(link.path(), link.to());
        } else if (step instanceof Step.WriteModule write) {
            changes.put(write.path(), payload.fileOf(write.module()));
        } else if (step instanceof Step.SetAside other) {
            changes.takeAway(other.path());
        } else if (step instanceof Step.Depmod depmod) {
            require(step, depmod(depmod.release()));
        } else if (step instanceof Step.MakeInitramfs make) {
            require(step, makeInitramfs(make.program(), release));
        } else if (step instanceof Step.Confirm confirm) {
            confirm(confirm.module(), release);
        }
    }

    private List<SourceFile> entry() {
        List<SourceFile> files = new ArrayList<>();
        for (PackagedModule module : payload.modules()) {
            files.add(new SourceFile(module.file(), payload.fileOf(module), false));
        }
        files.add(new SourceFile("log/make.log", ("Entered by Kmodfleet: " + payload.what() + "\n").getBytes(), false));
        return files;
    }

    /** As it was before; where that fails too, the record stays, and the next start tries again. */
    private void putBack(Changes changes) throws InterruptedException {
        try {
            changes.undo();
            Outcome outcome = depmod(changes.intent().release());
            if (!outcome.isSuccess()) {
                LOG.warnf("modules.dep not made anew error=%s", outcome.lastLine());
            }
            changes.forget();
        } catch (IOException e) {
            LOG.errorf("what stood there before is not put back yet error=%s", e);
        }
    }

    /** For whoever found an installation that did not come to its end. */
    static void mend(Changes changes, HostRoot root, HostPrograms programs) throws IOException, InterruptedException {
        StepRunner runner = new StepRunner(
                root, programs, changes.record().getParent(), new Payload("", List.of(), List.of(), Optional.empty()));
        if (changes.intent().done()) {
            changes.forgetKept();
            return;
        }
        changes.undo();
        runner.requireMended(runner.depmod(changes.intent().release()), "depmod");
        if (!changes.intent().initramfs().isEmpty()) {
            // It may hold the new module already.
            runner.requireMended(
                    runner.makeInitramfs(
                            changes.intent().initramfs(), changes.intent().release()),
                    "the initramfs tool");
        }
        changes.forget();
    }

    private void requireMended(Outcome outcome, String program) throws IOException {
        if (!outcome.isSuccess()) {
            throw new IOException(
                    "Expected " + program + " to succeed after everything was put back, but it exited with "
                            + outcome.exitCode() + ": " + outcome.lastLine());
        }
    }

    private Outcome depmod(String release) throws IOException, InterruptedException {
        Outcome outcome = programs.run(LIMIT, List.of("depmod", release));
        Path modules = root.at("/lib/modules/" + release);
        if (outcome.isSuccess() && Files.isDirectory(modules)) {
            Durable.syncFiles(modules, "modules.");
        }
        return outcome;
    }

    private Outcome makeInitramfs(List<String> program, String release) throws IOException, InterruptedException {
        Outcome outcome = programs.run(LIMIT, program);
        if (outcome.isSuccess()) {
            Durable.syncFiles(root.at("/boot"), release);
        }
        return outcome;
    }

    private static void require(Step step, Outcome outcome) throws StepFailed {
        if (!outcome.isSuccess()) {
            throw new StepFailed(step.name(), "exited with " + outcome.exitCode() + ": " + outcome.lastLine());
        }
    }

    private void confirm(PackagedModule module, String release) throws IOException {
        Path modules = root.at("/lib/modules/" + release);
        List<Path> files = ModuleFiles.withBody(modules, module.body());
        if (files.isEmpty()) {
            throw new IOException(
                    "Expected the module of the package below /lib/modules/" + release + ", but it is not there");
        }
        // depmod names one file of each module name: the one that modprobe takes.
        List<String> entries =
                files.stream().map(file -> modules.relativize(file) + ":").toList();
        List<String> lines = Files.readAllLines(modules.resolve("modules.dep"));
        if (lines.stream().noneMatch(line -> entries.stream().anyMatch(line::startsWith))) {
            throw new IOException("Expected modules.dep to name " + entries.get(0)
                    + " but it does not. Another file of that name may go before it");
        }
    }
}
