package io.kmodfleet.contracts.pack;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import io.kmodfleet.contracts.Binding;
import io.kmodfleet.contracts.pack.Refusal.Rule;
import io.kmodfleet.contracts.pack.SourcePackage.SourceFile;
import java.util.List;
import org.junit.jupiter.api.Test;

class SourcePackageTest {

    @Test
    void a_source_says_which_module_it_is_and_how_tightly_it_is_bound() throws Exception {
        SourcePackage source = SourcePackage.read(PackageFixture.SOURCE);

        assertThat(source.conf()).isEqualTo(new DkmsConf("toy", "1.0", List.of("toy"), Binding.EXACT_IMAGE));
        assertThat(source.fileName()).isEqualTo("toy-1.0-source.tar.gz");
    }

    @Test
    void the_same_files_in_any_order_give_the_same_digest() {
        SourceFile conf = new SourceFile("dkms.conf", PackageFixture.DKMS_CONF, false);
        SourceFile code = new SourceFile("a.c", new byte[] {1}, false);

        assertThat(SourcePackage.write(List.of(conf, code))).isEqualTo(SourcePackage.write(List.of(code, conf)));
    }

    @Test
    void a_dkms_conf_is_read_without_a_shell() throws Exception {
        DkmsConf conf = DkmsConf.parse("""
                # comment
                PACKAGE_NAME='v4l2loopback'
                PACKAGE_VERSION=0.12.7   # trailing
                VERSION_BY_SHELL="$(git describe)"
                BUILT_MODULE_NAME[0]="${PACKAGE_NAME}"
                BUILT_MODULE_NAME[1]="$PACKAGE_NAME-extra"
                """);

        assertThat(conf.modules()).containsExactly("v4l2loopback", "v4l2loopback-extra");
        assertThat(conf.binding()).isEqualTo(Binding.SYMBOL_CRC);
    }

    @Test
    void a_version_that_only_a_shell_could_tell_is_refused() {
        assertThatExceptionOfType(Refusal.class)
                .isThrownBy(() -> DkmsConf.parse("PACKAGE_NAME=\"x\"\nPACKAGE_VERSION=\"$(cat VERSION)\"\n"))
                .withMessageContaining("PACKAGE_VERSION");
    }

    @Test
    void names_that_could_become_options_or_paths_are_refused() {
        for (String name : List.of("--force", "../x", "a b", "a/b", "$(id)", "")) {
            assertThatExceptionOfType(Refusal.class)
                    .as(name)
                    .isThrownBy(() -> DkmsConf.parse("PACKAGE_NAME='" + name + "'\nPACKAGE_VERSION=1\n"));
        }
    }

    @Test
    void a_built_module_is_named_as_bash_would_name_it_and_always_as_a_module() throws Refusal {
        String conf = "PACKAGE_NAME=toy\nPACKAGE_VERSION=1\n";

        assertThat(DkmsConf.parse(conf + "BUILT_MODULE_NAME=one\nBUILT_MODULE_NAME[1]=${BUILT_MODULE_NAME}_more\n")
                        .modules())
                .containsExactly("one", "one_more");
        assertThat(DkmsConf.parse(conf + "BUILT_MODULE_NAME=\"\"\n").modules()).containsExactly("toy");
        for (String name : List.of("../one", "-o", "a b", "x".repeat(57))) {
            assertThatExceptionOfType(Refusal.class)
                    .as(name)
                    .isThrownBy(() -> DkmsConf.parse(conf + "BUILT_MODULE_NAME='" + name + "'\n"))
                    .satisfies(refusal -> assertThat(refusal.rule()).isEqualTo(Rule.BAD_DKMS_CONF));
        }
    }

    @Test
    void variables_that_double_with_every_line_cost_nothing() throws Refusal {
        StringBuilder conf = new StringBuilder("PACKAGE_NAME=toy\nPACKAGE_VERSION=1\nA=xxxxxxxxxxxxxxxx\n");
        conf.append("A=$A$A\n".repeat(64));

        assertThat(DkmsConf.parse(conf.toString()).name()).isEqualTo("toy");
        assertThatExceptionOfType(Refusal.class)
                .isThrownBy(() -> DkmsConf.parse(conf + "PACKAGE_NAME=$A\n"))
                .satisfies(refusal -> assertThat(refusal.rule()).isEqualTo(Rule.BAD_DKMS_CONF));
    }

    @Test
    void a_dkms_conf_larger_than_any_real_one_is_refused() {
        assertThatExceptionOfType(Refusal.class)
                .isThrownBy(() -> DkmsConf.parse("PACKAGE_NAME=toy\nPACKAGE_VERSION=1\n" + "#\n".repeat(40_000)))
                .satisfies(refusal -> assertThat(refusal.rule()).isEqualTo(Rule.BAD_DKMS_CONF));
    }

    @Test
    void files_outside_the_tree_are_refused() {
        for (String path : List.of("../x", "/etc/x", "a/../../x", "a//x", "a/./x")) {
            byte[] archive = TarGz.write(List.of(
                    new TarGz.Member("dkms.conf", PackageFixture.DKMS_CONF, false),
                    new TarGz.Member(path, new byte[1], false)));
            assertThatExceptionOfType(Refusal.class)
                    .as(path)
                    .isThrownBy(() -> SourcePackage.read(archive))
                    .satisfies(refusal -> assertThat(refusal.rule()).isIn(Rule.WRONG_MEMBERS, Rule.NOT_AN_ARCHIVE));
        }
    }

    @Test
    void a_source_without_dkms_conf_is_refused() {
        byte[] archive = SourcePackage.write(List.of(new SourceFile("toy.c", new byte[1], false)));

        assertThatExceptionOfType(Refusal.class)
                .isThrownBy(() -> SourcePackage.read(archive))
                .satisfies(refusal -> assertThat(refusal.rule()).isEqualTo(Rule.BAD_DKMS_CONF));
    }
}
