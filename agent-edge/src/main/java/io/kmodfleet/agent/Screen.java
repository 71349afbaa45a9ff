package io.kmodfleet.agent;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.LocalDateTime;
import java.time.format.DateTimeFormatter;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import org.jboss.logging.Logger;

/**
 * Where results go. Colours only where a person watches and has not forbidden them (no-color.org); what comes from hosts and
 * packages never steers the terminal of whoever reads it.
 */
final class Screen {

    private static final Logger LOG = Logger.getLogger(Screen.class);
    static final DateTimeFormatter TIME = DateTimeFormatter.ofPattern("yyyy-MM-dd HH:mm:ss");

    private static final String GREEN = "\033[32m";
    private static final String RED = "\033[31m";
    private static final String YELLOW = "\033[33m";
    private static final String BOLD = "\033[1m";
    private static final String PLAIN = "\033[0m";

    private static final int WIDTH = 80;
    private static final int INDENT = 4;
    private static final String CLEAR = "\r\033[K";

    private final PrintStream out;
    private final boolean terminal;
    private final boolean colours;
    private final Optional<Path> log;
    private String status = "";

    private Screen(PrintStream out, boolean terminal, boolean colours, Optional<Path> log) {
        this.out = out;
        this.terminal = terminal;
        this.colours = colours;
        this.log = log;
    }

    /** @param json whether standard output is for a program: then words go to standard error */
    static Screen of(boolean json) {
        boolean terminal = isTerminal(json ? 2 : 1);
        return new Screen(
                json ? System.err : System.out, terminal, terminal && wantsColours(System.getenv()), Optional.empty());
    }

    /** The same, and what is said is kept in a file too: a terminal may go away before the end. */
    Screen keptIn(Path file) {
        return new Screen(out, terminal, colours, Optional.of(file));
    }

    static boolean wantsColours(Map<String, String> environment) {
        return environment.getOrDefault("NO_COLOR", "").isEmpty()
                && !environment.getOrDefault("TERM", "dumb").equals("dumb");
    }

    /** By what the descriptor leads to: what the runtime calls a console differs from release to release. */
    static boolean isTerminal(int descriptor) {
        try {
            Path target = Files.readSymbolicLink(Path.of("/proc/self/fd/" + descriptor));
            return target.toString().matches("/dev/(pts/\\d+|tty\\w*|console)");
        } catch (IOException | UnsupportedOperationException e) {
            return false;
        }
    }

    boolean isTerminal() {
        return terminal;
    }

    synchronized void line(String text) {
        println(coloured(plain(text)));
    }

    /** What is longer than a terminal is wide goes on below itself. Programs get it in one line. */
    void line(String beginning, String text) {
        if (!terminal || beginning.length() + text.length() <= WIDTH) {
            line(beginning + text);
            return;
        }
        String before = beginning;
        for (String part : wrapped(text, WIDTH - beginning.length())) {
            line(before + part);
            before = " ".repeat(beginning.length());
        }
    }

    static List<String> wrapped(String text, int width) {
        List<String> lines = new ArrayList<>();
        StringBuilder line = new StringBuilder();
        for (String word : text.split(" ")) {
            if (line.length() > 0 && line.length() + 1 + word.length() > width) {
                lines.add(line.toString());
                line.setLength(0);
            }
            line.append(line.length() == 0 ? "" : " ").append(word);
        }
        lines.add(line.toString());
        return lines;
    }

    synchronized void blank() {
        println("");
    }

    synchronized void heading(String text) {
        println(colours ? BOLD + plain(text) + PLAIN : plain(text));
    }

    void info(String text) {
        said("[INFO] ", text);
    }

    void success(String text) {
        said("✔ [SUCCESS] ", text);
    }

    void error(String text) {
        said("[ERROR] ", text);
    }

    /**
     * Asks a yes-or-no question of whoever sits there.
     *
     * @return no where nobody does, or nothing is typed
     */
    boolean agrees(String question) {
        if (!isTerminal(0) || !terminal) {
            info(question + "n");
            return false;
        }
        status("");
        out.print("[" + LocalDateTime.now().format(TIME) + "] [INFO] " + plain(question));
        out.flush();
        try {
            String answer = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8)).readLine();
            boolean yes =
                    answer != null && answer.strip().toLowerCase(Locale.ROOT).matches("y|yes");
            keep("[INFO] " + question + (yes ? "y" : "n"));
            return yes;
        } catch (IOException e) {
            return false;
        }
    }

    /** A line that stays below the others and is drawn over again; empty: none. Only on a terminal. */
    synchronized void status(String text) {
        if (terminal && !text.equals(status)) {
            status = text.length() < WIDTH ? text : text.substring(0, WIDTH - 1);
            out.print(CLEAR + status);
            out.flush();
        }
    }

    private synchronized void said(String kind, String text) {
        String before = "[" + LocalDateTime.now().format(TIME) + "] ";
        if (terminal && before.length() + kind.length() + text.length() > WIDTH) {
            List<String> lines = wrapped(before + kind + plain(text), WIDTH - INDENT);
            println(lines.get(0).replace(before + kind, before + coloured(kind)));
            lines.subList(1, lines.size()).forEach(line -> println(" ".repeat(INDENT) + line));
        } else {
            println(before + coloured(kind + plain(text)));
        }
        keep(kind + text);
    }

    private void println(String text) {
        if (status.isEmpty()) {
            out.println(text);
        } else {
            out.println(CLEAR + text);
            out.print(status);
            out.flush();
        }
    }

    /** Where it cannot be kept, it was said all the same. */
    private void keep(String text) {
        if (log.isEmpty()) {
            return;
        }
        try {
            Files.writeString(
                    log.get(),
                    "[" + LocalDateTime.now().format(TIME) + "] " + plain(text) + "\n",
                    StandardOpenOption.CREATE,
                    StandardOpenOption.APPEND);
        } catch (IOException e) {
            LOG.debugf("line not kept error=%s", e);
        }
    }

    private String coloured(String text) {
        if (!colours) {
            return text;
        }
        return text.replace("[ERROR]", RED + "[ERROR]" + PLAIN)
                .replace("✔ [SUCCESS]", GREEN + "✔ [SUCCESS]" + PLAIN)
                .replaceAll("^( *)✔(?!\033| \033)", "$1" + GREEN + "✔" + PLAIN)
                .replaceAll("^( *)✘", "$1" + RED + "✘" + PLAIN)
                .replaceAll("^( *)(\\?|!)(?= )", "$1" + YELLOW + "$2" + PLAIN);
    }

    static String plain(String text) {
        return text.replaceAll("[\\p{Cntrl}\\p{Cf}\\x{80}-\\x{9f}]", "?");
    }
}
