package io.kmodfleet.store.catalogue;

import com.fasterxml.jackson.core.JsonProcessingException;
import io.kmodfleet.contracts.Binding;
import io.kmodfleet.contracts.Digest;
import io.kmodfleet.contracts.Envelope;
import io.kmodfleet.contracts.KernelInterface;
import io.kmodfleet.contracts.Observation;
import io.kmodfleet.contracts.PackageManifest;
import io.kmodfleet.contracts.PackageManifest.PackagedModule;
import io.kmodfleet.contracts.pack.ModulePackage;
import io.kmodfleet.contracts.pack.Refusal;
import io.kmodfleet.contracts.pack.SourcePackage;
import io.kmodfleet.contracts.wire.FleetJson;
import io.kmodfleet.contracts.wire.TraceContext;
import io.kmodfleet.store.catalogue.CatalogueView.Page;
import io.kmodfleet.store.catalogue.CatalogueView.Source;
import io.kmodfleet.store.catalogue.PackageQuery.Place;
import io.quarkus.hibernate.reactive.panache.Panache;
import io.quarkus.panache.common.Sort;
import io.smallrye.mutiny.Uni;
import jakarta.enterprise.context.ApplicationScoped;
import java.time.Clock;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.function.Supplier;

/** What the store has. Whatever is added or refused becomes an observation in the same transaction. */
@ApplicationScoped
public class Catalogue {

    private final Changes changes;
    private final Clock clock = Clock.systemUTC();

    Catalogue(Changes changes) {
        this.changes = changes;
    }

    /** What the store keeps. */
    public enum Kind {
        SOURCE("source"),
        PACKAGE("package"),
        LOG("log");

        private final String word;

        Kind(String word) {
            this.word = word;
        }

        /** As it stands in refusals; with an s, in addresses. */
        public String word() {
            return word;
        }
    }

    /** What is known of a source when a package of it comes. */
    public record KnownSource(String module, String version, Digest dkmsConf, List<String> modules, Binding binding) {}

    public Uni<Optional<KnownSource>> source(Digest digest) {
        return Panache.withSession(() -> SourceRow.<SourceRow>findById(digest.toString()))
                .map(row -> Optional.ofNullable(row)
                        .map(found -> new KnownSource(
                                found.module,
                                found.moduleVersion,
                                Digest.parse(found.dkmsConf),
                                List.of(found.modules.split(",")),
                                Binding.valueOf(found.binding))));
    }

    /** Whether it is new. */
    public Uni<Boolean> add(SourcePackage source, Digest dkmsConf, long size) {
        SourceRow row = new SourceRow();
        row.digest = source.digest().toString();
        row.module = source.conf().name();
        row.moduleVersion = source.conf().version();
        row.binding = source.conf().binding().name();
        row.modules = String.join(",", source.conf().modules());
        row.dkmsConf = dkmsConf.toString();
        row.fileName = source.fileName();
        row.size = size;
        row.storedAt = clock.instant();
        Observation stored = new Observation.SourceStored(
                source.digest(), row.module, row.moduleVersion, source.conf().binding());
        return once(source.digest(), size, () -> SourceRow.findById(row.digest), () -> row.persist()
                .chain(() -> observe(stored)));
    }

    /**
     * Whether it is new.
     *
     * @param needs what its modules ask of a kernel
     * @param trace which the upload belongs to
     */
    public Uni<Boolean> add(
            ModulePackage module, Optional<KernelInterface> needs, long size, Optional<TraceContext> trace) {
        PackageManifest manifest = module.manifest();
        PackageRow row = new PackageRow();
        row.digest = module.digest().toString();
        row.module = manifest.module();
        row.moduleVersion = manifest.moduleVersion();
        row.release = manifest.target().release();
        row.builder = manifest.builder().value();
        row.fileName = manifest.fileName();
        row.size = size;
        row.storedAt = clock.instant();
        row.manifest = FleetJson.write(manifest);
        row.log = manifest.log().toString();
        row.state = State.CANDIDATE.word();
        Observation stored = new Observation.PackageStored(
                module.digest(),
                manifest.target(),
                row.module,
                row.moduleVersion,
                manifest.modules().stream().map(PackagedModule::body).toList(),
                needs);
        return once(module.digest(), size, () -> PackageRow.findById(row.digest), () -> row.persist()
                .chain(() -> observe(stored, trace)));
    }

    /** Whether it is new. */
    public Uni<Boolean> addLog(Digest digest, long size) {
        LogRow row = new LogRow();
        row.digest = digest.toString();
        row.size = size;
        row.storedAt = clock.instant();
        return once(digest, size, () -> LogRow.findById(row.digest), row::persist);
    }

    /**
     * @param named what the upload was called
     * @param found what its bytes were
     */
    public Uni<Void> refuse(Kind kind, Digest named, Digest found, long size, Refusal refusal) {
        RefusalRow row = new RefusalRow();
        row.digest = named.toString();
        row.found = found.toString();
        row.kind = kind.word();
        row.rule = refusal.rule().name();
        row.evidence = printable(refusal.evidence());
        row.size = size;
        row.at = clock.instant();
        row.kept = true;
        return Panache.withTransaction(() -> row.persist()
                        .chain(() -> observe(new Observation.PackageRefused(named, row.rule, row.evidence))))
                .invoke(changes::happened)
                .replaceWithVoid();
    }

    /**
     * The newest first.
     *
     * @param after the last one that was seen
     */
    public Uni<Page<Source>> sources(int limit, Optional<Place> after) {
        return Panache.withSession(() -> SourceRow.<SourceRow>find(
                                after.isPresent()
                                        ? "storedAt < ?1 or storedAt = ?1 and digest < ?2 order by storedAt desc, digest desc"
                                        : "order by storedAt desc, digest desc",
                                after.map(place -> new Object[] {
                                            place.storedAt(), place.digest().toString()
                                        })
                                        .orElse(new Object[0]))
                        // One more than is shown tells whether there is a next page.
                        .range(0, limit)
                        .list())
                .map(rows -> {
                    List<SourceRow> shown = rows.size() > limit ? rows.subList(0, limit) : rows;
                    Optional<SourceRow> last =
                            rows.size() > limit ? Optional.of(shown.get(limit - 1)) : Optional.empty();
                    return new Page<>(
                            shown.stream().map(Source::of).toList(),
                            last.map(row -> new Place(row.storedAt, Digest.parse(row.digest)).opaque()));
                });
    }

    /**
     * How a file is offered for download.
     *
     * @param recalled why no host gets it any more
     * @param damaged whether its bytes are not what they were
     */
    public record Offer(String fileName, Optional<String> recalled, boolean damaged) {}

    /** Empty where there is no file of that kind. */
    public Uni<Optional<Offer>> offer(Kind kind, Digest digest) {
        String rows =
                switch (kind) {
                    case SOURCE -> "select f.fileName, '', '', b.damagedAt from SourceRow f";
                    case PACKAGE -> "select f.fileName, f.state, f.stateWhy, b.damagedAt from PackageRow f";
                    case LOG -> "select f.digest, '', '', b.damagedAt from LogRow f";
                };
        return Panache.withSession(() -> Panache.getSession().chain(session -> session.createQuery(
                                rows + " join BlobRow b on b.digest = f.digest where f.digest = :digest",
                                Object[].class)
                        .setParameter("digest", digest.toString())
                        .getSingleResultOrNull()))
                .map(found -> Optional.ofNullable(found)
                        .map(row -> new Offer(
                                kind == Kind.LOG ? digest.brief() + ".log" : (String) row[0],
                                State.RECALLED.word().equals(row[1])
                                        ? Optional.of(row[2] == null ? "" : (String) row[2])
                                        : Optional.empty(),
                                row[3] != null)));
    }

    /** An observation that waits for the broker. @param trace which it belongs to */
    public record Unsent(Envelope envelope, Optional<TraceContext> trace) {}

    /** The oldest observations that the broker has not acknowledged, in their order. */
    public Uni<List<Unsent>> unsent(int most) {
        return Panache.withSession(() -> CountingRow.<CountingRow>findById(true)
                .chain(counting -> OutboxRow.<OutboxRow>findAll(Sort.ascending("sequence"))
                        .page(0, most)
                        .list()
                        .map(rows -> rows.stream()
                                .map(row -> new Unsent(
                                        new Envelope(
                                                Envelope.STORE,
                                                counting.epoch,
                                                row.sequence,
                                                row.at,
                                                read(row.observation)),
                                        TraceContext.read(row.trace)))
                                .toList())));
    }

    public Uni<Void> sent(long upTo) {
        return Panache.withTransaction(() -> OutboxRow.delete("sequence <= ?1", upTo))
                .replaceWithVoid();
    }

    /** The same bytes may come twice at the same time: whoever holds the lock looks first. */
    private Uni<Boolean> once(Digest digest, long size, Supplier<Uni<?>> known, Supplier<Uni<?>> addition) {
        return Panache.withTransaction(() -> CountingRow.locked()
                        .chain(locked -> BlobRow.<BlobRow>findById(digest.toString()))
                        .chain(blob -> {
                            boolean damaged = blob != null && blob.damagedAt != null;
                            return kept(digest, size)
                                    .chain(() -> damaged
                                            ? healed(digest)
                                            : Uni.createFrom().voidItem());
                        })
                        .chain(kept -> known.get())
                        .chain(found -> found != null
                                ? Uni.createFrom().item(false)
                                : addition.get().replaceWith(true)))
                .invoke(changes::happened);
    }

    /** Whatever the disk did to these bytes before, they have just been written anew. */
    Uni<Void> kept(Digest digest, long size) {
        return BlobRow.<BlobRow>findById(digest.toString()).chain(found -> {
            BlobRow row = found == null ? new BlobRow() : found;
            row.checkedAt = clock.instant();
            row.damagedAt = null;
            row.damage = null;
            if (found != null) {
                return Uni.createFrom().voidItem();
            }
            row.digest = digest.toString();
            row.size = size;
            return row.persist().replaceWithVoid();
        });
    }

    /** Where these bytes are a package, the fleet is told that it has it again. */
    Uni<Void> healed(Digest digest) {
        return PackageRow.<PackageRow>findById(digest.toString())
                .chain(row -> row == null
                        ? Uni.createFrom().voidItem()
                        : observe(new Observation.PackageHealed(
                                digest, CatalogueView.manifestOf(row).target())));
    }

    Uni<Void> observe(Observation observation) {
        return observe(observation, Optional.empty());
    }

    private Uni<Void> observe(Observation observation, Optional<TraceContext> trace) {
        Instant now = clock.instant();
        return CountingRow.locked().chain(counting -> {
            counting.sequence++;
            OutboxRow row = new OutboxRow();
            row.sequence = counting.sequence;
            row.at = now;
            row.observation = FleetJson.write(observation);
            row.trace = trace.map(TraceContext::toString).orElse(null);
            return row.persist().replaceWithVoid();
        });
    }

    private static Observation read(String json) {
        try {
            return FleetJson.mapper().readValue(json, Observation.class);
        } catch (JsonProcessingException e) {
            throw new IllegalStateException("Expected the outbox to hold observations", e);
        }
    }

    static String printable(String text) {
        String cut = text.length() > 500 ? text.substring(0, 500) + "…" : text;
        return cut.replaceAll("[\\p{Cntrl}\\p{Cs}]", "?");
    }
}
