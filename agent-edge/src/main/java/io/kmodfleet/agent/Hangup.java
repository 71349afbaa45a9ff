package io.kmodfleet.agent;

import org.jboss.logging.Logger;
import sun.misc.Signal;
import sun.misc.SignalHandler;

/**
 * What happens when a terminal goes away: nothing. The programs that an installation starts inherit it, so that dkms and the
 * package manager come to their end too; what came of it stands in the agent's state.
 */
final class Hangup {

    private static final Logger LOG = Logger.getLogger(Hangup.class);

    private Hangup() {}

    static void survive() {
        try {
            Signal.handle(new Signal("HUP"), SignalHandler.SIG_IGN);
        } catch (IllegalArgumentException e) {
            // The runtime was told to leave signals alone (-Xrs).
            LOG.debugf("a terminal that goes away ends this run error=%s", e);
        }
    }
}
