package io.kmodfleet.agent;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import io.kmodfleet.contracts.wire.FleetJson;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;

/**
 * Programs read what commands print: whoever changes an output sees here what they change. A missing file is written by
 * {@code ./mvnw -pl agent-edge -am test -Dtest=OutputSchemaTest -Dgolden=add}; one that is to change is deleted before.
 */
class OutputSchemaTest {

    private static final Path PUBLISHED = Path.of("src/test/resources/schema");

    @Test
    void schemas_are_as_they_were_published() throws IOException {
        for (String command : OutputSchema.commands()) {
            Path file = PUBLISHED.resolve(command.replace(" --", "-") + ".json");
            JsonNode now = OutputSchema.of(command);
            if (Files.notExists(file) && "add".equals(System.getProperty("golden"))) {
                Files.createDirectories(PUBLISHED);
                Files.writeString(
                        file,
                        FleetJson.mapper().writerWithDefaultPrettyPrinter().writeValueAsString(now) + "\n");
            }
            assertThat(now).as(command).isEqualTo(FleetJson.mapper().readTree(Files.readAllBytes(file)));
        }
    }
}
