package io.kmodfleet.cli.exchange;

import static org.assertj.core.api.Assertions.assertThat;

import io.kmodfleet.cli.exchange.Bundle.Entry;
import io.kmodfleet.cli.exchange.Bundle.Index;
import io.kmodfleet.cli.exchange.Bundle.Kind;
import io.kmodfleet.contracts.Digest;
import io.kmodfleet.contracts.fuzz.HostileInput;
import io.kmodfleet.contracts.fuzz.Tar;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** A bundle; given JSON, it is the index of one. */
public final class Bundles implements HostileInput {

    private static final byte[] FILE = "a source".getBytes(StandardCharsets.UTF_8);
    private static final Entry ENTRY = new Entry(Kind.SOURCE, Digest.of(FILE), FILE.length, "toy");

    @Override
    public List<byte[]> seeds() throws IOException {
        ByteArrayOutputStream bundle = new ByteArrayOutputStream();
        Bundle.write(Index.of(List.of(ENTRY)), any -> FILE, bundle);
        return List.of(
                bundle.toByteArray(),
                "{\"format\":1,\"files\":[{\"kind\":\"SOURCE\",\"digest\":\"%s\",\"size\":8,\"name\":\"toy\"}]}"
                        .formatted(Digest.of(FILE))
                        .getBytes(StandardCharsets.UTF_8),
                "\0\0\0{aaaa".getBytes(StandardCharsets.ISO_8859_1),
                "null".getBytes(StandardCharsets.UTF_8));
    }

    @Override
    public void parse(byte[] bytes) throws IOException {
        boolean index = bytes.length < 512 || bytes[0] == '{';
        byte[] bundle = index ? Tar.of(Map.of("index.json", bytes)) : Tar.withChecksums(bytes);
        List<Entry> taken = new ArrayList<>();
        Index read;
        try {
            read = read(bundle, taken);
        } catch (Bundle.Damaged e) {
            assertThat(e).hasMessageStartingWith("Expected ");
            return;
        }
        assertThat(taken).isEqualTo(read.files());
        assertThat(read(bundle, new ArrayList<>())).isEqualTo(read);
        assertThat(Bundle.readIndex(new ByteArrayInputStream(bundle))).isEqualTo(read);
    }

    private static Index read(byte[] bundle, List<Entry> taken) throws IOException {
        return Bundle.read(new ByteArrayInputStream(bundle), (entry, content) -> {
            assertThat(Digest.of(content)).isEqualTo(entry.digest());
            taken.add(entry);
        });
    }
}
