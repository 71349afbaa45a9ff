package io.kmodfleet.store.serve;

import com.fasterxml.jackson.databind.ObjectMapper;
import io.kmodfleet.contracts.wire.FleetJson;
import jakarta.enterprise.inject.Produces;
import jakarta.inject.Singleton;

/** The API speaks the JSON of the contracts. */
class JsonSetup {

    @Produces
    @Singleton
    ObjectMapper mapper() {
        return FleetJson.mapper();
    }
}
