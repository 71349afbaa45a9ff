package io.kmodfleet.agent.host;

import com.fasterxml.jackson.core.type.TypeReference;
import io.kmodfleet.agent.host.ReadOnce.Known;
import io.kmodfleet.contracts.Digest;
import io.kmodfleet.contracts.wire.FleetJson;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.security.MessageDigest;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;

/** Digests of kernel images and configs, remembered over restarts where there is a place for that. Losing them costs only time. */
final class ImageDigests {

    private final Optional<Path> file;
    private final ReadOnce<Digest> digests;
    private Map<Path, Known<Digest>> saved;

    /** @param state the agent's directory, where it may remember */
    ImageDigests(Optional<Path> state) {
        this.file = state.map(directory -> directory.resolve("digests.json"));
        this.saved = file.map(ImageDigests::load).orElseGet(Map::of);
        this.digests = new ReadOnce<>(saved);
    }

    Optional<Digest> of(Path image) {
        try {
            return Optional.of(digests.get(image, ImageDigests::read));
        } catch (IOException e) {
            return Optional.empty();
        }
    }

    void remember() {
        digests.forgetVanished();
        Map<Path, Known<Digest>> now = digests.known();
        if (file.isEmpty() || now.equals(saved)) {
            return;
        }
        Map<String, Known<Digest>> content = new HashMap<>();
        now.forEach((path, known) -> content.put(path.toString(), known));
        try {
            Path fresh = file.get().resolveSibling("digests.json.new");
            Files.write(fresh, FleetJson.writeBytes(content));
            Files.move(fresh, file.get(), StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
            saved = now;
        } catch (IOException e) {
            // Read again after the next start.
        }
    }

    private static Map<Path, Known<Digest>> load(Path file) {
        Map<Path, Known<Digest>> known = new HashMap<>();
        try {
            FleetJson.mapper()
                    .readValue(Files.readAllBytes(file), new TypeReference<Map<String, Known<Digest>>>() {})
                    .forEach((path, digest) -> known.put(Path.of(path), digest));
        } catch (IOException e) {
            return Map.of();
        }
        return Map.copyOf(known);
    }

    private static Digest read(Path image) throws IOException {
        MessageDigest hash = Digest.sha256();
        try (InputStream in = Files.newInputStream(image)) {
            byte[] buffer = new byte[64 * 1024];
            for (int count = in.read(buffer); count >= 0; count = in.read(buffer)) {
                hash.update(buffer, 0, count);
            }
        }
        return Digest.of(hash);
    }
}
