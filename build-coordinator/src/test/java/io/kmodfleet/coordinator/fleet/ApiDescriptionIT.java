package io.kmodfleet.coordinator.fleet;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.core.domain.JavaMethod;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import io.kmodfleet.contracts.wire.FleetJson;
import jakarta.ws.rs.DELETE;
import jakarta.ws.rs.GET;
import jakarta.ws.rs.POST;
import jakarta.ws.rs.PUT;
import jakarta.ws.rs.Path;
import java.lang.annotation.Annotation;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;

/** What the description says of the API, held against the program that answers. */
class ApiDescriptionIT {

    private static final List<Class<? extends Annotation>> METHODS =
            List.of(GET.class, PUT.class, POST.class, DELETE.class);

    private final JsonNode description = read();

    private static JsonNode read() {
        try {
            return FleetJson.mapper()
                    .readTree(
                            java.nio.file.Path.of("target/openapi/openapi.json").toFile());
        } catch (java.io.IOException e) {
            throw new java.io.UncheckedIOException(e);
        }
    }

    @Test
    void every_path_of_the_api_is_described_and_no_other_one() {
        Set<String> answered = new TreeSet<>();
        for (JavaClass type : new ClassFileImporter().importPath("target/classes")) {
            if (type.isAnnotatedWith(Path.class)) {
                type.getMethods().forEach(method -> answered.addAll(addresses(type, method)));
            }
        }

        assertThat(answered).hasSizeGreaterThan(20);
        assertThat(described()).isEqualTo(answered);
    }

    @Test
    void every_operation_has_an_id_of_its_own_words_and_says_how_it_fails() {
        List<String> ids = new ArrayList<>();
        for (JsonNode operation : operations()) {
            ids.add(operation.path("operationId").asText());
            assertThat(operation.path("summary").asText())
                    .as(operation.toString())
                    .isNotBlank();
            assertThat(operation.path("description").asText())
                    .as(operation.toString())
                    .isNotBlank();
            assertThat(operation.path("tags")).as(operation.toString()).hasSize(1);
            assertThat(operation.at("/responses/default/$ref").asText()).isEqualTo("#/components/responses/Problem");
            assertThat(operation.path("responses").fieldNames())
                    .as(operation.toString())
                    .toIterable()
                    .anyMatch(status -> status.startsWith("2"));
        }

        assertThat(ids).doesNotHaveDuplicates().doesNotContain("");
        assertThat(description
                        .at("/components/responses/Problem/content/application~1problem+json/schema/$ref")
                        .asText())
                .isEqualTo("#/components/schemas/Problem");
        assertThat(description.at("/components/schemas/Problem/required")).hasSize(4);
    }

    private static List<String> addresses(JavaClass type, JavaMethod method) {
        String path = type.getAnnotationOfType(Path.class).value()
                + (method.isAnnotatedWith(Path.class)
                        ? "/" + method.getAnnotationOfType(Path.class).value()
                        : "");
        if (!path.startsWith("/api/")) {
            return List.of();
        }
        return METHODS.stream()
                .filter(method::isAnnotatedWith)
                .map(kind -> kind.getSimpleName() + " " + path)
                .toList();
    }

    private Set<String> described() {
        Set<String> all = new TreeSet<>();
        description.path("paths").fields().forEachRemaining(path -> path.getValue()
                .fieldNames()
                .forEachRemaining(method -> all.add(method.toUpperCase(Locale.ROOT) + " " + path.getKey())));
        return all;
    }

    private List<JsonNode> operations() {
        List<JsonNode> all = new ArrayList<>();
        description.path("paths").forEach(path -> path.forEach(all::add));
        return all;
    }
}
