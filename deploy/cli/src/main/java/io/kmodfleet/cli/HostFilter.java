package io.kmodfleet.cli;

import io.kmodfleet.coordinator.board.Filter;
import io.kmodfleet.coordinator.board.Safety;
import java.util.Optional;
import java.util.StringJoiner;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** Which hosts are meant, with the words of the page; every part that is given must fit. */
final class HostFilter {

    @Option(
            names = "--state",
            paramLabel = "STATE",
            description = "Those that stand so: refused, silent, waiting, unknown, under-way, accepted or safe.")
    private Optional<String> state;

    @Option(
            names = "--os",
            paramLabel = "SYSTEM",
            description = "Those of this system, in the words of 'kmodfleet fleet'.")
    private Optional<String> os;

    @Option(names = "--kernel", paramLabel = "RELEASE", description = "Those that have this kernel.")
    private Optional<String> kernel;

    @Option(names = "--module", paramLabel = "MODULE", description = "Those that were told something of this module.")
    private Optional<String> module;

    @Option(names = "--reason", paramLabel = "REASON", description = "Those that were told something for this reason.")
    private Optional<String> reason;

    @Option(
            names = "--label",
            paramLabel = "NAME[=VALUE]",
            description = "Those with this label, or with any value of it.")
    private Optional<String> label;

    @Parameters(
            arity = "0..1",
            paramLabel = "TEXT",
            description = "What stands in the host name, or at the beginning of the id.")
    private Optional<String> text;

    boolean isAll() {
        return filter().isAll();
    }

    Filter filter() {
        Optional<Safety> safety = state.map(code -> Safety.parse(code)
                .orElseThrow(() -> new Trouble(
                        KmodfleetCommand.WRONG_USAGE,
                        "Expected one of "
                                + Safety.worstFirst().stream().map(Safety::code).toList() + " after --state, but got '"
                                + code + "'.")));
        return new Filter(safety, os, kernel, module, reason, label, text);
    }

    /** As it stands in an address, beginning with {@code &}; empty for all. */
    String query() {
        Filter filter = filter();
        StringJoiner query = new StringJoiner("&", "&", "").setEmptyValue("");
        add(query, "state", filter.safety().map(Safety::code));
        add(query, "os", filter.os());
        add(query, "kernel", filter.kernel());
        add(query, "module", filter.module());
        add(query, "reason", filter.reason());
        add(query, "label", filter.label());
        add(query, "q", filter.text());
        return query.toString();
    }

    private static void add(StringJoiner query, String name, Optional<String> value) {
        value.ifPresent(text -> query.add(name + "=" + FleetApi.escaped(text)));
    }
}
