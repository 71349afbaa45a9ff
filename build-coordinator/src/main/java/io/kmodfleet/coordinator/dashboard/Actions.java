package io.kmodfleet.coordinator.dashboard;

import io.kmodfleet.contracts.HostId;
import io.kmodfleet.contracts.Observation;
import io.kmodfleet.coordinator.fleet.Operator;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.ws.rs.core.Response;
import jakarta.ws.rs.core.UriInfo;
import java.net.URI;
import java.util.List;
import java.util.Optional;
import java.util.function.Function;
import java.util.function.Predicate;
import java.util.function.Supplier;

/** What people do. Each is asked once, with what will happen to whom, and stands in the ledger with its author. */
@ApplicationScoped
class Actions {

    static final String NAME_MISSING = "Expected your name: it stands in the ledger beside what you did";
    private static final String WHY_MISSING = "Expected a reason: whoever reads it later wants to know";
    private static final int NAMED = 100;

    private final Looking looking;
    private final LiveBoard live;
    private final Pages pages;
    private final Operator operator;

    Actions(Looking looking, LiveBoard live, Pages pages, Operator operator) {
        this.looking = looking;
        this.live = live;
        this.pages = pages;
        this.operator = operator;
    }

    record Named(HostId host, String hostname, boolean running) {}

    /**
     * What is asked.
     *
     * @param verb on the button
     * @param grave whether it cannot be taken back
     * @param consequence what will happen
     * @param count to how many hosts
     * @param hosts the first of them
     * @param asksWhy whether a reason is wanted
     * @param back where to go without doing it
     * @param fault of the last try
     */
    record Action(
            String title,
            String verb,
            boolean grave,
            String consequence,
            int count,
            List<Named> hosts,
            boolean asksWhy,
            String why,
            String back,
            Optional<String> fault) {}

    private static Optional<String> missing(String author, String why) {
        if (author.isBlank()) {
            return Optional.of(NAME_MISSING);
        }
        return why.isBlank() ? Optional.of(WHY_MISSING) : Optional.empty();
    }

    List<Named> named(Seen seen, List<HostId> hosts, Predicate<HostId> runs) {
        return hosts.stream()
                .limit(NAMED)
                .map(host -> new Named(host, Looking.nameOf(seen, host), runs.test(host)))
                .toList();
    }

    Response ask(UriInfo uri, Action action) {
        return Pages.own(Templates.confirm(pages.page(action.title(), "", uri, looking.now()), action));
    }

    /**
     * Says what wants a name and a reason; asks again with what is missing or wrong.
     *
     * @param question with what is wrong with the last try
     * @param said throws {@link IllegalArgumentException} where the reason is none
     */
    Response because(
            UriInfo uri,
            String author,
            String why,
            Function<Optional<String>, Action> question,
            Supplier<Observation> said) {
        Action asked = question.apply(missing(author, why));
        if (asked.fault().isPresent()) {
            return ask(uri, asked);
        }
        Observation observation;
        try {
            observation = said.get();
        } catch (IllegalArgumentException e) {
            return ask(uri, question.apply(Optional.of(e.getMessage())));
        }
        return done(observation, asked.back());
    }

    /** Says it, and goes back when it stands in the ledger. */
    Response done(Observation observation, String back) {
        long position = operator.says(observation).await().indefinitely();
        live.await(position);
        return Response.seeOther(URI.create(back + "?done=" + position)).build();
    }
}
