package io.kmodfleet.agent;

import static org.assertj.core.api.Assertions.assertThat;

import io.kmodfleet.agent.UninstallPlan.KernelFile;
import io.kmodfleet.agent.UninstallPlan.Owned;
import io.kmodfleet.agent.UninstallPlan.Step;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import org.junit.jupiter.api.Test;

class UninstallPlanTest {

    private static final Owned OWNED = new Owned(
            List.of(new Step.RemoveFromDkms("toy", "1.0", "6.1", "x86_64")),
            List.of("/usr/src/toy-1.0"),
            List.of(new KernelFile("6.8", "/lib/modules/6.8/updates/toy.ko")),
            List.of("/etc/dkms/toy.conf"),
            List.of("/etc/dracut.conf.d/kmodfleet-toy.conf"),
            List.of(),
            List.of("/run/kmodfleet"),
            Set.of("toy"),
            Optional.of(List.of("dracut", "-f", "--kver")),
            List.of("5.14", "6.1"),
            true,
            Optional.of(Path.of("/var/lib/kmodfleet")),
            Optional.empty());

    @Test
    void modules_go_first_then_what_was_made_of_them_and_the_records_last() {
        assertThat(UninstallPlan.of(OWNED, false).steps())
                .extracting(Step::words)
                .containsExactly(
                        "dkms remove -m toy -v 1.0 -k 6.1 -a x86_64",
                        "delete /lib/modules/6.8/updates/toy.ko",
                        "delete /usr/src/toy-1.0",
                        "delete /etc/dkms/toy.conf",
                        "delete /etc/dracut.conf.d/kmodfleet-toy.conf",
                        "depmod 6.1",
                        "depmod 6.8",
                        "dracut -f --kver 5.14",
                        "dracut -f --kver 6.1",
                        "let dkms's autoinstall look after the modules that stay",
                        "delete /run/kmodfleet",
                        "delete /var/lib/kmodfleet");
    }

    @Test
    void a_loaded_module_stays_and_that_is_said() {
        assertThat(UninstallPlan.of(OWNED, false).remarks())
                .containsExactly("toy stays loaded until the next boot: a loaded module is never unloaded here.");
    }

    @Test
    void modules_that_are_kept_are_not_touched() {
        UninstallPlan plan = UninstallPlan.of(OWNED, true);

        assertThat(plan.steps())
                .extracting(Step::words)
                .containsExactly(
                        "let dkms's autoinstall look after the modules that stay",
                        "delete /run/kmodfleet",
                        "delete /var/lib/kmodfleet");
        assertThat(plan.remarks()).hasSize(1);
    }
}
