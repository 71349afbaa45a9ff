package io.kmodfleet.agent.dkms;

import io.kmodfleet.contracts.DecisionId;
import io.kmodfleet.contracts.wire.Topics;
import java.util.Optional;

/** Tells those who look on what a build says, as it says it, without what looks like a secret. That they miss a line is no failure. */
public final class LiveLog {

    /** Where it is told. */
    public interface Audience {

        /** @return whether it is heard; where not, the rest of the build is not told */
        boolean tell(DecisionId build, String line);
    }

    private final Audience audience;
    private Optional<DecisionId> build = Optional.empty();
    private Redaction redaction = new Redaction();

    public LiveLog(Audience audience) {
        this.audience = audience;
    }

    synchronized void begin(DecisionId ordered) {
        build = Optional.of(ordered);
        redaction = new Redaction();
    }

    /** @param how it ended, in a word or a sentence */
    synchronized void end(String how) {
        line(Topics.BUILD_LOG_END + how);
        build = Optional.empty();
    }

    /** Of the build that runs; of none, it is told to nobody. */
    public synchronized void line(String line) {
        if (build.isPresent() && !audience.tell(build.get(), redaction.line(line))) {
            build = Optional.empty();
        }
    }
}
