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
