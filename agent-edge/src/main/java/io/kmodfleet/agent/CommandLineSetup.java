package io.kmodfleet.agent;

import io.quarkus.picocli.runtime.PicocliCommandLineFactory;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.enterprise.inject.Produces;
import java.io.IOException;
import picocli.CommandLine;

/** The one place where the agent turns exceptions into exit codes. */
@ApplicationScoped
class CommandLineSetup {

    @Produces
    CommandLine commandLine(PicocliCommandLineFactory factory) {
        CommandLine line = factory.create();
        line.setExecutionExceptionHandler((failure, command, parsed) -> {
            boolean known = failure instanceof Trouble || failure instanceof IOException;
            command.getErr().println("[ERROR] " + (known ? failure.getMessage() : failure.toString()));
            if (!known) {
                failure.printStackTrace(command.getErr());
            }
            return AgentCommand.FAILED;
        });
        return line;
    }
}
