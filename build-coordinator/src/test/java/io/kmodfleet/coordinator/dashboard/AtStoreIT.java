package io.kmodfleet.coordinator.dashboard;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.sun.net.httpserver.HttpServer;
import io.kmodfleet.contracts.Digest;
import io.kmodfleet.coordinator.fleet.Problem;
import java.io.IOException;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** What is made of a store's answers; what a real one answers is in MainJobIT. */
class AtStoreIT {

    private static final Digest ONE = Digest.of("one".getBytes(StandardCharsets.UTF_8));
    private static final Digest OTHER = Digest.of("other".getBytes(StandardCharsets.UTF_8));
    private static final Digest ELSEWHERE = Digest.of("elsewhere".getBytes(StandardCharsets.UTF_8));

    private final Map<String, byte[]> answers = new HashMap<>();
    private HttpServer server;
    private AtStore store;

    @BeforeEach
    void start() throws IOException {
        server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        server.createContext("/", exchange -> {
            byte[] body = answers.get(exchange.getRequestURI().getPath());
            exchange.sendResponseHeaders(body == null ? 404 : 200, body == null ? -1 : body.length);
            try (OutputStream out = exchange.getResponseBody()) {
                out.write(body == null ? new byte[0] : body);
            }
        });
        server.start();
        store = new AtStore(
                Optional.of(URI.create("http://127.0.0.1:" + server.getAddress().getPort() + "/")));
    }

    @AfterEach
    void end() {
        server.stop(0);
    }

    @Test
    void two_packages_of_the_target_that_differ_are_told_section_by_section_and_those_of_others_are_not() {
        String item = "{\"open\":true,\"one\":\"" + ONE
                + "\",\"other\":\"%s\",\"differences\":[{\"file\":\"a.ko\",\"section\":"
                + "\".text\",\"loaded\":true,\"what\":\"12 bytes\",\"why\":\"another compiler\"}]}";
        answer("/api/v1/divergences", "{\"items\":[" + item.formatted(OTHER) + "," + item.formatted(ELSEWHERE) + "]}");

        assertThat(store.divergences(List.of(ONE, OTHER))).singleElement().satisfies(two -> {
            assertThat(two.one()).isEqualTo(ONE);
            assertThat(two.other()).isEqualTo(OTHER);
            assertThat(two.open()).isTrue();
            assertThat(two.differences())
                    .containsExactly(new AtStore.Difference("a.ko", ".text", true, "12 bytes", "another compiler"));
        });
    }

    @Test
    void a_log_is_found_by_its_package_and_a_long_one_is_cut() {
        answer("/api/v1/packages", "{\"items\":[{\"digest\":\"" + ONE + "\",\"log\":\"" + OTHER + "\"}]}");
        answer("/api/v1/logs/" + OTHER.hex(), "CC [M] main.o\nLD [M] a.ko\n");

        assertThat(store.logOf(ONE)).isEqualTo(new AtStore.Log(List.of("CC [M] main.o", "LD [M] a.ko"), false));

        answer("/api/v1/logs/" + OTHER.hex(), "x".repeat(99).concat("\n").repeat(50_000));
        assertThat(store.logOf(ONE).cut()).isTrue();
    }

    @Test
    void a_store_that_has_none_answers_nonsense_or_nothing_is_named() {
        answer("/api/v1/packages", "{\"items\":[]}");
        assertThatThrownBy(() -> store.logOf(ONE)).isInstanceOf(Problem.class).hasMessageContaining(ONE.toString());
        answer("/api/v1/divergences", "nonsense");
        assertThatThrownBy(() -> store.divergences(List.of(ONE))).hasMessageContaining("Expected JSON");
        server.stop(0);
        assertThatThrownBy(() -> store.divergences(List.of(ONE))).hasMessageContaining("Is it running?");
        assertThatThrownBy(() -> new AtStore(Optional.<URI>empty()).divergences(List.of(ONE)))
                .hasMessageContaining("KMODFLEET_COORDINATOR_STORE");
    }

    private void answer(String path, String body) {
        answers.put(path, body.getBytes(StandardCharsets.UTF_8));
    }
}
