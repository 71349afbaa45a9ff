package io.kmodfleet.agent.install;

import io.kmodfleet.agent.dkms.DkmsPlaces;
import io.kmodfleet.contracts.PackageManifest;
import io.kmodfleet.contracts.PackageManifest.PackagedModule;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;

/**
 * What will be done, in order, as values: it can be printed, compared and tested without a host.
 *
 * <p>Where dkms is, the module is entered into dkms, because a module that dkms does not know makes its later runs fail, and the
 * package manager with them. Where it is not, the file goes to {@code updates/}. The file of the last version stays until the new
 * one is complete; nothing is ever unloaded.
 */
record InstallPlan(String release, List<Step> steps) {

    InstallPlan {
        steps = List.copyOf(steps);
    }

    /**
     * What the host has of it already.
     *
     * @param dkms where dkms keeps modules below {@code /lib/modules/K}; absent where dkms is not to know of it
     * @param source whether dkms is to be given the source, which it does not have yet
     * @param files the out-of-tree module files of this kernel, as the host names them
     * @param initramfs what makes the initial RAM file system anew; empty where the module is not in it
     */
    record Present(Optional<String> dkms, boolean source, Set<String> files, List<String> initramfs) {
        Present {
            files = new TreeSet<>(files);
            initramfs = List.copyOf(initramfs);
        }
    }

    /** One thing to do. */
    sealed interface Step {

        /** For the report, where it fails. */
        String name();

        /** For a person. */
        String sentence();

        /** The place that it replaces, as the host names it; empty where it has a program do something, or only looks. */
        default Optional<String> place() {
            return Optional.empty();
        }

        /** Puts the operator's source where dkms wants it, for builds by hand; its autoinstall is told to leave it alone. */
        record PutSource(String path) implements Step {
            @Override
            public String name() {
                return "put source " + path;
            }

            @Override
            public String sentence() {
                return "put the operator's source to " + path + ", with AUTOINSTALL off";
            }

            @Override
            public Optional<String> place() {
                return Optional.of(path);
            }
        }

        /** Makes dkms's entry of the build, from the verified files. */
        record EnterBuild(String path) implements Step {
            @Override
            public String name() {
                return "enter build into dkms";
            }

            @Override
            public String sentence() {
                return "enter the build into dkms as " + path;
            }

            @Override
            public Optional<String> place() {
                return Optional.of(path);
            }
        }

        /**
         * One of the links by which dkms knows things.
         *
         * @param to what it leads to, from where it lies
         */
        record Link(String path, String to) implements Step {
            @Override
            public String name() {
                return "link " + path;
            }

            @Override
            public String sentence() {
                return "link " + path + " to " + to + ", by which dkms knows it";
            }

            @Override
            public Optional<String> place() {
                return Optional.of(path);
            }
        }

        /**
         * Writes a module file beside its place, and renames it.
         *
         * @param path as the host names it
         */
        record WriteModule(PackagedModule module, String path) implements Step {
            @Override
            public String name() {
                return "write " + path;
            }

            @Override
            public String sentence() {
                return "write " + path + " (" + module.digest().brief() + ")";
            }

            @Override
            public Optional<String> place() {
                return Optional.of(path);
            }
        }

        /** Renames another file of the same module, which depmod might prefer, so that it is none any more. */
        record SetAside(String path) implements Step {
            @Override
            public String name() {
                return "set aside " + path;
            }

            @Override
            public String sentence() {
                return "remove " + path + ", another file of the same module";
            }

            @Override
            public Optional<String> place() {
                return Optional.of(path);
            }
        }

        /** Has {@code modules.dep} made anew. */
        record Depmod(String release) implements Step {
            @Override
            public String name() {
                return "depmod " + release;
            }

            @Override
            public String sentence() {
                return "run depmod " + release;
            }
        }

        /** Looks whether the very body stands there and {@code modules.dep} names it. */
        record Confirm(PackagedModule module) implements Step {
            @Override
            public String name() {
                return "confirm " + module.name();
            }

            @Override
            public String sentence() {
                return "confirm that modules.dep names the very file of " + module.name();
            }
        }

        /** Has the initial RAM file system made anew. It comes last: what is in it before serves as well as before. */
        record MakeInitramfs(List<String> program) implements Step {
            @Override
            public String name() {
                return String.join(" ", program);
            }

            @Override
            public String sentence() {
                return "run " + String.join(" ", program) + ", for the module belongs into the initramfs";
            }
        }
    }

    /** @param release of the kernel that it is for: where symbols have CRCs, it may be another one than it was built for */
    static InstallPlan of(PackageManifest manifest, String release, Present present) {
        return of(
                manifest.module(),
                manifest.moduleVersion(),
                manifest.target().arch(),
                manifest.modules(),
                release,
                present);
    }

    /**
     * @param source name of the module's source
     * @param version of it
     */
    static InstallPlan of(
            String source, String version, String arch, List<PackagedModule> modules, String release, Present present) {
        List<Step> steps = new ArrayList<>();
        String location = present.dkms().orElse("/updates");
        DkmsPlaces places = new DkmsPlaces(source, version, release, arch);
        if (present.dkms().isPresent()) {
            if (present.source()) {
                steps.add(new Step.PutSource(places.source()));
                steps.add(new Step.Link(places.sourceLink(), places.source()));
            }
            steps.add(new Step.EnterBuild(places.entry()));
        }
        List<String> written = new ArrayList<>();
        for (PackagedModule module : modules) {
            String path =
                    "/lib/modules/" + release + location + "/" + module.file().substring("module/".length());
            steps.add(new Step.WriteModule(module, path));
            written.add(path);
        }
        if (present.dkms().isPresent()) {
            steps.add(new Step.Link(places.installedLink(), places.installedTarget()));
        }
        // modules.dep names a file that is there after each step: depmod runs before an older file goes, and after.
        steps.add(new Step.Depmod(release));
        List<Step> others = others(modules, present, written);
        if (!others.isEmpty()) {
            steps.addAll(others);
            steps.add(new Step.Depmod(release));
        }
        modules.forEach(module -> steps.add(new Step.Confirm(module)));
        if (!present.initramfs().isEmpty()) {
            steps.add(new Step.MakeInitramfs(present.initramfs()));
        }
        return new InstallPlan(release, steps);
    }

    List<String> sentences() {
        return steps.stream().map(Step::sentence).toList();
    }

    private static List<Step> others(List<PackagedModule> modules, Present present, List<String> written) {
        List<Step> others = new ArrayList<>();
        for (PackagedModule module : modules) {
            present.files().stream()
                    .filter(file -> !written.contains(file)
                            && ModuleFiles.moduleOf(file).equals(module.name()))
                    .forEach(file -> others.add(new Step.SetAside(file)));
        }
        return others;
    }
}
