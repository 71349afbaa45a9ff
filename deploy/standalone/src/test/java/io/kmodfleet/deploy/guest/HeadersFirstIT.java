package io.kmodfleet.deploy.guest;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/** The wrong upgrade order of the product guide (6.1), in a whole machine. */
@Tag("guest")
class HeadersFirstIT {

    @RegisterExtension
    private final GuestStage stage = new GuestStage();

    @Test
    void headers_that_come_before_their_image_are_waited_for_and_then_mended() throws Exception {
        String third = stage.images().third();
        stage.want("1.0", "LOAD");
        Guest guest = stage.boot(stage.images().full(), "early");
        stage.installAgent(guest, true);
        stage.awaitAnswer("early", stage.images().kernel(), "keep UP_TO_DATE");

        stage.upgrade(guest, "linux-headers-" + third);
        stage.awaitAnswer("early", third, "wait IMAGE_NOT_INSTALLED");
        assertThat(guest.ask("find /lib/modules/" + third + " -name 'fleetprobe*'"))
                .isEmpty();

        stage.upgrade(guest, "linux-image-" + third);
        stage.awaitAnswer("early", third, "keep UP_TO_DATE");
        stage.await("a reboot to be safe", () -> stage.safety("early").equals("SAFE"));
        stage.reboot(guest, third, "1.0");
    }
}
