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
import jakarta.ws.rs.core.MediaType;
import jakarta.ws.rs.core.Response;
import jakarta.ws.rs.core.UriInfo;
import java.net.URI;
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
    private final LiveBoard live;
    private final Pages pages;
    private final Ledgers ledgers;
    private final Operator operator;

    PolicyPages(Looking looking, LiveBoard live, Pages pages, Ledgers ledgers, Operator operator) {
        this.looking = looking;
        this.live = live;
        this.pages = pages;
        this.ledgers = ledgers;
        this.operator = operator;
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
            @Context UriInfo uri) {
        List<Ledgers.Published> all = ledgers.policies(VERSIONS);
        Optional<Ledgers.Published> meant = version.isPresent()
                ? all.stream().filter(one -> one.position() == version.get()).findFirst()
                : all.stream().findFirst();
        if (version.isPresent() && meant.isEmpty()) {
            throw new Problem(404, "No such version", "Expected the ledger position of a published policy");
        }
        String text = meant.map(one -> yaml(one.document())).orElse("");
        String inForce = all.isEmpty() ? "" : yaml(all.get(0).document());
        return show(
                uri,
                all,
                meant.map(Ledgers.Published::position),
                text,
                List.of(),
                difference(inForce, text),
                Optional.empty(),
                false,
                done.map(position -> "The policy is published; it stands in the ledger at position " + position + "."));
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
        List<Ledgers.Published> all = ledgers.policies(VERSIONS);
        String inForce = all.isEmpty() ? "" : yaml(all.get(0).document());
        String clean = text.replace("\r\n", "\n");
        Policy policy;
        try {
            policy = PolicyDocument.read(clean);
        } catch (Problem e) {
            return show(
                    uri, all, Optional.empty(), clean, faults(e), List.of(), Optional.empty(), true, Optional.empty());
        }
        if (publish.isPresent()) {
            long newest = all.isEmpty() ? 0 : all.get(0).position();
            if (newest != basis) {
                return show(
                        uri,
                        all,
                        Optional.empty(),
                        clean,
                        List.of(
                                new Fault(
                                        0,
                                        "Somebody published another policy meanwhile (position " + newest
                                                + "). What follows is the difference to that one. Look at it, and publish again")),
                        difference(inForce, yaml(FleetJson.write(policy))),
                        Optional.of(WhatIf.now(looking.now().state(), policy)),
                        true,
                        Optional.empty());
            }
            if (author.isBlank()) {
                return show(
                        uri,
                        all,
                        Optional.empty(),
                        clean,
                        List.of(new Fault(0, "Expected your name: it stands in the ledger beside the policy")),
                        difference(inForce, yaml(FleetJson.write(policy))),
                        Optional.of(WhatIf.now(looking.now().state(), policy)),
                        true,
                        Optional.empty());
            }
            long position = operator.says(new PolicyPublished(Operator.author(author), policy))
                    .await()
                    .indefinitely();
            live.await(position);
            return Response.seeOther(URI.create("/policy?done=" + position)).build();
        }
        return show(
                uri,
                all,
                Optional.empty(),
                clean,
                List.of(),
                difference(inForce, yaml(FleetJson.write(policy))),
                Optional.of(WhatIf.now(looking.now().state(), policy)),
                true,
                Optional.empty());
    }

    private Response show(
            UriInfo uri,
            List<Ledgers.Published> all,
            Optional<Long> shown,
            String text,
            List<Fault> faults,
            List<DiffLine> difference,
            Optional<WhatIf.Outcome> outcome,
            boolean checked,
            Optional<String> notice) {
        Page page = pages.page("Policy", "policy", uri, looking.now(), notice);
        return Pages.own(Templates.policy(
                page,
                new Shown(
                        all.stream()
                                .map(one -> new Version(
                                        one.position(),
                                        one.author(),
                                        one.at(),
                                        shown.equals(Optional.of(one.position()))))
                                .toList(),
                        text,
                        faults,
                        difference,
                        difference.stream().anyMatch(line -> !line.sign().equals(" ")),
                        outcome,
                        outcome.map(WhatIf.Outcome::changes).orElse(List.of()).stream()
                                .limit(CHANGES)
                                .toList(),
                        all.isEmpty() ? 0 : all.get(0).position(),
                        checked)));
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
