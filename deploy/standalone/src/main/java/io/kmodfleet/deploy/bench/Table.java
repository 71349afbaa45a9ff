package io.kmodfleet.deploy.bench;

import java.util.Locale;

/** What was measured, beside what was wanted. */
final class Table {

    private Table() {}

    static void title(String text) {
        System.out.printf("%n%s%n", text);
        System.out.printf("  %-52s %16s   %-14s %s%n", "what", "measured", "target", "");
    }

    static void row(String what, String measured) {
        System.out.printf("  %-52s %16s%n", what, measured);
    }

    static void atLeast(String what, double measured, double target, String unit) {
        judged(what, number(measured) + unit, "≥ " + number(target) + unit, measured >= target);
    }

    static void atMost(String what, double measured, double target, String unit) {
        judged(what, number(measured) + unit, "≤ " + number(target) + unit, measured <= target);
    }

    private static void judged(String what, String measured, String target, boolean met) {
        System.out.printf("  %-52s %16s   %-14s %s%n", what, measured, target, met ? "met" : "NOT MET");
    }

    static String number(double value) {
        return String.format(Locale.ROOT, value >= 100 ? "%,.0f" : "%.1f", value);
    }
}
