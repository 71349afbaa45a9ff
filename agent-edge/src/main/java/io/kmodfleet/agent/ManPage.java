package io.kmodfleet.agent;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;
import picocli.CommandLine;
import picocli.CommandLine.Help.Ansi;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.OptionSpec;
import picocli.CommandLine.Model.PositionalParamSpec;

/** man(7) pages out of the commands themselves, so that what is documented is what there is. */
final class ManPage {

    private final StringBuilder page = new StringBuilder();

    private ManPage() {}

    /** File names and pages: one of the program, one of each command. */
    static Map<String, String> all(CommandSpec root) {
        Map<String, String> pages = new java.util.TreeMap<>();
        pages.put(root.name() + ".1", of(root));
        visible(root).forEach(command -> pages.put(command.qualifiedName("-").replace(' ', '-') + ".1", of(command)));
        return pages;
    }

    static String of(CommandSpec command) {
        ManPage man = new ManPage();
        String name = command.qualifiedName("-");
        String version = Optional.ofNullable(command.root().version())
                .filter(lines -> lines.length > 0)
                .map(lines -> lines[0])
                .orElse("");
        man.request("TH " + quoted(name.toUpperCase(java.util.Locale.ROOT)) + " 1 \"\" " + quoted(version)
                + " \"Kmodfleet\"");
        man.section("NAME");
        String[] description = command.usageMessage().description();
        man.text(name + " \\- ", shortly(description));
        man.section("SYNOPSIS");
        man.synopsis(command);
        man.section("DESCRIPTION");
        for (String line : description) {
            man.text("", line);
        }
        man.commands(command);
        man.options(command);
        if (!command.equals(command.root())) {
            man.footer(command);
        }
        man.section("EXIT STATUS");
        man.exitCodes(command.root());
        man.section("ENVIRONMENT");
        man.item("NO_COLOR", "Where it is set, nothing is coloured. Nor is it where the output is no terminal.");
        man.section("FILES");
        man.item("/var/lib/kmodfleet", "What the agent remembers: journal, answers, logs of builds and visits.");
        man.section("SEE ALSO");
        man.text(
                "",
                String.join(
                        ", ",
                        Stream.concat(Stream.of(command.root()), visible(command.root()))
                                .filter(other -> !other.equals(command))
                                .map(other -> other.qualifiedName("-") + "(1)")
                                .toList()));
        return man.page.toString();
    }

    private void synopsis(CommandSpec command) {
        StringBuilder line = new StringBuilder(command.qualifiedName(" "));
        if (!command.options().isEmpty()) {
            line.append(" [OPTIONS]");
        }
        for (PositionalParamSpec parameter : command.positionalParameters()) {
            if (!parameter.hidden()) {
                boolean optional = parameter.arity().min() == 0;
                line.append(optional ? " [" : " ")
                        .append(parameter.paramLabel())
                        .append(optional ? "]" : "");
            }
        }
        if (visible(command).findAny().isPresent()) {
            line.append(" COMMAND");
        }
        text("", line.toString());
    }

    private void commands(CommandSpec command) {
        List<CommandSpec> all = visible(command).toList();
        if (!all.isEmpty()) {
            section("COMMANDS");
            all.forEach(each -> item(each.name(), shortly(each.usageMessage().description())));
        }
    }

    private void options(CommandSpec command) {
        List<OptionSpec> options =
                command.options().stream().filter(option -> !option.hidden()).toList();
        List<PositionalParamSpec> parameters = command.positionalParameters().stream()
                .filter(parameter -> !parameter.hidden())
                .toList();
        if (options.isEmpty() && parameters.isEmpty()) {
            return;
        }
        section("OPTIONS");
        parameters.forEach(
                parameter -> item(parameter.paramLabel(), meaning(parameter.description(), parameter.defaultValue())));
        for (OptionSpec option : options) {
            String value = option.arity().max() == 0 ? "" : " " + option.paramLabel();
            item(String.join(", ", option.names()) + value, meaning(option.description(), option.defaultValue()));
        }
    }

    private static String meaning(String[] description, String defaultValue) {
        return String.join(" ", description)
                .replace("${DEFAULT-VALUE}", Optional.ofNullable(defaultValue).orElse("none"));
    }

    /** What stands below the options in the help. */
    private void footer(CommandSpec command) {
        List<String> lines = Stream.of(command.usageMessage().footer())
                .filter(line -> !line.isBlank())
                .toList();
        if (!lines.isEmpty()) {
            section("NOTES");
            for (String line : lines) {
                text("", line);
                request("br");
            }
        }
    }

    /** The table in the help of the program: number, two spaces, what it means. */
    private void exitCodes(CommandSpec root) {
        List<String> lines = new ArrayList<>();
        for (String line : root.usageMessage().footer()) {
            if (line.matches(" +\\d+ +.*")) {
                lines.add(line.strip());
            }
        }
        for (String line : lines) {
            int space = line.indexOf(' ');
            item(line.substring(0, space), line.substring(space).strip());
        }
    }

    private static Stream<CommandSpec> visible(CommandSpec command) {
        return command.subcommands().values().stream()
                .map(CommandLine::getCommandSpec)
                .distinct()
                .filter(each -> !each.usageMessage().hidden());
    }

    /** The first sentence, without its full stop. */
    private static String shortly(String[] description) {
        String all = description.length == 0 ? "" : description[0];
        return all.endsWith(".") ? all.substring(0, all.length() - 1) : all;
    }

    private void section(String name) {
        request("SH " + name);
    }

    private void item(String tag, String text) {
        request("TP");
        page.append("\\fB").append(escaped(tag)).append("\\fR\n");
        text("", text);
    }

    private void request(String line) {
        page.append('.').append(line).append('\n');
    }

    /** @param before in roff already */
    private void text(String before, String text) {
        String plain = Ansi.OFF.string(text);
        page.append(before).append(escaped(plain)).append('\n');
    }

    private static String escaped(String text) {
        String escaped = text.replace("\\", "\\e").replace("-", "\\-");
        return escaped.startsWith(".") || escaped.startsWith("'") ? "\\&" + escaped : escaped;
    }

    private static String quoted(String text) {
        return "\"" + text.replace("\"", "") + "\"";
    }
}
