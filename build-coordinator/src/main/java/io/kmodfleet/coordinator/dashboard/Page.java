package io.kmodfleet.coordinator.dashboard;

import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.List;
import java.util.Optional;

/**
 * What every page has around its content.
 *
 * @param section which of the navigation it belongs to
 * @param self its own address, for whoever refreshes it
 * @param at the moment of the past that it shows; absent for now
 * @param position and when the last entry that it knows was taken
 * @param notice of something that was just done
 * @param version of what pages load; changes with its content
 */
record Page(
        String title,
        String section,
        String self,
        Optional<String> at,
        long position,
        Instant takenAt,
        boolean complete,
        Optional<String> notice,
        String version) {

    static final List<Section> SECTIONS = List.of(
            new Section("fleet", "/", "Fleet"),
            new Section("targets", "/targets", "Packages"),
            new Section("failures", "/failures", "Failures"),
            new Section("policy", "/policy", "Policy"),
            new Section("preflight", "/preflight", "Preflight"),
            new Section("audit", "/audit", "Audit"));

    record Section(String code, String path, String title) {}

    public List<Section> sections() {
        return SECTIONS;
    }

    /** Appended to addresses, so that whoever looks at the past stays there. */
    public String atOnly() {
        return at.map(moment -> "?at=" + encoded(moment)).orElse("");
    }

    public String atToo() {
        return at.map(moment -> "&at=" + encoded(moment)).orElse("");
    }

    static String encoded(String text) {
        return URLEncoder.encode(text, StandardCharsets.UTF_8);
    }
}
