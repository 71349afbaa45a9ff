package io.kmodfleet.deploy.demo;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import io.kmodfleet.contracts.Digest;
import io.kmodfleet.contracts.PackageManifest;
import io.kmodfleet.contracts.PackageManifest.PackagedModule;
import io.kmodfleet.contracts.Samples;
import io.kmodfleet.contracts.module.ModuleFixture;
import io.kmodfleet.contracts.pack.ModulePackage;
import io.kmodfleet.contracts.pack.PackageFixture;
import io.kmodfleet.contracts.wire.FleetJson;
import io.kmodfleet.contracts.wire.Topics;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.serialization.ByteArraySerializer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/** What is wrong is refused with the reason, stays visible, and stops nobody. */
class BadInputIT {

    private static final HttpClient HTTP = HttpClient.newHttpClient();

    @RegisterExtension
    private final RehearsalExtension stage = new RehearsalExtension();

    @Test
    void bad_uploads_and_junk_on_the_topics_are_refused_visibly_and_the_main_job_goes_on() throws Exception {
        byte[] archive = PackageFixture.archive();
        byte[] truncated = Arrays.copyOf(archive, archive.length / 2);
        PackagedModule truth =
                PackageFixture.manifest(PackageFixture.module()).modules().get(0);
        byte[] otherKernel = ModuleFixture.module("toy", "6.1.0-50-amd64").bytes();

        // Cut off on the way: named by the digest of the whole.
        assertThat(refused("packages", Digest.of(archive), truncated)).isEqualTo("DIGEST_MISMATCH");
        assertThat(refused("packages", Digest.of(archive), archive)).isEqualTo("WRONG_SOURCE");
        assertThat(status("sources", Digest.of(PackageFixture.SOURCE), PackageFixture.SOURCE))
                .isEqualTo(201);
        assertThat(refused("packages", packed(lying(truth)))).isEqualTo("MANIFEST_LIES");
        assertThat(refused("packages", packed(PackageFixture.manifest(otherKernel), otherKernel)))
                .isEqualTo("WRONG_KERNEL");
        assertThat(refused("packages", "junk".getBytes())).isEqualTo("NOT_AN_ARCHIVE");
        assertThat(status("packages", Digest.of(archive), archive)).isEqualTo(201);
        assertThat(status("packages", Digest.of(archive), archive)).isEqualTo(200);
        junk(Topics.OBSERVATIONS);
        junk(Topics.COMMANDS);

        stage.rehearsal().wantModule(stage.roots());
        assertThat(stage.rehearsal()
                        .install(stage.host("a", "host-a"), "--enable-dkms")
                        .exitCode())
                .isZero();

        assertThat(values("refusals", "rule"))
                .containsExactly("DIGEST_MISMATCH", "MANIFEST_LIES", "NOT_AN_ARCHIVE", "WRONG_KERNEL", "WRONG_SOURCE");
        assertThat(values("dead-letters", "problem"))
                .containsExactly("DOES_NOT_FIT", "NOT_A_CLOUD_EVENT", "NOT_JSON", "UNKNOWN_TYPE", "WRONG_VERSION");
    }

    @Test
    void a_stored_file_is_served_in_parts_and_never_twice_to_who_has_it() throws Exception {
        byte[] source = PackageFixture.SOURCE;
        String hex = Digest.of(source).hex();
        assertThat(status("sources", Digest.of(source), source)).isEqualTo(201);
        URI uri = stage.stack().storeUrl().resolve("/api/v1/sources/" + hex);

        HttpResponse<byte[]> whole = get(uri);
        HttpResponse<byte[]> part = get(uri, "Range", "bytes=10-19");
        HttpResponse<byte[]> end = get(uri, "Range", "bytes=-5");

        assertThat(whole.body()).isEqualTo(source);
        assertThat(whole.headers().firstValue("ETag")).contains("\"" + hex + "\"");
        assertThat(whole.headers().firstValue("Content-Disposition"))
                .hasValueSatisfying(value -> assertThat(value).contains("toy-1.0-source.tar.gz"));
        assertThat(part.statusCode()).isEqualTo(206);
        assertThat(part.body()).isEqualTo(Arrays.copyOfRange(source, 10, 20));
        assertThat(part.headers().firstValue("Content-Range")).contains("bytes 10-19/" + source.length);
        assertThat(end.body()).isEqualTo(Arrays.copyOfRange(source, source.length - 5, source.length));
        assertThat(get(uri, "Range", "bytes=" + source.length + "-").statusCode())
                .isEqualTo(416);
        assertThat(get(uri, "If-None-Match", "\"" + hex + "\"").statusCode()).isEqualTo(304);
        assertThat(get(uri, "Range", "bytes=0-1", "If-Range", "\"another\"").statusCode())
                .isEqualTo(200);
        assertThat(get(stage.stack().storeUrl().resolve("/api/v1/sources/" + "0".repeat(64)))
                        .statusCode())
                .isEqualTo(404);
        assertThat(get(stage.stack().storeUrl().resolve("/api/v1/sources/..%2f..%2fetc%2fpasswd"))
                        .statusCode())
                .isIn(400, 404);
    }

    private static PackageManifest lying(PackagedModule truth) {
        PackageManifest manifest = PackageFixture.manifest(PackageFixture.module());
        PackagedModule lie = new PackagedModule(
                truth.name(), truth.file(), truth.digest(), Samples.digest("lie"), truth.vermagic(), Optional.empty());
        return PackageFixture.with(manifest.target(), manifest.kernel(), lie);
    }

    private static byte[] packed(PackageManifest manifest) {
        return packed(manifest, PackageFixture.module());
    }

    private static byte[] packed(PackageManifest manifest, byte[] module) {
        return ModulePackage.write(manifest, PackageFixture.DKMS_CONF, List.of(module));
    }

    private String refused(String kind, byte[] bytes) throws Exception {
        return refused(kind, Digest.of(bytes), bytes);
    }

    private String refused(String kind, Digest named, byte[] bytes) throws Exception {
        HttpResponse<byte[]> answer = put(kind, named, bytes);
        assertThat(answer.statusCode()).isEqualTo(422);
        assertThat(answer.headers().firstValue("Content-Type"))
                .hasValueSatisfying(type -> assertThat(type).startsWith("application/problem+json"));
        JsonNode problem = FleetJson.mapper().readTree(answer.body());
        assertThat(problem.path("detail").asText()).contains("Expected");
        return problem.path("rule").asText();
    }

    private int status(String kind, Digest named, byte[] bytes) throws Exception {
        return put(kind, named, bytes).statusCode();
    }

    private HttpResponse<byte[]> put(String kind, Digest named, byte[] bytes) throws Exception {
        URI uri = stage.stack().storeUrl().resolve("/api/v1/" + kind + "/" + named.hex());
        HttpRequest request = HttpRequest.newBuilder(uri)
                .PUT(HttpRequest.BodyPublishers.ofByteArray(bytes))
                .build();
        return HTTP.send(request, HttpResponse.BodyHandlers.ofByteArray());
    }

    private static HttpResponse<byte[]> get(URI uri, String... headers) throws Exception {
        HttpRequest.Builder request = HttpRequest.newBuilder(uri);
        for (int i = 0; i < headers.length; i += 2) {
            request.header(headers[i], headers[i + 1]);
        }
        return HTTP.send(request.build(), HttpResponse.BodyHandlers.ofByteArray());
    }

    private void junk(String topic) throws Exception {
        Map<String, Object> settings = Map.of("bootstrap.servers", stage.stack().kafka(), "acks", "all");
        byte[] key = Samples.HOST.value().getBytes();
        try (KafkaProducer<byte[], byte[]> producer =
                new KafkaProducer<>(settings, new ByteArraySerializer(), new ByteArraySerializer())) {
            producer.send(new ProducerRecord<>(topic, null, new byte[] {0, 1, 2}))
                    .get();
            producer.send(event(topic, key, "io.kmodfleet.host-reported.v1", "{"))
                    .get();
            producer.send(event(topic, key, "io.kmodfleet.host-reported.v1", "{}"))
                    .get();
            producer.send(event(topic, key, "io.kmodfleet.host-reported.v9", "{}"))
                    .get();
            producer.send(event(topic, key, "org.example.Other", "{}")).get();
        }
    }

    private static ProducerRecord<byte[], byte[]> event(String topic, byte[] key, String type, String body) {
        ProducerRecord<byte[], byte[]> record = new ProducerRecord<>(topic, key, body.getBytes());
        record.headers().add("ce_specversion", "1.0".getBytes()).add("ce_type", type.getBytes());
        return record;
    }

    /** One column of what the command line prints as JSON, each value once, sorted. */
    private Set<String> values(String command, String field) throws Exception {
        Set<String> values = new TreeSet<>();
        stage.rehearsal()
                .kmodfleet(command, "-o", "json")
                .json()
                .path("items")
                .forEach(item -> values.add(item.path(field).asText()));
        return values;
    }
}
