package io.kmodfleet.agent.install;

import static org.assertj.core.api.Assertions.assertThat;

import io.kmodfleet.agent.install.InstallPlan.Present;
import io.kmodfleet.agent.install.InstallPlan.Step.AddSource;
import io.kmodfleet.agent.install.InstallPlan.Step.Confirm;
import io.kmodfleet.agent.install.InstallPlan.Step.Depmod;
import io.kmodfleet.agent.install.InstallPlan.Step.EnterBuild;
import io.kmodfleet.agent.install.InstallPlan.Step.InstallWithDkms;
import io.kmodfleet.agent.install.InstallPlan.Step.SetAside;
import io.kmodfleet.agent.install.InstallPlan.Step.WriteModule;
import io.kmodfleet.contracts.BuildTarget;
import io.kmodfleet.contracts.DecisionId;
import io.kmodfleet.contracts.Digest;
import io.kmodfleet.contracts.HostId;
import io.kmodfleet.contracts.KernelIdentity;
import io.kmodfleet.contracts.PackageManifest;
import io.kmodfleet.contracts.PackageManifest.PackagedModule;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.junit.jupiter.api.Test;

class InstallPlanTest {

    private static final String KERNEL = "6.1.0-50-amd64";
    private static final String MODULES = "/lib/modules/" + KERNEL;
    private static final Digest SOME = Digest.of(new byte[] {1});
    private static final PackagedModule MODULE =
            new PackagedModule("snap_shot", "module/snap-shot.ko.xz", SOME, SOME, KERNEL + " SMP ", Optional.empty());
    private static final PackageManifest MANIFEST = new PackageManifest(
            1,
            "snap-shot",
            "1.0",
            new BuildTarget(SOME, "x86_64", KERNEL, SOME),
            new KernelIdentity(
                    "x86_64", KERNEL, Optional.empty(), Optional.of(SOME), Optional.empty(), Optional.empty()),
            List.of(MODULE),
            SOME,
            "gcc",
            "dkms",
            new HostId("0".repeat(32)),
            Optional.of(new DecisionId(1, 0)),
            SOME,
            Instant.EPOCH);

    @Test
    void where_dkms_is_the_module_is_entered_into_dkms() {
        assertThat(plan(true, false))
                .containsExactly(new AddSource(), new EnterBuild(), new InstallWithDkms(), new Confirm(MODULE));
    }

    @Test
    void a_module_that_dkms_has_built_here_is_only_installed() {
        assertThat(plan(true, true)).containsExactly(new InstallWithDkms(), new Confirm(MODULE));
    }

    @Test
    void where_dkms_is_not_the_file_goes_to_updates() {
        assertThat(plan(false, false))
                .containsExactly(
                        new WriteModule(MODULE, MODULES + "/updates/snap-shot.ko.xz"),
                        new Depmod(KERNEL),
                        new Confirm(MODULE));
    }

    @Test
    void an_older_file_goes_only_after_modules_dep_knows_the_new_one() {
        String older = MODULES + "/updates/dkms/snap_shot.ko";

        assertThat(plan(false, false, older))
                .containsExactly(
                        new WriteModule(MODULE, MODULES + "/updates/snap-shot.ko.xz"),
                        new Depmod(KERNEL),
                        new SetAside(older),
                        new Depmod(KERNEL),
                        new Confirm(MODULE));
    }

    @Test
    void the_file_of_the_same_name_is_replaced_and_other_modules_are_left_alone() {
        assertThat(plan(
                        false,
                        false,
                        MODULES + "/updates/snap-shot.ko.xz",
                        MODULES + "/updates/snap_shot2.ko",
                        MODULES + "/extra/other.ko"))
                .noneMatch(SetAside.class::isInstance);
    }

    private static List<InstallPlan.Step> plan(boolean dkms, boolean built, String... files) {
        return InstallPlan.of(MANIFEST, KERNEL, new Present(dkms, built, Set.of(files)))
                .steps();
    }
}
