package io.kmodfleet.coordinator.dashboard;

import io.kmodfleet.coordinator.fleet.Problem;
import jakarta.ws.rs.container.ContainerRequestContext;
import jakarta.ws.rs.container.ContainerRequestFilter;
import jakarta.ws.rs.core.HttpHeaders;
import jakarta.ws.rs.ext.Provider;
import java.net.URI;
import java.util.Set;

/**
 * What changes something comes from a page of this very coordinator, or from no page at all: a browser says where a request comes from
 * (Fetch Metadata, and {@code Origin} of RFC 6454). So no other site can act for whoever looks at it.
 */
@Provider
class SameOrigin implements ContainerRequestFilter {

    private static final Set<String> READS = Set.of("GET", "HEAD", "OPTIONS");

    @Override
    public void filter(ContainerRequestContext request) {
        if (READS.contains(request.getMethod())) {
            return;
        }
        String site = request.getHeaderString("Sec-Fetch-Site");
        String origin = request.getHeaderString("Origin");
        String host = request.getHeaderString(HttpHeaders.HOST);
        // Where a browser says both, the first is the one that no page can influence.
        boolean elsewhere = site != null
                ? !site.equals("same-origin") && !site.equals("none")
                : origin != null && !authorityOf(origin).equals(host);
        if (elsewhere) {
            throw new Problem(
                    403,
                    "From another site",
                    "Expected a request from a page of this coordinator, but it comes from "
                            + (origin == null ? "a " + site + " page" : origin));
        }
    }

    private static String authorityOf(String origin) {
        try {
            String authority = URI.create(origin).getRawAuthority();
            return authority == null ? "" : authority;
        } catch (IllegalArgumentException e) {
            return "";
        }
    }
}
