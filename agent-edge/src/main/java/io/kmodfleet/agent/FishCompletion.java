package io.kmodfleet.agent;

import java.util.Map;
import picocli.CommandLine;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.OptionSpec;

/** Completion for fish, which picocli does not make: the commands, and the options of each with what they mean. */
final class FishCompletion {

    private FishCompletion() {}

    static String of(CommandSpec root) {
        StringBuilder script = new StringBuilder("# fish completion for " + root.name() + "\n");
        script.append("complete -c ").append(root.name()).append(" -f\n");
        for (Map.Entry<String, CommandLine> entry : root.subcommands().entrySet()) {
            CommandSpec command = entry.getValue().getCommandSpec();
            if (command.usageMessage().hidden()) {
                continue;
            }
            script.append("complete -c %s -n __fish_use_subcommand -a %s -d %s\n"
                    .formatted(
                            root.name(),
                            entry.getKey(),
                            quoted(first(command.usageMessage().description()))));
            for (OptionSpec option : command.options()) {
                if (!option.hidden()) {
                    script.append(line(root.name(), entry.getKey(), option));
                }
            }
        }
        return script.toString();
    }

    private static String line(String program, String command, OptionSpec option) {
        StringBuilder line =
                new StringBuilder("complete -c %s -n '__fish_seen_subcommand_from %s'".formatted(program, command));
        for (String name : option.names()) {
            line.append(name.startsWith("--") ? " -l " + name.substring(2) : " -s " + name.substring(1));
        }
        if (option.arity().max() > 0) {
            line.append(" -r");
        }
        if (option.completionCandidates() != null) {
            line.append(" -a ").append(quoted(String.join(" ", option.completionCandidates())));
        } else if (option.paramLabel().equals("DIR")) {
            line.append(" -F");
        }
        return line.append(" -d ")
                .append(quoted(first(option.description())))
                .append('\n')
                .toString();
    }

    private static String first(String[] description) {
        return description.length == 0 ? "" : description[0].replaceAll("\\$\\{[^}]*}", "…");
    }

    private static String quoted(String text) {
        return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'";
    }
}
