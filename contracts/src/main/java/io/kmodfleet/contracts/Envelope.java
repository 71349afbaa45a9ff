package io.kmodfleet.contracts;

import java.time.Instant;
import java.util.Objects;

/**
 * An observation with its number. Who observes counts: {@code sequence} grows by one, from 1; {@code epoch} grows when the
 * counting starts anew (a new journal). So a repeat and a gap are both seen.
 *
 * @param source a host id, or {@link #STORE}, {@link #OPERATOR} or {@link #TICKER}; the Kafka record's key
 * @param epoch milliseconds since 1970 at which this counting began
 * @param sequence from 1
 * @param at when it was observed, by the source's clock
 */
public record Envelope(String source, long epoch, long sequence, Instant at, Observation observation) {

    public static final String STORE = "store";
    public static final String OPERATOR = "operator";

    /** The coordinator's own clock work: deadlines that passed. */
    public static final String TICKER = "ticker";

    public Envelope {
        Objects.requireNonNull(source, "source");
        Objects.requireNonNull(at, "at");
        Objects.requireNonNull(observation, "observation");
        if (epoch < 1 || sequence < 1) {
            throw new IllegalArgumentException(
                    "Expected an epoch and a sequence from 1, but got " + epoch + "/" + sequence);
        }
        String speaker = speakerOf(observation);
        if (!speaker.equals(source)) {
            throw new IllegalArgumentException(
                    "Expected an observation of '" + source + "', but this one is of '" + speaker + "'");
        }
    }

    /** Whose observation this is by its content: nobody speaks for somebody else. */
    public static String speakerOf(Observation observation) {
        return observation.match(new Observation.Cases<>() {
            @Override
            public String on(Observation.HostReported event) {
                return event.host().value();
            }

            @Override
            public String on(Observation.BuildSucceeded event) {
                return event.host().value();
            }

            @Override
            public String on(Observation.BuildFailed event) {
                return event.host().value();
            }

            @Override
            public String on(Observation.ModuleInstalled event) {
                return event.host().value();
            }

            @Override
            public String on(Observation.InstallFailed event) {
                return event.host().value();
            }

            @Override
            public String on(Observation.SourceStored event) {
                return STORE;
            }

            @Override
            public String on(Observation.PackageStored event) {
                return STORE;
            }

            @Override
            public String on(Observation.PackageRefused event) {
                return STORE;
            }

            @Override
            public String on(Observation.PolicyPublished event) {
                return OPERATOR;
            }

            @Override
            public String on(Observation.PolicyApproved event) {
                return OPERATOR;
            }

            @Override
            public String on(Observation.LoadFailed event) {
                return event.host().value();
            }

            @Override
            public String on(Observation.KernelExportsReported event) {
                return event.host().value();
            }

            @Override
            public String on(Observation.PackageRecalled event) {
                return OPERATOR;
            }

            @Override
            public String on(Observation.RetryRequested event) {
                return OPERATOR;
            }

            @Override
            public String on(Observation.BuildOverdue event) {
                return TICKER;
            }

            @Override
            public String on(Observation.DeadlinePassed event) {
                return TICKER;
            }

            @Override
            public String on(Observation.HostHeld event) {
                return OPERATOR;
            }

            @Override
            public String on(Observation.HostReleased event) {
                return OPERATOR;
            }

            @Override
            public String on(Observation.RiskAccepted event) {
                return OPERATOR;
            }

            @Override
            public String on(Observation.PackageDamaged event) {
                return STORE;
            }

            @Override
            public String on(Observation.PackageHealed event) {
                return STORE;
            }
        });
    }
}
