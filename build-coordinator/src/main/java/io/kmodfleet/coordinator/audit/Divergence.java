package io.kmodfleet.coordinator.audit;

import com.fasterxml.jackson.databind.JsonNode;
import io.kmodfleet.contracts.Decision;
import io.kmodfleet.contracts.Subject;
import io.kmodfleet.contracts.wire.FleetJson;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/**
 * Where the rules say something else than the ledger.
 *
 * @param recorded what stands in the ledger
 * @param derived what the same rules decide on the same state
 * @param differences in words, one for each decision that differs
 */
public record Divergence(List<Decision> recorded, List<Decision> derived, List<String> differences) {

    public Divergence {
        recorded = List.copyOf(recorded);
        derived = List.copyOf(derived);
        differences = List.copyOf(differences);
    }

    static Divergence between(List<Decision> recorded, List<Decision> derived) {
        Map<Subject, Decision> written = bySubject(recorded);
        Map<Subject, Decision> again = bySubject(derived);
        List<String> differences = new ArrayList<>();
        written.forEach((subject, decision) -> {
            Decision other = again.get(subject);
            if (other == null) {
                differences.add(nameOf(subject) + ": recorded " + brief(decision) + ", but the rules decide nothing");
            } else if (!other.equals(decision)) {
                differences.add(nameOf(subject) + ": " + difference(decision, other));
            }
        });
        again.forEach((subject, decision) -> {
            if (!written.containsKey(subject)) {
                differences.add(nameOf(subject) + ": recorded nothing, but the rules decide " + brief(decision));
            }
        });
        if (differences.isEmpty()) {
            differences.add("the same decisions are recorded in another order or more than once");
        }
        return new Divergence(recorded, derived, differences);
    }

    private static Map<Subject, Decision> bySubject(List<Decision> decisions) {
        Map<Subject, Decision> bySubject = new LinkedHashMap<>();
        decisions.forEach(decision -> bySubject.put(decision.subject(), decision));
        return bySubject;
    }

    private static String difference(Decision recorded, Decision derived) {
        if (!brief(recorded).equals(brief(derived))) {
            return "recorded " + brief(recorded) + ", but the rules decide " + brief(derived);
        }
        JsonNode left = FleetJson.mapper().valueToTree(recorded);
        JsonNode right = FleetJson.mapper().valueToTree(derived);
        List<String> parts = new ArrayList<>();
        Iterator<String> names = left.fieldNames();
        while (names.hasNext()) {
            String name = names.next();
            if (name.equals("facts")) {
                parts.addAll(facts(left.get(name), right.path(name)));
            } else if (!left.get(name).equals(right.path(name))) {
                parts.add(name + " is recorded as " + text(left.get(name)) + ", but derived as "
                        + text(right.path(name)));
            }
        }
        right.fieldNames().forEachRemaining(name -> {
            if (!left.has(name)) {
                parts.add(name + " is not recorded, but derived as " + text(right.get(name)));
            }
        });
        return brief(recorded) + ": " + String.join("; ", parts);
    }

    private static List<String> facts(JsonNode recorded, JsonNode derived) {
        Map<String, String> left = values(recorded);
        Map<String, String> right = values(derived);
        List<String> parts = new ArrayList<>();
        left.forEach((name, value) -> {
            String other = right.get(name);
            if (other == null) {
                parts.add("fact '" + name + "' is recorded as '" + value + "', but not derived");
            } else if (!other.equals(value)) {
                parts.add("fact '" + name + "' is recorded as '" + value + "', but derived as '" + other + "'");
            }
        });
        right.forEach((name, value) -> {
            if (!left.containsKey(name)) {
                parts.add("fact '" + name + "' is not recorded, but derived as '" + value + "'");
            }
        });
        if (parts.isEmpty() && !recorded.equals(derived)) {
            parts.add("the facts are recorded in another order");
        }
        return parts;
    }

    private static Map<String, String> values(JsonNode facts) {
        Map<String, String> values = new LinkedHashMap<>();
        facts.forEach(fact ->
                values.put(fact.path("name").asText(), fact.path("value").asText()));
        return values;
    }

    private static String text(JsonNode value) {
        return value.isMissingNode() ? "nothing" : value.isTextual() ? "'" + value.asText() + "'" : value.toString();
    }

    private static String nameOf(Subject subject) {
        return "host " + subject.host().value().substring(0, 12) + ", " + subject.module() + " on " + subject.release();
    }

    static String kindOf(Decision decision) {
        return decision.getClass().getSimpleName().toLowerCase(Locale.ROOT);
    }

    private static String brief(Decision decision) {
        return kindOf(decision) + " " + decision.reason();
    }
}
