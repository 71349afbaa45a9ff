package io.kmodfleet.agent.install;

import static org.assertj.core.api.Assertions.assertThat;

import io.kmodfleet.agent.install.InstallPlan.Present;
import io.kmodfleet.agent.install.InstallPlan.Step.Confirm;
import io.kmodfleet.agent.install.InstallPlan.Step.Depmod;
import io.kmodfleet.agent.install.InstallPlan.Step.EnterBuild;
import io.kmodfleet.agent.install.InstallPlan.Step.Link;
import io.kmodfleet.agent.install.InstallPlan.Step.MakeInitramfs;
import io.kmodfleet.agent.install.InstallPlan.Step.PutSource;
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

    private static final String DKMS = "/var/lib/dkms/snap-shot";
    private static final String IN_DKMS = MODULES + "/updates/dkms/snap-shot.ko.xz";
    private static final String IN_UPDATES = MODULES + "/updates/snap-shot.ko.xz";

    @Test
    void where_dkms_is_it_knows_source_and_build_and_which_of_them_is_installed() {
        assertThat(plan(Optional.of("/updates/dkms"), true))
                .containsExactly(
                        new PutSource("/usr/src/snap-shot-1.0"),
                        new Link(DKMS + "/1.0/source", "/usr/src/snap-shot-1.0"),
                        new EnterBuild(DKMS + "/1.0/" + KERNEL + "/x86_64"),
                        new WriteModule(MODULE, IN_DKMS),
                        new Link(DKMS + "/kernel-" + KERNEL + "-x86_64", "1.0/" + KERNEL + "/x86_64"),
                        new Depmod(KERNEL),
                        new Confirm(MODULE));
    }

    @Test
    void a_source_that_dkms_has_already_is_not_put_there_again() {
        assertThat(plan(Optional.of("/updates/dkms"), false)).noneMatch(PutSource.class::isInstance);
    }

    @Test
    void where_dkms_is_not_the_file_goes_to_updates() {
        assertThat(plan(Optional.empty(), false))
                .containsExactly(new WriteModule(MODULE, IN_UPDATES), new Depmod(KERNEL), new Confirm(MODULE));
    }

    @Test
    void an_older_file_goes_only_after_modules_dep_knows_the_new_one() {
        String older = MODULES + "/updates/dkms/snap_shot.ko";

        assertThat(plan(Optional.empty(), false, older))
                .containsExactly(
                        new WriteModule(MODULE, IN_UPDATES),
                        new Depmod(KERNEL),
                        new SetAside(older),
                        new Depmod(KERNEL),
                        new Confirm(MODULE));
    }

    @Test
    void the_file_of_the_same_name_is_replaced_and_other_modules_are_left_alone() {
        assertThat(plan(
                        Optional.empty(),
                        false,
                        IN_UPDATES,
                        MODULES + "/updates/snap_shot2.ko",
                        MODULES + "/extra/other.ko"))
                .noneMatch(SetAside.class::isInstance);
    }

    @Test
    void a_module_that_is_in_the_initramfs_comes_into_it_last() {
        List<String> tool = List.of("update-initramfs", "-u", "-k", KERNEL);

        List<InstallPlan.Step> steps = InstallPlan.of(
                        MANIFEST, KERNEL, new Present(Optional.empty(), false, Set.of(), tool))
                .steps();

        assertThat(steps).endsWith(new Confirm(MODULE), new MakeInitramfs(tool));
    }

    @Test
    void a_plan_can_be_read() {
        assertThat(InstallPlan.of(MANIFEST, KERNEL, new Present(Optional.of("/extra"), true, Set.of(), List.of()))
                        .sentences())
                .first()
                .isEqualTo("put the operator's source to /usr/src/snap-shot-1.0, with AUTOINSTALL off");
    }

    private static List<InstallPlan.Step> plan(Optional<String> dkms, boolean source, String... files) {
        return InstallPlan.of(MANIFEST, KERNEL, new Present(dkms, source, Set.of(files), List.of()))
                .steps();
    }
}
