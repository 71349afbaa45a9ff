package io.kmodfleet.deploy.standalone;

import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.ParentCommand;

/** Ends a stack, whoever started it. */
@Command(name = "down", description = "End everything that deploy/up started; the data stays.")
final class DownCommand implements Callable<Integer> {

    private static final Duration PATIENCE = Duration.ofSeconds(90);

    @ParentCommand
    private Standalone parent;

    @Override
    public Integer call() throws IOException {
        Path data = parent.data();
        Optional<RunFile> run = RunFile.read(data);
        if (run.isEmpty()) {
            System.out.println("[INFO] nothing runs on " + data);
            return 3;
        }
        Optional<ProcessHandle> launcher = run.get().launcher().process();
        launcher.ifPresent(process -> Processes.end(process, PATIENCE));
        Stack.endLeftovers(run.get(), line -> System.out.println("[INFO] " + line));
        RunFile.delete(data);
        System.out.println("[INFO] everything has ended; the data stays in " + data);
        return 0;
    }
}
