package io.kmodfleet.agent.dkms;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.kmodfleet.agent.dkms.RecordedAddresses.Wrong;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class KernelMapIT {

    private static final String MOVED = """
            0000000000000000 A __per_cpu_start
            0000000000021000 A cpu_current_top_of_stack
            ffffffffa2000000 T _text
            ffffffffa2000000 T _stext
            ffffffffa2345670 T kfree
            ffffffffc0301000 t helper\t[dm_mod]
            """;

    @TempDir
    private Path directory;

    @Test
    void the_list_of_a_moved_kernel_becomes_the_map_it_was_linked_with() throws Exception {
        Path linked = directory.resolve("linked");

        boolean usable = map(MOVED).writeLinked(linked);

        assertThat(usable).isTrue();
        assertThat(linked).hasContent("""
                0000000000000000 A __per_cpu_start
                0000000000021000 A cpu_current_top_of_stack
                ffffffff81000000 T _text
                ffffffff81000000 T _stext
                ffffffff81345670 T kfree
                """);
    }

    @Test
    void a_kernel_that_hides_its_addresses_gives_no_map() throws Exception {
        KernelMap hidden = map(MOVED.replaceAll("(?m)^[0-9a-f]{16}", "0000000000000000"));

        assertThat(hidden.isUsable()).isFalse();
        assertThat(hidden.writeLinked(directory.resolve("linked"))).isFalse();
    }

    @Test
    void a_map_that_only_looks_whole_to_scripts_is_not_usable() throws Exception {
        assertThat(map("ffffffff82a00000 D __per_cpu_start\n").isUsable()).isFalse();
        assertThat(map("ffffffffffffffff B The real System.map is in the linux-image-dbg package\n")
                        .isUsable())
                .isFalse();
        assertThat(map(MOVED).isUsable()).isTrue();
    }

    @Test
    void zero_is_right_for_a_symbol_that_the_kernel_does_not_have_and_for_no_other() throws Exception {
        Optional<KernelMap> map = Optional.of(map(MOVED));

        recorded("#define KFREE_ADDR 0xffffffffa2345670\n#define SYS_MOUNT_ADDR 0x0\n")
                .check(map);
        assertThatThrownBy(() -> recorded("#define _TEXT_ADDR 0xffffffffa2000000\n#define KFREE_ADDR 0x0\n")
                        .check(map))
                .isInstanceOf(Wrong.class)
                .hasMessageContaining("although the kernel has the symbol");
        assertThatThrownBy(() -> recorded("#define KFREE_ADDR 0x0\n").check(map))
                .hasMessageContaining("each is zero");
    }

    @Test
    void an_address_of_another_map_is_wrong() throws Exception {
        assertThatThrownBy(() ->
                        recorded("#define KFREE_ADDR 0xffffffff81345670\n").check(Optional.of(map(MOVED))))
                .isInstanceOf(Wrong.class)
                .hasMessageContaining("Expected KFREE at ffffffffa2345670");
    }

    private static RecordedAddresses recorded(String header) throws Wrong {
        return RecordedAddresses.in(List.of(header));
    }

    private KernelMap map(String text) throws IOException {
        return new KernelMap(Files.writeString(Files.createTempFile(directory, "map", ""), text));
    }
}
