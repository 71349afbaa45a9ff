package io.kmodfleet.store.blob;

import io.smallrye.common.annotation.Blocking;
import jakarta.enterprise.context.ApplicationScoped;
import java.io.IOException;
import org.eclipse.microprofile.health.HealthCheck;
import org.eclipse.microprofile.health.HealthCheckResponse;
import org.eclipse.microprofile.health.Readiness;

/** Not ready while nothing can be written. */
@Readiness
@Blocking
@ApplicationScoped
class StorageCheck implements HealthCheck {

    private final Staging staging;
    private final Storage storage;

    StorageCheck(Staging staging, Storage storage) {
        this.staging = staging;
        this.storage = storage;
    }

    @Override
    public HealthCheckResponse call() {
        try {
            staging.probe();
            storage.kept().probe();
            return HealthCheckResponse.up("Storage");
        } catch (IOException e) {
            return HealthCheckResponse.named("Storage")
                    .down()
                    .withData("error", e.toString())
                    .build();
        }
    }
}
