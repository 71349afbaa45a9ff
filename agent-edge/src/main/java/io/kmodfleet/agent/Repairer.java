package io.kmodfleet.agent;

import io.kmodfleet.agent.dkms.Dkms;
import io.kmodfleet.agent.host.HostInspector;
import io.kmodfleet.agent.host.HostPrograms;
import io.kmodfleet.agent.host.HostPrograms.Outcome;
import io.kmodfleet.agent.host.HostRoot;
import io.kmodfleet.agent.host.KernelWatch;
import io.kmodfleet.agent.install.Activator;
import io.kmodfleet.agent.install.Leftovers;
import io.kmodfleet.agent.install.Leftovers.Leftover;
import io.kmodfleet.contracts.HostId;
import io.kmodfleet.contracts.KernelState;
import io.kmodfleet.contracts.Observation;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.FileTime;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** Carries out repairs on a host. What goes near dkms holds the host's lock, as a build does. */
final class Repairer {

    private static final Duration LIMIT = Duration.ofMinutes(15);
    private static final String DKMS = "/var/lib/dkms/";

    private final HostRoot root;
    private final HostId host;
    private final HostInspector inspector;
    private final HostPrograms programs;
    private final Dkms dkms;
    private final Path state;
    private final boolean agentRuns;

    Repairer(HostRoot root, HostId host, HostInspector inspector, StateCheck state) throws IOException {
        // For the lock.
        Files.createDirectories(state.directory());
        this.root = root;
        this.host = host;
        this.inspector = inspector;
        this.programs = new HostPrograms(root);
        this.dkms = new Dkms(root, programs, state.directory());
        this.state = state.directory();
        this.agentRuns = state.agentRuns();
    }

    /** @return what came of it, in words; it begins with "not" where it did not work */
    String run(Repair repair) throws InterruptedException {
        try {
            if (repair instanceof Repair.Activate activate) {
                return activate(activate);
            } else if (repair instanceof Repair.Run run) {
                Outcome outcome = dkms.locked(() -> programs.run(LIMIT, run.line()));
                return outcome.isSuccess()
                        ? "done"
                        : "not done: it exited with " + outcome.exitCode() + ", " + outcome.lastLine();
            } else if (repair instanceof Repair.LookAgain) {
                return lookAgain();
            } else if (repair instanceof Repair.DeleteFromDkms delete) {
                return dkms.locked(() -> delete(delete.directory()));
            } else if (repair instanceof Repair.MendLeftovers) {
                List<Leftover> left = new Leftovers(root, programs, state).mend();
                return left.isEmpty() ? "done" : "not done: " + left.get(0).words();
            } else if (repair instanceof Repair.SetAside aside) {
                Files.move(aside.file(), aside.aside(), StandardCopyOption.REPLACE_EXISTING);
                return "done";
            } else if (repair instanceof Repair.CloseToOthers close) {
                Files.setPosixFilePermissions(close.directory(), PosixFilePermissions.fromString("rwx------"));
                return "done";
            }
            return "not done: nobody knows how";
        } catch (IOException e) {
            return "not done: " + CommandLineSetup.sentenceOf(e);
        }
    }

    private String activate(Repair.Activate activate) throws InterruptedException {
        Optional<KernelState> kernel =
                inspector.inspect().kernel(activate.order().subject().release());
        if (kernel.isEmpty()) {
            return "not done: that kernel is gone";
        }
        Optional<Observation.LoadFailed> refused =
                new Activator(host, root, programs).activate(activate.order(), kernel.get(), Map.of());
        return refused.map(why -> "not done: " + why.error()).orElse("done");
    }

    private String lookAgain() throws IOException {
        Path sign = root.at(KernelWatch.SIGN);
        if (!agentRuns || !Files.isDirectory(sign.getParent())) {
            return "not done: no agent runs here. Start it, or run 'kmodfleet-agent install'";
        }
        Files.write(sign, new byte[0]);
        Files.setLastModifiedTime(sign, FileTime.from(Instant.now()));
        return "done; 'kmodfleet-agent status' shows what comes of it";
    }

    /** Below dkms's own directory and nowhere else, without following a link. */
    private String delete(String directory) throws IOException {
        Path at = root.at(directory);
        boolean inside = at.startsWith(root.at(DKMS)) && !at.equals(root.at(DKMS));
        if (!inside || !Files.isDirectory(at, LinkOption.NOFOLLOW_LINKS)) {
            return "not done: " + directory + " is no directory below " + DKMS;
        }
        Trees.delete(at);
        return "done";
    }
}
