package io.kmodfleet.contracts.module;

import java.nio.charset.StandardCharsets;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.SortedMap;
import java.util.TreeMap;

/**
 * {@code Module.symvers}: what a kernel, or a module built beside it, offers to modules (Documentation/kbuild/modules.rst). Its
 * fields stand in three orders, by the age of the kernel; the one that begins with {@code EXPORT_} tells which.
 */
public record Symvers(SortedMap<String, Offer> offers) {

    /** Largest file, in bytes; that of a distribution's kernel has two million. */
    public static final int MAX_BYTES = 64 * 1024 * 1024;

    private static final String EXPORT = "EXPORT_";
    private static final String GPL_ONLY = "_GPL";
    private static final int MOST = 1_000_000;

    /**
     * One symbol.
     *
     * @param crc eight hexadecimal digits; zeros where it has none
     * @param exporter {@code vmlinux}, or the path of a module without {@code .ko}
     * @param gplOnly whether only modules under a licence of the GPL's kind get it
     * @param namespace which a module must import to get it
     */
    public record Offer(String crc, String exporter, boolean gplOnly, Optional<String> namespace) {
        public Offer {
            Objects.requireNonNull(crc, "crc");
            Objects.requireNonNull(exporter, "exporter");
            Objects.requireNonNull(namespace, "namespace");
        }
    }

    public Symvers {
        offers = Collections.unmodifiableSortedMap(new TreeMap<>(offers));
    }

    public static Symvers parse(byte[] file) throws NotSymvers {
        require(file.length <= MAX_BYTES, "at most " + MAX_BYTES + " bytes", "there are " + file.length, 0);
        SortedMap<String, Offer> offers = new TreeMap<>();
        int number = 0;
        int from = 0;
        while (from < file.length) {
            int end = from;
            while (end < file.length && file[end] != '\n') {
                end++;
            }
            number++;
            String line = new String(file, from, end - from, StandardCharsets.UTF_8);
            from = end + 1;
            if (!line.isEmpty()) {
                add(line, number, offers);
            }
        }
        require(!offers.isEmpty(), "a symbol in it", "there is none", 0);
        return new Symvers(offers);
    }

    /** With what another file offers besides: a module may need symbols of another that is no part of the kernel. */
    public Symvers and(Symvers other) {
        SortedMap<String, Offer> both = new TreeMap<>(other.offers);
        both.putAll(offers);
        return new Symvers(both);
    }

    /** What keeps this kernel from taking that module, as far as symbols go. */
    public SymbolFit fit(ModuleFile module) {
        return SymbolFit.of(module, this);
    }

    private static void add(String line, int number, Map<String, Offer> offers) throws NotSymvers {
        List<String> fields = List.of(line.split("\t", -1));
        int export = export(fields);
        boolean known = export == 3 && (fields.size() == 4 || fields.size() == 5) || export == 4 && fields.size() == 5;
        require(known, "CRC, symbol, module, EXPORT_… and namespace, with tabs between them", "it is not that", number);
        String symbol = fields.get(1);
        require(
                !symbol.isEmpty() && symbol.length() <= Elf.LONGEST_NAME,
                "a symbol of 1 to " + Elf.LONGEST_NAME + " characters",
                "it has " + symbol.length(),
                number);
        // Before 5.6 the namespace stood before the module; before 5.4 there was none.
        boolean early = export == 4;
        String namespace = early ? fields.get(2) : fields.size() == 5 ? fields.get(4) : "";
        Offer offer = new Offer(
                crc(fields.get(0), number),
                early ? fields.get(3) : fields.get(2),
                fields.get(export).contains(GPL_ONLY),
                Optional.of(namespace).filter(text -> !text.isEmpty()));
        Offer other = offers.put(symbol, offer);
        require(
                other == null || other.crc().equals(offer.crc()),
                "one CRC of a symbol",
                "'" + symbol + "' has two",
                number);
        require(offers.size() <= MOST, "at most " + MOST + " symbols", "there are more", number);
    }

    private static int export(List<String> fields) {
        for (int i = 3; i < fields.size(); i++) {
            if (fields.get(i).startsWith(EXPORT)) {
                return i;
            }
        }
        return -1;
    }

    private static String crc(String field, int number) throws NotSymvers {
        String digits = field.startsWith("0x") ? field.substring(2) : "";
        boolean hex = !digits.isEmpty()
                && digits.length() <= 16
                && digits.chars().allMatch(digit -> Character.digit(digit, 16) >= 0 && digit < 0x80);
        require(hex, "a CRC like 0x4c9d28b0", "there is another text", number);
        long crc = Long.parseUnsignedLong(digits, 16);
        require(crc >>> Integer.SIZE == 0, "a CRC of 32 bits", "it is longer", number);
        return SymbolVersion.hex((int) crc);
    }

    private static void require(boolean condition, String expected, String but, int line) throws NotSymvers {
        if (!condition) {
            throw new NotSymvers(
                    "Expected " + expected + (line > 0 ? " in line " + line : "") + " of Module.symvers, but " + but);
        }
    }
}
