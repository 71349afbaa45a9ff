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

    private static final String HOST = "unlucky";
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
        Guest guest = stage.boot(stage.images().full(), HOST);
        // Proven by installation, for what is loaded stays loaded until the next boot.
        stage.want(OLD, "INSTALL");
        stage.installAgent(guest, true);
        stage.await("the first edition", () -> isComplete(guest, OLD));
        stage.want(NEW, "INSTALL");
        stage.await("the second edition", () -> isComplete(guest, NEW));
        long span = millisToExchange(guest, OLD);
        String there = OLD;
        String wanted = NEW;
        int exchanged = 0;
        long begun = installations(guest);
        stage.want(wanted, "INSTALL");
        for (int cut = 1; cut <= CUTS; cut++) {
            long before = begun;
            stage.await("an installation", () -> installations(guest) > before);
            long moment = (long) (random.nextDouble() * span);
            Thread.sleep(moment);
            guest.cutPower();
            guest.start();

            String found = onDisk(guest);
            System.out.println("[INFO] power cut " + cut + ", " + moment + " ms of " + span + " into the installation: "
                    + found + " where " + wanted + " was to follow " + there);
            assertThat(found).as("edition on disk after power cut %d", cut).isIn(there, wanted);
            guest.require(Duration.ofMinutes(2), "modprobe fleetprobe");
            assertThat(guest.ask("cat /sys/module/fleetprobe/parameters/edition"))
                    .as("edition in the kernel after power cut %d", cut)
                    .isIn(there, wanted);
            // What was cut off is put back and begun again by itself, or was done.
            String next = wanted;
            stage.await("the agent at work", () -> installations(guest) > 0 || isComplete(guest, next));
            begun = 0;
            if (installations(guest) == 0) {
                exchanged++;
                wanted = there;
                there = next;
                stage.want(wanted, "INSTALL");
            }
        }
        System.out.println("[INFO] the new module had come " + exchanged + " times, the old one was there "
                + (CUTS - exchanged) + " times");
        String last = wanted;
        stage.await("the installation brought to its end", () -> isComplete(guest, last));
        assertThat(guest.ask("dpkg --audit; find /lib/modules/*/updates -name '.*' -type f"))
                .isEmpty();
    }

    /** How long an exchange takes when nothing interrupts it. */
    private long millisToExchange(Guest guest, String edition) throws IOException, InterruptedException {
        long before = installations(guest);
        stage.want(edition, "INSTALL");
        stage.await("an installation", () -> installations(guest) > before);
        Instant begin = Instant.now();
        stage.await("the exchange", () -> isComplete(guest, edition));
        return Duration.between(begin, Instant.now()).toMillis();
    }

    /** How many the agent has begun since the guest booted. */
    private static long installations(Guest guest) throws IOException, InterruptedException {
        return guest.ask("journalctl -b -u kmodfleet-agent -o cat")
                .lines()
                .filter(line -> line.contains("installing package="))
                .count();
    }

    /** The edition that the next boot would load, by the kernel's own tools. */
    private String onDisk(Guest guest) throws IOException, InterruptedException {
        return guest.ask("modinfo -k " + stage.images().kernel() + " -F version fleetprobe 2>/dev/null");
    }

    /** Whether that edition is there and nothing is left to do; what is loaded stays until the next boot. */
    private boolean isComplete(Guest guest, String edition) throws IOException, InterruptedException {
        return stage.answer(HOST, stage.images().kernel()).startsWith("keep ")
                && onDisk(guest).equals(edition);
    }
}
