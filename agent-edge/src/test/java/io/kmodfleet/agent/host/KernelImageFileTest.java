package io.kmodfleet.agent.host;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.charset.StandardCharsets;
import org.junit.jupiter.api.Test;

class KernelImageFileTest {

    private static final String VERSION = "6.1.0-50-amd64 (someone@example.org) #1 SMP Debian 6.1.176-1 (2026-07-02)";

    @Test
    void the_version_string_stands_where_the_boot_header_says() {
        assertThat(KernelImageFile.version(image(0x3000))).contains(VERSION);
    }

    @Test
    void the_last_place_that_the_header_can_name_is_read_too() {
        assertThat(KernelImageFile.version(image(0xffff))).contains(VERSION);
    }

    @Test
    void an_image_of_another_form_has_no_version_string() {
        byte[] other = image(0x3000);
        other[0x202] = 'X';

        assertThat(KernelImageFile.version(other)).isEmpty();
    }

    @Test
    void an_image_that_ends_before_its_version_string_has_none() {
        assertThat(KernelImageFile.version(java.util.Arrays.copyOf(image(0x3000), 0x3210)))
                .isEmpty();
        assertThat(KernelImageFile.version(new byte[0])).isEmpty();
    }

    static byte[] image(int offset) {
        byte[] image = new byte[KernelImageFile.HEADER];
        System.arraycopy("HdrS".getBytes(StandardCharsets.US_ASCII), 0, image, 0x202, 4);
        image[0x20e] = (byte) offset;
        image[0x20f] = (byte) (offset >> 8);
        byte[] text = VERSION.getBytes(StandardCharsets.US_ASCII);
        System.arraycopy(text, 0, image, offset + 0x200, text.length);
        return image;
    }
}
