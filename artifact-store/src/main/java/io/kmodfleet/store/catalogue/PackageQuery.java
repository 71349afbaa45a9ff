package io.kmodfleet.store.catalogue;

import io.kmodfleet.contracts.Digest;
import java.nio.charset.StandardCharsets;
import java.time.DateTimeException;
import java.time.Instant;
import java.util.Base64;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * Which packages somebody looks for, newest first.
 *
 * @param text words that names of it begin with, or the first digits of its digest
 * @param after the last one that was seen
 */
public record PackageQuery(
        Optional<String> module,
        Optional<String> version,
        Optional<String> release,
        Optional<String> builder,
        Optional<State> state,
        Optional<String> text,
        Optional<Place> after,
        int limit) {

    private static final Pattern DIGEST_BEGINS = Pattern.compile("(sha256:)?[0-9a-f]{8,64}");
    private static final Pattern NO_WORD = Pattern.compile("[^a-z0-9._+~-]+");
    private static final int MOST_WORDS = 8;

    /** Where a page ends: nothing that is added or removed moves it. */
    public record Place(Instant storedAt, Digest digest) {

        /** For others, who need not know what is in it. */
        public String opaque() {
            return Base64.getUrlEncoder()
                    .withoutPadding()
                    .encodeToString((storedAt + " " + digest.hex()).getBytes(StandardCharsets.US_ASCII));
        }

        public static Place parse(String opaque) {
            try {
                String[] parts =
                        new String(Base64.getUrlDecoder().decode(opaque), StandardCharsets.US_ASCII).split(" ");
                return new Place(Instant.parse(parts[0]), new Digest(parts[1]));
            } catch (IllegalArgumentException | DateTimeException | ArrayIndexOutOfBoundsException e) {
                throw new IllegalArgumentException(
                        "Expected 'after' as 'next' of a page before has it, but got '" + opaque + "'", e);
            }
        }
    }

    /** Only the conditions that are asked for, so that the database sees which index fits. */
    String condition() {
        String all = Stream.of(
                        module.map(given -> "module = :module"),
                        version.map(given -> "module_version = :version"),
                        release.map(given -> "release = :release"),
                        builder.map(given -> "builder = :builder"),
                        state.map(given -> "state = :state"),
                        text.map(given -> looksForDigest() ? "digest like :text" : "words @@ cast(:text as tsquery)"),
                        after.map(given -> "(stored_at, digest) < (cast(:at as timestamptz), :digest)"))
                .flatMap(Optional::stream)
                .collect(Collectors.joining(" and "));
        return all.isEmpty() ? "true" : all;
    }

    Map<String, Object> parameters() {
        Map<String, Object> parameters = new LinkedHashMap<>();
        module.ifPresent(given -> parameters.put("module", given));
        version.ifPresent(given -> parameters.put("version", given));
        release.ifPresent(given -> parameters.put("release", given));
        builder.ifPresent(given -> parameters.put("builder", given));
        state.ifPresent(given -> parameters.put("state", given.word()));
        text.ifPresent(given -> parameters.put("text", looksForDigest() ? digestBegins(given) : words(given)));
        after.ifPresent(place -> {
            parameters.put("at", place.storedAt());
            parameters.put("digest", place.digest().toString());
        });
        return parameters;
    }

    private boolean looksForDigest() {
        return text.map(given -> DIGEST_BEGINS.matcher(given).matches()).orElse(false);
    }

    private static String digestBegins(String given) {
        return (given.startsWith("sha256:") ? given : "sha256:" + given) + "%";
    }

    /** Every word as the beginning of one of the package's; quoted, so that none is an operator. */
    private static String words(String given) {
        return NO_WORD.splitAsStream(given.toLowerCase(Locale.ROOT))
                .filter(word -> !word.isEmpty())
                .limit(MOST_WORDS)
                .map(word -> "'" + word + "':*")
                .collect(Collectors.joining(" & "));
    }
}
