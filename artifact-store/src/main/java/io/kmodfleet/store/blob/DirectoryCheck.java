package io.kmodfleet.store.blob;

import jakarta.enterprise.context.ApplicationScoped;
import java.io.IOException;
import org.eclipse.microprofile.health.HealthCheck;
import org.eclipse.microprofile.health.HealthCheckResponse;
import org.eclipse.microprofile.health.Readiness;

/** Not ready while nothing can be written. */
@Readiness
@ApplicationScoped
class DirectoryCheck implements HealthCheck {

    private final BlobStore blobs;

    DirectoryCheck(BlobStore blobs) {
        this.blobs = blobs;
    }

    @Override
    public HealthCheckResponse call() {
        try {
            blobs.probe();
            return HealthCheckResponse.up("Store directory");
        } catch (IOException e) {
            return HealthCheckResponse.named("Store directory")
                    .down()
                    .withData("error", e.toString())
                    .build();
        }
    }
}
