package io.kmodfleet.contracts.module;

import io.kmodfleet.contracts.module.Elf.Section;
import java.nio.BufferUnderflowException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.function.Predicate;
import java.util.stream.Stream;

/**
 * Two bodies of one module, section by section: which differ, in what, and why that usually happens. Explains, and decides
 * nothing: a module that was tampered with can be made to look like one of another compiler.
 *
 * @param differences in the order of the first file; none where the bodies are equal
 */
public record Divergence(List<Difference> differences) {

    private static final long SHF_STRINGS = 0x20;
    private static final int SHOWN = 3;
    private static final int LONGEST_TEXT = 100;

    /** Of a section whose texts are told apart; a larger one is compared byte by byte. */
    private static final int MOST_TEXTS = 1024 * 1024;

    private static final String BETWEEN = "(between the sections)";

    /**
     * @param section its name
     * @param loaded whether it is among what the kernel loads
     * @param what is different in it
     * @param why that usually happens
     */
    public record Difference(String section, boolean loaded, String what, String why) {
        public Difference {
            Objects.requireNonNull(section, "section");
            Objects.requireNonNull(what, "what");
            Objects.requireNonNull(why, "why");
        }
    }

    public Divergence {
        differences = List.copyOf(differences);
    }

    public boolean isEmpty() {
        return differences.isEmpty();
    }

    /** Of two module files, signed and compressed or not: that is no difference of their bodies. */
    public static Divergence between(byte[] first, byte[] second) throws NotAModule {
        byte[] one = Compression.expand(first);
        byte[] other = Compression.expand(second);
        ByteBuffer oneBody = Trailer.of(one).body(one);
        ByteBuffer otherBody = Trailer.of(other).body(other);
        if (oneBody.equals(otherBody)) {
            return new Divergence(List.of());
        }
        try {
            List<Difference> differences = differences(Elf.read(oneBody), Elf.read(otherBody));
            return new Divergence(
                    differences.isEmpty()
                            ? List.of(new Difference(BETWEEN, false, "other bytes", "another linker"))
                            : differences);
        } catch (BufferUnderflowException | IndexOutOfBoundsException e) {
            throw new NotAModule("Expected two whole ELF files, but one ends too early");
        }
    }

    private static List<Difference> differences(Elf one, Elf other) throws NotAModule {
        Map<String, Section> ones = numbered(one);
        Map<String, Section> others = numbered(other);
        Set<String> names = new LinkedHashSet<>(ones.keySet());
        names.addAll(others.keySet());
        List<Difference> differences = new ArrayList<>();
        if (one.machine() != other.machine() || one.order() != other.order()) {
            differences.add(new Difference("(header)", true, "another machine", "built for another architecture"));
        }
        for (String name : names) {
            Optional<Section> first = Optional.ofNullable(ones.get(name));
            Optional<Section> second = Optional.ofNullable(others.get(name));
            Section known = first.or(() -> second).orElseThrow();
            String what = what(first, second);
            if (!what.isEmpty()) {
                boolean loaded =
                        Stream.of(first, second).flatMap(Optional::stream).anyMatch(Section::isLoaded);
                differences.add(new Difference(known.name(), loaded, what, why(known.name(), what)));
            }
        }
        return differences;
    }

    /** Names may stand more than once among what is not loaded. */
    private static Map<String, Section> numbered(Elf elf) {
        Map<String, Integer> counts = new HashMap<>();
        Map<String, Section> numbered = new LinkedHashMap<>();
        for (Section section : elf.sections().subList(1, elf.sections().size())) {
            numbered.put(section.name() + "\0" + counts.merge(section.name(), 1, Integer::sum), section);
        }
        return numbered;
    }

    private static String what(Optional<Section> first, Optional<Section> second) throws NotAModule {
        if (first.isEmpty() || second.isEmpty()) {
            return "only in the " + (first.isPresent() ? "first" : "second");
        }
        Section one = first.get();
        Section other = second.get();
        if (one.type() != other.type() || one.flags() != other.flags() || one.align() != other.align()) {
            return "another kind of section";
        }
        if (one.bytes().equals(other.bytes()) && one.size() == other.size()) {
            return "";
        }
        boolean versions = one.name().equals("__versions");
        boolean ofTexts = versions || one.name().equals(".modinfo") || (one.flags() & SHF_STRINGS) != 0;
        if (ofTexts && Math.max(one.bytes().limit(), other.bytes().limit()) <= MOST_TEXTS) {
            String texts = versions ? versions(one, other) : texts(one, other);
            if (!texts.isEmpty()) {
                return texts;
            }
        }
        return bytes(one, other);
    }

    private static String bytes(Section one, Section other) {
        if (one.size() != other.size()) {
            return one.size() + " bytes and " + other.size();
        }
        ByteBuffer first = one.bytes();
        ByteBuffer second = other.bytes();
        int at = first.mismatch(second);
        int count = 0;
        for (int i = 0; i < first.limit(); i++) {
            count += first.get(i) == second.get(i) ? 0 : 1;
        }
        return count + " of " + one.size() + " bytes, from " + at;
    }

    private static String texts(Section one, Section other) {
        return sets(textsOf(one), textsOf(other));
    }

    private static String versions(Section one, Section other) {
        return sets(recordsOf(one), recordsOf(other));
    }

    private static String sets(Set<String> first, Set<String> second) {
        String onlyFirst = shown(first, second);
        String onlySecond = shown(second, first);
        if (onlyFirst.isEmpty() && onlySecond.isEmpty()) {
            return "";
        }
        return (onlyFirst.isEmpty() ? "nothing" : onlyFirst) + " in the first, "
                + (onlySecond.isEmpty() ? "nothing" : onlySecond) + " in the second";
    }

    private static String shown(Set<String> all, Set<String> without) {
        List<String> own = all.stream().filter(Predicate.not(without::contains)).toList();
        String some = String.join(", ", own.subList(0, Math.min(SHOWN, own.size())));
        return own.size() > SHOWN ? some + " and " + (own.size() - SHOWN) + " more" : some;
    }

    private static Set<String> textsOf(Section section) {
        Set<String> texts = new LinkedHashSet<>();
        ByteBuffer bytes = section.bytes();
        int from = 0;
        for (int i = 0; i <= bytes.limit(); i++) {
            if (i == bytes.limit() || bytes.get(i) == 0) {
                if (i > from) {
                    texts.add("'" + text(bytes, from, i) + "'");
                }
                from = i + 1;
            }
        }
        return texts;
    }

    private static Set<String> recordsOf(Section section) {
        Set<String> records = new LinkedHashSet<>();
        ByteBuffer bytes = section.bytes();
        for (int at = 0; at + 64 <= bytes.limit(); at += 64) {
            int end = at + Long.BYTES;
            while (end < at + 64 && bytes.get(end) != 0) {
                end++;
            }
            records.add(text(bytes, at + Long.BYTES, end) + " " + SymbolVersion.hex((int) bytes.getLong(at)));
        }
        return records;
    }

    private static String text(ByteBuffer bytes, int from, int end) {
        byte[] text = new byte[Math.min(LONGEST_TEXT, end - from)];
        bytes.get(from, text);
        return new String(text, StandardCharsets.UTF_8).replaceAll("[\\p{Cntrl}\\p{Cf}]", "?");
    }

    /** What was measured of builds that should have been equal, and what tools are known to write where. */
    private static String why(String name, String what) {
        String section = name.startsWith(".rela") ? name.substring(5) : name;
        if (section.startsWith(".debug_")) {
            return "debug information holds build paths and compiler options; strip it (strip -g)";
        }
        if (section.startsWith(".rodata.str") || section.equals("__dyndbg")) {
            return what.contains("/")
                    ? "a path of the build is in it (__FILE__): build in one path, with -ffile-prefix-map"
                    : "other texts: another source, or one that a configure step generated";
        }
        return switch (section) {
            case ".note.gnu.build-id" -> "a hash of the linked file: follows from any other difference";
            case ".comment" -> "another compiler";
            case ".BTF", ".BTF.ext" -> "made only where vmlinux is there at build time, by pahole of the host";
            case ".modinfo" -> modinfo(what);
            case "__versions", "__version_ext_crcs", "__version_ext_names" ->
                "built against a kernel with other interfaces, or of other needs";
            case ".gnu.linkonce.this_module" -> "another struct module: another kernel configuration or name";
            case ".symtab", ".strtab", ".shstrtab" -> "names and places of symbols: follow from the other sections";
            case ".orc_unwind",
                    ".orc_unwind_ip",
                    ".orc_header",
                    ".return_sites",
                    ".retpoline_sites",
                    ".call_sites",
                    ".ibt_endbr_seal",
                    ".static_call_sites",
                    "__mcount_loc",
                    ".altinstructions",
                    ".altinstr_replacement",
                    ".smp_locks" -> "made by objtool from the code: another objtool, or other code";
            case ".text", ".init.text", ".exit.text", ".text.unlikely", ".static_call.text", ".noinstr.text" ->
                "code: another compiler, other options, or another source";
            case ".data",
                    ".rodata",
                    ".init.data",
                    ".exit.data",
                    ".bss",
                    ".data.once",
                    ".ref.data",
                    "__param",
                    "__bug_table" -> "data: another source or configuration, or another compiler";
            default -> "not known to vary between equal builds: compare sources, headers and tools";
        };
    }

    private static String modinfo(String what) {
        if (what.contains("'vermagic=")) {
            return "built for another kernel";
        }
        if (what.contains("'srcversion=")) {
            return "another source, or a header that a configure step generated otherwise";
        }
        return "another source: nothing in a build makes this vary";
    }
}
