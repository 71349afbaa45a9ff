package io.kmodfleet.cli;

import picocli.CommandLine.Command;

/** Hands off. */
@Command(
        name = "hold",
        description = {
            "Leave a host as it is: it is given nothing new, builds for nobody and tries nothing for others.",
            "It keeps what it has. 'release' ends it."
        })
final class HoldCommand extends HostDeed {

    @Override
    String deed() {
        return "hold";
    }

    @Override
    String done(String host, String position) {
        return "✔ Held, at position " + position + " of the ledger, until: kmodfleet release " + host;
    }
}
