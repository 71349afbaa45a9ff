package io.kmodfleet.coordinator.dashboard;

import io.kmodfleet.contracts.HostId;
import io.kmodfleet.contracts.HostReport;
import io.kmodfleet.coordinator.audit.Moment;
import io.kmodfleet.coordinator.fleet.Problem;
import io.quarkus.qute.TemplateInstance;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.ws.rs.core.HttpHeaders;
import jakarta.ws.rs.core.Response;
import jakarta.ws.rs.core.UriInfo;
import java.util.Optional;
import java.util.function.Function;

/** Now, or a moment of the past: what a page is asked about. */
@ApplicationScoped
class Looking {

    private final LiveBoard live;
    private final Past past;
    private final Pages pages;
    private final Ledgers ledgers;

    Looking(LiveBoard live, Past past, Pages pages, Ledgers ledgers) {
        this.live = live;
        this.past = past;
        this.pages = pages;
        this.ledgers = ledgers;
    }

    Seen now() {
        return live.seen();
    }

    /** The page about that moment; while the ledger is read up to it, a page that says so and asks again. */
    Response at(Optional<String> at, UriInfo uri, HttpHeaders headers, Function<Seen, TemplateInstance> template) {
        if (at.filter(text -> !text.isBlank()).isEmpty()) {
            return pages.shared(uri, headers, () -> template.apply(now()));
        }
        Past.Look look = past.at(at.get(), moment(at.get()));
        look.failure().ifPresent(failure -> {
            throw new Problem(503, "The past cannot be read", failure);
        });
        if (look.seen().isPresent()) {
            return Pages.own(template.apply(look.seen().get()));
        }
        Page page = pages.page("Reading the ledger", "audit", uri, now());
        return Pages.own(Templates.reading(page, at.get(), look.position(), ledgers.last()));
    }

    /** @throws Problem 503 while the ledger is read up to that moment: ask again */
    Seen ready(Optional<String> at) {
        if (at.filter(text -> !text.isBlank()).isEmpty()) {
            return now();
        }
        Past.Look look = past.at(at.get(), moment(at.get()));
        return look.seen()
                .orElseThrow(() -> new Problem(
                        503,
                        "Reading the ledger",
                        look.failure()
                                .orElse("The ledger is being read up to that moment, and is at position "
                                        + look.position() + ". Ask again in a second")));
    }

    static Moment moment(String text) {
        try {
            return Moment.parse(text);
        } catch (IllegalArgumentException e) {
            throw new Problem(400, "Not a moment", e.getMessage());
        }
    }

    static HostId host(Seen seen, String id) {
        Optional<HostId> host = id.matches("[0-9a-f]{32}") ? Optional.of(new HostId(id)) : Optional.empty();
        return host.filter(known -> seen.state().report(known).isPresent())
                .orElseThrow(() -> new Problem(
                        404,
                        "No such host",
                        "Expected the id of a host that has reported" + (seen.isNow() ? "" : " by then")
                                + ", but no host has this one"));
    }

    static String nameOf(Seen seen, HostId host) {
        return seen.state()
                .report(host)
                .map(HostReport::hostname)
                .orElse(host.value().substring(0, 12));
    }
}
