package io.kmodfleet.coordinator.decision;

import io.kmodfleet.contracts.wire.FleetJson;
import io.kmodfleet.coordinator.ledger.LedgerEntry;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.extension.AfterEachCallback;
import org.junit.jupiter.api.extension.BeforeEachCallback;
import org.junit.jupiter.api.extension.ExtensionContext;

/**
 * Writes down the histories that tests tell, with {@code -Dhistories=add}: those that are not there yet. They prove for ever that
 * the rules of their version decide as they did.
 */
final class Recorder implements BeforeEachCallback, AfterEachCallback {

    static final Path HISTORIES = Path.of("src/test/resources/histories");

    private static final boolean ADDS = "add".equals(System.getProperty("histories"));
    private static final List<Fleet> TOLD = new ArrayList<>();

    static void begins(Fleet fleet) {
        if (ADDS) {
            TOLD.add(fleet);
        }
    }

    @Override
    public void beforeEach(ExtensionContext context) {
        TOLD.clear();
    }

    @Override
    public void afterEach(ExtensionContext context) {
        for (int i = 0; i < TOLD.size(); i++) {
            String number = TOLD.size() == 1 ? "" : "-" + (i + 1);
            add(context.getRequiredTestMethod().getName() + number, TOLD.get(i).ledger());
        }
    }

    static void add(String name, List<LedgerEntry> ledger) {
        Path file = HISTORIES.resolve("rules-" + Step.RULES).resolve(name + ".jsonl");
        if (!ADDS || ledger.isEmpty() || Files.exists(file)) {
            return;
        }
        try {
            Files.createDirectories(file.getParent());
            Files.write(file, ledger.stream().map(FleetJson::write).toList());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
