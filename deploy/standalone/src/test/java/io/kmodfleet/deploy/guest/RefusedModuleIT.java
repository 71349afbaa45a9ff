package io.kmodfleet.deploy.guest;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/** A module that builds, and that a real kernel does not take. */
@Tag("guest")
class RefusedModuleIT {

    @RegisterExtension
    private final GuestStage stage = new GuestStage();

    @Test
    void a_module_that_the_kernel_refuses_is_recalled_with_the_words_of_that_kernel() throws Exception {
        String kernel = stage.images().kernel();
        stage.wantRefused("0.9");
        Guest guest = stage.boot(stage.images().full(), "refuser");
        stage.installAgent(guest, true);
        stage.await("the package to be given up", () -> stage.answer("refuser", kernel)
                .startsWith("reject "));

        assertThat(GuestStage.loaded(guest)).isEmpty();
        assertThat(guest.ask("journalctl -b -o cat _PID=1 | grep -c 'Started run-.*[.]scope'"))
                .as("scopes that limit what a build takes")
                .isNotEqualTo("0");
        assertThat(stage.rehearsal().kmodfleet("failures").output()).contains("could not insert 'fleetprobe'");
        assertThat(stage.safety("refuser")).isEqualTo("NOT_SAFE");
    }
}
