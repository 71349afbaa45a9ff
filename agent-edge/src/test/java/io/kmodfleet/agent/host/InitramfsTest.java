package io.kmodfleet.agent.host;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class InitramfsTest {

    private static final String EL9 = "5.14.0-427.el9.x86_64";

    @Test
    void what_dracut_lists_is_read_like_what_initramfs_tools_lists() {
        String dracut = """
                Image: /boot/initramfs-5.14.0-427.el9.x86_64.img: 34M
                ========================================================================
                dracut modules:
                bash
                ========================================================================
                drwxr-xr-x  12 root     root            0 Oct 30 06:42 .
                -rw-r--r--   1 root     root        52340 Oct 30 06:42 usr/lib/modules/5.14.0-427.el9.x86_64/extra/dattobd.ko.xz
                lrwxrwxrwx   1 root     root           29 Oct 30 06:42 usr/lib/modules/5.14.0-427.el9.x86_64/build -> x.ko
                -rw-r--r--   1 root     root        12345 Oct 30 06:42 usr/lib/modules/5.14.0-427.el9.x86_64/kernel/fs/xfs/dm-mod.ko
                """;
        String tools = "usr\nusr/lib/modules/" + EL9 + "/updates/dkms/dattobd.ko.zst\nlib/modules/other/x.ko\n";

        assertThat(Initramfs.modulesIn(dracut, EL9)).contains("dattobd", "dm_mod");
        assertThat(Initramfs.modulesIn(tools, EL9)).containsExactly("dattobd");
    }
}
