package io.kmodfleet.agent.dkms;

import java.io.IOException;
import java.time.Duration;

/** How long a build may take; {@code KMODFLEET_BUILD_MINUTES}, 30 where it says nothing. */
public final class BuildLimit {

    private static final String VARIABLE = "KMODFLEET_BUILD_MINUTES";
    private static final int DEFAULT = 30;
    private static final int MOST = 24 * 60;

    private BuildLimit() {}

    public static Duration fromEnvironment() throws IOException {
        return of(System.getenv(VARIABLE));
    }

    static Duration of(String minutes) throws IOException {
        if (minutes == null || minutes.isBlank()) {
            return Duration.ofMinutes(DEFAULT);
        }
        try {
            int value = Integer.parseInt(minutes.strip());
            if (value >= 1 && value <= MOST) {
                return Duration.ofMinutes(value);
            }
        } catch (NumberFormatException e) {
            // Said below.
        }
        throw new IOException("Expected minutes from 1 to " + MOST + " in " + VARIABLE + ", but got '" + minutes + "'");
    }
}
