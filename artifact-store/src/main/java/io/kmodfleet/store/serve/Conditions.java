package io.kmodfleet.store.serve;

import io.vertx.core.http.HttpServerRequest;

/** What a client has already, and what it wants of the rest (RFC 9110, sections 13 and 14). */
record Conditions(String range, String ifRange, String ifNoneMatch) {

    static Conditions of(HttpServerRequest request) {
        return new Conditions(
                request.getHeader("Range"), request.getHeader("If-Range"), request.getHeader("If-None-Match"));
    }

    boolean has(String tag) {
        return ifNoneMatch != null
                && (ifNoneMatch.contains(tag) || ifNoneMatch.strip().equals("*"));
    }

    String rangeOf(String tag) {
        return ifRange == null || ifRange.strip().equals(tag) ? range : null;
    }
}
