package io.kmodfleet.agent.host;

import io.kmodfleet.agent.host.DkmsEntry.State;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * What {@code dkms status} prints, in each of its four forms ({@code m, v: added}, {@code m, v, k, a: built} until 2.8.5,
 * {@code m/v: added} and {@code m/v, k, a: built} since). Only a cross-check: its files say more.
 *
 * @param entries what it names
 * @param notUnderstood lines of another form, made printable; dkms warns in some
 */
record DkmsStatus(List<DkmsEntry> entries, List<String> notUnderstood) {

    private static final Pattern LINE =
            Pattern.compile("^(?<m>[^,/:]+)(?:/|, )(?<v>[^,:]+)(?:, (?<k>[^,]+), (?<a>[^:]+))?:"
                    + " (?<s>added|built|installed|installed-weak|broken)(?: from (?<w>\\S+))?(?<x>(?: \\(.*\\))*)$");
    private static final int MOST_LINES = 10_000;
    private static final int LONGEST = 200;

    static DkmsStatus read(String output) {
        List<DkmsEntry> entries = new ArrayList<>();
        List<String> others = new ArrayList<>();
        output.lines().limit(MOST_LINES).filter(line -> !line.isBlank()).forEach(line -> {
            Matcher matcher = LINE.matcher(line.strip());
            if (line.length() <= 4 * LONGEST && matcher.matches()) {
                entries.add(entry(matcher));
            } else {
                String printable = line.replaceAll("[^\\p{Graph} ]", "?");
                others.add(printable.length() > LONGEST ? printable.substring(0, LONGEST) + "…" : printable);
            }
        });
        return new DkmsStatus(entries, others);
    }

    private static DkmsEntry entry(Matcher line) {
        String words = line.group("s").equals("installed-weak") ? "installed" : line.group("s");
        State state = State.valueOf(words.toUpperCase(Locale.ROOT));
        String remark = Optional.ofNullable(line.group("x")).orElse("").strip();
        return new DkmsEntry(
                line.group("m"),
                line.group("v"),
                Optional.ofNullable(line.group("k")),
                Optional.ofNullable(line.group("a")),
                state,
                remark.isEmpty() ? Optional.empty() : Optional.of("dkms remarks " + remark));
    }

    /** Where dkms says otherwise than its files, in words. */
    List<String> differencesFrom(List<DkmsEntry> tree) {
        List<String> differences = new ArrayList<>();
        for (DkmsEntry entry : entries) {
            Optional<DkmsEntry> same = tree.stream()
                    .filter(known -> known.module().equals(entry.module())
                            && known.version().equals(entry.version())
                            && known.release().equals(entry.release())
                            && known.arch().equals(entry.arch()))
                    .findFirst();
            boolean onlyKnown = entry.release().isEmpty();
            if (same.isEmpty() && !onlyKnown) {
                differences.add("dkms status names " + entry.name() + ", but its files do not");
            } else if (same.isPresent() && same.get().state() != entry.state() && !onlyKnown) {
                differences.add("dkms status says " + entry.name() + " is "
                        + entry.state().name().toLowerCase(Locale.ROOT) + ", but by its files it is "
                        + same.get().state().name().toLowerCase(Locale.ROOT));
            }
        }
        return differences;
    }
}
