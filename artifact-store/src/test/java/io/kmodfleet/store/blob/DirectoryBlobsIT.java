package io.kmodfleet.store.blob;

import static org.assertj.core.api.Assertions.assertThat;

import io.kmodfleet.contracts.Digest;
import io.kmodfleet.store.TestFiles;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class DirectoryBlobsIT extends BlobStoreContract {

    @TempDir
    Path directory;

    private Path root;
    private DirectoryBlobs blobs;

    @BeforeEach
    void open() throws Exception {
        root = directory.resolve("blobs");
        blobs = DirectoryBlobs.open(root);
    }

    @Override
    BlobStore blobs() {
        return blobs;
    }

    @Override
    Path staging() {
        return directory;
    }

    @Test
    void only_the_store_can_look_into_it() throws Exception {
        assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(root)))
                .isEqualTo("rwx------");
    }

    @Test
    void a_blob_is_a_file_that_the_platform_can_send() throws Exception {
        byte[] bytes = bytes(100);

        Digest digest = keep(bytes);

        assertThat(blobs.find(digest).orElseThrow().file()).hasValueSatisfying(file -> assertThat(file)
                .isEqualTo(root.resolve(digest.hex().substring(0, 2))
                        .resolve(digest.hex().substring(2, 4))
                        .resolve(digest.hex()))
                .hasBinaryContent(bytes));
    }

    @Test
    void files_that_lie_flat_from_before_are_moved_to_their_places_and_nothing_else_is_touched() throws Exception {
        Path old = Files.createDirectories(directory.resolve("old"));
        List<byte[]> all = new ArrayList<>();
        for (int i = 0; i < 20; i++) {
            byte[] bytes = bytes(50 + i);
            all.add(bytes);
            Files.write(old.resolve(Digest.of(bytes).hex()), bytes);
        }
        Files.writeString(old.resolve("README"), "not a blob");

        DirectoryBlobs opened = DirectoryBlobs.open(old);

        for (byte[] bytes : all) {
            try (InputStream in = opened.find(Digest.of(bytes)).orElseThrow().read()) {
                assertThat(in.readAllBytes()).isEqualTo(bytes);
            }
            assertThat(old.resolve(Digest.of(bytes).hex())).doesNotExist();
        }
        assertThat(old.resolve("README")).hasContent("not a blob");
    }

    @Test
    void whoever_is_killed_while_writing_loses_that_blob_at_most() throws Exception {
        long seed = System.nanoTime();
        Random random = new Random(seed);
        int kept = 0;
        for (int round = 0; round < 6; round++) {
            Path output = directory.resolve("output-" + round);
            Process writer = new ProcessBuilder(
                            ProcessHandle.current().info().command().orElse("java"),
                            "-XX:TieredStopAtLevel=1",
                            "-cp",
                            System.getProperty("surefire.test.class.path", System.getProperty("java.class.path")),
                            KeepsBlobsUntilKilled.class.getName(),
                            directory.toString())
                    .redirectError(ProcessBuilder.Redirect.INHERIT)
                    .redirectOutput(output.toFile())
                    .start();
            while (Files.size(output) == 0 && writer.isAlive()) {
                Thread.sleep(10);
            }
            Thread.sleep(random.nextInt(300));
            writer.destroyForcibly().waitFor();
            // The last line may be cut off: then nothing was promised.
            List<Digest> promised = Files.readAllLines(output).stream()
                    .filter(line -> line.length() == 64)
                    .map(Digest::new)
                    .toList();
            kept += promised.size();
            DirectoryBlobs after = DirectoryBlobs.open(root);
            for (Digest digest : promised) {
                assertThat(after.find(digest)).as("seed %s, %s", seed, digest).isPresent();
            }
            for (Path file : TestFiles.below(root)) {
                assertThat(Digest.of(Files.readAllBytes(file)).hex())
                        .as("seed %s", seed)
                        .isEqualTo(file.getFileName().toString());
            }
        }
        assertThat(kept).as("seed %s", seed).isGreaterThanOrEqualTo(6);
    }
}
