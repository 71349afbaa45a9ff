package io.kmodfleet.agent.supply;

import io.kmodfleet.agent.host.PackageManager;
import io.kmodfleet.contracts.Check;
import io.kmodfleet.contracts.Check.Piece;
import io.kmodfleet.contracts.HostReport;
import io.kmodfleet.contracts.KernelState;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;

/**
 * What is run to supply what a build on a host lacks, in order, as values: shown before anything is done.
 *
 * @param supplied in words
 */
public record SupplyPlan(List<Step> steps, List<String> supplied) {

    public SupplyPlan {
        steps = List.copyOf(steps);
        supplied = List.copyOf(supplied);
    }

    /**
     * One command.
     *
     * @param always whether it is run also where one before it failed: it takes back what an earlier one did
     */
    public record Step(List<String> line, boolean always) {
        public Step {
            line = List.copyOf(line);
        }

        @Override
        public String toString() {
            return String.join(" ", line);
        }
    }

    /**
     * Headers are those of the kernels that matter: the one that runs, the one that boots next, and every one with an image where
     * neither is known.
     *
     * @param hasExtraSources whether the package that brings the sources of dkms is there already: then it stays
     */
    public static SupplyPlan of(HostReport report, PackageManager manager, boolean hasExtraSources) {
        List<String> tools = new ArrayList<>();
        List<String> supplied = new ArrayList<>();
        Optional<String> extra = Optional.empty();
        for (Check check : report.checks()) {
            Optional<String> name = check.passed() ? Optional.empty() : packageOf(check.piece());
            if (name.isPresent()) {
                tools.add(name.get());
                supplied.add(name.get());
                if (check.piece() == Piece.DKMS && !hasExtraSources) {
                    extra = manager.extraSources(report.os());
                }
            }
        }
        List<String> headers = new ArrayList<>();
        for (KernelState kernel : meant(report)) {
            if (kernel.checks().stream().anyMatch(check -> check.piece() == Piece.HEADERS && !check.passed())) {
                headers.add(manager.headersPackage(kernel.identity().release()));
            }
        }
        supplied.addAll(headers);
        List<Step> steps = new ArrayList<>();
        if (!supplied.isEmpty()) {
            manager.refreshing().ifPresent(line -> steps.add(new Step(line, false)));
            extra.ifPresent(name -> steps.add(new Step(manager.installing(List.of(name)), false)));
            if (!tools.isEmpty()) {
                steps.add(new Step(manager.installing(tools), false));
            }
            // One by one: a mirror that has the tools may have lost the headers of an older kernel.
            headers.forEach(name -> steps.add(new Step(manager.installing(List.of(name)), false)));
            extra.ifPresent(name -> steps.add(new Step(manager.removing(name), true)));
        }
        return new SupplyPlan(steps, supplied);
    }

    public boolean isEmpty() {
        return steps.isEmpty();
    }

    private static Optional<String> packageOf(Piece piece) {
        return switch (piece) {
            case DKMS -> Optional.of("dkms");
            case COMPILER -> Optional.of("gcc");
            case MAKE -> Optional.of("make");
            default -> Optional.empty();
        };
    }

    private static List<KernelState> meant(HostReport report) {
        List<KernelState> withImage = report.kernels().stream()
                .filter(kernel -> kernel.identity().image().isPresent())
                .toList();
        List<KernelState> known = withImage.stream()
                .filter(kernel -> Stream.of(kernel.running(), kernel.nextBoot().orElse(false))
                        .anyMatch(yes -> yes))
                .toList();
        return known.isEmpty() ? withImage : known;
    }
}
