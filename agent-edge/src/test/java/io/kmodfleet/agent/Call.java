package io.kmodfleet.agent;

import com.fasterxml.jackson.databind.JsonNode;
import io.kmodfleet.contracts.wire.FleetJson;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.io.PrintWriter;
import java.nio.charset.StandardCharsets;
import java.util.List;
import picocli.CommandLine;

/** One call of the command line in this process, and how it ended. */
record Call(int code, String output, String errors) {

    static Call of(List<String> line) {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        ByteArrayOutputStream errors = new ByteArrayOutputStream();
        PrintStream before = System.out;
        System.setOut(new PrintStream(out, true, StandardCharsets.UTF_8));
        try {
            CommandLine commands = new CommandLine(new AgentCommand());
            commands.setErr(new PrintWriter(errors, true, StandardCharsets.UTF_8));
            commands.setExecutionExceptionHandler((failure, command, parsed) -> {
                command.getErr().println(failure.getMessage());
                return AgentCommand.FAILED;
            });
            int code = commands.execute(line.toArray(String[]::new));
            return new Call(code, out.toString(StandardCharsets.UTF_8), errors.toString(StandardCharsets.UTF_8));
        } finally {
            System.setOut(before);
        }
    }

    JsonNode json() throws IOException {
        return FleetJson.mapper().readTree(output);
    }
}
