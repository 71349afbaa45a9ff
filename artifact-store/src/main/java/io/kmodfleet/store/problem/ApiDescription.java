package io.kmodfleet.store.problem;

import io.quarkus.smallrye.openapi.OpenApiFilter;
import io.quarkus.smallrye.openapi.OpenApiFilter.RunStage;
import java.util.List;
import org.eclipse.microprofile.openapi.OASFactory;
import org.eclipse.microprofile.openapi.OASFilter;
import org.eclipse.microprofile.openapi.models.OpenAPI;
import org.eclipse.microprofile.openapi.models.media.Schema;
import org.eclipse.microprofile.openapi.models.media.Schema.SchemaType;
import org.eclipse.microprofile.openapi.models.responses.APIResponse;

/** What every answer of the API has in common, once for all: what is wrong comes as a problem (RFC 9457). */
@OpenApiFilter(stages = RunStage.BUILD)
public class ApiDescription implements OASFilter {

    @Override
    public void filterOpenAPI(OpenAPI api) {
        if (api.getComponents() == null) {
            api.setComponents(OASFactory.createComponents());
        }
        api.getComponents().addSchema("Problem", problem()).addResponse("Problem", answer());
        api.getPaths().getPathItems().values().forEach(path -> path.getOperations()
                .values()
                .forEach(operation -> {
                    operation
                            .getResponses()
                            .addAPIResponse(
                                    "default", OASFactory.createAPIResponse().ref("#/components/responses/Problem"));
                }));
    }

    private static Schema problem() {
        return OASFactory.createSchema()
                .type(List.of(SchemaType.OBJECT))
                .description("Problem details (RFC 9457).")
                .addProperty("type", OASFactory.createSchema().type(List.of(SchemaType.STRING)))
                .addProperty("title", OASFactory.createSchema().type(List.of(SchemaType.STRING)))
                .addProperty("status", OASFactory.createSchema().type(List.of(SchemaType.INTEGER)))
                .addProperty(
                        "detail",
                        OASFactory.createSchema()
                                .type(List.of(SchemaType.STRING))
                                .description("What was expected, what came, what to do."))
                .addProperty("rule", OASFactory.createSchema().type(List.of(SchemaType.STRING)))
                .required(List.of("type", "title", "status", "detail"));
    }

    private static APIResponse answer() {
        return OASFactory.createAPIResponse()
                .description("What is wrong, and what to do.")
                .content(OASFactory.createContent()
                        .addMediaType(
                                "application/problem+json",
                                OASFactory.createMediaType()
                                        .schema(OASFactory.createSchema().ref("#/components/schemas/Problem"))));
    }
}
