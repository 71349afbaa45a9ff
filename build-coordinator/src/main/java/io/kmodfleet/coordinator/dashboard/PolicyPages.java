package io.kmodfleet.coordinator.dashboard;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.github.difflib.DiffUtils;
import com.github.difflib.UnifiedDiffUtils;
import io.kmodfleet.contracts.HostId;
import io.kmodfleet.contracts.Observation.PolicyApproved;
import io.kmodfleet.contracts.Observation.PolicyPublished;
import io.kmodfleet.contracts.Policy;
import io.kmodfleet.contracts.wire.FleetJson;
import io.kmodfleet.coordinator.audit.WhatIf;
import io.kmodfleet.coordinator.dashboard.Actions.Action;
import io.kmodfleet.coordinator.decision.FleetState;
import io.kmodfleet.coordinator.fleet.Approvals;
import io.kmodfleet.coordinator.fleet.Operator;
import io.kmodfleet.coordinator.fleet.PolicyDocument;
import io.kmodfleet.coordinator.fleet.Problem;
import io.smallrye.common.annotation.Blocking;
import jakarta.ws.rs.Consumes;
import jakarta.ws.rs.DefaultValue;
import jakarta.ws.rs.FormParam;
import jakarta.ws.rs.GET;
import jakarta.ws.rs.POST;
import jakarta.ws.rs.Path;
import jakarta.ws.rs.PathParam;
import jakarta.ws.rs.Produces;
import jakarta.ws.rs.QueryParam;
import jakarta.ws.rs.core.Context;
import jakarta.ws.rs.core.HttpHeaders;
import jakarta.ws.rs.core.MediaType;
import jakarta.ws.rs.core.Response;
import jakarta.ws.rs.core.UriInfo;
import java.time.Instant;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** The policy: its versions, an editor, what another one would do, and the way to publish it. */
@Path("/policy")
@Blocking
@Produces(MediaType.TEXT_HTML)
class PolicyPages {

    private static final int VERSIONS = 50;
    private static final int CHANGES = 100;
    private static final Pattern AT_LINE = Pattern.compile("^line (\\d+): (.*)$");

    private final Looking looking;
    private final Pages pages;
    private final Ledgers ledgers;
    private final Actions actions;

    PolicyPages(Looking looking, Pages pages, Ledgers ledgers, Actions actions) {
        this.looking = looking;
        this.pages = pages;
        this.ledgers = ledgers;
        this.actions = actions;
    }

    /** @param standing what became of it, in words; empty for one that was in force before */
    record Version(long position, String author, Instant at, String standing, boolean shown) {}

    /** A policy that waits. @param missing how many people must still approve it */
    record Waiting(long position, String author, List<String> approvers, int missing) {}

    /** @param line 0 where none is known */
    record Fault(int line, String text) {}

    /** @param sign one of {@code + - @} and a space */
    record DiffLine(String sign, String text) {
        public String kind() {
            return switch (sign) {
                case "+" -> "added";
                case "-" -> "removed";
                case "@" -> "place";
                default -> "same";
            };
        }
    }

    /**
     * @param approvals how many people must approve what is published now
     * @param text in the editor
     * @param differs from the policy in force
     * @param outcome of the policy in the editor, on this fleet now; absent where it was not asked for
     */
    record Shown(
            List<Version> versions,
            Optional<Waiting> waiting,
            int approvals,
            String text,
            List<Fault> faults,
            List<DiffLine> difference,
            boolean differs,
            Optional<WhatIf.Outcome> outcome,
            List<WhatIf.Change> changes,
            long basis,
            boolean checked) {}

    @GET
    public Response policy(
            @QueryParam("version") Optional<Long> version,
            @QueryParam("done") Optional<Long> done,
            @QueryParam("at") Optional<String> at,
            @Context UriInfo uri,
            @Context HttpHeaders headers) {
        return looking.at(at, uri, headers, seen -> {
            List<Ledgers.Published> all = ledgers.policies(seen.upTo(), VERSIONS);
            Optional<Ledgers.Published> meant = version.isPresent()
                    ? all.stream()
                            .filter(one -> one.position() == version.get())
                            .findFirst()
                    : Optional.empty();
            if (version.isPresent() && meant.isEmpty()) {
                throw new Problem(404, "No such version", "Expected the ledger position of a published policy");
            }
            String text = meant.map(one -> yaml(one.document())).orElseGet(() -> inForce(seen));
            Page page = pages.page("Policy", "policy", uri, seen, done.map(position -> notice(seen, position)));
            return Templates.policy(
                    page,
                    shown(
                            seen,
                            all,
                            meant.map(Ledgers.Published::position)
                                    .or(() -> seen.state().inForce().map(FleetState.Publication::position)),
                            text,
                            List.of(),
                            difference(inForce(seen), text),
                            Optional.empty(),
                            false));
        });
    }

    /** Checks what stands in the editor, shows what it would change, and publishes where that is asked for. */
    @POST
    @Consumes(MediaType.APPLICATION_FORM_URLENCODED)
    public Response check(
            @FormParam("text") @DefaultValue("") String text,
            @FormParam("basis") @DefaultValue("0") long basis,
            @FormParam("author") @DefaultValue("") String author,
            @FormParam("publish") Optional<String> publish,
            @Context UriInfo uri) {
        Seen seen = looking.now();
        List<Ledgers.Published> all = ledgers.policies(Long.MAX_VALUE, VERSIONS);
        String draft = text.replace("\r\n", "\n");
        Policy policy;
        try {
            policy = PolicyDocument.read(draft);
        } catch (Problem e) {
            return draft(uri, shown(seen, all, Optional.empty(), draft, faults(e), List.of(), Optional.empty(), true));
        }
        Optional<String> hindrance = publish.flatMap(any -> hindrance(all, basis, author));
        if (publish.isPresent() && hindrance.isEmpty()) {
            return actions.done(new PolicyPublished(author, policy), "/policy");
        }
        return draft(
                uri,
                shown(
                        seen,
                        all,
                        Optional.empty(),
                        draft,
                        hindrance.stream().map(why -> new Fault(0, why)).toList(),
                        difference(inForce(seen), yaml(FleetJson.write(policy))),
                        Optional.of(WhatIf.now(seen.state(), policy)),
                        true));
    }

    @GET
    @Path("approve/{position}")
    public Response askApproval(@PathParam("position") long position, @Context UriInfo uri) {
        return actions.ask(uri, approval(position, Optional.empty()));
    }

    @POST
    @Path("approve/{position}")
    @Consumes(MediaType.APPLICATION_FORM_URLENCODED)
    public Response approve(
            @PathParam("position") long position,
            @FormParam("author") @DefaultValue("") String author,
            @Context UriInfo uri) {
        if (author.isBlank()) {
            return actions.ask(uri, approval(position, Optional.of(Actions.NAME_MISSING)));
        }
        PolicyApproved approved;
        try {
            approved = Approvals.approved(looking.now().state(), Operator.author(author), position);
        } catch (Problem e) {
            return actions.ask(uri, approval(position, Optional.of(e.getMessage())));
        }
        return actions.done(approved, "/policy");
    }

    /** With what it would change, decided now. @throws Problem 404 where no such policy waits */
    private Action approval(long position, Optional<String> fault) {
        Seen seen = looking.now();
        FleetState.Proposal waiting = Approvals.waiting(seen.state());
        if (waiting.publication().position() != position) {
            throw new Problem(
                    404,
                    "No such policy",
                    "Expected a policy that waits for approval, but the one of position " + position + " does not");
        }
        WhatIf.Outcome outcome = WhatIf.now(seen.state(), waiting.publication().policy());
        List<HostId> hosts =
                outcome.changes().stream().map(WhatIf.Change::host).distinct().toList();
        int missing = Approvals.missing(seen.state()) - 1;
        return new Action(
                "Approve the policy of " + waiting.publication().author(),
                "Approve",
                true,
                (missing == 0
                                ? "It is in force at once."
                                : "It waits for " + missing + (missing == 1 ? " more person" : " more people")
                                        + ", and is in force then.")
                        + " Back shows it, and how it differs from the one in force. Who gets another answer by it:",
                hosts.size(),
                actions.named(seen, hosts, any -> false),
                false,
                "",
                "/policy?version=" + position,
                fault);
    }

    /** Why it is not published; the draft stays in the editor. */
    private static Optional<String> hindrance(List<Ledgers.Published> all, long basis, String author) {
        long newest = newest(all);
        if (newest != basis) {
            return Optional.of("Somebody published another policy meanwhile (position " + newest
                    + "). What follows is the difference to that one. Look at it, and publish again");
        }
        if (author.isBlank()) {
            return Optional.of(Actions.NAME_MISSING);
        }
        try {
            Operator.author(author);
            return Optional.empty();
        } catch (Problem e) {
            return Optional.of(e.getMessage());
        }
    }

    private Response draft(UriInfo uri, Shown shown) {
        return Pages.own(Templates.policy(pages.page("Policy", "policy", uri, looking.now()), shown));
    }

    private static Shown shown(
            Seen seen,
            List<Ledgers.Published> all,
            Optional<Long> shown,
            String text,
            List<Fault> faults,
            List<DiffLine> difference,
            Optional<WhatIf.Outcome> outcome,
            boolean checked) {
        return new Shown(
                all.stream()
                        .map(one -> new Version(
                                one.position(),
                                one.author(),
                                one.at(),
                                standing(seen, one),
                                shown.equals(Optional.of(one.position()))))
                        .toList(),
                seen.state()
                        .proposal()
                        .map(waiting -> new Waiting(
                                waiting.publication().position(),
                                waiting.publication().author(),
                                waiting.approvers(),
                                Approvals.missing(seen.state()))),
                seen.state().policy().map(Policy::approvalsWanted).orElse(0),
                text,
                faults,
                difference,
                difference.stream().anyMatch(line -> !line.sign().equals(" ")),
                outcome,
                outcome.map(WhatIf.Outcome::changes).orElse(List.of()).stream()
                        .limit(CHANGES)
                        .toList(),
                newest(all),
                checked);
    }

    private static long newest(List<Ledgers.Published> all) {
        return all.isEmpty() ? 0 : all.get(0).position();
    }

    private static String inForce(Seen seen) {
        return seen.state()
                .policy()
                .map(FleetJson::write)
                .map(PolicyPages::yaml)
                .orElse("");
    }

    private static String standing(Seen seen, Ledgers.Published one) {
        if (seen.state()
                .inForce()
                .filter(now -> now.position() == one.position())
                .isPresent()) {
            return seen.isNow() ? "in force" : "in force then";
        }
        if (seen.state()
                .proposal()
                .filter(waiting -> waiting.publication().position() == one.position())
                .isPresent()) {
            return "waits for approval";
        }
        return one.inForceAt().isPresent() ? "" : "never in force";
    }

    private static String notice(Seen seen, long position) {
        String stands = "it stands in the ledger at position " + position + ".";
        int missing = Approvals.missing(seen.state());
        return missing == 0
                ? "The policy is in force; " + stands
                : "The policy waits for approval by " + missing + (missing == 1 ? " other person; " : " other people; ")
                        + stands;
    }

    private static List<Fault> faults(Problem problem) {
        return problem.getMessage()
                .lines()
                .map(line -> {
                    Matcher at = AT_LINE.matcher(line);
                    return at.matches() ? new Fault(Integer.parseInt(at.group(1)), at.group(2)) : new Fault(0, line);
                })
                .toList();
    }

    private static List<DiffLine> difference(String before, String after) {
        List<String> old = Arrays.asList(before.split("\n", -1));
        List<String> now = Arrays.asList(after.split("\n", -1));
        return UnifiedDiffUtils.generateUnifiedDiff("in force", "in the editor", old, DiffUtils.diff(old, now), 3)
                .stream()
                .skip(2)
                .map(line -> new DiffLine(line.substring(0, 1), line.substring(1)))
                .toList();
    }

    private static String yaml(String json) {
        try {
            return FleetJson.yaml().writeValueAsString(FleetJson.mapper().readTree(json));
        } catch (JsonProcessingException e) {
            throw new IllegalStateException("Expected the published policy to be JSON", e);
        }
    }
}
