package io.kmodfleet.deploy.standalone;

/** Where the stack says what it is doing. */
public interface Progress {

    void say(String line);

    /** Nobody listens. */
    static Progress silent() {
        return line -> {};
    }
}
