package io.kmodfleet.agent;

import io.kmodfleet.agent.AgentMemory.Standing;
import io.kmodfleet.agent.Finding.Kind;
import io.kmodfleet.agent.host.DkmsEntry;
import io.kmodfleet.agent.host.HostDetail;
import io.kmodfleet.agent.install.Leftovers;
import io.kmodfleet.agent.install.Leftovers.Leftover;
import io.kmodfleet.contracts.Decision;
import io.kmodfleet.contracts.DecisionId;
import io.kmodfleet.contracts.Fact;
import io.kmodfleet.contracts.HostReport;
import io.kmodfleet.contracts.InstalledModule;
import io.kmodfleet.contracts.KernelState;
import io.kmodfleet.contracts.Reason;
import io.kmodfleet.contracts.Subject;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * From what was seen of a host to what is wrong with it and what mends it. Pure: it can be tested without a host, and what
 * {@code --dry-run} shows is what {@code --fix} does.
 */
record Diagnosis(List<Finding> findings) {

    Diagnosis {
        findings = List.copyOf(findings);
    }

    /**
     * What was seen.
     *
     * @param dkmsDifferences where dkms says otherwise than its files
     * @param leftovers of what was cut off; none while an agent runs, for what it is about to write looks the same
     * @param initramfsProgram what makes an initial RAM file system anew, without the release
     */
    record Seen(
            HostReport report,
            HostDetail detail,
            List<String> dkmsDifferences,
            StateCheck state,
            List<Leftover> leftovers,
            Optional<List<String>> initramfsProgram) {}

    static Diagnosis of(Seen seen) {
        List<Finding> findings = new ArrayList<>();
        ofState(seen.state(), findings);
        for (KernelState kernel : seen.report().kernels()) {
            ofKernel(seen, kernel, findings);
        }
        for (Standing standing : seen.state().standing()) {
            ofAnswer(seen, standing.decision(), findings);
        }
        for (HostDetail.Loaded loaded : seen.detail().loaded()) {
            if (loaded.file().isEmpty()) {
                findings.add(advice(
                        Kind.REPLACED_WHILE_LOADED,
                        loaded.name(),
                        loaded.name() + " is loaded, but from no file that is here now",
                        "what is loaded is another build than what the next boot loads",
                        "Nothing, if an update was just installed: it serves after the next boot."
                                + " A module in use is never unloaded."));
            }
        }
        for (Leftover leftover : seen.leftovers()) {
            // dkms's entries are looked at below, those of others too.
            if (leftover.kind() != Leftovers.Kind.EMPTY_DKMS_ENTRY) {
                findings.add(repaired(
                        Kind.LEFTOVER,
                        leftover.where(),
                        leftover.where() + ": " + leftover.words(),
                        "until then the host may have neither the old module nor the new one whole",
                        new Repair.MendLeftovers("take back what was cut off, or bring it to its end")));
            }
        }
        seen.detail().dkms().forEach(entry -> ofDkms(entry, seen.detail().dkms(), findings));
        for (String difference : seen.dkmsDifferences()) {
            findings.add(advice(
                    Kind.DKMS_DISAGREES,
                    "dkms",
                    difference,
                    "the next kernel package runs dkms, and fails where dkms does",
                    "Look at 'dkms status' and the files below /var/lib/dkms."));
        }
        return new Diagnosis(findings);
    }

    private static void ofState(StateCheck state, List<Finding> findings) {
        String place = state.directory().toString();
        if (!state.exists()) {
            findings.add(advice(
                    Kind.NO_AGENT,
                    place,
                    "no agent has worked on this host yet",
                    "nobody reports its kernels, so nobody provides its modules",
                    "'kmodfleet-agent install' does it once, 'kmodfleet-agent run' for good."));
            return;
        }
        if (!state.writable()) {
            findings.add(advice(
                    Kind.STATE_CLOSED,
                    place,
                    "this user may not write to " + place,
                    "nothing that was done could be remembered",
                    "Run it as root."));
        }
        if (state.openToOthers()) {
            findings.add(repaired(
                    Kind.STATE_OPEN,
                    place,
                    "others than its owner may write to " + place,
                    "whoever can change what the agent remembers decides what root installs",
                    new Repair.CloseToOthers(state.directory())));
        }
        state.memoryFault()
                .ifPresent(fault -> findings.add(ofFile(
                        Kind.MEMORY_UNREADABLE,
                        state,
                        "memory.json",
                        fault,
                        "the agent does not start; without it the coordinator tells everything again")));
        state.journalFault()
                .ifPresent(fault -> findings.add(ofFile(
                        Kind.JOURNAL_UNREADABLE,
                        state,
                        "journal",
                        fault,
                        "the agent does not start; without it everything is reported again")));
    }

    private static Finding ofFile(Kind kind, StateCheck state, String name, String fault, String why) {
        String what = name + " cannot be read: " + fault;
        return state.agentRuns()
                ? advice(kind, name, what, why, "An agent runs. Stop it, then run this again with --fix.")
                : repaired(
                        kind,
                        name,
                        what,
                        why,
                        new Repair.SetAside(state.directory().resolve(name)));
    }

    private static void ofKernel(Seen seen, KernelState kernel, List<Finding> findings) {
        String release = kernel.identity().release();
        if (kernel.identity().image().isEmpty() && kernel.headersInstalledAt().isPresent()) {
            findings.add(advice(
                    Kind.IMAGE_MISSING,
                    release,
                    "the headers of " + release + " are installed, and its image is not",
                    "a module that is built now may crash the host when it boots (product guide, 6.1.2)",
                    "Install the image of " + release + "; the agent then has the module built anew."));
        }
        boolean matters = kernel.running() || kernel.nextBoot().orElse(false);
        if (matters
                && kernel.identity().image().isPresent()
                && !kernel.initramfs()
                && seen.initramfsProgram().isPresent()) {
            List<String> line = new ArrayList<>(seen.initramfsProgram().get());
            line.add(release);
            findings.add(repaired(
                    Kind.INITRAMFS_MISSING,
                    release,
                    release + " has no initramfs",
                    "most hosts do not boot without one",
                    new Repair.Run(line)));
        }
    }

    private static void ofAnswer(Seen seen, Decision answer, List<Finding> findings) {
        Optional<KernelState> found = seen.report().kernel(answer.subject().release());
        if (found.isEmpty()) {
            return;
        }
        KernelState kernel = found.get();
        String name = answer.subject().module().replace('-', '_');
        String about = answer.subject().module() + " on " + answer.subject().release();
        List<InstalledModule> installed = kernel.modules().stream()
                .filter(module -> module.name().equals(name))
                .toList();
        if (installed.isEmpty()) {
            findings.add(ofMissing(answer, about));
            return;
        }
        Optional<String> stale = installed.stream()
                .flatMap(module -> RebootSafety.staleness(module, kernel).stream())
                .findFirst();
        if (answer.reason() == Reason.STALE_BUILD || stale.isPresent()) {
            findings.add(repaired(
                    Kind.STALE_BUILD,
                    about,
                    stale.orElse("what is installed was built for another image"),
                    "it may crash the host when data syncing begins (product guide, 6.1.2)",
                    new Repair.LookAgain()));
            return;
        }
        if (!(answer instanceof Decision.Keep keep)) {
            return;
        }
        boolean missing = keep.facts().contains(Fact.of(Decision.Keep.MISSING, Decision.Keep.NOT_IN_INITRAMFS))
                && installed.stream().noneMatch(module -> module.inInitramfs().orElse(false));
        if (missing) {
            findings.add(repaired(
                    Kind.NOT_IN_INITRAMFS,
                    about,
                    about + " is not in the initramfs",
                    "it is loaded too late for the root disk: tracking is lost, and the next backup is a full one",
                    new Repair.Activate(keep)));
        }
        boolean loaded =
                seen.detail().loaded().stream().anyMatch(module -> module.name().equals(name));
        if (kernel.running() && !loaded) {
            findings.add(repaired(
                    Kind.NOT_LOADED,
                    about,
                    about + " is installed, its kernel runs, and it is not loaded",
                    "nothing is tracked meanwhile",
                    new Repair.Activate(notLoaded(keep.id(), keep.subject()))));
        }
    }

    private static Decision.Keep notLoaded(DecisionId id, Subject subject) {
        return new Decision.Keep(
                id, subject, Reason.NOT_ACTIVATED, List.of(Fact.of(Decision.Keep.MISSING, Decision.Keep.NOT_LOADED)));
    }

    private static Finding ofMissing(Decision answer, String about) {
        String what = about + " is wanted, and not installed";
        String why = "after a boot into that kernel nothing is tracked";
        String answered = Answers.lineOf(answer);
        if (answer instanceof Decision.Reject reject) {
            List<String> remedies = Answers.remediesOf(reject);
            return advice(
                    Kind.NOT_INSTALLED,
                    about,
                    what + ": " + answered,
                    why,
                    remedies.isEmpty()
                            ? "See 'kmodfleet-agent why " + answer.subject().release() + "'."
                            : String.join("; ", remedies));
        }
        return repaired(Kind.NOT_INSTALLED, about, what + ": " + answered, why, new Repair.LookAgain());
    }

    private static void ofDkms(DkmsEntry entry, List<DkmsEntry> all, List<Finding> findings) {
        if (entry.fault().isEmpty()) {
            return;
        }
        String version = "/var/lib/dkms/" + entry.module() + "/" + entry.version();
        String what = entry.name() + ": " + entry.fault().get();
        String why = "the next run of dkms, by a kernel package perhaps, may fail on it";
        Optional<Repair> repair = repairOf(entry, version, all);
        findings.add(
                repair.isPresent()
                        ? repaired(Kind.DKMS_HALF_DONE, entry.name(), what, why, repair.get())
                        : advice(
                                Kind.DKMS_HALF_DONE,
                                entry.name(),
                                what,
                                why,
                                "It has builds. Bring its source back below /usr/src, or remove it: dkms remove "
                                        + entry.module() + "/" + entry.version() + " --all"));
    }

    /** What is built or installed is never deleted. */
    private static Optional<Repair> repairOf(DkmsEntry entry, String version, List<DkmsEntry> all) {
        if (entry.release().isPresent()) {
            String release = entry.release().get();
            String arch = entry.arch().orElse("");
            return Optional.of(
                    entry.state() == DkmsEntry.State.INSTALLED
                            ? new Repair.Run(List.of(
                                    "dkms",
                                    "install",
                                    "--force",
                                    "-m",
                                    entry.module(),
                                    "-v",
                                    entry.version(),
                                    "-k",
                                    release,
                                    "-a",
                                    arch))
                            : new Repair.DeleteFromDkms(version + "/" + release + "/" + arch));
        }
        if (entry.state() == DkmsEntry.State.ADDED) {
            return Optional.of(new Repair.DeleteFromDkms(version + "/build"));
        }
        boolean hasBuilds = all.stream()
                .anyMatch(other -> other.release().isPresent()
                        && other.state() != DkmsEntry.State.BROKEN
                        && other.module().equals(entry.module())
                        && other.version().equals(entry.version()));
        return hasBuilds ? Optional.empty() : Optional.of(new Repair.DeleteFromDkms(version));
    }

    private static Finding repaired(Kind kind, String about, String what, String why, Repair repair) {
        return new Finding(kind, about, what, why, List.of(repair), Optional.empty());
    }

    private static Finding advice(Kind kind, String about, String what, String why, String advice) {
        return new Finding(kind, about, what, why, List.of(), Optional.of(advice));
    }
}
