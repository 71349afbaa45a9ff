package io.kmodfleet.agent;

/** Something a person has to mend: what was expected, what is there instead, what to do. */
final class Trouble extends RuntimeException {
    Trouble(String sentence) {
        super(sentence);
    }
}
