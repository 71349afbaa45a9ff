package io.kmodfleet.coordinator.fleet;

import com.fasterxml.jackson.core.JsonLocation;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.networknt.schema.InputFormat;
import com.networknt.schema.JsonSchema;
import com.networknt.schema.JsonSchemaFactory;
import com.networknt.schema.SpecVersion.VersionFlag;
import com.networknt.schema.ValidationMessage;
import com.networknt.schema.serialization.JsonNodeReader;
import com.networknt.schema.utils.JsonNodes;
import io.kmodfleet.contracts.Policy;
import io.kmodfleet.contracts.wire.FleetJson;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.List;

/** A policy as people write it, in YAML or JSON: held against its JSON Schema first, then read. Every fault with its line. */
public final class PolicyDocument {

    private static final String FILE = "policy.schema.json";
    private static final int MOST = 20;
    private static final JsonNodeReader READER =
            JsonNodeReader.builder().locationAware().build();
    private static final JsonSchema SCHEMA = JsonSchemaFactory.builder(
                    JsonSchemaFactory.getInstance(VersionFlag.V202012))
            .jsonNodeReader(READER)
            .build()
            .getSchema(schema());

    private PolicyDocument() {}

    /** @throws Problem 400, naming every fault with its line, the place in the document, and what was expected there */
    public static Policy read(String document) {
        if (document == null || document.isBlank()) {
            throw wrong("Expected a policy as YAML or JSON, but the document is empty");
        }
        JsonNode tree;
        try {
            tree = READER.readTree(document, InputFormat.YAML);
        } catch (IOException | RuntimeException e) {
            throw wrong(firstFault(document, e));
        }
        List<String> faults = SCHEMA.validate(tree).stream()
                .limit(MOST)
                .map(PolicyDocument::fault)
                .toList();
        if (!faults.isEmpty()) {
            throw wrong(String.join("\n", faults));
        }
        try {
            return FleetJson.yaml().readValue(document, Policy.class);
        } catch (JsonProcessingException e) {
            throw wrong(at(e.getLocation()) + reason(e));
        }
    }

    static String schema() {
        try (InputStream in = Policy.class.getResourceAsStream(FILE)) {
            return new String(in.readAllBytes(), StandardCharsets.UTF_8);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static String fault(ValidationMessage message) {
        JsonLocation line =
                message.getInstanceNode() == null ? null : JsonNodes.tokenLocationOf(message.getInstanceNode());
        String place = message.getInstanceLocation().toString().replaceFirst("^\\$\\.?", "");
        return at(line) + (place.isEmpty() ? "" : place + ": ") + message.getError();
    }

    /** What the stricter reader says of a document that is no YAML, or has a key twice. */
    private static String firstFault(String document, Exception fallback) {
        try {
            FleetJson.yaml().readTree(document);
            return "Expected a policy as YAML or JSON, but " + fallback.getMessage();
        } catch (JsonProcessingException e) {
            return at(e.getLocation()) + e.getOriginalMessage();
        }
    }

    private static String at(JsonLocation location) {
        return location == null ? "" : "line " + location.getLineNr() + ": ";
    }

    private static String reason(JsonProcessingException e) {
        return e.getCause() instanceof IllegalArgumentException ? e.getCause().getMessage() : e.getOriginalMessage();
    }

    private static Problem wrong(String detail) {
        return new Problem(400, "Not a policy", detail);
    }
}
