package io.kmodfleet.agent;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** For whoever packages this program. */
@Command(
        name = "generate-docs",
        hidden = true,
        description = "Write the man pages to DIR/man and the completion for bash to DIR/completion.")
final class GenerateDocsCommand implements Callable<Integer> {

    @Spec
    private CommandSpec spec;

    @Parameters(arity = "1", paramLabel = "DIR", description = "Where to; made where it is not there.")
    private Path directory;

    @Override
    public Integer call() throws IOException {
        Path man = Files.createDirectories(directory.resolve("man"));
        for (Map.Entry<String, String> page : ManPage.all(spec.root()).entrySet()) {
            Files.writeString(man.resolve(page.getKey()), page.getValue());
        }
        Path completion = Files.createDirectories(directory.resolve("completion"));
        Files.writeString(
                completion.resolve(spec.root().name()),
                CompletionCommand.scriptFor(CompletionCommand.Shell.bash, spec.root()));
        return 0;
    }
}
