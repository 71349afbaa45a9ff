package io.kmodfleet.cli;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.kmodfleet.cli.Printing.Table;
import io.kmodfleet.contracts.Policy;
import io.kmodfleet.contracts.wire.FleetJson;
import io.kmodfleet.coordinator.audit.Moment;
import io.kmodfleet.coordinator.audit.WhatIf;
import io.kmodfleet.coordinator.audit.WhatIf.Answer;
import io.kmodfleet.coordinator.audit.WhatIf.Change;
import io.kmodfleet.coordinator.audit.WhatIf.Count;
import io.kmodfleet.coordinator.audit.WhatIf.Needed;
import io.kmodfleet.coordinator.audit.WhatIf.Outcome;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** Before it is done. */
@Command(
        name = "what-if",
        description = {
            "Show what another policy would change, decided by the production rules, without publishing it.",
            "Without --since it is published at the end of the ledger. With --since it is in force from there on, and"
                    + " everything observed later is decided again: results count for whatever build runs then, policies"
                    + " published later are left out, and what hosts reported of themselves is taken as it was."
        },
        footer = {
            "",
            "Exit codes:",
            "  0  shown, whether or not something would change",
            "  1  the policy does not validate, or the ledger cannot be folded; the message says where",
            "  2  wrong usage",
            "  3  coordinator or broker not reached",
            "  4  no such file or topic"
        })
final class WhatIfCommand implements Callable<Integer> {

    @Mixin
    private LedgerFrom ledger;

    @Mixin
    private Printing printing;

    @Option(
            names = "--policy",
            paramLabel = "FILE",
            required = true,
            description = "The other policy, YAML or JSON; - for standard input.")
    private String file;

    @Option(
            names = "--since",
            paramLabel = "POSITION|INSTANT",
            description = "In force after that position, or at that instant like 2026-11-24T03:00:00Z.")
    private Optional<String> since;

    @Option(
            names = "--limit",
            paramLabel = "N",
            defaultValue = "20",
            description = "List at most so many changes and builds (default: ${DEFAULT-VALUE}); all are counted.")
    private int limit;

    @Override
    public Integer call() throws IOException {
        Policy policy = PolicyCommand.policyOf(file, PolicyCommand.documentOf(file));
        Optional<Moment> moment = since.map(text -> StateView.momentOf("--since", text));
        WhatIf whatIf = new WhatIf(policy, moment);
        Outcome outcome;
        try {
            ledger.each(whatIf::next);
            outcome = whatIf.outcome();
        } catch (IllegalArgumentException e) {
            throw new Trouble(KmodfleetCommand.FAILED, e.getMessage() + ".");
        }
        if (printing.isJson()) {
            ObjectNode json = FleetJson.mapper().valueToTree(outcome);
            printing.json(json.put("summary", summary(outcome)));
        } else {
            print(outcome);
        }
        return 0;
    }

    private void print(Outcome outcome) {
        Table counts = new Table("No host is told anything, before or after.", "ANSWER", "REASON", "NOW", "THEN", "");
        for (Count count : outcome.counts()) {
            long more = count.after() - count.before();
            counts.row(
                    count.decision(),
                    count.reason(),
                    Long.toString(count.before()),
                    Long.toString(count.after()),
                    more == 0 ? "" : (more > 0 ? "+" : "") + more);
        }
        counts.print();
        if (!outcome.builds().isEmpty()) {
            System.out.println("\nBuilds:");
            Table builds = new Table("", "KERNEL", "IMAGE", "SOURCE", "ON");
            for (Needed build : first(outcome.builds())) {
                builds.row(
                        build.target().release(),
                        build.target().image().brief(),
                        build.target().source().brief(),
                        build.hostname());
            }
            builds.print();
            more(outcome.builds().size());
        }
        if (!outcome.changes().isEmpty()) {
            System.out.println("\nChanges:");
            Table changes = new Table("", "HOST", "NAME", "KERNEL", "MODULE", "NOW", "THEN");
            for (Change change : first(outcome.changes())) {
                changes.row(
                        Printing.shortened(change.host().value()),
                        change.hostname(),
                        change.release(),
                        change.module(),
                        text(change.before()),
                        text(change.after()));
            }
            changes.print();
            more(outcome.changes().size());
        }
        System.out.println();
        notes(outcome).forEach(note -> Printing.line("Note: %s", note));
        Printing.line("%s", summary(outcome));
    }

    private static String summary(Outcome outcome) {
        String where = outcome.since() == outcome.position()
                ? "Published after position " + outcome.position()
                : "In force since position " + outcome.since() + ", with " + outcome.decidedAgain()
                        + " later observations decided again";
        String builds = outcome.since() == outcome.position()
                ? "would start " + of(outcome.builds().size(), "build")
                : "would have had " + of(outcome.builds().size(), "target") + " built instead of "
                        + of(outcome.recordedBuilds(), "build order");
        return where + ", this policy would change the answer for " + outcome.hostsChanged() + " of "
                + of(outcome.hosts(), "host") + ", and " + builds + ".";
    }

    private static List<String> notes(Outcome outcome) {
        List<String> notes = new ArrayList<>();
        if (outcome.since() < outcome.position()) {
            notes.add("what hosts reported later is taken as it was: a module they installed since then counts as"
                    + " installed, so more may change than is shown.");
        }
        if (outcome.policiesLeftOut() > 0) {
            notes.add(of(outcome.policiesLeftOut(), "policy document") + " published later left out.");
        }
        if (outcome.answersLeftOut() > 0) {
            notes.add(
                    of(outcome.answersLeftOut(), "build result") + " left out: nobody would have been told to build.");
        }
        if (outcome.otherRules() > 0) {
            notes.add(of(outcome.otherRules(), "later entry")
                    + " recorded by older rules than these; part of the change may come from that.");
        }
        return notes;
    }

    private static String of(long count, String what) {
        String many = what.endsWith("y") ? what.substring(0, what.length() - 1) + "ies" : what + "s";
        return count + " " + (count == 1 ? what : many);
    }

    private <T> List<T> first(List<T> all) {
        return all.subList(0, Math.min(Math.max(0, limit), all.size()));
    }

    private void more(int all) {
        if (all > limit) {
            Printing.line("… and %s more; --limit shows them.", Integer.toString(all - limit));
        }
    }

    private static String text(Optional<Answer> answer) {
        return answer.map(known -> known.decision() + " " + known.reason()
                        + (known.of().isEmpty() ? "" : " " + Printing.brief(known.of())))
                .orElse("–");
    }
}
