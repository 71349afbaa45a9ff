package io.kmodfleet.store.vault;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import io.kmodfleet.contracts.Digest;
import io.kmodfleet.store.StoreClient;
import io.kmodfleet.store.StoreConfig;
import io.kmodfleet.store.StoreSurroundings;
import io.quarkus.test.common.WithTestResource;
import io.quarkus.test.common.http.TestHTTPResource;
import io.quarkus.test.junit.QuarkusTest;
import jakarta.inject.Inject;
import java.net.URI;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.UUID;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

@QuarkusTest
@WithTestResource(StoreSurroundings.class)
class VaultIT {

    private static final String FIRST = "0123456789abcdef0123456789abcdef";
    private static final String SECOND = "fedcba9876543210fedcba9876543210";

    @TestHTTPResource
    private URI address;

    @Inject
    StoreConfig config;

    private StoreClient store;
    private String release;

    @BeforeEach
    void aKernelOfItsOwn() {
        store = new StoreClient(address);
        release = "6.1.0-" + UUID.randomUUID();
    }

    @Test
    void what_the_first_host_gives_is_there_for_all_even_after_its_headers_are_gone() throws Exception {
        String image = image();
        byte[] symvers = symvers("phys_base");
        byte[] configuration = configuration();

        assertThat(keep(image, "module-symvers", FIRST, symvers).statusCode()).isEqualTo(201);
        assertThat(keep(image, "config", FIRST, configuration).statusCode()).isEqualTo(201);
        assertThat(keep(image, "module-symvers", SECOND, symvers).statusCode()).isEqualTo(200);

        assertThat(store.get("/api/v1/kernels/" + image + "/module-symvers").body())
                .isEqualTo(symvers);
        JsonNode kernel = StoreClient.json(store.get("/api/v1/kernels/" + image));
        assertThat(kernel.path("compiler").asText()).isEqualTo("gcc-12 (Debian 12.2.0-14) 12.2.0");
        assertThat(kernel.path("inputs").findValuesAsText("host")).containsOnly(FIRST);
        assertThat(store.items("/api/v1/kernels?release=" + release)).hasSize(1);
    }

    @Test
    void two_hosts_that_disagree_about_a_kernel_are_both_named_and_the_first_stays() throws Exception {
        String image = image();
        keep(image, "module-symvers", FIRST, symvers("phys_base"));

        HttpResponse<byte[]> other = keep(image, "module-symvers", SECOND, symvers("another_symbol"));

        assertThat(other.statusCode()).isEqualTo(409);
        assertThat(StoreClient.json(other).path("detail").asText()).contains(FIRST, SECOND);
        assertThat(store.get("/api/v1/kernels/" + image + "/module-symvers").body())
                .isEqualTo(symvers("phys_base"));
    }

    @Test
    void equal_content_of_two_kernels_is_kept_once_and_compressed() throws Exception {
        byte[] symvers = symvers("symbol_" + UUID.randomUUID());
        long before = bytes();

        keep(image(), "module-symvers", FIRST, symvers);
        long once = bytes();
        keep(image(), "module-symvers", FIRST, symvers);

        assertThat(bytes()).isEqualTo(once);
        assertThat(once - before).isBetween(1L, symvers.length / 4L);
    }

    @Test
    void what_is_none_is_refused_and_nothing_is_kept() throws Exception {
        String image = image();

        for (String kind : List.of("module-symvers", "system-map", "config")) {
            HttpResponse<byte[]> refused = keep(image, kind, FIRST, "hello\n".getBytes(StandardCharsets.US_ASCII));
            assertThat(refused.statusCode()).isEqualTo(422);
            assertThat(StoreClient.json(refused).path("rule").asText()).isEqualTo("NOT_AN_INPUT");
        }

        assertThat(store.get("/api/v1/kernels/" + image).statusCode()).isEqualTo(404);
        assertThat(keep(image, "vmlinux", FIRST, symvers("a")).statusCode()).isEqualTo(404);
        assertThat(keep("zz", "config", FIRST, configuration()).statusCode()).isEqualTo(400);
        assertThat(keep(image, "config", "nobody", configuration()).statusCode())
                .isEqualTo(400);
    }

    @Test
    void bytes_that_the_storage_lost_come_back_with_the_next_host_that_has_them() throws Exception {
        String image = image();
        byte[] symvers = symvers("symbol_" + UUID.randomUUID());
        List<Path> before = files();
        keep(image, "module-symvers", FIRST, symvers);
        for (Path file : files()) {
            if (!before.contains(file)) {
                Files.delete(file);
            }
        }

        assertThat(store.get("/api/v1/kernels/" + image + "/module-symvers").statusCode())
                .isEqualTo(503);
        keep(image, "module-symvers", SECOND, symvers);

        assertThat(store.get("/api/v1/kernels/" + image + "/module-symvers").body())
                .isEqualTo(symvers);
    }

    private HttpResponse<byte[]> keep(String image, String kind, String host, byte[] content) throws Exception {
        return store.put("kernels/" + image, kind + "?release=" + release + "&arch=x86_64&host=" + host, content);
    }

    private long bytes() throws Exception {
        long bytes = 0;
        for (Path file : files()) {
            bytes += Files.size(file);
        }
        return bytes;
    }

    private List<Path> files() throws Exception {
        try (Stream<Path> files = Files.walk(config.directory())) {
            return files.filter(Files::isRegularFile)
                    .filter(file -> file.getFileName().toString().matches("[0-9a-f]{64}"))
                    .toList();
        }
    }

    private static String image() {
        return Digest.of(UUID.randomUUID().toString().getBytes(StandardCharsets.US_ASCII))
                .hex();
    }

    private static byte[] symvers(String symbol) {
        StringBuilder text = new StringBuilder("0x4c9d28b0\t" + symbol + "\tvmlinux\tEXPORT_SYMBOL\t\n");
        for (int i = 0; i < 500; i++) {
            text.append("0x0000%04x\tsymbol_%d\tvmlinux\tEXPORT_SYMBOL_GPL\t\n".formatted(i, i));
        }
        return text.toString().getBytes(StandardCharsets.US_ASCII);
    }

    private static byte[] configuration() {
        return ("CONFIG_CC_VERSION_TEXT=\"gcc-12 (Debian 12.2.0-14) 12.2.0\"\n" + "CONFIG_A=y\n".repeat(200))
                .getBytes(StandardCharsets.US_ASCII);
    }
}
