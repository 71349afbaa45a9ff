package io.kmodfleet.agent;

import io.quarkus.picocli.runtime.annotations.TopCommand;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.ScopeType;

/** {@code kmodfleet-agent}: one host and its kernel modules. */
@TopCommand
@Command(
        name = "kmodfleet-agent",
        description = "Looks after the kernel modules of one host.",
        version = "kmodfleet-agent " + Agent.VERSION,
        subcommands = {
            RunCommand.class,
            StatusCommand.class,
            WhyCommand.class,
            PreflightCommand.class,
            InstallCommand.class,
            BuildCommand.class,
            InstallFileCommand.class,
            ShareCommand.class,
            DoctorCommand.class,
            UninstallCommand.class,
            NotifyCommand.class,
            SchemaCommand.class,
            CompletionCommand.class,
            GenerateDocsCommand.class
        },
        footer = {
            "",
            "Exit codes:",
            "  0  done",
            "  1  failed; the message says why",
            "  2  wrong usage",
            "  3  Kafka or the store was not reached in time",
            "  4  install, install-file, share: refused; the message says what would change it",
            "  5  install: still waiting when the time was up",
            "  6  install, build: this kernel is not supported, or building was declined",
            "  7  build: the source does not build for this kernel, or what came out is wrong",
            "  8  doctor, uninstall: something is left to do; the message says what"
        })
final class AgentCommand {

    static final int FAILED = 1;
    static final int NOT_REACHED = 3;
    static final int REFUSED = 4;
    static final int WAITING = 5;
    static final int NOT_SUPPORTED = 6;
    static final int BUILD_FAILED = 7;
    static final int SOMETHING_LEFT = 8;

    @Option(
            names = {"-h", "--help"},
            usageHelp = true,
            scope = ScopeType.INHERIT,
            description = "Show this help.")
    private boolean help;

    @Option(names = "--version", versionHelp = true, description = "Show the version.")
    private boolean version;
}
