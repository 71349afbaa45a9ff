package io.kmodfleet.agent;

import io.quarkus.picocli.runtime.PicocliCommandLineFactory;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.enterprise.inject.Produces;
import java.io.IOException;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileSystemException;
import picocli.CommandLine;

/** The one place where the agent turns exceptions into exit codes. */
@ApplicationScoped
class CommandLineSetup {

    @Produces
    CommandLine commandLine(PicocliCommandLineFactory factory) {
        CommandLine line = factory.create();
        line.setExecutionExceptionHandler((failure, command, parsed) -> {
            boolean known = failure instanceof Trouble || failure instanceof IOException;
            command.getErr().println("[ERROR] " + (known ? sentenceOf(failure) : failure.toString()));
            if (!known) {
                failure.printStackTrace(command.getErr());
            }
            return AgentCommand.FAILED;
        });
        return line;
    }

    /** The JDK's own words on a file are no more than its name. */
    static String sentenceOf(Exception failure) {
        if (failure instanceof FileSystemException file) {
            String why = file instanceof AccessDeniedException
                    ? "this user may not. Run as root, or choose another directory with --state"
                    : file.getReason() == null ? file.getClass().getSimpleName() : file.getReason();
            return "Expected to read and write " + file.getFile() + ", but " + why + ".";
        }
        return failure.getMessage() == null ? failure.toString() : failure.getMessage();
    }
}
