package io.kmodfleet.cli;

import picocli.CommandLine.Command;

/** Yes, we know. */
@Command(
        name = "accept",
        description = {
            "Live with it that a host would boot without its module: it is shown as accepted, and alerts leave it out.",
            "It changes no answer, and ends by itself with the next one that the host gets."
        })
final class AcceptCommand extends HostDeed {

    @Override
    String deed() {
        return "accept";
    }

    @Override
    String done(String host, String position) {
        return "✔ Accepted, at position " + position + " of the ledger.";
    }
}
