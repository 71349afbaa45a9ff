package io.kmodfleet.cli;

/** Something a person has to mend, and the exit code that says which kind of thing. */
final class Trouble extends RuntimeException {

    private final int exitCode;

    Trouble(int exitCode, String sentence) {
        super(sentence);
        this.exitCode = exitCode;
    }

    int exitCode() {
        return exitCode;
    }
}
