package io.kmodfleet.contracts.fuzz;

import java.util.List;

/** A parser, and where its inputs begin. Has a constructor without parameters. */
public interface HostileInput {

    /** Good inputs, and whatever a test once found. */
    List<byte[]> seeds() throws Exception;

    /**
     * Parses these bytes twice and compares what came out; a refusal that the parser declares is no failure.
     *
     * @throws Exception what the parser may not throw
     */
    void parse(byte[] bytes) throws Exception;
}
