package io.kmodfleet.agent;

import io.kmodfleet.contracts.Check;
import io.kmodfleet.contracts.Decision;
import io.kmodfleet.contracts.Fact;
import java.util.List;
import java.util.Locale;
import java.util.stream.Collectors;

/** A decision on a terminal of the host it is about. */
final class Answers {

    private Answers() {}

    static String kindOf(Decision decision) {
        return decision.getClass().getSimpleName().toLowerCase(Locale.ROOT);
    }

    static String lineOf(Decision decision) {
        String facts = decision.facts().stream()
                .map(fact -> fact.name() + " " + shortened(fact))
                .collect(Collectors.joining(", "));
        return decision.subject().module() + " on " + decision.subject().release() + ": " + kindOf(decision) + ", "
                + decision.reason() + (facts.isEmpty() ? "" : " (" + facts + ")");
    }

    static List<String> remediesOf(Decision decision) {
        return decision instanceof Decision.Reject reject
                ? reject.missing().stream().map(Answers::remedyOf).toList()
                : List.of();
    }

    static String remedyOf(Check check) {
        return check.found() + ". To mend it: " + check.remedy();
    }

    private static String shortened(Fact fact) {
        return fact.value().startsWith("sha256:") ? fact.value().substring(7, 19) : fact.value();
    }
}
