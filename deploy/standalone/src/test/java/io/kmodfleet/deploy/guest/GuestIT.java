package io.kmodfleet.deploy.guest;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.time.Duration;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/** Whole machines: the agent from its package, kernels from apt, the module in the kernel that really runs. */
@Tag("guest")
class GuestIT {

    private static final Duration APT = Duration.ofMinutes(10);

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

        assertThat(loaded(builder)).isEqualTo("1.0");
        assertThat(builder.ask("journalctl -u kmodfleet-agent -o cat")).contains("proof=SELF_TEST");
        assertThat(builder.ask("losetup --list")).isEmpty();
        assertThat(builder.ask("dkms status")).contains("fleetprobe/1.0, " + first + ", x86_64: installed");
        assertThat(stage.reboot("builder")).isEqualTo("SAFE");

        Guest reuser = stage.boot(stage.images().bare(), "reuser");
        stage.installAgent(reuser, false);
        stage.awaitAnswer("reuser", first, "keep UP_TO_DATE");

        assertThat(loaded(reuser)).isEqualTo("1.0");
        assertThat(reuser.ask("command -v gcc dkms")).isEmpty();
        assertThat(stage.rehearsal().packages()).hasSize(1);

        upgrade(builder, "linux-image-" + second + " linux-headers-" + second);
        stage.await("a reboot into a kernel without its module to be unsafe", () -> stage.reboot("builder")
                .equals("NOT_SAFE"));
        stage.awaitAnswer("builder", second, "keep UP_TO_DATE");
        stage.await("a reboot to be safe", () -> stage.reboot("builder").equals("SAFE"));
        upgrade(reuser, "linux-image-" + second);
        // Nobody gets it before one host has booted it and its self-test has passed there.
        stage.awaitAnswer("reuser", second, "wait CANARY_RUNNING");
        assertThat(stage.reboot("reuser")).isEqualTo("NOT_SAFE");

        reboot(builder, second);
        stage.awaitAnswer("reuser", second, "keep UP_TO_DATE");
        stage.await("a reboot to be safe", () -> stage.reboot("reuser").equals("SAFE"));
        reboot(reuser, second);
        assertThat(stage.rehearsal().packages()).hasSize(2);
    }

    @Tag("long")
    @Test
    void headers_that_come_before_their_image_are_waited_for_and_then_mended() throws Exception {
        String third = stage.images().third();
        stage.want("1.0", "LOAD");
        Guest guest = stage.boot(stage.images().full(), "early");
        stage.installAgent(guest, true);
        stage.awaitAnswer("early", stage.images().kernel(), "keep UP_TO_DATE");

        upgrade(guest, "linux-headers-" + third);
        stage.awaitAnswer("early", third, "wait IMAGE_NOT_INSTALLED");
        assertThat(guest.ask("find /lib/modules/" + third + " -name 'fleetprobe*'"))
                .isEmpty();

        upgrade(guest, "linux-image-" + third);
        stage.awaitAnswer("early", third, "keep UP_TO_DATE");
        stage.await("a reboot to be safe", () -> stage.reboot("early").equals("SAFE"));
        reboot(guest, third);
    }

    @Tag("long")
    @Test
    void a_module_that_the_kernel_refuses_is_recalled_with_the_words_of_that_kernel() throws Exception {
        String kernel = stage.images().kernel();
        stage.wantRefused("0.9");
        Guest guest = stage.boot(stage.images().full(), "refuser");
        stage.installAgent(guest, true);
        stage.await("the package to be given up", () -> stage.answer("refuser", kernel)
                .startsWith("reject "));

        assertThat(loaded(guest)).isEmpty();
        assertThat(stage.rehearsal().kmodfleet("failures").output()).contains("could not insert 'fleetprobe'");
        assertThat(stage.reboot("refuser")).isEqualTo("NOT_SAFE");
    }

    private static void upgrade(Guest guest, String packages) throws IOException, InterruptedException {
        guest.require(
                APT,
                "export DEBIAN_FRONTEND=noninteractive; apt-get -qq update && apt-get -qq install -y " + packages
                        + " && dpkg --audit && test -z \"$(dpkg --audit)\"");
    }

    /** Into that kernel, which must have its module, loaded and in the initial RAM file system, without anybody's doing. */
    private void reboot(Guest guest, String kernel) throws IOException, InterruptedException {
        guest.reboot();
        assertThat(guest.ask("uname -r")).isEqualTo(kernel);
        stage.await("the module in the running kernel", () -> loaded(guest).equals("1.0"));
        assertThat(guest.ask("lsinitramfs /boot/initrd.img-" + kernel)).contains("fleetprobe.ko");
    }

    /** The edition that the running kernel has; empty where it has none. */
    private static String loaded(Guest guest) throws IOException, InterruptedException {
        return guest.ask("cat /sys/module/fleetprobe/parameters/edition 2>/dev/null");
    }
}
