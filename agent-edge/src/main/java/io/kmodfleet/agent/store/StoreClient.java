package io.kmodfleet.agent.store;

import com.fasterxml.jackson.databind.JsonNode;
import io.kmodfleet.contracts.Digest;
import io.kmodfleet.contracts.HostId;
import io.kmodfleet.contracts.wire.FleetJson;
import io.kmodfleet.contracts.wire.TraceContext;
import java.io.IOException;
import java.io.InputStream;
import java.net.URI;
import java.net.URLEncoder;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;

/** HTTP to the store. A store that is away for a moment is waited for; what comes is believed only if its digest is right. */
public final class StoreClient {

    /** The store said no, and why. */
    public static final class Refused extends Exception {
        private final int status;

        Refused(int status, String detail) {
            super(detail);
            this.status = status;
        }

        /** Whether it read what was sent and found it wrong. */
        public boolean isAboutTheContent() {
            return status == 422;
        }
    }

    private static final Duration ANSWER = Duration.ofMinutes(2);
    private static final Duration AT_ONCE = Duration.ofSeconds(10);
    private static final int ATTEMPTS = 8;
    private static final Duration FIRST_PAUSE = Duration.ofMillis(250);

    private final URI base;
    private final Optional<FileCache> cache;
    private HttpClient http;
    private volatile Optional<TraceContext> trace = Optional.empty();

    public StoreClient(URI base) {
        this(base, Optional.empty());
    }

    /** @param cache what was fetched or built here before; with it in there, the store may be away */
    public StoreClient(URI base, Optional<FileCache> cache) {
        this.base = base;
        this.cache = cache;
    }

    /** What is asked from now on belongs to that trace. */
    public void follow(Optional<TraceContext> trace) {
        this.trace = trace;
    }

    private HttpRequest.Builder request(URI place) {
        HttpRequest.Builder request = HttpRequest.newBuilder(place);
        trace.ifPresent(context -> request.header(TraceContext.HEADER, context.toString()));
        return request;
    }

    /** @param kind {@code sources} or {@code packages} */
    public byte[] fetch(String kind, Digest digest, int most) throws IOException, InterruptedException, Refused {
        Optional<byte[]> here = cache.flatMap(files -> files.get(digest)).filter(bytes -> bytes.length <= most);
        if (here.isPresent()) {
            return here.get();
        }
        byte[] bytes = download(kind, digest, most);
        cache.ifPresent(files -> files.put(digest, bytes));
        return bytes;
    }

    /** The published sources of one version of a module. */
    public List<Digest> sourcesOf(String module, String version) throws IOException, InterruptedException, Refused {
        return patiently(() -> {
            HttpRequest request = request(base.resolve("/api/v1/sources?limit=1000"))
                    .timeout(ANSWER)
                    .build();
            HttpResponse<byte[]> answer = http().send(request, HttpResponse.BodyHandlers.ofByteArray());
            if (answer.statusCode() != 200) {
                throw failure(answer.statusCode(), answer.body());
            }
            List<Digest> digests = new ArrayList<>();
            for (JsonNode source : FleetJson.mapper().readTree(answer.body()).path("items")) {
                if (source.path("module").asText().equals(module)
                        && source.path("moduleVersion").asText().equals(version)) {
                    digests.add(Digest.parse(source.path("digest").asText()));
                }
            }
            return digests;
        });
    }

    /** What the store keeps of a kernel image; asked once, for a store that is away can be told later. */
    public Set<String> inputsOf(Digest image) throws IOException, InterruptedException {
        HttpRequest request = request(at("kernels", image)).timeout(AT_ONCE).build();
        HttpResponse<byte[]> answer = http().send(request, HttpResponse.BodyHandlers.ofByteArray());
        Set<String> kinds = new TreeSet<>();
        if (answer.statusCode() == 200) {
            FleetJson.mapper()
                    .readTree(answer.body())
                    .path("inputs")
                    .forEach(input -> kinds.add(input.path("kind").asText()));
        } else if (answer.statusCode() != 404) {
            throw new IOException("Expected the store to tell what it keeps, but it said " + answer.statusCode());
        }
        return kinds;
    }

    /** Gives what modules for a kernel are built and checked with; tried once. */
    public void giveInput(Digest image, String kind, String release, String arch, HostId host, byte[] content)
            throws IOException, InterruptedException, Refused {
        URI place = base.resolve("/api/v1/kernels/" + image.hex() + "/" + kind + "?release=" + escaped(release)
                + "&arch=" + escaped(arch) + "&host=" + host.value());
        HttpRequest request = request(place)
                .timeout(ANSWER)
                .PUT(HttpRequest.BodyPublishers.ofByteArray(content))
                .build();
        HttpResponse<byte[]> answer = http().send(request, HttpResponse.BodyHandlers.ofByteArray());
        if (answer.statusCode() / 100 != 2) {
            throw failure(answer.statusCode(), answer.body());
        }
    }

    private static String escaped(String text) {
        return URLEncoder.encode(text, StandardCharsets.UTF_8);
    }

    private byte[] download(String kind, Digest digest, int most) throws IOException, InterruptedException, Refused {
        return patiently(() -> {
            HttpRequest request = request(at(kind, digest)).timeout(ANSWER).build();
            HttpResponse<InputStream> answer = http().send(request, HttpResponse.BodyHandlers.ofInputStream());
            try (InputStream in = answer.body()) {
                byte[] bytes = in.readNBytes(most + 1);
                if (answer.statusCode() != 200) {
                    throw failure(answer.statusCode(), bytes);
                }
                if (bytes.length > most) {
                    throw new Refused(
                            answer.statusCode(),
                            "Expected at most " + most + " bytes of " + digest + ", but the store sends more");
                }
                if (!Digest.of(bytes).equals(digest)) {
                    throw new IOException("Expected the bytes of " + digest + ", but the store sent " + bytes.length
                            + " bytes of another digest");
                }
                return bytes;
            }
        });
    }

    /** @param kind {@code packages} or {@code logs} */
    public void upload(String kind, Digest digest, byte[] bytes) throws IOException, InterruptedException, Refused {
        if (kind.equals("packages")) {
            cache.ifPresent(files -> files.put(digest, bytes));
        }
        patiently(() -> {
            HttpRequest request = request(at(kind, digest))
                    .timeout(ANSWER)
                    .PUT(HttpRequest.BodyPublishers.ofByteArray(bytes))
                    .build();
            HttpResponse<byte[]> answer = http().send(request, HttpResponse.BodyHandlers.ofByteArray());
            if (answer.statusCode() / 100 != 2) {
                throw failure(answer.statusCode(), answer.body());
            }
            return null;
        });
    }

    /** Made when first needed: with it come the certificates of the whole world, megabytes that an idle agent does without. */
    private HttpClient http() {
        if (http == null) {
            http = HttpClient.newBuilder().connectTimeout(Duration.ofSeconds(5)).build();
        }
        return http;
    }

    private interface Exchange<T> {
        T run() throws IOException, InterruptedException, Refused;
    }

    private <T> T patiently(Exchange<T> exchange) throws IOException, InterruptedException, Refused {
        Duration pause = FIRST_PAUSE;
        for (int attempt = 1; ; attempt++) {
            try {
                return exchange.run();
            } catch (IOException e) {
                if (attempt == ATTEMPTS) {
                    throw new IOException(
                            "Expected the store at " + base + " to answer, but " + e + " after " + ATTEMPTS
                                    + " attempts",
                            e);
                }
                Thread.sleep(pause.toMillis());
                pause = pause.multipliedBy(2);
            }
        }
    }

    /** Nobody mends a no by asking again; a failing store may be back soon. */
    private static IOException failure(int status, byte[] body) throws Refused {
        String text = status + " " + detailOf(body);
        if (status < 500) {
            throw new Refused(status, text);
        }
        return new IOException(text);
    }

    private static String detailOf(byte[] body) {
        try {
            JsonNode problem = FleetJson.mapper().readTree(body);
            return problem.path("rule").asText("") + " "
                    + problem.path("detail").asText("");
        } catch (IOException e) {
            return "";
        }
    }

    private URI at(String kind, Digest digest) {
        return base.resolve("/api/v1/" + kind + "/" + digest.hex());
    }
}
