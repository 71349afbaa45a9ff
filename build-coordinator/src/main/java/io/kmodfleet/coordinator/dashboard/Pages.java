package io.kmodfleet.coordinator.dashboard;

import com.github.benmanes.caffeine.cache.Cache;
import com.github.benmanes.caffeine.cache.Caffeine;
import io.kmodfleet.contracts.Digest;
import io.quarkus.qute.TemplateInstance;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.ws.rs.core.HttpHeaders;
import jakarta.ws.rs.core.MediaType;
import jakarta.ws.rs.core.Response;
import jakarta.ws.rs.core.UriInfo;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.function.Supplier;

/**
 * Makes answers of pages. A page that a thousand people look at is made once for every move of the board (two a second at most); who
 * has it already is told so (304).
 */
@ApplicationScoped
class Pages {

    private static final Duration WHILE = Duration.ofSeconds(5);
    private static final int MOST_BYTES = 16 << 20;
    private static final String HTML = MediaType.TEXT_HTML + ";charset=UTF-8";
    private static final List<String> ASSETS = List.of("kmodfleet.css", "live.js", "map.js", "charts.js", "policy.js");

    private final LiveBoard live;
    private final String version = version();
    private final Cache<String, Made> made = Caffeine.newBuilder()
            .expireAfterWrite(WHILE)
            .maximumWeight(MOST_BYTES)
            .weigher((String path, Made page) -> page.html.length)
            .build();

    Pages(LiveBoard live) {
        this.live = live;
    }

    private record Made(byte[] html, String tag) {}

    Page page(String title, String section, UriInfo uri, Seen seen) {
        return page(title, section, uri, seen, Optional.empty());
    }

    Page page(String title, String section, UriInfo uri, Seen seen, Optional<String> notice) {
        String query = uri.getRequestUri().getRawQuery();
        return new Page(
                title,
                section,
                uri.getRequestUri().getRawPath() + (query == null ? "" : "?" + query),
                seen.at(),
                seen.state().position(),
                seen.state().now(),
                !seen.isNow() || live.isReady(),
                notice,
                version);
    }

    /** For pages that are the same for everybody. */
    Response shared(UriInfo uri, HttpHeaders headers, Supplier<TemplateInstance> template) {
        String key = live.moves() + " " + uri.getRequestUri();
        Made page = made.getIfPresent(key);
        if (page == null) {
            page = make(template.get());
            made.put(key, page);
        }
        List<String> known = headers.getRequestHeader(HttpHeaders.IF_NONE_MATCH);
        if (known != null && known.contains(page.tag)) {
            return Response.notModified()
                    .header(HttpHeaders.ETAG, page.tag)
                    .header(HttpHeaders.VARY, "Accept-Encoding")
                    .build();
        }
        return Response.ok(page.html)
                .type(HTML)
                .header(HttpHeaders.ETAG, page.tag)
                .header(HttpHeaders.VARY, "Accept-Encoding")
                .header(HttpHeaders.CACHE_CONTROL, "no-cache")
                .build();
    }

    /** For pages that are one person's. */
    static Response own(TemplateInstance template) {
        return Response.ok(template.render())
                .type(HTML)
                .header(HttpHeaders.CACHE_CONTROL, "no-store")
                .build();
    }

    private static Made make(TemplateInstance template) {
        byte[] html = template.render().getBytes(StandardCharsets.UTF_8);
        return new Made(html, "W/\"" + Digest.of(html).brief() + "\"");
    }

    /** Whoever has an older one loads the new one at once. */
    private static String version() {
        MessageDigest digest = Digest.sha256();
        for (String asset : ASSETS) {
            try (InputStream in = Pages.class.getResourceAsStream("/META-INF/resources/" + asset)) {
                digest.update(in.readAllBytes());
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }
        return Digest.of(digest).brief();
    }
}
