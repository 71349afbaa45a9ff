package io.kmodfleet.contracts;

/**
 * From {@code /etc/os-release} (os-release(5)).
 *
 * @param id {@code ID}, as {@code debian} or {@code ubuntu}
 * @param versionId {@code VERSION_ID}, as {@code 12} or {@code 22.04}; empty on a rolling release
 * @param prettyName {@code PRETTY_NAME}, for people
 */
public record OperatingSystem(String id, String versionId, String prettyName) {

    public OperatingSystem {
        Grammar.line("system id", id);
        Grammar.line("system version", versionId);
        Grammar.line("system name", prettyName);
    }
}
