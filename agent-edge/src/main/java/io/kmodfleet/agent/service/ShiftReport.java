package io.kmodfleet.agent.service;

import io.kmodfleet.agent.Agent;
import io.kmodfleet.contracts.Digest;
import io.kmodfleet.contracts.HostId;
import java.util.Optional;
import java.util.OptionalLong;

/**
 * What a shift says when it ends: one line of words, {@code shift HOST PLACE REPORTED waiting|done}, each {@code -} where there is
 * none. JSON would cost the one who waits megabytes.
 */
record ShiftReport(HostId host, OptionalLong place, Optional<Digest> reported, boolean isWaiting) {

    private static final String SIGN = "shift";
    private static final String NONE = "-";
    private static final int WORDS = 5;

    static ShiftReport of(Agent.HandOver over) {
        return new ShiftReport(over.host(), over.place(), over.reported(), over.isWaiting());
    }

    /** Nothing where the line is another one. */
    static Optional<ShiftReport> parse(String line) {
        String[] words = line.split(" ");
        if (words.length != WORDS || !words[0].equals(SIGN)) {
            return Optional.empty();
        }
        return Optional.of(new ShiftReport(
                new HostId(words[1]), placeOf(words[2]), digestOf(words[3]), words[4].equals("waiting")));
    }

    static OptionalLong placeOf(String word) {
        return word.equals(NONE) ? OptionalLong.empty() : OptionalLong.of(Long.parseLong(word));
    }

    static Optional<Digest> digestOf(String word) {
        return word.equals(NONE) ? Optional.empty() : Optional.of(new Digest(word));
    }

    static String word(OptionalLong place) {
        return place.isPresent() ? Long.toString(place.getAsLong()) : NONE;
    }

    static String word(Optional<Digest> digest) {
        return digest.map(Digest::hex).orElse(NONE);
    }

    String line() {
        return String.join(" ", SIGN, host.value(), word(place), word(reported), isWaiting ? "waiting" : "done");
    }
}
