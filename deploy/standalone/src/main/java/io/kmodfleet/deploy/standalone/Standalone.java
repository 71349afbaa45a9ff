package io.kmodfleet.deploy.standalone;

import io.kmodfleet.deploy.demo.BenchCommand;
import io.kmodfleet.deploy.demo.DemoCommand;
import java.nio.file.Path;
import java.util.logging.Level;
import java.util.logging.Logger;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.ScopeType;

/** What {@code deploy/up}, {@code deploy/down} and {@code deploy/status} run. */
@Command(
        name = "standalone",
        subcommands = {
            UpCommand.class,
            DownCommand.class,
            StatusCommand.class,
            KafkaCommand.class,
            DemoCommand.class,
            BenchCommand.class
        },
        footer = {"", "Exit codes: 0 done, 1 failed (one sentence says why), 2 usage, 3 not running, 4 degraded."})
final class Standalone {

    @Option(
            names = "--data",
            paramLabel = "DIR",
            scope = ScopeType.INHERIT,
            description = "Directory of everything that survives (default: .kmodfleet in the repository).")
    private Path data;

    @Option(
            names = {"-h", "--help"},
            usageHelp = true,
            scope = ScopeType.INHERIT,
            description = "Show this help.")
    private boolean help;

    public static void main(String[] arguments) {
        // Libraries speak up when something is wrong; progress is ours to tell.
        Logger.getLogger("").setLevel(Level.WARNING);
        System.exit(commandLine().execute(arguments));
    }

    static CommandLine commandLine() {
        CommandLine line = new CommandLine(new Standalone());
        line.setExecutionExceptionHandler((failure, command, parsed) -> {
            String sentence = failure instanceof Trouble ? failure.getMessage() : String.valueOf(failure);
            System.err.println("[ERROR] " + sentence);
            if (!(failure instanceof Trouble)) {
                failure.printStackTrace();
            }
            return CommandLine.ExitCode.SOFTWARE;
        });
        return line;
    }

    /** The repository: where the scripts lie. */
    static Path home() {
        return Path.of(System.getProperty("kmodfleet.home", "."))
                .toAbsolutePath()
                .normalize();
    }

    Path data() {
        return (data == null ? home().resolve(".kmodfleet") : data)
                .toAbsolutePath()
                .normalize();
    }
}
