package io.kmodfleet.contracts.module;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;

/**
 * {@code .modinfo}: NUL-terminated {@code key=value} texts, as {@code modinfo} prints them. Values may hold line breaks.
 *
 * @param values the values of each key, in the order of the section
 */
public record ModuleInfo(Map<String, List<String>> values) {

    /** Of which a second one would be another answer for whoever reads on. A license may stand once for each source file. */
    private static final List<String> SINGLE = List.of(
            "name",
            "vermagic",
            "srcversion",
            "version",
            "depends",
            "intree",
            "retpoline",
            "livepatch",
            "staging",
            "test",
            "scmversion");

    /** The largest of Debian's kernels have a tenth of that. */
    private static final int LONGEST = 1024 * 1024;

    private static final int MOST = 65_535;

    public ModuleInfo {
        Map<String, List<String>> copy = new LinkedHashMap<>();
        values.forEach((key, texts) -> copy.put(key, List.copyOf(texts)));
        values = Collections.unmodifiableMap(copy);
    }

    static ModuleInfo parse(ByteBuffer section) throws NotAModule {
        Elf.require(
                section.limit() <= LONGEST, "a .modinfo of at most " + LONGEST + " bytes", "it has " + section.limit());
        Map<String, List<String>> values = new LinkedHashMap<>();
        int at = 0;
        int entries = 0;
        while (at < section.limit()) {
            if (section.get(at) == 0) {
                at++;
                continue;
            }
            String entry = Elf.textAt(section, at);
            while (section.get(at) != 0) {
                at++;
            }
            entries++;
            Elf.require(entries <= MOST, "at most " + MOST + " entries in .modinfo", "there are more");
            int equals = entry.indexOf('=');
            if (equals <= 0) {
                throw new NotAModule("Expected key=value in .modinfo, but there is '" + entry + "'");
            }
            values.computeIfAbsent(entry.substring(0, equals), key -> new ArrayList<>())
                    .add(entry.substring(equals + 1));
        }
        for (String key : SINGLE) {
            Elf.require(
                    values.getOrDefault(key, List.of()).size() <= 1, "one '" + key + "' in .modinfo", "there are more");
        }
        Elf.require(values.containsKey("name"), "a 'name' in .modinfo", "there is none");
        Elf.require(values.containsKey("vermagic"), "a 'vermagic' in .modinfo", "there is none");
        Elf.require(!values.get("name").get(0).isEmpty(), "a name in .modinfo", "it is empty");
        return new ModuleInfo(values);
    }

    public String name() {
        return values.get("name").get(0);
    }

    /** Whole, with the trailing space that is part of it. */
    public String vermagic() {
        return values.get("vermagic").get(0);
    }

    /** The kernel release it was built for: the first word of {@link #vermagic}. */
    public String release() {
        String vermagic = vermagic();
        int space = vermagic.indexOf(' ');
        return space < 0 ? vermagic : vermagic.substring(0, space);
    }

    /** {@link #vermagic} without its first word and the spaces around: what the kernel compares where symbols have CRCs. */
    public String flags() {
        return vermagic().substring(release().length()).strip();
    }

    public Optional<String> srcversion() {
        return first("srcversion");
    }

    public Optional<String> version() {
        return first("version");
    }

    /** The modules that must be loaded before it. */
    public List<String> depends() {
        return first("depends").stream()
                .flatMap(names -> Stream.of(names.split(",")))
                .filter(name -> !name.isEmpty())
                .toList();
    }

    /** Whether it says that it came with the kernel. */
    public boolean isInTree() {
        return values.containsKey("intree");
    }

    /** Whether the kernel it was built for binds symbols by the CRCs of their interfaces. */
    public boolean hasModversions() {
        return List.of(flags().split(" ")).contains("modversions");
    }

    /** All values of a key; none where it does not stand there. */
    public List<String> all(String key) {
        return values.getOrDefault(key, List.of());
    }

    private Optional<String> first(String key) {
        return values.getOrDefault(key, List.of()).stream().findFirst();
    }
}
