package io.kmodfleet.agent;

import java.io.IOException;
import java.io.PrintStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.LocalDateTime;
import java.time.format.DateTimeFormatter;
import java.util.Map;

/**
 * Where results go. Colours only where a person watches and has not forbidden them (no-color.org); what comes from hosts and
 * packages never steers the terminal of whoever reads it.
 */
final class Screen {

    static final DateTimeFormatter TIME = DateTimeFormatter.ofPattern("yyyy-MM-dd HH:mm:ss");

    private static final String GREEN = "\033[32m";
    private static final String RED = "\033[31m";
    private static final String YELLOW = "\033[33m";
    private static final String BOLD = "\033[1m";
    private static final String PLAIN = "\033[0m";

    private final PrintStream out;
    private final boolean terminal;
    private final boolean colours;

    private Screen(PrintStream out, boolean terminal, boolean colours) {
        this.out = out;
        this.terminal = terminal;
        this.colours = colours;
    }

    /** @param json whether standard output is for a program: then words go to standard error */
    static Screen of(boolean json) {
        boolean terminal = isTerminal(json ? 2 : 1);
        return new Screen(json ? System.err : System.out, terminal, terminal && wantsColours(System.getenv()));
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

    void line(String text) {
        out.println(coloured(plain(text)));
    }

    void blank() {
        out.println();
    }

    void heading(String text) {
        out.println(colours ? BOLD + plain(text) + PLAIN : plain(text));
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

    /** Without the end of a line; what is typed stands behind it. */
    void ask(String question) {
        out.print("[" + LocalDateTime.now().format(TIME) + "] [INFO] " + plain(question));
        out.flush();
    }

    /** For what is drawn over again. */
    void raw(String text) {
        out.print(text);
        out.flush();
    }

    private void said(String kind, String text) {
        out.println("[" + LocalDateTime.now().format(TIME) + "] " + coloured(kind + plain(text)));
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
