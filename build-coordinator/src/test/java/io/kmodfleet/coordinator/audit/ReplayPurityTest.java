package io.kmodfleet.coordinator.audit;

import static com.tngtech.archunit.core.domain.JavaClass.Predicates.belongToAnyOf;
import static com.tngtech.archunit.core.domain.JavaClass.Predicates.resideInAPackage;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.classes;

import com.tngtech.archunit.base.DescribedPredicate;
import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption;
import io.kmodfleet.coordinator.ledger.LedgerEntry;
import io.kmodfleet.coordinator.ledger.LedgerLines;
import org.junit.jupiter.api.Test;

class ReplayPurityTest {

    private static final JavaClasses COORDINATOR = new ClassFileImporter()
            .withImportOption(new ImportOption.DoNotIncludeTests())
            .importPackages("io.kmodfleet.coordinator");

    /** What the jar with the classifier replay holds. */
    private static final DescribedPredicate<JavaClass> REPLAY = resideInAPackage("..coordinator.decision..")
            .or(resideInAPackage("..coordinator.audit..")
                    .and(DescribedPredicate.not(belongToAnyOf(LedgerResource.class))))
            .or(belongToAnyOf(LedgerEntry.class, LedgerLines.class))
            .or(DescribedPredicate.describe(
                    "LedgerChain", type -> type.getFullName().matches(".*coordinator.ledger.LedgerChain.*")));

    @Test
    void what_replays_a_ledger_runs_without_coordinator_broker_and_database() {
        classes()
                .that(REPLAY)
                .should()
                .onlyDependOnClassesThat(REPLAY.or(resideInAPackage("io.kmodfleet.contracts.."))
                        .or(resideInAPackage("java.."))
                        .or(resideInAPackage("com.fasterxml.jackson.."))
                        .as("replay, contracts, Jackson and the JDK"))
                .because("an auditor must not have to trust, or even to start, the coordinator")
                .check(COORDINATOR);
    }
}
