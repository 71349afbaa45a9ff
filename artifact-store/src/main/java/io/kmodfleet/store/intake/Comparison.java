package io.kmodfleet.store.intake;

import static io.kmodfleet.store.catalogue.Waiting.await;

import io.kmodfleet.contracts.Digest;
import io.kmodfleet.contracts.PackageManifest.PackagedModule;
import io.kmodfleet.contracts.module.Divergence;
import io.kmodfleet.contracts.module.ModuleFile;
import io.kmodfleet.contracts.module.NotAModule;
import io.kmodfleet.contracts.pack.ModulePackage;
import io.kmodfleet.contracts.pack.ModuleRules;
import io.kmodfleet.contracts.pack.Refusal;
import io.kmodfleet.store.blob.BlobStore.Blob;
import io.kmodfleet.store.blob.Storage;
import io.kmodfleet.store.catalogue.Divergences;
import io.kmodfleet.store.catalogue.Divergences.Difference;
import io.kmodfleet.store.catalogue.Packages;
import jakarta.enterprise.context.ApplicationScoped;
import java.io.IOException;
import java.io.InputStream;
import java.time.Clock;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.BooleanSupplier;
import org.jboss.logging.Logger;

/** Holds a package against another one that was built for the same target, section by section. */
@ApplicationScoped
public class Comparison {

    private static final Logger LOG = Logger.getLogger(Comparison.class);

    /** Each costs as much memory as a check. */
    private static final int MOST_OTHERS = 3;

    private static final long MOST_BYTES = 16 * 1024 * 1024;

    private final Storage storage;
    /** So long after it was taken no store compares a package any more that was not killed. */
    private static final Duration PATIENCE = Duration.ofMinutes(10);

    private static final int AT_ONCE = 100;

    private final Divergences divergences;
    private final Packages packages;
    private final Turn turn;
    private final Clock clock = Clock.systemUTC();

    Comparison(Storage storage, Divergences divergences, Packages packages, Turn turn) {
        this.storage = storage;
        this.divergences = divergences;
        this.packages = packages;
        this.turn = turn;
    }

    /** What a store was killed before it had compared. */
    public void makeUpFor(BooleanSupplier mayGoOn) {
        List<Digest> left = await(() -> packages.uncompared(clock.instant().minus(PATIENCE), AT_ONCE));
        for (Digest digest : left) {
            if (!mayGoOn.getAsBoolean()) {
                return;
            }
            withOthers(digest);
        }
    }

    /** Notes where they differ. The package is taken already: whatever goes wrong here is said, and no reason to refuse it. */
    void withOthers(Digest came) {
        turn.take();
        try {
            compare(came);
            await(() -> packages.compared(came));
        } catch (IOException | RuntimeException e) {
            LOG.warnf("not compared with what was built before, trying again package=%s error=%s", came, e);
        } finally {
            turn.end();
        }
    }

    private void compare(Digest came) throws IOException {
        try {
            Optional<ModulePackage> module = read(came);
            if (module.isEmpty()) {
                return;
            }
            List<Digest> others =
                    await(() -> divergences.disagreeing(module.get().manifest()));
            for (Digest other : others.subList(0, Math.min(MOST_OTHERS, others.size()))) {
                Optional<ModulePackage> known = read(other);
                if (known.isPresent()) {
                    note(other, known.get(), came, module.get());
                }
            }
            warn(came, module.get());
        } catch (NotAModule | OutOfMemoryError e) {
            // The next time would be no better.
            LOG.warnf("not compared with what was built before package=%s error=%s", came, e);
        }
    }

    /** Where what .modinfo says of a module is not what it said in the first package of that source that hosts have proven. */
    private void warn(Digest came, ModulePackage module) throws IOException, NotAModule {
        Optional<Digest> first = await(() -> packages.firstProvenOf(module.manifest(), came));
        Optional<ModulePackage> approved = first.isEmpty() ? Optional.empty() : read(first.get());
        if (approved.isEmpty()) {
            return;
        }
        boolean sameKernel = approved.get()
                .manifest()
                .target()
                .release()
                .equals(module.manifest().target().release());
        List<String> warnings = new ArrayList<>();
        for (int i = 0; i < approved.get().moduleFiles().size(); i++) {
            String name = approved.get().manifest().modules().get(i).name();
            Optional<byte[]> offered = fileOf(module, name);
            if (offered.isPresent()) {
                ModuleRules.drift(
                                ModuleFile.read(approved.get().moduleFiles().get(i))
                                        .info(),
                                ModuleFile.read(offered.get()).info(),
                                sameKernel)
                        .forEach(breach -> warnings.add(breach.rule() + ": " + name + ": " + breach.evidence()
                                + " (package " + first.get().brief() + ")"));
            }
        }
        if (!warnings.isEmpty()) {
            LOG.warnf(
                    "a module says other things of itself than the first that was proven package=%s warnings=%s",
                    came, warnings);
            await(() -> packages.warn(came, warnings));
        }
    }

    private void note(Digest other, ModulePackage known, Digest came, ModulePackage module) throws NotAModule {
        List<Difference> differences = between(known, module);
        if (!differences.isEmpty()) {
            LOG.warnf(
                    "two builds of one target disagree module=%s kernel=%s package=%s other=%s sections=%d",
                    module.manifest().module(), module.manifest().target().release(), came, other, differences.size());
            await(() -> divergences.add(other, came, module.manifest(), differences));
        }
    }

    /** Empty where it is too large, is not there any more, or was taken by rules that were not as strict. */
    private Optional<ModulePackage> read(Digest digest) throws IOException {
        Optional<Blob> blob = storage.kept().find(digest);
        if (blob.isEmpty() || blob.get().size() > MOST_BYTES) {
            return Optional.empty();
        }
        try (InputStream in = blob.get().read()) {
            return Optional.of(ModulePackage.read(in.readAllBytes()));
        } catch (Refusal e) {
            return Optional.empty();
        }
    }

    private static List<Difference> between(ModulePackage known, ModulePackage came) throws NotAModule {
        List<Difference> differences = new ArrayList<>();
        for (int i = 0; i < known.moduleFiles().size(); i++) {
            PackagedModule module = known.manifest().modules().get(i);
            Optional<byte[]> same = fileOf(came, module.name());
            if (same.isEmpty()) {
                differences.add(
                        missing(module, "only in the first", "the builders do not agree which modules there are"));
                continue;
            }
            for (Divergence.Difference found :
                    Divergence.between(known.moduleFiles().get(i), same.get()).differences()) {
                differences.add(
                        new Difference(module.name(), found.section(), found.loaded(), found.what(), found.why()));
            }
        }
        for (PackagedModule module : came.manifest().modules()) {
            if (fileOf(known, module.name()).isEmpty()) {
                differences.add(
                        missing(module, "only in the second", "the builders do not agree which modules there are"));
            }
        }
        return differences;
    }

    private static Difference missing(PackagedModule module, String what, String why) {
        return new Difference(module.name(), "(whole module)", true, what, why);
    }

    private static Optional<byte[]> fileOf(ModulePackage archive, String name) {
        for (int i = 0; i < archive.moduleFiles().size(); i++) {
            if (archive.manifest().modules().get(i).name().equals(name)) {
                return Optional.of(archive.moduleFiles().get(i));
            }
        }
        return Optional.empty();
    }
}
