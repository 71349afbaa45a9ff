package io.kmodfleet.cli;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.kmodfleet.contracts.BuildTarget;
import io.kmodfleet.contracts.Decision;
import io.kmodfleet.contracts.Explanation;
import io.kmodfleet.contracts.HostId;
import io.kmodfleet.contracts.HostReport;
import io.kmodfleet.contracts.wire.FleetJson;
import io.kmodfleet.coordinator.audit.FleetAt;
import io.kmodfleet.coordinator.audit.Moment;
import io.kmodfleet.coordinator.board.Board;
import io.kmodfleet.coordinator.board.Filter;
import io.kmodfleet.coordinator.board.HostLine;
import io.kmodfleet.coordinator.decision.RebootSafety;
import io.kmodfleet.coordinator.decision.StatePart;
import io.kmodfleet.coordinator.decision.Trail;
import java.io.IOException;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;

/** The fleet as it was at a moment, in the very forms in which the coordinator tells how it is now. */
final class StateView {

    private final FleetAt at;

    private StateView(FleetAt at) {
        this.at = at;
    }

    static StateView at(LedgerFrom ledger, String moment) throws IOException {
        FleetAt at = new FleetAt(momentOf("--at", moment));
        try {
            ledger.each(at::next);
        } catch (IllegalArgumentException e) {
            throw new Trouble(KmodfleetCommand.FAILED, e.getMessage() + ".");
        }
        return new StateView(at);
    }

    static Moment momentOf(String option, String text) {
        try {
            return text.isEmpty() ? Moment.END : Moment.parse(text);
        } catch (IllegalArgumentException e) {
            throw new Trouble(KmodfleetCommand.WRONG_USAGE, option + ": " + e.getMessage() + ".");
        }
    }

    /** The one line that says which moment this is. */
    String heading() {
        return "After position " + at.state().position() + ", taken "
                + at.state().now() + ":";
    }

    /** As /api/v1/hosts. */
    JsonNode hosts() {
        ObjectNode answer = object();
        ArrayNode items = answer.putArray("items");
        for (HostId id : at.state().hostIds()) {
            HostReport report = at.state().report(id).orElseThrow();
            ObjectNode host = items.addObject()
                    .put("host", id.value())
                    .put("hostname", report.hostname())
                    .put("os", report.os().prettyName())
                    .put("arch", report.arch())
                    .put("observeOnly", report.observeOnly())
                    .put("reportedAt", at.reportedAt(id).toString());
            host.set("reboot", FleetJson.mapper().valueToTree(RebootSafety.of(at.state(), id)));
            ArrayNode kernels = host.putArray("kernels");
            report.kernels().forEach(kernel -> {
                ObjectNode known = kernels.addObject()
                        .put("release", kernel.identity().release())
                        .put("running", kernel.running());
                kernel.identity().image().ifPresent(image -> known.put("image", image.toString()));
            });
            ArrayNode decisions = host.putArray("decisions");
            at.state().standing(id).forEach(decision -> decisions
                    .addObject()
                    .put("release", decision.subject().release())
                    .put("module", decision.subject().module())
                    .put("decision", kindOf(decision))
                    .put("reason", decision.reason().name())
                    .put("id", decision.id().toString()));
        }
        return answer;
    }

    /** As /api/v1/fleet/hosts. */
    JsonNode lines(Filter filter) {
        Board board = Board.of(at.state());
        ObjectNode answer = object();
        ArrayNode items = answer.putArray("items");
        board.page(filter, Board.Cursor.BEGIN, Math.max(1, board.size()))
                .hosts()
                .forEach(host -> items.add(FleetJson.mapper().<JsonNode>valueToTree(HostLine.of(at.state(), host))));
        return answer;
    }

    /** As /api/v1/hosts/HOST/explanation. */
    JsonNode explanation(String name) {
        HostId host = one(name);
        ObjectNode why = object().put("host", host.value())
                .put("hostname", at.state().report(host).orElseThrow().hostname());
        why.set("reboot", FleetJson.mapper().valueToTree(RebootSafety.of(at.state(), host)));
        ArrayNode answers = why.putArray("answers");
        for (Decision decision : at.state().standing(host)) {
            Explanation explanation = Explanation.of(decision);
            ObjectNode answer = answers.addObject()
                    .put("id", decision.id().toString())
                    .put("at", at.decidedAt(decision).toString())
                    .put("release", decision.subject().release())
                    .put("module", decision.subject().module())
                    .put("decision", kindOf(decision))
                    .put("reason", decision.reason().name())
                    .put("text", explanation.text())
                    .put("change", explanation.change());
            answer.set("facts", FleetJson.mapper().valueToTree(decision.facts()));
            answer.set(
                    "missing",
                    FleetJson.mapper()
                            .valueToTree(decision instanceof Decision.Reject reject ? reject.missing() : List.of()));
            answer.set(
                    "rules",
                    FleetJson.mapper()
                            .valueToTree(Trail.of(at.state(), decision.subject())
                                    .map(Trail::rules)
                                    .orElse(List.of())));
        }
        return why;
    }

    /** Everything in numbers. */
    JsonNode fleet() {
        ObjectNode fleet = object().put("position", at.state().position())
                .put("takenAt", at.state().now().toString())
                .put("hosts", at.state().hostCount())
                .put("buildsUnderWay", at.state().buildsUnderWay());
        at.policy().ifPresent(entry -> fleet.putObject("policy")
                .put("position", entry.position())
                .put("publishedAt", entry.takenAt().toString()));
        Map<String, Map<String, Long>> counts = new TreeMap<>();
        for (HostId host : at.state().hostIds()) {
            at.state().standing(host).forEach(decision -> counts.computeIfAbsent(
                            kindOf(decision), any -> new TreeMap<>())
                    .merge(decision.reason().name(), 1L, Long::sum));
        }
        ArrayNode answers = fleet.putArray("answers");
        counts.forEach((kind, reasons) -> reasons.forEach((reason, count) ->
                answers.addObject().put("decision", kind).put("reason", reason).put("count", count)));
        fleet.set("targets", targets(""));
        return fleet;
    }

    /** The targets that a release, an image or a source names, by a part of it. */
    ArrayNode targets(String part) {
        ArrayNode targets = FleetJson.mapper().createArrayNode();
        at.state()
                .parts()
                .filter(StatePart.Target.class::isInstance)
                .map(StatePart.Target.class::cast)
                .filter(target -> names(target.target(), part))
                .forEach(target -> targets.add(FleetJson.mapper().<ObjectNode>valueToTree(target)));
        return targets;
    }

    String nameOf(String host) {
        return at.state().report(new HostId(host)).map(HostReport::hostname).orElse(Printing.shortened(host));
    }

    private HostId one(String name) {
        List<HostId> meant = at.hostsNamed(name);
        if (meant.isEmpty()) {
            throw new Trouble(
                    KmodfleetCommand.NOT_FOUND,
                    "Expected a host id, the first six or more digits of one, or a host name, but after position "
                            + at.state().position() + " no host is called '" + name + "'.");
        }
        if (meant.size() > 1) {
            throw new Trouble(
                    KmodfleetCommand.FAILED,
                    "Expected one host, but '" + name + "' may be "
                            + String.join(
                                    ", ", meant.stream().map(HostId::value).toList()) + ".");
        }
        return meant.get(0);
    }

    private static boolean names(BuildTarget target, String part) {
        return target.release().contains(part)
                || target.image().toString().contains(part)
                || target.source().toString().contains(part);
    }

    private static String kindOf(Decision decision) {
        return decision.getClass().getSimpleName().toLowerCase(Locale.ROOT);
    }

    private static ObjectNode object() {
        return FleetJson.mapper().createObjectNode();
    }
}
