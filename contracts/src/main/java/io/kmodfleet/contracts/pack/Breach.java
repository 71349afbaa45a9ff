package io.kmodfleet.contracts.pack;

import io.kmodfleet.contracts.pack.Refusal.Rule;
import java.util.Objects;

/** A rule for shared modules that one does not keep, and what was seen. */
public record Breach(Rule rule, String evidence) {

    public Breach {
        Objects.requireNonNull(rule, "rule");
        Objects.requireNonNull(evidence, "evidence");
    }

    public Refusal refusal() {
        return new Refusal(rule, evidence);
    }
}
