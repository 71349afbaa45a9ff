package io.kmodfleet.coordinator.decision;

import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.classes;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;

import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption;
import org.junit.jupiter.api.Test;

class PurityTest {

    private static final JavaClasses COORDINATOR = new ClassFileImporter()
            .withImportOption(new ImportOption.DoNotIncludeTests())
            .importPackages("io.kmodfleet.coordinator");

    @Test
    void the_decision_package_looks_at_java_and_the_contracts_only() {
        classes()
                .that()
                .resideInAPackage("..coordinator.decision..")
                .should()
                .onlyDependOnClassesThat()
                .resideInAnyPackage(
                        "io.kmodfleet.coordinator.decision..",
                        "io.kmodfleet.contracts",
                        "java.lang..",
                        "java.time..",
                        "java.util..")
                .because("an audit must be able to run it years later, anywhere")
                .check(COORDINATOR);
    }

    @Test
    void the_decision_package_knows_no_time_no_chance_and_no_unordered_collection() {
        noClasses()
                .that()
                .resideInAPackage("..coordinator.decision..")
                .should()
                .dependOnClassesThat()
                .haveFullyQualifiedName("java.util.Random")
                .orShould()
                .dependOnClassesThat()
                .haveFullyQualifiedName("java.util.UUID")
                .orShould()
                .dependOnClassesThat()
                .haveFullyQualifiedName("java.util.HashMap")
                .orShould()
                .dependOnClassesThat()
                .haveFullyQualifiedName("java.util.HashSet")
                .orShould()
                .callMethod(System.class, "currentTimeMillis")
                .orShould()
                .callMethod(System.class, "nanoTime")
                .orShould()
                .callMethod(java.time.Instant.class, "now")
                .orShould()
                .dependOnClassesThat()
                .haveFullyQualifiedName("java.time.Clock")
                .orShould()
                .callMethod(System.class, "getenv", String.class)
                .orShould()
                .callMethod(System.class, "getProperty", String.class)
                .because("the same ledger must lead to the same decisions in every JVM")
                .check(COORDINATOR);
    }
}
