package io.kmodfleet.deploy.standalone;

/** Something a person has to mend: one sentence of what was expected, what is there instead, and what to do. */
public final class Trouble extends RuntimeException {
    Trouble(String sentence) {
        super(sentence);
    }
}
