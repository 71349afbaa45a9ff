package io.kmodfleet.store.blob;

import io.kmodfleet.store.StoreConfig;
import io.quarkus.runtime.Startup;
import jakarta.annotation.PreDestroy;
import jakarta.enterprise.context.ApplicationScoped;
import java.io.IOException;
import java.util.Optional;
import software.amazon.awssdk.services.s3.S3Client;

/** The places of blobs: what is served, what was refused, and what was found damaged. */
@Startup
@ApplicationScoped
public class Storage {

    private final BlobStore kept;
    private final BlobStore refused;
    private final BlobStore damaged;
    private final Optional<S3Client> client;

    Storage(StoreConfig config) {
        try {
            client = config.s3().bucket().map(bucket -> S3Blobs.connect(config.s3()));
            kept = open(config, "blobs");
            refused = open(config, "refused");
            damaged = open(config, "damaged");
        } catch (IOException e) {
            throw new IllegalStateException(
                    "Expected to write to " + config.directory() + " (KMODFLEET_STORE_DIRECTORY), but " + e, e);
        }
    }

    private BlobStore open(StoreConfig config, String area) throws IOException {
        return client.isPresent()
                ? new S3Blobs(client.get(), config.s3(), area + "/")
                : DirectoryBlobs.open(config.directory().resolve(area));
    }

    @PreDestroy
    void close() {
        client.ifPresent(S3Client::close);
    }

    public BlobStore kept() {
        return kept;
    }

    /** For inspection; never served to hosts. */
    public BlobStore refused() {
        return refused;
    }

    /** What the disk gave instead of what was kept. */
    public BlobStore damaged() {
        return damaged;
    }
}
