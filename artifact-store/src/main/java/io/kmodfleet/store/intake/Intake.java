package io.kmodfleet.store.intake;

import static io.kmodfleet.store.catalogue.Waiting.await;

import io.kmodfleet.contracts.Digest;
import io.kmodfleet.contracts.KernelInterface;
import io.kmodfleet.contracts.PackageManifest;
import io.kmodfleet.contracts.PackageManifest.PackagedModule;
import io.kmodfleet.contracts.pack.ModulePackage;
import io.kmodfleet.contracts.pack.Refusal;
import io.kmodfleet.contracts.pack.Refusal.Rule;
import io.kmodfleet.contracts.pack.SourcePackage;
import io.kmodfleet.contracts.wire.TraceContext;
import io.kmodfleet.store.blob.Staging;
import io.kmodfleet.store.blob.Staging.Upload;
import io.kmodfleet.store.blob.Storage;
import io.kmodfleet.store.catalogue.Catalogue;
import io.kmodfleet.store.catalogue.Catalogue.Kind;
import io.kmodfleet.store.catalogue.Catalogue.KnownSource;
import io.kmodfleet.store.metrics.StoreMetrics;
import io.kmodfleet.store.outbox.OutboxPublisher;
import io.kmodfleet.store.problem.Problem;
import io.smallrye.mutiny.Uni;
import jakarta.enterprise.context.ApplicationScoped;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.time.Duration;
import java.util.Locale;
import java.util.Optional;
import java.util.function.Supplier;
import org.jboss.logging.Logger;

/** The one way in, for every kind of file: receive, compare the digest, check, keep, add to the catalogue. */
@ApplicationScoped
class Intake {

    private static final Logger LOG = Logger.getLogger(Intake.class);
    private static final int MOST_LOG_BYTES = 16 * 1024 * 1024;

    private final Staging staging;
    private final Storage storage;
    private final Catalogue catalogue;
    private final Quota quota;
    private final Comparison comparison;
    private final OutboxPublisher outbox;
    private final StoreMetrics metrics;
    private final Turn turn;

    Intake(
            Staging staging,
            Storage storage,
            Catalogue catalogue,
            Quota quota,
            Comparison comparison,
            OutboxPublisher outbox,
            StoreMetrics metrics,
            Turn turn) {
        this.staging = staging;
        this.storage = storage;
        this.catalogue = catalogue;
        this.quota = quota;
        this.comparison = comparison;
        this.outbox = outbox;
        this.metrics = metrics;
        this.turn = turn;
    }

    /** Checks an upload; gives what adds it to the catalogue and says whether it was new. */
    private interface Check {
        Supplier<Uni<Boolean>> check(Upload upload) throws Refusal, IOException;
    }

    /** Whether it is new. */
    boolean takeSource(Digest named, InputStream body) throws IOException {
        return take(Kind.SOURCE, named, body, SourcePackage.MAX_BYTES, upload -> {
            SourcePackage source = SourcePackage.read(Files.readAllBytes(upload.file()));
            Digest conf = Digest.of(source.confBytes());
            return () -> catalogue.add(source, conf, upload.size());
        });
    }

    /** Whether it is new. */
    boolean takePackage(Digest named, InputStream body, Optional<TraceContext> trace) throws IOException {
        boolean isNew = take(Kind.PACKAGE, named, body, ModulePackage.MAX_BYTES, upload -> {
            ModulePackage module = ModulePackage.read(Files.readAllBytes(upload.file()));
            PackageManifest manifest = module.manifest();
            KnownSource source = sourceOf(
                    manifest, await(() -> catalogue.source(manifest.target().source())));
            Optional<KernelInterface> needs = PackageNeeds.of(module, source.binding());
            return () -> catalogue.add(module, needs, upload.size(), trace);
        });
        if (isNew) {
            comparison.withOthers(named);
        }
        return isNew;
    }

    /** Whether it is new. */
    boolean takeLog(Digest named, InputStream body) throws IOException {
        return take(
                Kind.LOG,
                named,
                body,
                MOST_LOG_BYTES,
                upload -> () -> catalogue.addLog(upload.digest(), upload.size()));
    }

    private boolean take(Kind kind, Digest named, InputStream body, int most, Check check) throws IOException {
        Upload upload;
        try {
            upload = staging.receive(body, most);
        } catch (Staging.TooLarge e) {
            throw new Problem(413, "Too large", Optional.of(Rule.TOO_LARGE.name()), e.getMessage());
        } catch (Staging.BrokenOff e) {
            // No refusal: whoever was cut off sends it again.
            LOG.warnf("upload broken off kind=%s package=%s error=%s", kind.word(), named, e.getMessage());
            throw new Problem(400, "Broken off", e.getMessage());
        }
        try {
            boolean isNew = checkAndKeep(kind, named, upload, check);
            metrics.taken(kind.word(), isNew ? 1 : 0);
            return isNew;
        } catch (Refusal refusal) {
            LOG.warnf(
                    "refused kind=%s package=%s rule=%s error=%s",
                    kind.word(), named, refusal.rule(), refusal.evidence());
            storage.refused().keep(upload.digest(), upload.file());
            await(() -> catalogue.refuse(kind, named, upload.digest(), upload.size(), refusal));
            outbox.wake();
            metrics.refused(refusal.rule().name().toLowerCase(Locale.ROOT), 1);
            throw new Problem(422, "Refused", Optional.of(refusal.rule().name()), refusal.evidence());
        } finally {
            staging.discard(upload);
        }
    }

    private boolean checkAndKeep(Kind kind, Digest named, Upload upload, Check check) throws Refusal, IOException {
        if (!upload.digest().equals(named)) {
            throw new Refusal(
                    Rule.DIGEST_MISMATCH,
                    "Expected the bytes of " + named + ", but " + upload.size() + " bytes of " + upload.digest()
                            + " came: cut off or changed on the way");
        }
        Supplier<Uni<Boolean>> addition = checked(upload, check);
        if (await(() -> catalogue.offer(kind, named)).isEmpty()) {
            quota.take(upload.size());
        }
        storage.kept().keep(named, upload.file());
        boolean isNew = await(addition);
        outbox.wake();
        if (storage.kept().find(named).isEmpty()) {
            // Somebody removed the same bytes at the same moment.
            throw Problem.passing(
                    503,
                    "Removed meanwhile",
                    Duration.ofSeconds(1),
                    "Expected to keep " + named + ", but it was being removed. Send it again");
        }
        return isNew;
    }

    private Supplier<Uni<Boolean>> checked(Upload upload, Check check) throws Refusal, IOException {
        turn.take();
        try {
            return check.check(upload);
        } catch (OutOfMemoryError e) {
            // The bytes of one file did not fit; nothing else was touched, and they are let go of here.
            throw new Refusal(
                    Rule.TOO_LARGE,
                    "Expected an archive that unfolds in the store's memory, but it does not fit. Give the store a larger heap");
        } finally {
            turn.end();
        }
    }

    private static KnownSource sourceOf(PackageManifest manifest, Optional<KnownSource> known) throws Refusal {
        Digest digest = manifest.target().source();
        KnownSource source = known.orElseThrow(() -> new Refusal(
                Rule.WRONG_SOURCE, "Expected a package of a published source, but nobody published " + digest));
        if (!source.module().equals(manifest.module()) || !source.version().equals(manifest.moduleVersion())) {
            throw new Refusal(
                    Rule.WRONG_SOURCE,
                    "Expected " + source.module() + " " + source.version() + ", as source " + digest.brief()
                            + " says, but the manifest says " + manifest.module() + " " + manifest.moduleVersion());
        }
        if (!source.dkmsConf().equals(manifest.dkmsConf())) {
            throw new Refusal(
                    Rule.WRONG_SOURCE,
                    "Expected the dkms.conf of source " + digest.brief() + ", but the package has another");
        }
        for (PackagedModule module : manifest.modules()) {
            boolean named = source.modules().stream()
                    .anyMatch(name -> name.replace('-', '_').equals(module.name()));
            if (!named) {
                throw new Refusal(
                        Rule.WRONG_SOURCE,
                        "Expected one of the modules " + source.modules() + ", but the package has " + module.name());
            }
        }
        return source;
    }
}
