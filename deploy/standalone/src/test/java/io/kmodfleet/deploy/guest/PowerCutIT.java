package io.kmodfleet.deploy.guest;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.time.Duration;
import java.time.Instant;
import java.util.Random;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/**
 * The power of a machine fails while the agent exchanges its module for another edition, again and again on the same disk.
 * {@code -Dkmodfleet.seed=N} repeats the moments of a run, {@code -Dkmodfleet.powerCuts=N} sets how many there are.
 */
@Tag("guest")
class PowerCutIT {

    private static final int CUTS = Integer.getInteger("kmodfleet.powerCuts", 20);
    private static final String OLD = "1.0";
    private static final String NEW = "1.1";

    @RegisterExtension
    private final GuestStage stage = new GuestStage();

    @Test
    void power_that_fails_at_any_moment_of_an_installation_leaves_a_host_that_boots_with_the_old_module_or_the_new_one()
            throws Exception {
        long seed = Long.getLong("kmodfleet.seed", System.nanoTime());
        System.out.println("[INFO] power cuts: " + CUTS + ", seed " + seed + " (-Dkmodfleet.seed=" + seed + ")");
        Random random = new Random(seed);
        String kernel = stage.images().kernel();
        Guest guest = stage.boot(stage.images().full(), "unlucky");
        // Proven by installation, for what is loaded stays loaded until the next boot.
        stage.want(OLD, "INSTALL");
        stage.installAgent(guest, true);
        stage.await("the first edition on disk", () -> onDisk(guest, kernel).equals(OLD));
        stage.want(NEW, "INSTALL");
        stage.await("the second edition on disk", () -> onDisk(guest, kernel).equals(NEW));
        stage.await("the initial RAM file system with it", () -> isComplete(guest, kernel));
        long span = millisToExchange(guest, kernel, OLD);
        String there = OLD;
        int before = 0;
        int after = 0;
        for (int cut = 1; cut <= CUTS; cut++) {
            String wanted = there.equals(OLD) ? NEW : OLD;
            stage.want(wanted, "INSTALL");
            long moment = (long) (random.nextDouble() * span);
            Thread.sleep(moment);
            guest.cutPower();
            guest.start();

            String found = onDisk(guest, kernel);
            System.out.println("[INFO] power cut " + cut + " after " + moment + " ms of " + span + ": " + found
                    + " where " + there + " was to become " + wanted);
            assertThat(found).as("edition on disk after power cut %d", cut).isIn(there, wanted);
            guest.require(Duration.ofMinutes(1), "modprobe fleetprobe");
            assertThat(guest.ask("cat /sys/module/fleetprobe/parameters/edition"))
                    .isIn(there, wanted);
            guest.require(Duration.ofMinutes(1), "lsinitramfs /boot/initrd.img-" + kernel + " >/dev/null");
            before += found.equals(there) ? 1 : 0;
            after += found.equals(wanted) ? 1 : 0;
            // What was cut off is brought to its end without anybody's doing.
            stage.await("the wanted edition after the boot", () -> onDisk(guest, kernel)
                    .equals(wanted));
            stage.await("nothing half done", () -> isComplete(guest, kernel));
            there = wanted;
        }
        System.out.println("[INFO] the old module " + before + " times, the new one " + after + " times");
        assertThat(before + after).isEqualTo(CUTS);
        assertThat(guest.ask("dpkg --audit")).isEmpty();
    }

    /** How long an exchange takes when nothing interrupts it. */
    private long millisToExchange(Guest guest, String kernel, String edition) throws IOException, InterruptedException {
        Instant begin = Instant.now();
        stage.want(edition, "INSTALL");
        stage.await("the edition exchanged", () -> onDisk(guest, kernel).equals(edition));
        stage.await("nothing half done", () -> isComplete(guest, kernel));
        return Duration.between(begin, Instant.now()).toMillis();
    }

    /** The edition that a boot would load; what nothing but the kernel's own tools say. */
    private static String onDisk(Guest guest, String kernel) throws IOException, InterruptedException {
        return guest.ask("modinfo -k " + kernel + " -F version fleetprobe 2>/dev/null");
    }

    /** Whether the answer stands that all is done. */
    private boolean isComplete(Guest guest, String kernel) throws IOException, InterruptedException {
        return stage.answer("unlucky", kernel).startsWith("keep ")
                && guest.ask("lsinitramfs /boot/initrd.img-" + kernel).contains("fleetprobe.ko");
    }
}
