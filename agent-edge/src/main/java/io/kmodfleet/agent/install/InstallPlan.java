package io.kmodfleet.agent.install;

import io.kmodfleet.contracts.PackageManifest;
import io.kmodfleet.contracts.PackageManifest.PackagedModule;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;

/**
 * What will be done, in order, as values: it can be printed, compared and tested without a host.
 *
 * <p>Where dkms is, the module is entered into dkms, because a module that dkms does not know makes its later runs fail, and the
 * package manager with them. Where it is not, the file goes to {@code updates/}. The file of the last version stays until the new
 * one is complete; nothing is ever unloaded.
 */
record InstallPlan(List<Step> steps) {

    InstallPlan {
        steps = List.copyOf(steps);
    }

    /**
     * What the host has of it already.
     *
     * @param dkms whether it has dkms
     * @param built whether dkms has these very bodies built
     * @param files the out-of-tree module files of this kernel, as the host names them
     */
    record Present(boolean dkms, boolean built, Set<String> files) {
        Present {
            files = new TreeSet<>(files);
        }
    }

    /** One thing to do. */
    sealed interface Step {

        /** For the report, where it fails. */
        String name();

        /** Puts the operator's source below {@code /usr/src} and makes it known to dkms. */
        record AddSource() implements Step {
            @Override
            public String name() {
                return "add source to dkms";
            }
        }

        /** Makes dkms's entry of the build, from the verified files. */
        record EnterBuild() implements Step {
            @Override
            public String name() {
                return "enter build into dkms";
            }
        }

        /** Has dkms put it below {@code /lib/modules} and run depmod. */
        record InstallWithDkms() implements Step {
            @Override
            public String name() {
                return "dkms install";
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
        }

        /** Renames another file of the same module, which depmod might prefer, so that it is none any more. */
        record SetAside(String path) implements Step {
            @Override
            public String name() {
                return "set aside " + path;
            }
        }

        /** Has {@code modules.dep} made anew. */
        record Depmod(String release) implements Step {
            @Override
            public String name() {
                return "depmod " + release;
            }
        }

        /** Looks whether the very body stands there and {@code modules.dep} names it. */
        record Confirm(PackagedModule module) implements Step {
            @Override
            public String name() {
                return "confirm " + module.name();
            }
        }
    }

    /** @param release of the kernel that it is for: where symbols have CRCs, it may be another one than it was built for */
    static InstallPlan of(PackageManifest manifest, String release, Present present) {
        List<Step> steps = new ArrayList<>();
        if (present.dkms()) {
            if (!present.built()) {
                steps.add(new Step.AddSource());
                steps.add(new Step.EnterBuild());
            }
            steps.add(new Step.InstallWithDkms());
        } else {
            addFiles(steps, manifest, release, present);
        }
        manifest.modules().forEach(module -> steps.add(new Step.Confirm(module)));
        return new InstallPlan(steps);
    }

    /** {@code modules.dep} names a file that is there after each step: depmod runs before an older file goes, and after. */
    private static void addFiles(List<Step> steps, PackageManifest manifest, String release, Present present) {
        List<Step> others = new ArrayList<>();
        for (PackagedModule module : manifest.modules()) {
            String path =
                    "/lib/modules/" + release + "/updates/" + module.file().substring("module/".length());
            steps.add(new Step.WriteModule(module, path));
            present.files().stream()
                    .filter(file -> !file.equals(path) && moduleOf(file).equals(module.name()))
                    .forEach(file -> others.add(new Step.SetAside(file)));
        }
        steps.add(new Step.Depmod(release));
        if (!others.isEmpty()) {
            steps.addAll(others);
            steps.add(new Step.Depmod(release));
        }
    }

    /** The module that a file is by its name: the kernel takes a dash for an underscore. */
    private static String moduleOf(String path) {
        String file = path.substring(path.lastIndexOf('/') + 1);
        int suffix = file.indexOf(".ko");
        return (suffix < 0 ? file : file.substring(0, suffix)).replace('-', '_');
    }
}
