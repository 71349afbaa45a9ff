package io.kmodfleet.agent.install;

import static org.assertj.core.api.Assertions.assertThat;

import io.kmodfleet.agent.install.Activation.Depmod;
import io.kmodfleet.agent.install.Activation.InitramfsTool;
import io.kmodfleet.agent.install.Activation.ListForInitramfs;
import io.kmodfleet.agent.install.Activation.Load;
import io.kmodfleet.agent.install.Activation.MakeInitramfs;
import io.kmodfleet.agent.install.Activation.Step;
import io.kmodfleet.contracts.Decision;
import io.kmodfleet.contracts.DecisionId;
import io.kmodfleet.contracts.Fact;
import io.kmodfleet.contracts.HostId;
import io.kmodfleet.contracts.Reason;
import io.kmodfleet.contracts.Subject;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;

class ActivationTest {

    private static final String KERNEL = "6.1.0-50-amd64";
    private static final Depmod DEPMOD = new Depmod(KERNEL);

    @Test
    void a_module_that_is_not_loaded_where_its_kernel_runs_is_loaded_and_the_initramfs_stays_as_it_is() {
        assertThat(plan(Decision.Keep.NOT_LOADED, true, Optional.of(InitramfsTool.INITRAMFS_TOOLS)))
                .containsExactly(DEPMOD, new Load("dattobd"));
    }

    @Test
    void a_module_that_is_missing_from_the_initramfs_is_listed_for_it_before_it_is_made_anew() {
        assertThat(plan(Decision.Keep.NOT_IN_INITRAMFS, false, Optional.of(InitramfsTool.INITRAMFS_TOOLS)))
                .containsExactly(
                        DEPMOD,
                        new ListForInitramfs("/usr/share/initramfs-tools/modules.d/kmodfleet-dattobd", "dattobd\n"),
                        new MakeInitramfs(List.of("update-initramfs", "-u", "-k", KERNEL)));
        assertThat(plan(Decision.Keep.NOT_IN_INITRAMFS, false, Optional.of(InitramfsTool.DRACUT)))
                .containsExactly(
                        DEPMOD,
                        new ListForInitramfs(
                                "/etc/dracut.conf.d/kmodfleet-dattobd.conf", "add_drivers+=\" dattobd \"\n"),
                        new MakeInitramfs(List.of("dracut", "-f", "--kver", KERNEL)));
    }

    @Test
    void a_host_without_an_initramfs_tool_and_a_kernel_that_does_not_run_get_what_is_possible() {
        assertThat(plan(Decision.Keep.NOT_IN_INITRAMFS, false, Optional.empty()))
                .containsExactly(DEPMOD);
    }

    @Test
    void a_module_is_loaded_under_the_name_that_the_kernel_gives_it() {
        assertThat(plan("snap-shot", Decision.Keep.NOT_LOADED, true, Optional.empty()))
                .containsExactly(DEPMOD, new Load("snap_shot"));
    }

    private static List<Step> plan(String missing, boolean running, Optional<InitramfsTool> tool) {
        return plan("dattobd", missing, running, tool);
    }

    private static List<Step> plan(String module, String missing, boolean running, Optional<InitramfsTool> tool) {
        Decision.Keep order = new Decision.Keep(
                new DecisionId(1, 0),
                new Subject(new HostId("0".repeat(32)), KERNEL, module),
                Reason.NOT_ACTIVATED,
                List.of(Fact.of(Decision.Keep.MISSING, missing)));
        return Activation.of(order, running, tool).steps();
    }
}
