package io.kmodfleet.contracts;

import com.fasterxml.jackson.annotation.JsonCreator;
import com.fasterxml.jackson.annotation.JsonValue;

/**
 * Where a decision stands in the ledger; also the id of the command and of the build that follow from it, so that a repeat
 * is recognised everywhere.
 *
 * @param position the ledger position, from 1
 * @param index its place among the decisions of that entry, from 0
 */
public record DecisionId(long position, int index) implements Comparable<DecisionId> {

    public DecisionId {
        if (position < 1 || index < 0) {
            throw new IllegalArgumentException(
                    "Expected a position from 1 and an index from 0, but got " + position + "." + index);
        }
    }

    @JsonCreator
    public static DecisionId parse(String text) {
        int dot = text.indexOf('.');
        try {
            return new DecisionId(Long.parseLong(text.substring(0, dot)), Integer.parseInt(text.substring(dot + 1)));
        } catch (IndexOutOfBoundsException | NumberFormatException e) {
            throw new IllegalArgumentException("Expected a decision id like 17.0, but got '" + text + "'", e);
        }
    }

    @Override
    public int compareTo(DecisionId other) {
        int order = Long.compare(position, other.position);
        return order != 0 ? order : Integer.compare(index, other.index);
    }

    @JsonValue
    @Override
    public String toString() {
        return position + "." + index;
    }
}
