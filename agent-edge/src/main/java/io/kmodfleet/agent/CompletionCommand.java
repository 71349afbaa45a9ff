package io.kmodfleet.agent;

import java.util.concurrent.Callable;
import picocli.AutoComplete;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** So that a shell completes commands and options. */
@Command(
        name = "completion",
        description = "Print what has a shell complete the commands and options of this program.",
        footer = {
            "",
            "bash, zsh:  source <(kmodfleet-agent completion bash)",
            "fish:       kmodfleet-agent completion fish | source"
        })
final class CompletionCommand implements Callable<Integer> {

    @Spec
    private CommandSpec spec;

    @Parameters(arity = "1", paramLabel = "SHELL", description = "bash, zsh or fish.")
    private Shell shell;

    /** The shells that are served. zsh reads what bash does, by its bashcompinit. */
    enum Shell {
        bash,
        zsh,
        fish
    }

    @Override
    public Integer call() {
        System.out.print(scriptFor(shell, spec.root()));
        return 0;
    }

    static String scriptFor(Shell shell, CommandSpec root) {
        return shell == Shell.fish ? FishCompletion.of(root) : AutoComplete.bash(root.name(), root.commandLine());
    }
}
