package io.kmodfleet.coordinator.dashboard;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.github.difflib.DiffUtils;
import com.github.difflib.UnifiedDiffUtils;
import io.kmodfleet.contracts.Observation.PolicyPublished;
import io.kmodfleet.contracts.Policy;
import io.kmodfleet.contracts.wire.FleetJson;
import io.kmodfleet.coordinator.audit.WhatIf;
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

    record Version(long position, String author, Instant at, boolean shown) {}

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
     * @param text in the editor
     * @param differs from the policy in force
     * @param outcome of the policy in the editor, on this fleet now; absent where it was not asked for
     */
    record Shown(
            List<Version> versions,
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
                    : all.stream().findFirst();
            if (version.isPresent() && meant.isEmpty()) {
                throw new Problem(404, "No such version", "Expected the ledger position of a published policy");
            }
            String text = meant.map(one -> yaml(one.document())).orElse("");
            Page page = pages.page(
                    "Policy",
                    "policy",
                    uri,
                    seen,
                    done.map(position ->
                            "The policy is published; it stands in the ledger at position " + position + "."));
            return Templates.policy(
                    page,
                    shown(
                            all,
                            meant.map(Ledgers.Published::position),
                            text,
                            List.of(),
                            difference(inForce(all), text),
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
        List<Ledgers.Published> all = ledgers.policies(Long.MAX_VALUE, VERSIONS);
        String draft = text.replace("\r\n", "\n");
        Policy policy;
        try {
            policy = PolicyDocument.read(draft);
        } catch (Problem e) {
            return draft(uri, shown(all, Optional.empty(), draft, faults(e), List.of(), Optional.empty(), true));
        }
        Optional<String> hindrance = publish.flatMap(any -> hindrance(all, basis, author));
        if (publish.isPresent() && hindrance.isEmpty()) {
            return actions.done(new PolicyPublished(author, policy), "/policy");
        }
        return draft(
                uri,
                shown(
                        all,
                        Optional.empty(),
                        draft,
                        hindrance.stream().map(why -> new Fault(0, why)).toList(),
                        difference(inForce(all), yaml(FleetJson.write(policy))),
                        Optional.of(WhatIf.now(looking.now().state(), policy)),
                        true));
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
                                one.position(), one.author(), one.at(), shown.equals(Optional.of(one.position()))))
                        .toList(),
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

    private static String inForce(List<Ledgers.Published> all) {
        return all.isEmpty() ? "" : yaml(all.get(0).document());
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
