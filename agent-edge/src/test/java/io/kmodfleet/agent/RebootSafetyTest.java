package io.kmodfleet.agent;

import static io.kmodfleet.agent.Kernels.digest;
import static io.kmodfleet.agent.Reports.KERNEL;
import static io.kmodfleet.agent.Reports.MONDAY;
import static io.kmodfleet.agent.Reports.keep;
import static io.kmodfleet.agent.Reports.kernel;
import static io.kmodfleet.agent.Reports.module;
import static io.kmodfleet.agent.Reports.report;
import static io.kmodfleet.agent.Reports.waits;
import static io.kmodfleet.agent.Reports.with;
import static org.assertj.core.api.Assertions.assertThat;

import io.kmodfleet.agent.AgentMemory.Standing;
import io.kmodfleet.contracts.Decision;
import io.kmodfleet.contracts.Digest;
import io.kmodfleet.contracts.Fact;
import io.kmodfleet.contracts.HostReport;
import io.kmodfleet.contracts.HostReport.SecureBoot;
import io.kmodfleet.contracts.InstalledModule;
import io.kmodfleet.contracts.KernelState;
import io.kmodfleet.contracts.Reason;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;

class RebootSafetyTest {

    private static final Optional<Digest> IMAGE = Optional.of(digest("image"));
    private static final Optional<Boolean> NEXT = Optional.of(true);
    private static final InstalledModule RIGHT = module(IMAGE, Optional.of(true), Optional.empty());

    @Test
    void it_is_safe_where_the_next_kernel_has_every_module_that_was_vouched_for() {
        assertThat(sentence(report(kernel(KERNEL, NEXT, RIGHT)), keep(Reason.UP_TO_DATE)))
                .isEqualTo("✔ safe to reboot into " + KERNEL);
    }

    @Test
    void another_kernel_without_the_module_does_not_matter_where_the_next_one_is_known() {
        HostReport report = report(kernel(KERNEL, NEXT, RIGHT), kernel("6.8.0-63-generic", Optional.of(false)));

        assertThat(sentence(report, keep(Reason.UP_TO_DATE))).startsWith("✔ safe");
    }

    @Test
    void where_nobody_knows_which_comes_next_each_kernel_must_have_it() {
        HostReport report =
                report(kernel(KERNEL, Optional.empty(), RIGHT), kernel("6.8.0-63-generic", Optional.empty()));

        assertThat(sentence(report, keep(Reason.UP_TO_DATE)))
                .isEqualTo(
                        "? safe to reboot into 6.8.0-63-generic: unknown, the coordinator has not answered about this"
                                + " kernel yet");
    }

    @Test
    void before_the_coordinator_has_answered_it_is_not_known() {
        assertThat(sentence(report(kernel(KERNEL, NEXT, RIGHT))))
                .isEqualTo("? safe to reboot into " + KERNEL + ": unknown, the coordinator has not answered yet");
    }

    @Test
    void a_host_whose_kernels_cannot_be_read_is_not_known() {
        KernelState noImage = with(kernel(KERNEL, Optional.empty()), false, true, false);

        assertThat(sentence(report(noImage), keep(Reason.UP_TO_DATE)))
                .isEqualTo("? safe to reboot: unknown, no kernel image of it can be read");
    }

    @Test
    void a_next_kernel_without_image_or_initramfs_blocks_whatever_was_answered() {
        KernelState whole = kernel(KERNEL, NEXT, RIGHT);

        assertThat(sentence(report(with(whole, false, true, false))))
                .isEqualTo("✘ not safe to reboot into " + KERNEL + ": its image is not installed, or cannot be read");
        assertThat(sentence(report(with(whole, true, false, false)), keep(Reason.UP_TO_DATE)))
                .isEqualTo("✘ not safe to reboot into " + KERNEL + ": it has no initramfs");
        assertThat(RebootSafety.of(report(with(whole, true, false, false)), List.of(keep(Reason.UP_TO_DATE)), false)
                        .answer())
                .as("a host without a program that makes one boots without")
                .isEqualTo(RebootSafety.Answer.SAFE);
    }

    @Test
    void a_module_that_is_not_there_blocks_whatever_is_awaited() {
        for (Standing standing : List.of(
                keep(Reason.UP_TO_DATE), waits(Reason.BUILD_RUNNING), Reports.rejects(Reason.NO_BUILD_ENVIRONMENT))) {
            assertThat(sentence(report(kernel(KERNEL, NEXT)), standing))
                    .isEqualTo("✘ not safe to reboot into " + KERNEL + ": dattobd, the module is not installed for it");
        }
    }

    @Test
    void a_module_of_another_image_or_older_than_the_image_blocks() {
        InstalledModule other = module(Optional.of(digest("other image")), Optional.of(true), Optional.empty());
        InstalledModule older =
                module(Optional.empty(), Optional.of(true), Optional.empty(), MONDAY.minus(Duration.ofDays(1)));

        assertThat(sentence(report(kernel(KERNEL, NEXT, other)), keep(Reason.UP_TO_DATE)))
                .endsWith("dattobd, what is installed was built for another image of that release");
        assertThat(sentence(report(kernel(KERNEL, NEXT, older)), keep(Reason.UP_TO_DATE)))
                .endsWith("dattobd, what is installed was built before the image was installed");
    }

    @Test
    void a_module_that_nobody_vouches_for_blocks_while_another_is_awaited() {
        InstalledModule byHand = module(Optional.empty(), Optional.of(true), Optional.empty());

        assertThat(sentence(report(kernel(KERNEL, NEXT, byHand)), waits(Reason.BUILD_RUNNING)))
                .endsWith("another version is installed, or one that nobody vouches for");
    }

    @Test
    void a_module_that_belongs_into_the_initramfs_and_is_not_there_blocks_until_it_is() {
        Standing missing = keep(Reason.NOT_ACTIVATED, Fact.of(Decision.Keep.MISSING, Decision.Keep.NOT_IN_INITRAMFS));
        InstalledModule outside = module(IMAGE, Optional.of(false), Optional.empty());

        assertThat(sentence(report(kernel(KERNEL, NEXT, outside)), missing))
                .endsWith("dattobd, the module is not in its initramfs");
        assertThat(sentence(report(kernel(KERNEL, NEXT, RIGHT)), missing)).startsWith("✔ safe");
        assertThat(sentence(report(kernel(KERNEL, NEXT, outside)), keep(Reason.UP_TO_DATE)))
                .startsWith("✔ safe");
    }

    @Test
    void under_secure_boot_only_a_module_of_an_enrolled_key_counts() {
        Optional<SecureBoot> on = Optional.of(new SecureBoot(true, List.of("4b611f")));
        InstalledModule signed = module(IMAGE, Optional.of(true), Optional.of("4b611f"));

        assertThat(sentence(report(List.of(), on, kernel(KERNEL, NEXT, RIGHT)), keep(Reason.UP_TO_DATE)))
                .endsWith("Secure Boot is on, and the module is not signed by a key that is enrolled there");
        assertThat(sentence(report(List.of(), on, kernel(KERNEL, NEXT, signed)), keep(Reason.UP_TO_DATE)))
                .startsWith("✔ safe");
    }

    private static String sentence(HostReport report, Standing... standing) {
        return RebootSafety.of(report, List.of(standing), true).sentence();
    }
}
