package io.kmodfleet.cli;

import io.quarkus.picocli.runtime.PicocliCommandLineFactory;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.enterprise.inject.Produces;
import java.io.IOException;
import java.io.UncheckedIOException;
import picocli.CommandLine;

/** The one place where the command line turns exceptions into exit codes. */
@ApplicationScoped
class CommandLineSetup {

    @Produces
    CommandLine commandLine(PicocliCommandLineFactory factory) {
        CommandLine line = factory.create();
        line.setExecutionExceptionHandler((failure, command, parsed) -> {
            if (failure instanceof Trouble trouble) {
                command.getErr().println("[ERROR] " + trouble.getMessage());
                return trouble.exitCode();
            }
            Exception cause = failure instanceof UncheckedIOException unchecked ? unchecked.getCause() : failure;
            boolean known = cause instanceof IOException;
            command.getErr().println("[ERROR] " + (known ? cause.getMessage() : cause.toString()));
            return KmodfleetCommand.FAILED;
        });
        return line;
    }
}
