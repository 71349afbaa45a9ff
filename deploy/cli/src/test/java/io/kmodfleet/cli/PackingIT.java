package io.kmodfleet.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import io.kmodfleet.contracts.pack.SourcePackage;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class PackingIT {

    @TempDir
    private Path tree;

    @Test
    void a_tree_is_packed_the_same_every_time_and_without_gits_own_files() throws Exception {
        Files.writeString(tree.resolve("dkms.conf"), "PACKAGE_NAME=toy\nPACKAGE_VERSION=1.0\n");
        Files.createDirectories(tree.resolve(".git"));
        Files.writeString(tree.resolve(".git/config"), "x");
        Files.createDirectories(tree.resolve("src"));
        Files.writeString(tree.resolve("src/toy.c"), "int x;");
        byte[] once = SourceCommand.packed(tree);
        Files.setLastModifiedTime(tree.resolve("src/toy.c"), java.nio.file.attribute.FileTime.fromMillis(0));

        assertThat(SourceCommand.packed(tree)).isEqualTo(once);
        assertThat(SourcePackage.read(once).files())
                .extracting(SourcePackage.SourceFile::path)
                .containsExactly("dkms.conf", "src/toy.c");
    }

    @Test
    void a_link_in_the_tree_is_refused_and_named() throws Exception {
        Files.writeString(tree.resolve("dkms.conf"), "PACKAGE_NAME=toy\nPACKAGE_VERSION=1.0\n");
        Files.createSymbolicLink(tree.resolve("passwd"), Path.of("/etc/passwd"));

        assertThatExceptionOfType(Trouble.class)
                .isThrownBy(() -> SourceCommand.packed(tree))
                .withMessageContaining("passwd");
    }
}
