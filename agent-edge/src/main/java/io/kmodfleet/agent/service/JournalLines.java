package io.kmodfleet.agent.service;

import java.io.PrintStream;
import java.time.Instant;
import java.time.ZoneId;
import java.time.format.DateTimeFormatter;
import java.util.logging.Handler;
import java.util.logging.Level;
import java.util.logging.LogManager;
import java.util.logging.LogRecord;
import java.util.logging.Logger;
import java.util.logging.SimpleFormatter;

/** The JDK's own logging, in the lines that the commands print: {@code [2026-01-31 12:00:00] [INFO] agent started host=…}. */
final class JournalLines extends Handler {

    private static final DateTimeFormatter TIME =
            DateTimeFormatter.ofPattern("yyyy-MM-dd HH:mm:ss").withZone(ZoneId.systemDefault());

    private static final Logger OURS = Logger.getLogger("io.kmodfleet");

    private final PrintStream out;
    private final SimpleFormatter words = new SimpleFormatter();

    private JournalLines(PrintStream out) {
        this.out = out;
    }

    static void install(PrintStream out) {
        LogManager.getLogManager().reset();
        Logger root = Logger.getLogger("");
        root.setLevel(Level.WARNING);
        root.addHandler(new JournalLines(out));
        OURS.setLevel(Level.INFO);
    }

    @Override
    public void publish(LogRecord line) {
        out.println("[" + TIME.format(Instant.ofEpochMilli(line.getMillis())) + "] [" + nameOf(line.getLevel()) + "] "
                + words.formatMessage(line));
        if (line.getThrown() != null) {
            line.getThrown().printStackTrace(out);
        }
    }

    @Override
    public void flush() {
        out.flush();
    }

    @Override
    public void close() {
        out.flush();
    }

    private static String nameOf(Level level) {
        if (level.intValue() >= Level.SEVERE.intValue()) {
            return "ERROR";
        }
        return level.intValue() >= Level.WARNING.intValue() ? "WARN" : "INFO";
    }
}
