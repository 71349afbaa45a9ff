package io.kmodfleet.store.retention;

import static io.kmodfleet.store.catalogue.Waiting.await;

import io.kmodfleet.contracts.Digest;
import io.kmodfleet.store.StoreConfig;
import io.kmodfleet.store.blob.Storage;
import io.kmodfleet.store.catalogue.CatalogueView.Pinned;
import io.kmodfleet.store.catalogue.Packages;
import io.kmodfleet.store.catalogue.Packages.Known;
import io.kmodfleet.store.catalogue.Packages.Loose;
import io.kmodfleet.store.catalogue.Pins;
import io.kmodfleet.store.problem.Problem;
import io.kmodfleet.store.retention.Verdict.Candidate;
import io.kmodfleet.store.standing.Coordinator;
import io.kmodfleet.store.standing.Coordinator.Standing;
import jakarta.enterprise.context.ApplicationScoped;
import java.io.IOException;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.stream.Collectors;
import org.jboss.logging.Logger;

/** Judges every package, and removes those that may go when it is told to. Sources stay: a package can be built again from them. */
@ApplicationScoped
class Retention {

    private static final Logger LOG = Logger.getLogger(Retention.class);
    private static final int AT_ONCE = 500;
    private static final int MOST_SHOWN = 1000;

    private final Packages packages;
    private final Pins pins;
    private final Coordinator coordinator;
    private final Storage storage;
    private final StoreConfig.Retention rules;
    private final Clock clock = Clock.systemUTC();

    Retention(Packages packages, Pins pins, Coordinator coordinator, Storage storage, StoreConfig config) {
        this.packages = packages;
        this.pins = pins;
        this.coordinator = coordinator;
        this.storage = storage;
        this.rules = config.retention();
    }

    record Going(
            Digest digest,
            String module,
            String moduleVersion,
            String release,
            long size,
            Instant storedAt,
            String reason,
            String detail) {}

    /**
     * @param goes the first of them
     * @param packages how many go
     * @param bytes of all that go
     * @param logs how many logs go of builds that no package came of
     * @param stay how many stay, by reason
     */
    record Plan(List<Going> goes, long packages, long bytes, long logs, SortedMap<String, Long> stay) {}

    /** What would go now. Changes nothing. */
    Plan plan() {
        return judgeAll(Optional.empty());
    }

    /** Removes what may go, judged anew: what hosts have may have changed since somebody looked. */
    Plan apply(String author) {
        return judgeAll(Optional.of(author));
    }

    private Plan judgeAll(Optional<String> remover) {
        Instant now = clock.instant();
        Map<String, List<String>> versions = await(packages::versions);
        List<Going> shown = new ArrayList<>();
        SortedMap<String, Long> stay = new TreeMap<>();
        long count = 0;
        long bytes = 0;
        Optional<Digest> last = Optional.empty();
        List<Known> page;
        do {
            Optional<Digest> after = last;
            page = await(() -> packages.after(after, AT_ONCE));
            Map<Digest, String> pinned = await(pins::all).stream()
                    .collect(Collectors.toMap(Pinned::digest, pin -> pin.author() + ": " + pin.reason()));
            Map<Digest, Standing> standings = standings(page);
            for (Known known : page) {
                Verdict verdict = Verdict.on(
                        candidate(known, standings.get(known.digest()), pinned),
                        versions.getOrDefault(known.module(), List.of()),
                        rules.versions(),
                        rules.minimumAge(),
                        now);
                if (!verdict.goes()) {
                    stay.merge(word(verdict), 1L, Long::sum);
                    continue;
                }
                remover.ifPresent(author -> remove(known, verdict, author));
                count++;
                bytes += known.size();
                if (shown.size() < MOST_SHOWN) {
                    shown.add(going(known, verdict));
                }
            }
            last = page.isEmpty() ? last : Optional.of(page.get(page.size() - 1).digest());
        } while (page.size() == AT_ONCE);
        Logs logs = looseLogs(remover, now);
        return new Plan(shown, count, bytes + logs.bytes(), logs.count(), stay);
    }

    private record Logs(long count, long bytes) {}

    /** A package takes its log with it; what failed has none that would. */
    private Logs looseLogs(Optional<String> remover, Instant now) {
        long count = 0;
        long bytes = 0;
        Optional<Digest> last = Optional.empty();
        List<Loose> page;
        do {
            Optional<Digest> after = last;
            page = await(() -> packages.looseLogs(now.minus(rules.minimumAge()), after, AT_ONCE));
            for (Loose log : page) {
                remover.ifPresent(author -> {
                    await(() -> packages.removeLog(log.digest())).forEach(this::removeBytes);
                    LOG.infof("removed log=%s author=%s", log.digest(), author);
                });
                count++;
                bytes += log.size();
            }
            last = page.isEmpty() ? last : Optional.of(page.get(page.size() - 1).digest());
        } while (page.size() == AT_ONCE);
        return new Logs(count, bytes);
    }

    private static Candidate candidate(Known known, Standing standing, Map<Digest, String> pinned) {
        return new Candidate(
                known.digest(),
                known.module(),
                known.version(),
                known.storedAt(),
                standing.state(),
                Optional.ofNullable(pinned.get(known.digest())),
                standing.hosts(),
                standing.kernels());
    }

    private Map<Digest, Standing> standings(List<Known> page) {
        try {
            return page.isEmpty() ? Map.of() : coordinator.standings(page);
        } catch (Coordinator.NotReached e) {
            throw Problem.passing(
                    503,
                    "Coordinator not reached",
                    Duration.ofSeconds(30),
                    e.getMessage() + ". Without it nobody knows what hosts have, and nothing is removed");
        }
    }

    private void remove(Known known, Verdict verdict, String author) {
        await(() -> packages.remove(known.digest())).forEach(this::removeBytes);
        LOG.infof("removed package=%s reason=%s author=%s", known.digest(), verdict.reason(), author);
    }

    private void removeBytes(Digest digest) {
        try {
            storage.kept().remove(digest);
        } catch (IOException e) {
            // It is in no list any more, so nobody is served it; the sweep takes it.
            LOG.warnf("bytes left behind package=%s error=%s", digest, e);
        }
    }

    private static Going going(Known known, Verdict verdict) {
        return new Going(
                known.digest(),
                known.module(),
                known.version(),
                known.target().release(),
                known.size(),
                known.storedAt(),
                word(verdict),
                verdict.detail());
    }

    private static String word(Verdict verdict) {
        return verdict.reason().name().toLowerCase(Locale.ROOT).replace('_', '-');
    }
}
