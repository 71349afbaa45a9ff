package io.kmodfleet.store.catalogue;

import io.kmodfleet.contracts.BuildTarget;
import io.kmodfleet.contracts.Digest;
import io.kmodfleet.contracts.PackageManifest;
import io.quarkus.hibernate.reactive.panache.Panache;
import io.smallrye.mutiny.Multi;
import io.smallrye.mutiny.Uni;
import jakarta.enterprise.context.ApplicationScoped;
import java.time.Clock;
import java.time.Instant;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;

/** Packages as those see them who decide what becomes of them. */
@ApplicationScoped
public class Packages {

    /** Of one version; more were published under that name by several sources than anybody does. */
    private static final int MOST_OF_A_VERSION = 50;

    private final Changes changes;
    private final Clock clock = Clock.systemUTC();

    Packages(Changes changes) {
        this.changes = changes;
    }

    public record Known(
            Digest digest,
            String module,
            String version,
            BuildTarget target,
            long size,
            Instant storedAt,
            State state,
            Optional<String> why,
            int builders) {

        static Known of(PackageRow row) {
            return new Known(
                    Digest.parse(row.digest),
                    row.module,
                    row.moduleVersion,
                    CatalogueView.manifestOf(row).target(),
                    row.size,
                    row.storedAt,
                    State.of(row.state),
                    Optional.ofNullable(row.stateWhy),
                    row.builders);
        }
    }

    /** Every package once, in the order of the digests. */
    public Uni<List<Known>> after(Optional<Digest> last, int most) {
        return Panache.withSession(() -> PackageRow.<PackageRow>find(
                                "digest > ?1 order by digest",
                                last.map(Digest::toString).orElse(""))
                        .page(0, most)
                        .list())
                .map(rows -> rows.stream().map(Known::of).toList());
    }

    public Uni<List<Known>> of(List<Digest> digests) {
        return Panache.withSession(() -> PackageRow.<PackageRow>list(
                        "digest in ?1", digests.stream().map(Digest::toString).toList()))
                .map(rows -> rows.stream().map(Known::of).toList());
    }

    /** Those that were taken before then and not held against the others of their targets. */
    public Uni<List<Digest>> uncompared(Instant before, int most) {
        return Panache.withSession(
                        () -> PackageRow.<PackageRow>find("not compared and storedAt < ?1 order by storedAt", before)
                                .page(0, most)
                                .list())
                .map(rows -> rows.stream().map(row -> Digest.parse(row.digest)).toList());
    }

    /** The first package of the same source that hosts have proven, be it for another kernel; not this one. */
    public Uni<Optional<Digest>> firstProvenOf(PackageManifest manifest, Digest but) {
        return Panache.withSession(() -> PackageRow.<PackageRow>find(
                                "module = ?1 and moduleVersion = ?2 and state = ?3 and digest <> ?4 order by storedAt, digest",
                                manifest.module(),
                                manifest.moduleVersion(),
                                State.PROVEN.word(),
                                but.toString())
                        .page(0, MOST_OF_A_VERSION)
                        .list())
                .map(rows -> rows.stream()
                        .filter(row -> CatalogueView.manifestOf(row)
                                .target()
                                .source()
                                .equals(manifest.target().source()))
                        .map(row -> Digest.parse(row.digest))
                        .findFirst());
    }

    public Uni<Void> warn(Digest digest, List<String> warnings) {
        return Panache.withTransaction(() -> PackageRow.update(
                        "warnings = ?1 where digest = ?2",
                        warnings.stream().map(Catalogue::printable).collect(Collectors.joining("\n")),
                        digest.toString()))
                .invoke(changes::happened)
                .replaceWithVoid();
    }

    public Uni<Void> compared(Digest digest) {
        return Panache.withTransaction(() -> PackageRow.update("compared = true where digest = ?1", digest.toString()))
                .replaceWithVoid();
    }

    /** What the coordinator says a package is now. */
    public record Learned(Digest digest, State state, Optional<String> why, int builders) {}

    public Uni<Void> learn(List<Learned> learned) {
        return Panache.withTransaction(() -> Multi.createFrom()
                        .iterable(learned)
                        .onItem()
                        .transformToUniAndConcatenate(change -> PackageRow.update(
                                "stateAt = case when state = ?1 then stateAt else ?3 end, state = ?1, stateWhy = ?2,"
                                        + " builders = ?4 where digest = ?5",
                                change.state().word(),
                                change.why().map(Catalogue::printable).orElse(null),
                                clock.instant(),
                                change.builders(),
                                change.digest().toString()))
                        .collect()
                        .last())
                .invoke(changes::happened)
                .replaceWithVoid();
    }

    /** Versions of each module for which a source was published, the last one first. */
    public Uni<Map<String, List<String>>> versions() {
        return Panache.withSession(() -> Panache.getSession().chain(session -> session.createQuery(
                                "select s.module, s.moduleVersion, max(s.storedAt) from SourceRow s"
                                        + " group by s.module, s.moduleVersion order by max(s.storedAt) desc",
                                Object[].class)
                        .getResultList()))
                .map(rows -> {
                    Map<String, List<String>> versions = new LinkedHashMap<>();
                    for (Object[] row : rows) {
                        versions.computeIfAbsent((String) row[0], unseen -> new ArrayList<>())
                                .add((String) row[1]);
                    }
                    return versions;
                });
    }

    /** Takes a package out of the catalogue, with the log of its build; gives the bytes that nothing refers to any more. */
    public Uni<List<Digest>> remove(Digest digest) {
        String id = digest.toString();
        return Panache.withTransaction(() -> CountingRow.locked()
                        .chain(locked -> PackageRow.<PackageRow>findById(id))
                        .chain(row -> {
                            if (row == null) {
                                return Uni.createFrom().item(List.<Digest>of());
                            }
                            String log = row.log;
                            return row.delete()
                                    .chain(() -> PackageRow.count("log = ?1", log))
                                    .chain(others -> others == 0
                                            ? LogRow.deleteById(log)
                                            : Uni.createFrom().item(false))
                                    .chain(gone -> unreferenced(List.of(id, log)));
                        }))
                .invoke(changes::happened);
    }

    /** Logs of builds that no package came of, or none that is still here. */
    public record Loose(Digest digest, long size) {}

    /** In the order of the digests. */
    public Uni<List<Loose>> looseLogs(Instant before, Optional<Digest> last, int most) {
        return Panache.withSession(() -> LogRow.<LogRow>find(
                                "storedAt < ?1 and digest > ?2 and not exists (from PackageRow p where p.log = digest)"
                                        + " order by digest",
                                before,
                                last.map(Digest::toString).orElse(""))
                        .page(0, most)
                        .list())
                .map(rows -> rows.stream()
                        .map(row -> new Loose(Digest.parse(row.digest), row.size))
                        .toList());
    }

    /** Takes a log out of the catalogue where no package names it; gives its bytes where nothing refers to them any more. */
    public Uni<List<Digest>> removeLog(Digest digest) {
        String id = digest.toString();
        return Panache.withTransaction(() -> CountingRow.locked()
                        .chain(locked -> PackageRow.count("log = ?1", id))
                        .chain(packages -> packages > 0
                                ? Uni.createFrom().item(List.<Digest>of())
                                : LogRow.deleteById(id).chain(() -> unreferenced(List.of(id)))))
                .invoke(changes::happened);
    }

    private static Uni<List<Digest>> unreferenced(List<String> digests) {
        return Multi.createFrom()
                .iterable(digests)
                .onItem()
                .transformToUniAndConcatenate(digest -> BlobRow.delete(
                                "digest = ?1 and not exists (from SourceRow s where s.digest = ?1)"
                                        + " and not exists (from PackageRow p where p.digest = ?1)"
                                        + " and not exists (from LogRow l where l.digest = ?1)"
                                        + " and not exists (from KernelInputRow k where k.blob = ?1)",
                                digest)
                        .map(deleted -> deleted > 0 ? Optional.of(Digest.parse(digest)) : Optional.<Digest>empty()))
                .select()
                .where(Optional::isPresent)
                .map(Optional::get)
                .collect()
                .asList();
    }
}
