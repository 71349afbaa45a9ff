package io.kmodfleet.agent;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;

/**
 * What is done to leave a host as it was before the agent came, in order, as values. Nothing is unloaded: what is in use stays in
 * use until the next boot.
 *
 * @param remarks what stays, and why
 */
record UninstallPlan(List<Step> steps, List<String> remarks) {

    UninstallPlan {
        steps = List.copyOf(steps);
        remarks = List.copyOf(remarks);
    }

    /** One thing to do. */
    sealed interface Step {

        String words();

        /** With all that dkms made of it for that kernel, installed or built. */
        record RemoveFromDkms(String module, String version, String release, String arch) implements Step {
            @Override
            public String words() {
                return "dkms remove -m " + module + " -v " + version + " -k " + release + " -a " + arch;
            }

            List<String> line() {
                return List.of("dkms", "remove", "-m", module, "-v", version, "-k", release, "-a", arch);
            }
        }

        /** @param path as the host names it; a directory goes with all that is in it */
        record Delete(String path) implements Step {
            @Override
            public String words() {
                return "delete " + path;
            }
        }

        /** So that nothing of an installation that was cut off stays behind. */
        record MendLeftovers(List<String> where) implements Step {
            @Override
            public String words() {
                return "mend what was cut off: " + String.join(", ", where);
            }
        }

        /** The agent's own directory, which may lie anywhere. */
        record DeleteState(Path directory) implements Step {
            @Override
            public String words() {
                return "delete " + directory;
            }
        }

        /** Modules that stay are dkms's again, also for kernels to come. */
        record GiveBackToDkms() implements Step {
            @Override
            public String words() {
                return "let dkms's autoinstall look after the modules that stay";
            }
        }

        /** A program of the host, without a shell. */
        record Run(List<String> line) implements Step {
            @Override
            public String words() {
                return String.join(" ", line);
            }
        }
    }

    /**
     * What of this host is the agent's.
     *
     * @param builds dkms's entries of builds that the agent made or installed
     * @param sources below {@code /usr/src}, of which dkms has nothing but these builds, and which no package brought
     * @param files module files below {@code /lib/modules} that the agent wrote where there is no dkms
     * @param overrides below {@code /etc/dkms}
     * @param listings that have the initramfs take modules
     * @param leftovers of what was cut off, where they lie
     * @param signs what hooks touch, and its directory
     * @param loaded modules of these that are loaded now
     * @param initramfs makes one anew, without the release; absent where the host has no such program
     * @param kernels with an initramfs
     * @param heldBack whether dkms's autoinstall was told to leave modules alone
     * @param state the agent's directory; absent where there is none
     * @param copies the directory of package copies; absent where it is to stay, or is not there
     */
    record Owned(
            List<Step.RemoveFromDkms> builds,
            List<String> sources,
            List<KernelFile> files,
            List<String> overrides,
            List<String> listings,
            List<String> leftovers,
            List<String> signs,
            Set<String> loaded,
            Optional<List<String>> initramfs,
            List<String> kernels,
            boolean heldBack,
            Optional<Path> state,
            Optional<String> copies) {}

    /** A module file of one kernel. */
    record KernelFile(String release, String path) {}

    static UninstallPlan of(Owned owned, boolean keepModules) {
        List<Step> steps = new ArrayList<>();
        List<String> remarks = new ArrayList<>();
        if (!owned.leftovers().isEmpty()) {
            steps.add(new Step.MendLeftovers(owned.leftovers()));
        }
        if (keepModules) {
            if (!owned.builds().isEmpty() || !owned.files().isEmpty()) {
                remarks.add(
                        owned.heldBack()
                                ? "The modules stay installed; for kernels to come dkms builds them where it can."
                                : "The modules stay installed; nobody provides them for kernels to come.");
            }
        } else {
            addModules(steps, owned);
            owned.loaded()
                    .forEach(module -> remarks.add(
                            module + " stays loaded until the next boot: a loaded module is never unloaded here."));
        }
        if (owned.heldBack()) {
            steps.add(new Step.GiveBackToDkms());
        }
        addAll(steps, owned.signs());
        owned.copies().ifPresent(path -> steps.add(new Step.Delete(path)));
        // The last: as long as something else is left, the records say what.
        owned.state().ifPresent(directory -> steps.add(new Step.DeleteState(directory)));
        return new UninstallPlan(steps, remarks);
    }

    private static void addModules(List<Step> steps, Owned owned) {
        steps.addAll(owned.builds());
        Set<String> releases = new TreeSet<>();
        owned.builds().forEach(build -> releases.add(build.release()));
        owned.files().forEach(file -> {
            steps.add(new Step.Delete(file.path()));
            releases.add(file.release());
        });
        addAll(steps, owned.sources());
        addAll(steps, owned.overrides());
        addAll(steps, owned.listings());
        releases.forEach(release -> steps.add(new Step.Run(List.of("depmod", release))));
        // A listing counts for every kernel.
        Collection<String> stale = owned.listings().isEmpty() ? releases : new TreeSet<>(owned.kernels());
        owned.initramfs().ifPresent(program -> stale.stream()
                .filter(owned.kernels()::contains)
                .forEach(release -> {
                    List<String> line = new ArrayList<>(program);
                    line.add(release);
                    steps.add(new Step.Run(line));
                }));
    }

    private static void addAll(List<Step> steps, List<String> paths) {
        paths.forEach(path -> steps.add(new Step.Delete(path)));
    }
}
