package io.kmodfleet.agent;

import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.annotation.JsonSubTypes;
import com.fasterxml.jackson.annotation.JsonTypeInfo;
import com.fasterxml.jackson.annotation.JsonValue;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.kmodfleet.contracts.wire.FleetJson;
import java.lang.reflect.Method;
import java.lang.reflect.ParameterizedType;
import java.lang.reflect.RecordComponent;
import java.lang.reflect.Type;
import java.nio.file.Path;
import java.time.Instant;
import java.util.Collection;
import java.util.Map;
import java.util.Optional;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.stream.Stream;

/**
 * The form of what a command prints with {@code -o json}, as JSON Schema 2020-12, by the records that it prints: what is shown and
 * what is said of it cannot part.
 */
final class OutputSchema {

    /** What each command prints. */
    private static final SortedMap<String, Type> OUTPUTS = new TreeMap<>(Map.of(
            "share",
            ShareCommand.Sharing.class,
            "status",
            StatusCommand.Status.class,
            "why",
            WhyCommand.Answer[].class,
            "preflight",
            PreflightCommand.Result[].class,
            "install",
            InstallCommand.Visit.class,
            "install --dry-run",
            InstallPreview.class,
            "build",
            BuildCommand.Result.class,
            "install-file",
            InstallFileCommand.Result.class,
            "doctor",
            DoctorCommand.Checkup.class,
            "uninstall",
            UninstallCommand.Removal.class));

    private final ObjectNode definitions = FleetJson.mapper().createObjectNode();

    private OutputSchema() {}

    static Collection<String> commands() {
        return OUTPUTS.keySet();
    }

    /** @param command one of {@link #commands} */
    static ObjectNode of(String command) {
        OutputSchema schema = new OutputSchema();
        ObjectNode form = schema.form(OUTPUTS.get(command));
        ObjectNode document = FleetJson.mapper().createObjectNode();
        document.put("$schema", "https://json-schema.org/draft/2020-12/schema");
        document.put("title", "kmodfleet-agent " + command + " -o json");
        document.setAll(form);
        document.set("$defs", schema.definitions);
        return document;
    }

    private ObjectNode form(Type type) {
        if (type instanceof ParameterizedType parameterized) {
            Class<?> raw = (Class<?>) parameterized.getRawType();
            Type[] arguments = parameterized.getActualTypeArguments();
            if (Optional.class.isAssignableFrom(raw)) {
                return form(arguments[0]);
            }
            if (Collection.class.isAssignableFrom(raw)) {
                ObjectNode array = typed("array");
                array.set("items", form(arguments[0]));
                return array;
            }
            if (Map.class.isAssignableFrom(raw)) {
                ObjectNode map = typed("object");
                map.set("additionalProperties", form(arguments[1]));
                return map;
            }
            return form(raw);
        }
        Class<?> plain = (Class<?>) type;
        if (plain.isArray()) {
            ObjectNode array = typed("array");
            array.set("items", form(plain.getComponentType()));
            return array;
        }
        return ofClass(plain);
    }

    private ObjectNode ofClass(Class<?> type) {
        if (type == boolean.class || type == Boolean.class) {
            return typed("boolean");
        }
        if (type == int.class || type == Integer.class || type == long.class || type == Long.class) {
            return typed("integer");
        }
        if (type == Instant.class) {
            return typed("string").put("format", "date-time");
        }
        if (type == String.class || type == Path.class) {
            return typed("string");
        }
        if (type.isEnum()) {
            ObjectNode names = typed("string");
            ArrayNode values = names.putArray("enum");
            Stream.of(type.getEnumConstants()).forEach(value -> values.add(((Enum<?>) value).name()));
            return names;
        }
        Optional<Method> value = Stream.of(type.getDeclaredMethods())
                .filter(method -> method.isAnnotationPresent(JsonValue.class))
                .findFirst();
        if (value.isPresent()) {
            return form(value.get().getGenericReturnType());
        }
        String name = type.getSimpleName();
        if (!definitions.has(name)) {
            // Set first, so that a type that holds itself comes to an end.
            definitions.putObject(name);
            definitions.set(name, type.isInterface() ? ofKinds(type) : ofRecord(type));
        }
        return FleetJson.mapper().createObjectNode().put("$ref", "#/$defs/" + name);
    }

    private ObjectNode ofKinds(Class<?> type) {
        String property = type.getAnnotation(JsonTypeInfo.class).property();
        ObjectNode kinds = FleetJson.mapper().createObjectNode();
        ArrayNode all = kinds.putArray("oneOf");
        for (JsonSubTypes.Type kind : type.getAnnotation(JsonSubTypes.class).value()) {
            ObjectNode form = ofRecord(kind.value());
            ((ObjectNode) form.get("properties")).set(property, typed("string").put("const", kind.name()));
            ((ArrayNode) form.get("required")).add(property);
            all.add(form);
        }
        return kinds;
    }

    private ObjectNode ofRecord(Class<?> type) {
        ObjectNode form = typed("object");
        ObjectNode properties = form.putObject("properties");
        ArrayNode required = form.putArray("required");
        for (RecordComponent component : type.getRecordComponents()) {
            properties.set(component.getName(), form(component.getGenericType()));
            boolean mayBeAbsent = component.getType() == Optional.class
                    || Stream.of(component.getAccessor().getAnnotation(JsonInclude.class))
                            .anyMatch(include -> include != null);
            if (!mayBeAbsent) {
                required.add(component.getName());
            }
        }
        form.put("additionalProperties", false);
        return form;
    }

    private static ObjectNode typed(String name) {
        return FleetJson.mapper().createObjectNode().put("type", name);
    }
}
