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
 * The power of a machine fails while the agent exchanges its module for another edition: again and again from the moment in which the
 * installation begins, each time at another one. {@code -Dkmodfleet.seed=N} repeats the moments of a run, {@code -Dkmodfleet.powerCuts=N}
 * sets how many there are.
 */
@Tag("guest")
class PowerCutIT {

    private static final String HOST = "unlucky";
    private static final int CUTS = Integer.getInteger("kmodfleet.powerCuts", 20);
    private static final String OLD = "1.0";
    private static final String NEW = "1.1";

    /** Holds the agent as soon as the host says on disk that it is about to change, long enough to freeze the machine before it does. */
    private static final String HOLD_AT_THE_BEGIN = """
            bash -c '
            frozen=/sys/fs/cgroup/system.slice/kmodfleet-agent.service/cgroup.freeze
            exec 3<> <(:)
            until [ -e /var/lib/kmodfleet/installation.json ]; do read -rt 0.01 -u 3; done
            echo 1 >$frozen
            (sleep 5; echo 0 >$frozen) >/dev/null 2>&1 &'""";

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
        guest.require(Duration.ofMinutes(20), HOLD_AT_THE_BEGIN);
        guest.freeze();

        guest.resume();
        Instant begin = Instant.now();
        stage.await("the second edition", () -> isComplete(guest, NEW));
        long span = Duration.between(begin, Instant.now()).toMillis();
        guest.cutPower();
        int exchanged = 0;
        for (int cut = 1; cut <= CUTS; cut++) {
            // Most of the time goes into the initial RAM file system: every other cut falls into the beginning.
            long moment = (long) (random.nextDouble() * (cut % 2 == 0 ? span : span / 5));
            guest.resume();
            Thread.sleep(moment);
            guest.cutPower();
            guest.start();

            String found = onDisk(guest);
            System.out.println(
                    "[INFO] power cut " + cut + ", " + moment + " ms of " + span + ": " + found + " on disk");
            assertThat(found).as("edition on disk after power cut %d", cut).isIn(OLD, NEW);
            guest.require(Duration.ofMinutes(2), "modprobe fleetprobe");
            assertThat(guest.ask("cat /sys/module/fleetprobe/parameters/edition"))
                    .as("edition in the kernel after power cut %d", cut)
                    .isIn(OLD, NEW);
            exchanged += found.equals(NEW) ? 1 : 0;
            if (cut < CUTS) {
                guest.cutPower();
            }
        }
        System.out.println(
                "[INFO] the new module was there " + exchanged + " times, the old one " + (CUTS - exchanged));
        stage.await(
                "the installation brought to its end by itself",
                () -> isComplete(guest, NEW) && halfDone(guest).isEmpty());
        assertThat(guest.ask("dpkg --audit")).isEmpty();
    }

    /** What an installation that is under way or was cut off leaves lying. */
    private static String halfDone(Guest guest) throws IOException, InterruptedException {
        return guest.ask("find /lib/modules/*/updates /var/lib/dkms /var/lib/kmodfleet/installation.json"
                + " -name '.*' -o -name installation.json 2>/dev/null");
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
