package io.kmodfleet.store.catalogue;

import com.fasterxml.jackson.core.JsonProcessingException;
import io.kmodfleet.contracts.Binding;
import io.kmodfleet.contracts.BuildTarget;
import io.kmodfleet.contracts.DecisionId;
import io.kmodfleet.contracts.Digest;
import io.kmodfleet.contracts.HostId;
import io.kmodfleet.contracts.PackageManifest;
import io.kmodfleet.contracts.PackageManifest.PackagedModule;
import io.kmodfleet.contracts.wire.FleetJson;
import java.time.Instant;
import java.util.List;
import java.util.Optional;

/** What the store's API shows; one screen of it. */
public interface CatalogueView {

    /** A list, in an object, so that it can grow. */
    record Items<T>(List<T> items) {}

    /** @param next what to ask for to go on; absent at the end */
    record Page<T>(List<T> items, Optional<String> next) {}

    record Source(
            Digest digest,
            String module,
            String moduleVersion,
            Binding binding,
            List<String> modules,
            String fileName,
            long size,
            Instant storedAt) {

        static Source of(SourceRow row) {
            return new Source(
                    Digest.parse(row.digest),
                    row.module,
                    row.moduleVersion,
                    Binding.valueOf(row.binding),
                    List.of(row.modules.split(",")),
                    row.fileName,
                    row.size,
                    row.storedAt);
        }
    }

    /**
     * @param builders how many gave these very modules when they were asked to build
     * @param warnings what is strange about it, and no reason to refuse it
     */
    record Package(
            Digest digest,
            String module,
            String moduleVersion,
            BuildTarget target,
            Optional<String> kernelVersion,
            HostId builder,
            Optional<DecisionId> build,
            List<Digest> bodies,
            List<String> vermagic,
            String compiler,
            Digest log,
            String fileName,
            long size,
            Instant storedAt,
            State state,
            Optional<String> stateWhy,
            Optional<Instant> stateAt,
            int builders,
            List<String> warnings) {

        static Package of(PackageRow row) {
            PackageManifest manifest = manifestOf(row);
            return new Package(
                    Digest.parse(row.digest),
                    row.module,
                    row.moduleVersion,
                    manifest.target(),
                    manifest.kernel().version(),
                    manifest.builder(),
                    manifest.build(),
                    manifest.modules().stream().map(PackagedModule::body).toList(),
                    manifest.modules().stream().map(PackagedModule::vermagic).toList(),
                    manifest.compiler(),
                    manifest.log(),
                    row.fileName,
                    row.size,
                    row.storedAt,
                    State.of(row.state),
                    Optional.ofNullable(row.stateWhy),
                    Optional.ofNullable(row.stateAt),
                    row.builders,
                    row.warnings == null ? List.of() : List.of(row.warnings.split("\n")));
        }
    }

    static PackageManifest manifestOf(PackageRow row) {
        try {
            return FleetJson.mapper().readValue(row.manifest, PackageManifest.class);
        } catch (JsonProcessingException e) {
            throw new IllegalStateException("Expected the catalogue to hold manifests", e);
        }
    }

    /**
     * @param digest what the upload was called
     * @param found what its bytes were
     * @param kept whether they are there for inspection
     */
    record Refused(
            long id,
            String digest,
            String found,
            String kind,
            String rule,
            String evidence,
            long size,
            Instant at,
            boolean kept) {
        static Refused of(RefusalRow row) {
            return new Refused(
                    row.id, row.digest, row.found, row.kind, row.rule, row.evidence, row.size, row.at, row.kept);
        }
    }

    /** Bytes that are not what they were. @param damage what was found instead */
    record Damaged(String digest, long size, Instant damagedAt, String damage) {
        static Damaged of(BlobRow row) {
            return new Damaged(row.digest, row.size, row.damagedAt, row.damage);
        }
    }

    record Pinned(Digest digest, String reason, String author, Instant at) {
        static Pinned of(PinRow row) {
            return new Pinned(Digest.parse(row.digest), row.reason, row.author, row.at);
        }
    }
}
