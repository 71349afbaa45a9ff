package io.kmodfleet.coordinator.decision;

import io.kmodfleet.contracts.Decision;
import io.kmodfleet.contracts.DecisionId;
import io.kmodfleet.contracts.Fact;
import io.kmodfleet.contracts.Reason;
import io.kmodfleet.contracts.Subject;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * How an answer comes about: every rule in order, the one that applies, and those after it that would apply if it did not. So
 * an admin sees what stands behind the answer, and what would come next.
 *
 * @param rules in the order of the table
 */
public record Trail(List<Applied> rules) {

    private static final DecisionId NOWHERE = new DecisionId(Long.MAX_VALUE, 0);

    /**
     * @param number in the rule table; 14 and 15 are one question
     * @param when what it asks for
     * @param reason what it answers; absent where it does not apply
     * @param facts that the answer rests on
     */
    public record Applied(String number, String when, Outcome outcome, Optional<Reason> reason, List<Fact> facts) {}

    /** What came of a rule. */
    public enum Outcome {
        /** It does not apply. */
        NO,
        /** The first that applies: the answer. */
        ANSWERS,
        /** It would answer if the ones before it did not. */
        WOULD_ANSWER,
        /** It applies, and only colours what the others say. */
        MARKS
    }

    /** None where the policy wants no such module there, or the host has no such kernel. */
    public static Optional<Trail> of(FleetState state, Subject subject) {
        return Question.of(state, subject).map(question -> {
            List<Applied> applied = new ArrayList<>();
            boolean answered = false;
            for (Rules.Rule rule : Rules.IN_ORDER) {
                if (rule.number().equals("3")) {
                    applied.add(stale(question));
                }
                Optional<Decision> decision = answerOf(rule, question);
                Outcome outcome = decision.isEmpty() ? Outcome.NO : answered ? Outcome.WOULD_ANSWER : Outcome.ANSWERS;
                answered |= decision.isPresent();
                applied.add(new Applied(
                        rule.number(),
                        rule.when(),
                        outcome,
                        decision.map(Decision::reason),
                        decision.map(Decision::facts).orElse(List.of())));
            }
            return new Trail(List.copyOf(applied));
        });
    }

    private static Optional<Decision> answerOf(Rules.Rule rule, Question question) {
        // Rules after a missing image ask for a target that is not there.
        boolean needsImage = List.of("11", "12", "14, 15", "16").contains(rule.number());
        return needsImage && question.asked().isEmpty()
                ? Optional.empty()
                : rule.answer().apply(question).map(answer -> answer.draft().with(NOWHERE));
    }

    private static Applied stale(Question question) {
        Optional<String> words = question.stale();
        return new Applied(
                "2",
                "what is installed was built for another image, or before the image was there",
                words.isPresent() ? Outcome.MARKS : Outcome.NO,
                words.map(any -> Reason.STALE_BUILD),
                words.map(text -> List.of(Fact.of("stale", text))).orElse(List.of()));
    }
}
