package io.kmodfleet.coordinator.audit;

import com.fasterxml.jackson.annotation.JsonIgnore;
import com.fasterxml.jackson.annotation.JsonProperty;
import com.fasterxml.jackson.annotation.JsonSubTypes;
import com.fasterxml.jackson.annotation.JsonTypeInfo;
import io.kmodfleet.contracts.Digest;
import java.util.Optional;
import java.util.stream.Stream;

/** What an audit has to say about one place of a ledger. Wire names. */
@JsonTypeInfo(use = JsonTypeInfo.Id.NAME, property = "finding")
@JsonSubTypes({
    @JsonSubTypes.Type(value = Finding.DecidedOtherwise.class, name = "decided-otherwise"),
    @JsonSubTypes.Type(value = Finding.Undecidable.class, name = "undecidable"),
    @JsonSubTypes.Type(value = Finding.UnknownRules.class, name = "unknown-rules"),
    @JsonSubTypes.Type(value = Finding.PositionsMissing.class, name = "positions-missing"),
    @JsonSubTypes.Type(value = Finding.PositionRepeated.class, name = "position-repeated"),
    @JsonSubTypes.Type(value = Finding.OutOfPlace.class, name = "out-of-place"),
    @JsonSubTypes.Type(value = Finding.NoBeginning.class, name = "no-beginning"),
    @JsonSubTypes.Type(value = Finding.ChainBroken.class, name = "chain-broken"),
    @JsonSubTypes.Type(value = Finding.EntryUnreadable.class, name = "entry-unreadable"),
    @JsonSubTypes.Type(value = Finding.CutOff.class, name = "cut-off"),
    @JsonSubTypes.Type(value = Finding.NumberedTwice.class, name = "numbered-twice"),
    @JsonSubTypes.Type(value = Finding.NumbersSkipped.class, name = "numbers-skipped"),
    @JsonSubTypes.Type(value = Finding.DeadLetter.class, name = "dead-letter"),
    @JsonSubTypes.Type(value = Finding.NotTaken.class, name = "not-taken"),
    @JsonSubTypes.Type(value = Finding.TakenOtherwise.class, name = "taken-otherwise"),
    @JsonSubTypes.Type(value = Finding.NeverPublished.class, name = "never-published"),
})
public sealed interface Finding {

    /** Where: "position 17", "line 4", "kmodfleet.observations-3@12". */
    @JsonProperty("where")
    String where();

    /** What was expected, and what is there. */
    @JsonProperty("text")
    String text();

    /** Whether something is wrong; where not, it is only said so that nothing is missing from the sum. */
    @JsonIgnore
    default boolean isWrong() {
        return true;
    }

    /**
     * The rules decide otherwise than is recorded.
     *
     * @param after the finding that it may follow from: from there on the state is not certain
     */
    record DecidedOtherwise(long position, int rules, Optional<String> after, Divergence divergence)
            implements Finding {
        @Override
        public String where() {
            return at(position);
        }

        @Override
        public String text() {
            return "Expected what rules " + rules + " decide, but "
                    + String.join(". ", divergence.differences()) + "."
                    + after.map(cause -> " It may follow from what was found at " + cause + ".")
                            .orElse("");
        }

        @Override
        public boolean isWrong() {
            return after.isEmpty();
        }
    }

    /** The rules fail on it: a bug, or an entry that no coordinator of ours wrote. */
    record Undecidable(long position, String error) implements Finding {
        @Override
        public String where() {
            return at(position);
        }

        @Override
        public String text() {
            return "Expected to decide this entry again, but the rules fail on it: " + error
                    + ". It counts with what is recorded.";
        }
    }

    /** Decided by rules that this build does not have. Said once for each version. */
    record UnknownRules(long position, int rules) implements Finding {
        @Override
        public String where() {
            return at(position);
        }

        @Override
        public String text() {
            return "Expected rules that this release has, but this entry was decided by rules " + rules
                    + ". It and all others of these rules count with what is recorded. Audit them with a newer release.";
        }
    }

    record PositionsMissing(long first, long last) implements Finding {
        @Override
        public String where() {
            return at(first);
        }

        @Override
        public String text() {
            return first == last
                    ? "Expected position " + first + ", but it is missing."
                    : "Expected the positions " + first + " to " + last + ", but they are missing.";
        }
    }

    /** @param same whether its content is what came the first time */
    record PositionRepeated(long position, boolean same) implements Finding {
        @Override
        public String where() {
            return at(position);
        }

        @Override
        public String text() {
            return "Expected position " + position + " once, but it comes again with "
                    + (same ? "the same content." : "another content.");
        }
    }

    /** It comes late, or again and too late to be held against what came first. */
    record OutOfPlace(long position, long after) implements Finding {
        @Override
        public String where() {
            return at(position);
        }

        @Override
        public String text() {
            return "Expected the positions in order, but " + position + " comes after " + after + ". It is left out.";
        }
    }

    /** What is before it is not there, so nothing can be decided again. */
    record NoBeginning(long position) implements Finding {
        @Override
        public String where() {
            return at(position);
        }

        @Override
        public String text() {
            return "Expected the ledger from position 1 on, but it begins at position " + position
                    + ". Numbering and chain are checked; nothing is decided again.";
        }
    }

    /** The row is not the one that was written, or the one before it is not. */
    record ChainBroken(long position, Optional<Digest> recorded, Optional<Digest> derived) implements Finding {
        @Override
        public String where() {
            return at(position);
        }

        @Override
        public String text() {
            return recorded.isPresent()
                    ? "Expected the content that this row was written with, but its link in the chain is "
                            + recorded.get().brief() + " and its content gives "
                            + derived.map(Digest::brief).orElse("none")
                            + ". The row was changed after it was written, or the row before it was exchanged."
                    : "Expected a link in the chain, but this row has none, and the row before it has.";
        }
    }

    record EntryUnreadable(String where, String what) implements Finding {
        @Override
        public String text() {
            return what + ".";
        }
    }

    record CutOff(String where, String what) implements Finding {
        @Override
        public String text() {
            return what + ". What came after it is not there.";
        }
    }

    record NumberedTwice(long position, String source, long epoch, long sequence) implements Finding {
        @Override
        public String where() {
            return at(position);
        }

        @Override
        public String text() {
            return "Expected every observation once, but number " + sequence + " of " + source + " (epoch " + epoch
                    + ") was taken before.";
        }
    }

    record NumbersSkipped(long position, String source, long epoch, long expected, long sequence) implements Finding {
        @Override
        public String where() {
            return at(position);
        }

        @Override
        public String text() {
            return "Expected number " + expected + " of " + source + " (epoch " + epoch + "), but number " + sequence
                    + " was taken.";
        }
    }

    /** A record of the observations topic that is no observation. */
    record DeadLetter(String where, String problem, String detail) implements Finding {
        @Override
        public String text() {
            return "No observation (" + problem + "): " + detail;
        }

        @Override
        public boolean isWrong() {
            return false;
        }
    }

    /** Published, and not in the ledger. */
    record NotTaken(String where, String source, long epoch, long sequence, Why why) implements Finding {

        /** Why it is not. */
        public enum Why {
            /** It comes next. */
            NOT_YET,
            /** One before it has not arrived; its source sends again. */
            WAITS_FOR_ONE_BEFORE,
            /** Later ones of its source were taken. */
            LEFT_OUT
        }

        @Override
        public String text() {
            String number = "number " + sequence + " of " + source + " (epoch " + epoch + ")";
            return switch (why) {
                case NOT_YET -> number + " is not taken yet.";
                case WAITS_FOR_ONE_BEFORE -> number + " waits for one before it that has not arrived.";
                case LEFT_OUT ->
                    "Expected " + number + " in the ledger, but it is not there, and later ones of its source are.";
            };
        }

        @Override
        public boolean isWrong() {
            return why == Why.LEFT_OUT;
        }
    }

    record TakenOtherwise(String where, long position, String source, long epoch, long sequence) implements Finding {
        @Override
        public String text() {
            return "Expected number " + sequence + " of " + source + " (epoch " + epoch
                    + ") in the ledger as it was published, but position " + position + " says something else.";
        }
    }

    record NeverPublished(long position, String source, long epoch, long sequence) implements Finding {
        @Override
        public String where() {
            return at(position);
        }

        @Override
        public String text() {
            return "Expected number " + sequence + " of " + source + " (epoch " + epoch
                    + ") on the observations topic, but nobody published it there.";
        }
    }

    /** The wire name of its kind. */
    static String nameOf(Finding finding) {
        return Stream.of(Finding.class.getAnnotation(JsonSubTypes.class).value())
                .filter(type -> type.value() == finding.getClass())
                .map(JsonSubTypes.Type::name)
                .findFirst()
                .orElseThrow();
    }

    private static String at(long position) {
        return "position " + position;
    }
}
