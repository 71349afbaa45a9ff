package io.kmodfleet.store.catalogue;

import io.kmodfleet.contracts.Digest;
import io.quarkus.hibernate.reactive.panache.Panache;
import io.quarkus.panache.common.Parameters;
import io.smallrye.mutiny.Uni;
import jakarta.enterprise.context.ApplicationScoped;
import java.time.Clock;
import java.time.Instant;
import java.util.List;
import java.util.Optional;

/** What is kept of kernels: the first that came of each kind for each image stays. */
@ApplicationScoped
public class KernelInputs {

    private final Catalogue catalogue;
    private final Clock clock = Clock.systemUTC();

    KernelInputs(Catalogue catalogue) {
        this.catalogue = catalogue;
    }

    /**
     * @param image digest of the kernel image that it belongs to
     * @param compiler what built the kernel, where this tells
     * @param host which had it first
     * @param content digest of what it is
     * @param blob digest of its compressed bytes, as they are kept
     */
    public record Input(
            Digest image,
            String kind,
            String release,
            String arch,
            Optional<String> compiler,
            String host,
            Digest content,
            long size,
            Digest blob,
            Instant storedAt) {

        static Input of(KernelInputRow row) {
            return new Input(
                    Digest.parse(row.image),
                    row.kind,
                    row.release,
                    row.arch,
                    Optional.ofNullable(row.compiler),
                    row.host,
                    Digest.parse(row.content),
                    row.contentSize,
                    Digest.parse(row.blob),
                    row.storedAt);
        }
    }

    public Uni<List<Input>> ofImage(Digest image) {
        return list("image = :image order by kind", Parameters.with("image", image.toString()), Integer.MAX_VALUE);
    }

    /** @param release all where it is absent */
    public Uni<List<Input>> ofRelease(Optional<String> release, int most) {
        return list(
                (release.isPresent() ? "release = :release" : "true") + " order by release desc, image, kind",
                release.map(given -> Parameters.with("release", given)).orElseGet(Parameters::new),
                most);
    }

    /** One whose bytes are there already, of whatever kernel. */
    public Uni<Optional<Input>> withContent(Digest content) {
        return list("content = :content", Parameters.with("content", content.toString()), 1)
                .map(found -> found.stream().findFirst());
    }

    /**
     * Adds it where nothing of that kind is known of that image.
     *
     * @param compressed bytes of the blob
     * @return what is known now: that one, or another
     */
    public Uni<Input> add(Input input, long compressed) {
        KernelInputRow row = new KernelInputRow();
        row.image = input.image().toString();
        row.kind = input.kind();
        row.release = input.release();
        row.arch = input.arch();
        row.compiler = input.compiler().orElse(null);
        row.host = input.host();
        row.content = input.content().toString();
        row.contentSize = input.size();
        row.blob = input.blob().toString();
        row.storedAt = clock.instant();
        return Panache.withTransaction(() -> CountingRow.locked()
                .chain(locked -> KernelInputRow.<KernelInputRow>findById(new KernelInputRow.Key(row.image, row.kind)))
                .chain(known -> known != null
                        ? mended(known, input, compressed).replaceWith(() -> Input.of(known))
                        : catalogue
                                .kept(input.blob(), compressed)
                                .chain(() -> row.persist())
                                .replaceWith(Input.of(row))));
    }

    /** The same as before, whose bytes were lost. */
    private Uni<Void> mended(KernelInputRow known, Input input, long compressed) {
        if (!known.content.equals(input.content().toString())) {
            return Uni.createFrom().voidItem();
        }
        return catalogue
                .kept(input.blob(), compressed)
                .invoke(() -> known.blob = input.blob().toString());
    }

    private Uni<List<Input>> list(String query, Parameters parameters, int most) {
        return Panache.withSession(() -> KernelInputRow.<KernelInputRow>find(query, parameters)
                        .page(0, most)
                        .list())
                .map(rows -> rows.stream().map(Input::of).toList());
    }
}
