package io.kmodfleet.contracts.pack;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import io.kmodfleet.contracts.PackageManifest;
import io.kmodfleet.contracts.PackageManifest.PackagedModule;
import io.kmodfleet.contracts.module.ModuleFile;
import io.kmodfleet.contracts.module.ModuleFixture;
import io.kmodfleet.contracts.module.ModuleInfo;
import io.kmodfleet.contracts.module.NotAModule;
import io.kmodfleet.contracts.pack.Refusal.Rule;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** Threats 7, 9 and 10: what the kernel would take and no other host gets. */
class ModuleRulesTest {

    private static final String RELEASE = "6.1.0-56-amd64";
    private static final String LONG_NAME = "a_symbol_of_rust_whose_name_has_no_room_in_the_basic_table";

    @Test
    void a_module_as_the_compiler_makes_it_keeps_every_rule() throws Exception {
        assertThat(breaches(toy().importing("kfree", 7).weak("perhaps").undefined("_GLOBAL_OFFSET_TABLE_")))
                .isEmpty();
        assertThat(breaches(toy().importing("kfree", 7)
                        .undefined(LONG_NAME)
                        .extendedVersion(ModuleFixture.LAYOUT, ModuleFixture.LAYOUT_CRC)
                        .extendedVersion("kfree", 7)
                        .extendedVersion(LONG_NAME, 8)))
                .isEmpty();
    }

    @Test
    void a_module_of_a_kernel_without_modversions_needs_no_crcs() throws Exception {
        assertThat(breaches(toy().withoutVersions()
                        .undefined("kfree")
                        .with("vermagic", RELEASE + " SMP preempt mod_unload ")))
                .isEmpty();
    }

    @Test
    void a_symbol_without_a_crc_is_refused() throws Exception {
        broken(Rule.SYMBOL_WITHOUT_CRC, "'kfree' has none", toy().undefined("kfree"));
    }

    @Test
    void a_symbol_with_two_crcs_is_refused_even_if_both_are_one() throws Exception {
        broken(Rule.SYMBOL_WITH_TWO_CRCS, "'kfree'", toy().importing("kfree", 7).version("kfree", 8));
        broken(Rule.SYMBOL_WITH_TWO_CRCS, "'kfree'", toy().importing("kfree", 7).version("kfree", 7));
    }

    @Test
    void tables_that_contradict_each_other_are_refused() throws Exception {
        broken(
                Rule.CRCS_CONTRADICT,
                "of 'kfree' one has 00000007 and the other 00000008",
                toy().importing("kfree", 7)
                        .extendedVersion(ModuleFixture.LAYOUT, ModuleFixture.LAYOUT_CRC)
                        .extendedVersion("kfree", 8));
        broken(
                Rule.CRCS_CONTRADICT,
                "of 'kfree' one has none and the other 00000008",
                toy().extendedVersion("kfree", 8),
                Rule.NO_MODULE_LAYOUT);
    }

    @Test
    void modversions_without_the_crc_of_the_layout_are_refused() throws Exception {
        broken(Rule.NO_MODULE_LAYOUT, "module_layout", toy().withoutVersions());
    }

    @Test
    void a_module_that_the_kernel_would_load_under_another_name_is_refused() throws Exception {
        broken(Rule.NAMES_DIFFER, "would load it as 'ext4'", toy().structName("ext4"));
    }

    @Test
    void a_file_has_the_name_of_its_module_and_a_dash_is_as_good_as_an_underscore() throws Exception {
        ModuleFile file =
                ModuleFile.read(ModuleFixture.module("snd_toy", RELEASE).bytes());

        assertThat(ModuleRules.breachesOf(file, "snd-toy.ko")).isEmpty();
        assertThat(ModuleRules.breachesOf(file, "snd_toy.ko")).isEmpty();
        for (String other : List.of("ext4.ko", "snd_toy.ko.xz", "snd_toy", ".ko")) {
            assertThat(ModuleRules.breachesOf(file, other))
                    .as(other)
                    .extracting(Breach::rule)
                    .containsExactly(Rule.NAMES_DIFFER);
        }
    }

    @Test
    void a_module_that_says_it_came_with_the_kernel_is_refused() throws Exception {
        broken(Rule.CLAIMS_IN_TREE, "'intree'", toy().with("intree", "Y"));
    }

    @Test
    void a_name_in_the_struct_of_a_randomized_layout_is_not_looked_for() throws Exception {
        ModuleFile file = ModuleFile.read(toy().structName("")
                .with("vermagic", RELEASE + " SMP preempt mod_unload modversions RANDSTRUCT_0123 ")
                .bytes());

        assertThat(file.structName()).isEmpty();
        assertThat(ModuleRules.breachesOf(file)).isEmpty();
    }

    @Test
    void a_package_with_a_module_that_breaks_a_rule_is_refused_by_that_rule() {
        Map<Rule, ModuleFixture> broken = Map.of(
                Rule.SYMBOL_WITHOUT_CRC, toy().undefined("kfree"),
                Rule.SYMBOL_WITH_TWO_CRCS, toy().version(ModuleFixture.LAYOUT, 1),
                Rule.NO_MODULE_LAYOUT, toy().withoutVersions(),
                Rule.NAMES_DIFFER, toy().structName("ext4"),
                Rule.CLAIMS_IN_TREE, toy().with("intree", "Y"));

        broken.forEach((rule, fixture) -> {
            byte[] module = fixture.bytes();
            byte[] archive =
                    ModulePackage.write(PackageFixture.manifest(module), PackageFixture.DKMS_CONF, List.of(module));
            Refusal refusal = catchThrowableOfType(Refusal.class, () -> ModulePackage.read(archive));
            assertThat(refusal).as(rule.name()).isNotNull();
            assertThat(refusal.rule()).isEqualTo(rule);
            assertThat(refusal.evidence()).startsWith("module/toy.ko: Expected ");
        });
    }

    @Test
    void a_manifest_cannot_name_a_module_otherwise_than_its_file() {
        byte[] module = toy().bytes();
        PackageManifest truth = PackageFixture.manifest(module);
        PackagedModule toy = truth.modules().get(0);
        PackageManifest renamed = PackageFixture.with(
                truth.target(),
                truth.kernel(),
                new PackagedModule(
                        "toy", "module/ext4.ko", toy.digest(), toy.body(), toy.vermagic(), toy.srcversion()));

        Refusal refusal = catchThrowableOfType(
                Refusal.class,
                () -> ModulePackage.read(ModulePackage.write(renamed, PackageFixture.DKMS_CONF, List.of(module))));

        assertThat(refusal.rule()).isEqualTo(Rule.MANIFEST_LIES);
    }

    @Test
    void each_key_that_says_what_a_module_takes_hold_of_must_be_as_it_was_approved() throws Exception {
        ModuleInfo approved = info(toy().with("depends", "").with("alias", "block-major-251-*"));

        assertThat(ModuleRules.drift(
                        approved,
                        info(toy().with("alias", "block-major-251-*")
                                .with("depends", "")
                                .with("srcversion", "FFFFFFFFFFFFFFFFFFFFFFF")),
                        true))
                .isEmpty();
        assertThat(ModuleRules.drift(
                        approved, info(toy().with("alias", "block-major-251-*").with("depends", "other")), false))
                .as("another kernel may have built in what is a module here")
                .isEmpty();
        drifted(approved, toy().with("depends", "other").with("alias", "block-major-251-*"), "'depends'");
        drifted(approved, toy().with("depends", "").with("alias", "pci:*"), "there is also 'pci:*'");
        drifted(approved, toy().with("depends", ""), "'block-major-251-*' is missing");
        for (String key : List.of("intree", "livepatch", "softdep", "import_ns")) {
            drifted(
                    approved,
                    toy().with("depends", "").with("alias", "block-major-251-*").with(key, "Y"),
                    "'" + key + "'");
        }
        drifted(
                approved,
                toy().with("depends", "").with("alias", "block-major-251-*").with("license", "Proprietary"),
                "'Proprietary', and 'GPL' is missing");
    }

    private static void drifted(ModuleInfo approved, ModuleFixture offered, String evidence) throws NotAModule {
        List<Breach> breaches = ModuleRules.drift(approved, info(offered), true);

        assertThat(breaches).as(evidence).singleElement().satisfies(breach -> {
            assertThat(breach.rule()).isEqualTo(Rule.MODINFO_DRIFT);
            assertThat(breach.evidence()).startsWith("Expected ").contains(evidence);
        });
    }

    private static void broken(Rule rule, String evidence, ModuleFixture fixture, Rule... also) throws NotAModule {
        List<Breach> breaches = breaches(fixture);

        assertThat(breaches.stream().map(Breach::rule))
                .first()
                .as(breaches.toString())
                .isEqualTo(rule);
        assertThat(breaches).hasSize(1 + also.length);
        assertThat(breaches.get(0).evidence()).startsWith("Expected ").contains(evidence);
    }

    private static List<Breach> breaches(ModuleFixture fixture) throws NotAModule {
        return ModuleRules.breachesOf(ModuleFile.read(fixture.bytes()));
    }

    private static ModuleInfo info(ModuleFixture fixture) throws NotAModule {
        return ModuleFile.read(fixture.bytes()).info();
    }

    private static ModuleFixture toy() {
        return ModuleFixture.module("toy", RELEASE);
    }
}
