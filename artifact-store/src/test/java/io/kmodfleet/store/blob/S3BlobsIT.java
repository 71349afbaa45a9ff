package io.kmodfleet.store.blob;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import io.kmodfleet.contracts.Digest;
import io.kmodfleet.store.FlakyNetwork;
import io.kmodfleet.store.S3Server;
import java.io.InputStream;
import java.net.URI;
import java.nio.file.Path;
import java.time.Duration;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import software.amazon.awssdk.services.s3.S3Client;

class S3BlobsIT extends BlobStoreContract {

    private static final Duration IMPATIENT = Duration.ofSeconds(1);

    private static S3Server server;

    @TempDir
    Path directory;

    private FlakyNetwork network;
    private S3Client client;
    private S3Blobs blobs;

    @BeforeAll
    static void startServer() throws Exception {
        server = S3Server.start();
    }

    @AfterAll
    static void stopServer() throws Exception {
        server.close();
    }

    @BeforeEach
    void open() throws Exception {
        network = new FlakyNetwork(server.port());
        client = S3Blobs.connect(server.settings());
        blobs = new S3Blobs(client, server.settings(), "blobs/");
    }

    @AfterEach
    void close() throws Exception {
        client.close();
        network.close();
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
    void each_area_is_a_place_of_its_own() throws Exception {
        Digest digest = keep(bytes(100));

        assertThat(new S3Blobs(client, server.settings(), "refused/").find(digest))
                .isEmpty();
    }

    @Test
    void a_server_that_is_busy_for_a_moment_is_asked_again() throws Exception {
        byte[] bytes = bytes(10_000);
        try (S3Client flaky = S3Blobs.connect(through(network.address()))) {
            BlobStore store = new S3Blobs(flaky, through(network.address()), "blobs/");
            network.answerBusy(2);

            store.keep(Digest.of(bytes), java.nio.file.Files.write(directory.resolve("file"), bytes));

            assertThat(blobs.find(Digest.of(bytes))).isPresent();
            assertThat(network.connections()).isGreaterThanOrEqualTo(3);
        }
    }

    @Test
    void a_server_that_stays_busy_is_a_clear_error() throws Exception {
        try (S3Client flaky = S3Blobs.connect(through(network.address()))) {
            network.answerBusy(1_000);

            assertThatExceptionOfType(StorageTrouble.class)
                    .isThrownBy(
                            () -> new S3Blobs(flaky, through(network.address()), "blobs/").find(Digest.of(bytes(1))))
                    .withMessageContaining("Expected the bucket kmodfleet to find")
                    .withMessageContaining("HTTP 503")
                    .matches(trouble -> !trouble.isSlow());
        }
    }

    @Test
    void a_server_that_does_not_answer_is_given_up_in_time() throws Exception {
        network.stall(true);
        try (S3Client flaky = S3Blobs.connect(through(network.address()))) {
            long begin = System.nanoTime();

            assertThatExceptionOfType(StorageTrouble.class)
                    .isThrownBy(
                            () -> new S3Blobs(flaky, through(network.address()), "blobs/").find(Digest.of(bytes(1))))
                    .matches(StorageTrouble::isSlow)
                    .withMessageContaining("it took longer than");

            assertThat(Duration.ofNanos(System.nanoTime() - begin)).isLessThan(IMPATIENT.multipliedBy(8));
        }
    }

    @Test
    void a_server_that_is_not_there_is_a_clear_error() throws Exception {
        URI nobody = network.address();
        network.close();
        try (S3Client flaky = S3Blobs.connect(through(nobody))) {
            assertThatExceptionOfType(StorageTrouble.class)
                    .isThrownBy(() -> new S3Blobs(flaky, through(nobody), "blobs/").probe())
                    .matches(trouble -> !trouble.isSlow());
        }
    }

    @Test
    void a_read_that_breaks_off_goes_on_where_it_ended() throws Exception {
        byte[] bytes = bytes(3_000_000);
        Digest digest = keep(bytes);
        try (S3Client flaky = S3Blobs.connect(through(network.address()))) {
            BlobStore.Blob blob = new S3Blobs(flaky, through(network.address()), "blobs/")
                    .find(digest)
                    .orElseThrow();
            network.cutOnceAfter(1_000_000);

            try (InputStream in = blob.read()) {
                assertThat(Digest.of(in.readAllBytes())).isEqualTo(digest);
            }
            network.cutOnceAfter(400_000);
            try (InputStream in = blob.read(1_000_000, 1_500_000)) {
                assertThat(in.readAllBytes()).isEqualTo(java.util.Arrays.copyOfRange(bytes, 1_000_000, 2_500_000));
            }
        }
    }

    private static S3Server.Settings through(URI address) {
        return new S3Server.Settings(address, IMPATIENT);
    }
}
