package io.kmodfleet.agent.host;

import static org.assertj.core.api.Assertions.assertThat;

import io.kmodfleet.contracts.module.ModuleFile;
import io.kmodfleet.contracts.module.ModuleFixture;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class KernelExportsIT {

    private static final String RELEASE = "4.19.0-27-amd64";
    private static final ModuleFixture OWN = ModuleFixture.module("toy", RELEASE);

    @TempDir
    private Path host;

    @Test
    void a_module_symvers_of_any_age_tells_what_the_kernel_exports() throws Exception {
        for (String layout : List.of(
                "0x00000007\tkfree\tvmlinux\tEXPORT_SYMBOL\n0x0000000a\tfat_find\tfs/fat\tEXPORT_SYMBOL_GPL\n",
                "0x00000007\tkfree\t\tvmlinux\tEXPORT_SYMBOL\n0x0000000a\tfat_find\tNS\tfs/fat\tEXPORT_SYMBOL_GPL\n",
                "0x00000007\tkfree\tvmlinux\tEXPORT_SYMBOL\t\n0x0000000a\tfat_find\tfs/fat\tEXPORT_SYMBOL_GPL\tNS\n")) {
            KernelExports exports = exports(layout);
            ModuleFixture needing = ModuleFixture.module("toy", RELEASE).version("kfree", 8);

            assertThat(exports.of(RELEASE, Integer.MAX_VALUE).orElseThrow().crcs())
                    .as(layout)
                    .containsExactly(Map.entry("fat_find", "0000000a"), Map.entry("kfree", "00000007"));
            assertThat(exports.of(RELEASE, 30).orElseThrow().crcs())
                    .as(layout)
                    .containsExactly(Map.entry("kfree", "00000007"));
            assertThat(exports.misfit(ModuleFile.read(needing.bytes()), RELEASE))
                    .as(layout)
                    .contains("symbol kfree has CRC 00000008 in it, and 00000007 in " + RELEASE);
        }
    }

    @Test
    void of_what_is_no_module_symvers_nothing_is_believed() throws Exception {
        KernelExports exports = exports("0x00000007\tkfree\tvmlinux\tEXPORT_SYMBOL\t\n<html>\n");
        ModuleFixture needing = ModuleFixture.module("toy", RELEASE).version("kfree", 7);

        assertThat(exports.of(RELEASE, Integer.MAX_VALUE)).isEmpty();
        assertThat(exports.misfit(ModuleFile.read(needing.bytes()), RELEASE))
                .hasValueSatisfying(why -> assertThat(why).contains("cannot be read here"));
    }

    private KernelExports exports(String symvers) throws IOException {
        Path modules = host.resolve("lib/modules/" + RELEASE);
        Files.createDirectories(modules.resolve("build"));
        Files.createDirectories(modules.resolve("kernel"));
        Files.writeString(modules.resolve("build/Module.symvers"), symvers);
        Files.write(modules.resolve("kernel/toy.ko"), OWN.bytes());
        return new KernelExports(new HostRoot(host));
    }
}
