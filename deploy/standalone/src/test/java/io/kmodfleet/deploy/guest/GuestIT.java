package io.kmodfleet.deploy.guest;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/** Whole machines: the agent from its package, kernels from apt, the module in the kernel that really runs. */
@Tag("guest")
class GuestIT {

    @RegisterExtension
    private final GuestStage stage = new GuestStage();

    @Test
    void one_builds_another_reuses_without_a_compiler_and_both_have_their_module_before_they_boot_a_new_kernel()
            throws Exception {
        String first = stage.images().kernel();
        String second = stage.images().second();
        stage.want("1.0", "SELF_TEST");
        Guest builder = stage.boot(stage.images().full(), "builder");
        stage.installAgent(builder, true);
        stage.awaitAnswer("builder", first, "keep UP_TO_DATE");

        assertThat(GuestStage.loaded(builder)).isEqualTo("1.0");
        assertThat(builder.ask("journalctl -u kmodfleet-agent -o cat")).contains("proof=SELF_TEST");
        assertThat(builder.ask("losetup --list")).isEmpty();
        assertThat(builder.ask("dkms status")).contains("fleetprobe/1.0, " + first + ", x86_64: installed");
        assertThat(stage.safety("builder")).isEqualTo("SAFE");

        Guest reuser = stage.boot(stage.images().bare(), "reuser");
        stage.installAgent(reuser, false);
        stage.awaitAnswer("reuser", first, "keep UP_TO_DATE");

        assertThat(GuestStage.loaded(reuser)).isEqualTo("1.0");
        assertThat(reuser.ask("command -v gcc dkms")).isEmpty();
        assertThat(stage.rehearsal().packages()).hasSize(1);

        stage.upgrade(builder, "linux-image-" + second + " linux-headers-" + second);
        stage.await("a reboot into a kernel without its module to be unsafe", () -> stage.safety("builder")
                .equals("NOT_SAFE"));
        stage.awaitAnswer("builder", second, "keep UP_TO_DATE");
        stage.await("a reboot to be safe", () -> stage.safety("builder").equals("SAFE"));
        stage.upgrade(reuser, "linux-image-" + second);
        // Nobody gets it before one host has booted it and its self-test has passed there.
        stage.awaitAnswer("reuser", second, "wait CANARY_RUNNING");
        assertThat(stage.safety("reuser")).isEqualTo("NOT_SAFE");

        stage.reboot(builder, second, "1.0");
        stage.awaitAnswer("reuser", second, "keep UP_TO_DATE");
        stage.await("a reboot to be safe", () -> stage.safety("reuser").equals("SAFE"));
        stage.reboot(reuser, second, "1.0");
        assertThat(stage.rehearsal().packages()).hasSize(2);
    }
}
