package io.kmodfleet.coordinator.dashboard;

import io.kmodfleet.contracts.Digest;
import io.kmodfleet.contracts.wire.FleetJson;
import io.kmodfleet.coordinator.fleet.OfLedger;
import io.kmodfleet.coordinator.intake.CoordinatorLoop;
import jakarta.ws.rs.container.ContainerRequestContext;
import jakarta.ws.rs.container.ContainerRequestFilter;
import jakarta.ws.rs.container.ContainerResponseContext;
import jakarta.ws.rs.container.ContainerResponseFilter;
import jakarta.ws.rs.container.ResourceInfo;
import jakarta.ws.rs.core.Context;
import jakarta.ws.rs.core.HttpHeaders;
import jakarta.ws.rs.core.MediaType;
import jakarta.ws.rs.core.Response;
import jakarta.ws.rs.ext.Provider;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.stream.Stream;

/**
 * Whoever has an answer of the API already is told so (304; RFC 9110, section 13.1.2). What is {@link OfLedger} is known by how far the
 * ledger goes, before anything is made; the rest by its bytes. All of them weak: an answer may be compressed on its way.
 */
@Provider
class Tags implements ContainerRequestFilter, ContainerResponseFilter {

    private static final String TAG = Tags.class.getName();

    private final CoordinatorLoop loop;
    private final LiveBoard live;

    @Context
    ResourceInfo resource;

    Tags(CoordinatorLoop loop, LiveBoard live) {
        this.loop = loop;
        this.live = live;
    }

    @Override
    public void filter(ContainerRequestContext request) {
        if (!isOfApi(request) || !resource.getResourceMethod().isAnnotationPresent(OfLedger.class)) {
            return;
        }
        String tag = tagOf(request);
        request.setProperty(TAG, tag);
        if (knows(request, tag)) {
            request.abortWith(Response.notModified().build());
        }
    }

    @Override
    public void filter(ContainerRequestContext request, ContainerResponseContext response) {
        if (!isOfApi(request)) {
            return;
        }
        Object tag = request.getProperty(TAG);
        if (tag == null && response.getStatus() == 200 && isJson(response)) {
            byte[] body = FleetJson.writeBytes(response.getEntity());
            tag = weak(body);
            boolean known = knows(request, (String) tag);
            response.setStatus(known ? 304 : 200);
            // Written already.
            response.setEntity(known ? null : body);
        }
        if (tag != null && (response.getStatus() == 200 || response.getStatus() == 304)) {
            response.getHeaders().putSingle(HttpHeaders.ETAG, tag);
            response.getHeaders().putSingle(HttpHeaders.CACHE_CONTROL, "no-cache");
            // Pages and compressed answers say it themselves.
            response.getHeaders().putSingle(HttpHeaders.VARY, "Accept, Accept-Encoding");
        }
    }

    private static boolean isOfApi(ContainerRequestContext request) {
        return (request.getMethod().equals("GET") || request.getMethod().equals("HEAD"))
                && request.getUriInfo().getPath().startsWith("/api/");
    }

    /** What is a text already has no other JSON. */
    private static boolean isJson(ContainerResponseContext response) {
        return response.hasEntity()
                && !(response.getEntity() instanceof CharSequence)
                && MediaType.APPLICATION_JSON_TYPE.isCompatible(response.getMediaType());
    }

    /** The board follows the ledger, and who is silent, by half a second; another life of this program may tell the same otherwise. */
    private String tagOf(ContainerRequestContext request) {
        return weak((live.epoch() + " " + loop.state().position() + " "
                        + live.seen().state().position() + " " + live.moves() + " " + live.isReady() + " "
                        + request.getHeaderString(HttpHeaders.ACCEPT) + " "
                        + request.getUriInfo().getRequestUri())
                .getBytes(StandardCharsets.UTF_8));
    }

    private static String weak(byte[] of) {
        return "W/\"" + Digest.of(of).hex().substring(0, 32) + "\"";
    }

    private static boolean knows(ContainerRequestContext request, String tag) {
        List<String> known = request.getHeaders().get(HttpHeaders.IF_NONE_MATCH);
        return known != null
                && known.stream()
                        .flatMap(line -> Stream.of(line.split(",")))
                        .map(String::strip)
                        .anyMatch(tag::equals);
    }
}
