package io.kmodfleet.store.vault;

import static io.kmodfleet.store.catalogue.Waiting.await;

import io.kmodfleet.contracts.Digest;
import io.kmodfleet.contracts.pack.Refusal;
import io.kmodfleet.contracts.pack.Refusal.Rule;
import io.kmodfleet.store.blob.BlobStore.Blob;
import io.kmodfleet.store.blob.Staging;
import io.kmodfleet.store.blob.Staging.Upload;
import io.kmodfleet.store.blob.Storage;
import io.kmodfleet.store.catalogue.KernelInputs;
import io.kmodfleet.store.catalogue.KernelInputs.Input;
import io.kmodfleet.store.intake.Quota;
import io.kmodfleet.store.problem.Problem;
import jakarta.enterprise.context.ApplicationScoped;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.zip.GZIPInputStream;
import java.util.zip.GZIPOutputStream;
import org.jboss.logging.Logger;

/**
 * Keeps what modules for a kernel are built and checked with, compressed, equal content once. The first that comes stays: another
 * one for the same image is refused and both are named, for one of two hosts is wrong about its kernel.
 */
@ApplicationScoped
class Vault {

    private static final Logger LOG = Logger.getLogger(Vault.class);

    /** A map of a kernel with every debug symbol has about a third of that. */
    private static final int MOST_BYTES = 64 * 1024 * 1024;

    private final Staging staging;
    private final Storage storage;
    private final KernelInputs inputs;
    private final Quota quota;

    Vault(Staging staging, Storage storage, KernelInputs inputs, Quota quota) {
        this.staging = staging;
        this.storage = storage;
        this.inputs = inputs;
        this.quota = quota;
    }

    /** @param stream of what it is, uncompressed; whoever reads it closes it */
    record Content(Digest digest, InputStream stream) {}

    List<Input> ofImage(Digest image) {
        return await(() -> inputs.ofImage(image));
    }

    List<Input> ofRelease(Optional<String> release, int most) {
        return await(() -> inputs.ofRelease(release, most));
    }

    Optional<Content> find(Digest image, InputKind kind) throws IOException {
        Optional<Input> known = ofImage(image).stream()
                .filter(input -> input.kind().equals(kind.word()))
                .findFirst();
        if (known.isEmpty()) {
            return Optional.empty();
        }
        Blob blob = storage.kept()
                .find(known.get().blob())
                .orElseThrow(() -> new Problem(
                        503,
                        "Damaged",
                        "Expected the bytes of " + known.get().content()
                                + ", but the storage has lost them. A host that has that kernel can give them again"));
        return Optional.of(new Content(known.get().content(), new GZIPInputStream(blob.read())));
    }

    /** Whether it is new. */
    boolean keep(Digest image, InputKind kind, String release, String arch, String host, InputStream body)
            throws IOException {
        Upload upload;
        try {
            upload = staging.receive(body, MOST_BYTES);
        } catch (Staging.TooLarge e) {
            throw new Problem(413, "Too large", Optional.of(Rule.TOO_LARGE.name()), e.getMessage());
        } catch (Staging.BrokenOff e) {
            throw new Problem(400, "Broken off", e.getMessage());
        }
        try {
            byte[] content = Files.readAllBytes(upload.file());
            kind.check(content);
            Input given = new Input(
                    image,
                    kind.word(),
                    release,
                    arch,
                    kind.compiler(content),
                    host,
                    upload.digest(),
                    upload.size(),
                    upload.digest(),
                    Instant.EPOCH);
            Optional<Input> before = ofImage(image).stream()
                    .filter(input -> input.kind().equals(kind.word()))
                    .findFirst();
            if (before.isPresent() && isThere(before.get())) {
                requireSame(before.get(), given);
                return false;
            }
            return add(given, content);
        } catch (Refusal e) {
            throw new Problem(422, "Refused", Optional.of(e.rule().name()), e.evidence());
        } finally {
            staging.discard(upload);
        }
    }

    /** Where the storage has lost it, whoever brings the same again heals it. */
    private boolean isThere(Input input) throws IOException {
        return storage.kept().find(input.blob()).isPresent();
    }

    private boolean add(Input given, byte[] content) throws IOException {
        Optional<Input> same = await(() -> inputs.withContent(given.content()));
        if (same.isPresent() && isThere(same.get())) {
            return added(
                    withBlob(given, same.get().blob()),
                    storage.kept().find(same.get().blob()).orElseThrow().size());
        }
        Upload compressed = staging.receive(new ByteArrayInputStream(gzip(content)), MOST_BYTES);
        try {
            quota.take(compressed.size());
            storage.kept().keep(compressed.digest(), compressed.file());
            return added(withBlob(given, compressed.digest()), compressed.size());
        } finally {
            staging.discard(compressed);
        }
    }

    private boolean added(Input given, long compressed) {
        Input known = await(() -> inputs.add(given, compressed));
        requireSame(known, given);
        LOG.infof(
                "kept kind=%s kernel=%s image=%s host=%s", given.kind(), given.release(), given.image(), given.host());
        return true;
    }

    private static void requireSame(Input known, Input given) {
        if (!known.content().equals(given.content())) {
            throw new Problem(
                    409,
                    "Another one is kept",
                    "Expected the " + known.kind() + " of kernel image " + known.image() + " to be " + known.content()
                            + ", as host " + known.host() + " gave it, but host " + given.host() + " gives "
                            + given.content() + ". One of them is wrong about its kernel");
        }
    }

    private static Input withBlob(Input input, Digest blob) {
        return new Input(
                input.image(),
                input.kind(),
                input.release(),
                input.arch(),
                input.compiler(),
                input.host(),
                input.content(),
                input.size(),
                blob,
                input.storedAt());
    }

    private static byte[] gzip(byte[] content) throws IOException {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        try (GZIPOutputStream gzip = new GZIPOutputStream(out)) {
            gzip.write(content);
        }
        return out.toByteArray();
    }
}
