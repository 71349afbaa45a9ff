package io.kmodfleet.agent.install;

import io.kmodfleet.contracts.PackageManifest;
import io.kmodfleet.contracts.PackageManifest.PackagedModule;
import java.util.ArrayList;
import java.util.List;

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

    /**
     * @param hasDkms whether the host has dkms
     * @param isBuilt whether dkms has these very bodies built already
     */
    static InstallPlan of(PackageManifest manifest, boolean hasDkms, boolean isBuilt) {
        List<Step> steps = new ArrayList<>();
        String release = manifest.target().release();
        if (hasDkms) {
            if (!isBuilt) {
                steps.add(new Step.AddSource());
                steps.add(new Step.EnterBuild());
            }
            steps.add(new Step.InstallWithDkms());
        } else {
            for (PackagedModule module : manifest.modules()) {
                String file = module.file().substring("module/".length());
                steps.add(new Step.WriteModule(module, "/lib/modules/" + release + "/updates/" + file));
            }
            steps.add(new Step.Depmod(release));
        }
        manifest.modules().forEach(module -> steps.add(new Step.Confirm(module)));
        return new InstallPlan(steps);
    }
}
