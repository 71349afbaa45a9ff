package io.kmodfleet.store.catalogue;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.type.TypeReference;
import io.kmodfleet.contracts.BuildTarget;
import io.kmodfleet.contracts.Digest;
import io.kmodfleet.contracts.PackageManifest;
import io.kmodfleet.contracts.PackageManifest.PackagedModule;
import io.kmodfleet.contracts.wire.FleetJson;
import io.quarkus.hibernate.reactive.panache.Panache;
import io.smallrye.mutiny.Uni;
import jakarta.enterprise.context.ApplicationScoped;
import java.time.Clock;
import java.time.Instant;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Collectors;

/** Packages that were built for the same target and are not the same. */
@ApplicationScoped
public class Divergences {

    /** More builds of one target than that have other troubles. */
    private static final int MOST_BUILDS = 50;

    private final Changes changes;
    private final Clock clock = Clock.systemUTC();

    Divergences(Changes changes) {
        this.changes = changes;
    }

    /**
     * @param file the module, as it is called in the packages
     * @param loaded whether the kernel loads that section
     */
    public record Difference(String file, String section, boolean loaded, String what, String why) {}

    /**
     * @param open whether nobody has recalled one of them yet
     * @param one the package that was there
     * @param other the one that came
     */
    public record Diverged(
            boolean open,
            Digest one,
            Digest other,
            String module,
            String release,
            Digest image,
            Instant at,
            List<Difference> differences) {}

    /** Of the packages for that target which are not recalled, one for each set of bodies other than these; the newest. */
    public Uni<List<Digest>> disagreeing(PackageManifest manifest) {
        Set<Digest> own = bodies(manifest);
        return Panache.withSession(() -> PackageRow.<PackageRow>find(
                                "module = ?1 and moduleVersion = ?2 and release = ?3 and state <> ?4 order by storedAt desc, digest",
                                manifest.module(),
                                manifest.moduleVersion(),
                                manifest.target().release(),
                                State.RECALLED.word())
                        .page(0, MOST_BUILDS)
                        .list())
                .map(rows -> {
                    Set<Set<Digest>> seen = new HashSet<>(Set.of(own));
                    return rows.stream()
                            .filter(row -> {
                                PackageManifest known = manifestOf(row);
                                return isFor(known, manifest.target()) && seen.add(bodies(known));
                            })
                            .map(row -> Digest.parse(row.digest))
                            .toList();
                });
    }

    public Uni<Void> add(Digest one, Digest other, PackageManifest manifest, List<Difference> differences) {
        DivergenceRow row = new DivergenceRow();
        row.one = one.toString();
        row.other = other.toString();
        row.module = manifest.module();
        row.release = manifest.target().release();
        row.image = manifest.target().image().toString();
        row.at = clock.instant();
        row.differences = FleetJson.write(differences);
        return Panache.withTransaction(() -> CountingRow.locked()
                        .chain(locked -> DivergenceRow.findById(new DivergenceRow.Key(row.one, row.other)))
                        .chain(known -> known == null
                                ? row.persist().replaceWithVoid()
                                : Uni.createFrom().voidItem()))
                .invoke(changes::happened)
                .replaceWithVoid();
    }

    /** The newest first. */
    public Uni<List<Diverged>> list(int most) {
        return Panache.withSession(() -> DivergenceRow.<DivergenceRow>find("true order by at desc, one, other")
                .page(0, most)
                .list()
                .chain(rows -> recalled(rows)
                        .map(recalled ->
                                rows.stream().map(row -> of(row, recalled)).toList())));
    }

    private static Uni<Set<String>> recalled(List<DivergenceRow> rows) {
        Set<String> named = new HashSet<>();
        rows.forEach(row -> named.addAll(Set.of(row.one, row.other)));
        return PackageRow.<PackageRow>find(
                        "digest in :named and state = :state", Map.of("named", named, "state", State.RECALLED.word()))
                .list()
                .map(found -> found.stream().map(row -> row.digest).collect(Collectors.toSet()));
    }

    private static Diverged of(DivergenceRow row, Set<String> recalled) {
        return new Diverged(
                !recalled.contains(row.one) && !recalled.contains(row.other),
                Digest.parse(row.one),
                Digest.parse(row.other),
                row.module,
                row.release,
                Digest.parse(row.image),
                row.at,
                differencesOf(row));
    }

    private static boolean isFor(PackageManifest known, BuildTarget target) {
        return known.target().equals(target);
    }

    private static Set<Digest> bodies(PackageManifest manifest) {
        return manifest.modules().stream().map(PackagedModule::body).collect(Collectors.toSet());
    }

    private static PackageManifest manifestOf(PackageRow row) {
        try {
            return FleetJson.mapper().readValue(row.manifest, PackageManifest.class);
        } catch (JsonProcessingException e) {
            throw new IllegalStateException("Expected the catalogue to hold manifests", e);
        }
    }

    private static List<Difference> differencesOf(DivergenceRow row) {
        try {
            return FleetJson.mapper().readValue(row.differences, new TypeReference<List<Difference>>() {});
        } catch (JsonProcessingException e) {
            throw new IllegalStateException("Expected the catalogue to hold differences", e);
        }
    }
}
