package io.kmodfleet.store.intake;

import static org.assertj.core.api.Assertions.assertThat;

import io.kmodfleet.contracts.Binding;
import io.kmodfleet.contracts.KernelInterface;
import io.kmodfleet.contracts.module.ModuleFixture;
import io.kmodfleet.contracts.pack.ModulePackage;
import io.kmodfleet.contracts.pack.PackageFixture;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;

class PackageNeedsTest {

    private static final String RELEASE = "6.1.0-56-amd64";
    private static final ModuleFixture ONE =
            ModuleFixture.module("one", RELEASE).importing("module_layout", 0xbb6dfbbd);

    @Test
    void several_modules_ask_for_the_symbols_of_all_of_them() throws Exception {
        ModuleFixture two = ModuleFixture.module("two", RELEASE).importing("kfree", 0x037a0cba);

        KernelInterface needs = needs(Binding.SYMBOL_CRC, ONE, two).orElseThrow();

        assertThat(needs.flags()).isEqualTo("SMP preempt mod_unload modversions");
        assertThat(needs.moduleSize()).isEqualTo(896);
        assertThat(needs.crcs()).isEqualTo(Map.of("kfree", "037a0cba", "module_layout", "bb6dfbbd"));
    }

    @Test
    void a_source_that_wants_no_weak_modules_is_for_its_image_only() throws Exception {
        assertThat(needs(Binding.EXACT_IMAGE, ONE)).isEmpty();
    }

    @Test
    void nothing_is_told_where_one_module_has_no_crcs() throws Exception {
        ModuleFixture silent = ModuleFixture.module("two", RELEASE).withoutVersions();

        assertThat(needs(Binding.SYMBOL_CRC, ONE, silent)).isEmpty();
        assertThat(needs(Binding.SYMBOL_CRC, silent, ONE)).isEmpty();
    }

    @Test
    void nothing_is_told_where_two_modules_contradict_each_other() throws Exception {
        ModuleFixture other = ModuleFixture.module("two", RELEASE).importing("module_layout", 1);

        assertThat(needs(Binding.SYMBOL_CRC, ONE, other)).isEmpty();
    }

    private static Optional<KernelInterface> needs(Binding binding, ModuleFixture... modules) throws Exception {
        List<byte[]> files = List.of(modules).stream().map(ModuleFixture::bytes).toList();
        ModulePackage known = ModulePackage.read(PackageFixture.archive());
        return PackageNeeds.of(new ModulePackage(known.digest(), known.manifest(), known.dkmsConf(), files), binding);
    }
}
