package io.kmodfleet.cli;

import io.quarkus.picocli.runtime.annotations.TopCommand;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.ScopeType;

/** {@code kmodfleet}: the fleet and its kernel modules. */
@TopCommand
@Command(
        name = "kmodfleet",
        description = "Kernel modules for whole fleets: build once, reuse everywhere, prove every decision.",
        version = "kmodfleet 0.1.0",
        subcommands = {
            SourceCommand.class,
            PolicyCommand.class,
            FleetCommand.class,
            HostsCommand.class,
            TargetsCommand.class,
            PackagesCommand.class,
            ExportCommand.class,
            ImportCommand.class,
            KernelsCommand.class,
            DivergencesCommand.class,
            InspectCommand.class,
            DecisionsCommand.class,
            LogCommand.class,
            ExplainCommand.class,
            PreflightCommand.class,
            FailuresCommand.class,
            RetryCommand.class,
            RecallCommand.class,
            HoldCommand.class,
            AcceptCommand.class,
            ReleaseCommand.class,
            AuditCommand.class,
            WhatIfCommand.class,
            LedgerCommand.class,
            RefusalsCommand.class,
            StoreCommand.class,
            DeadLettersCommand.class
        },
        footer = {
            "",
            "Exit codes:",
            "  0  done",
            "  1  refused or failed; the message says why",
            "  2  wrong usage",
            "  3  coordinator or store not reached",
            "  4  not found; for audit: something is wrong, and named"
        })
final class KmodfleetCommand {

    static final int FAILED = 1;
    static final int WRONG_USAGE = 2;
    static final int NOT_REACHED = 3;
    static final int NOT_FOUND = 4;

    @Option(
            names = {"-h", "--help"},
            usageHelp = true,
            scope = ScopeType.INHERIT,
            description = "Show this help.")
    private boolean help;

    @Option(names = "--version", versionHelp = true, description = "Show the version.")
    private boolean version;
}
