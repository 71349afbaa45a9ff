package io.kmodfleet.contracts.module;

import static org.assertj.core.api.Assertions.assertThat;

import io.kmodfleet.contracts.RealKernel;
import io.kmodfleet.contracts.module.Symvers.Offer;
import io.kmodfleet.contracts.pack.Breach;
import io.kmodfleet.contracts.pack.ModuleRules;
import io.kmodfleet.contracts.pack.Refusal.Rule;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Every module of two real kernels, read by us, by {@code modinfo} and by {@code readelf}: no two may disagree. */
class WholeKernelIT {

    private static final int AT_ONCE = 250;
    private static final int PADDED = 16;
    private static final Pattern SECTION =
            Pattern.compile("\\s*\\[\\s*(\\d+)] (\\S*)\\s+\\S+\\s+[0-9a-f]{16} [0-9a-f]+ ([0-9a-f]+) [0-9a-f]{2}.*");
    private static final Pattern UNDEFINED = Pattern.compile(
            "\\s*[1-9]\\d*: [0-9a-f]{16}\\s+\\d+ \\S+\\s+(\\S+)\\s+\\S+\\s+(?:\\[[^]]*]\\s+)?UND (\\S+)");
    private static final Pattern BUILD_ID = Pattern.compile(".*Build ID: ([0-9a-f]+)");

    @TempDir
    private Path scratch;

    @Test
    void modinfo_says_the_same_of_every_module() throws Exception {
        List<Path> modules = new ArrayList<>(RealKernel.modules("a"));
        modules.addAll(RealKernel.modules("c"));

        int compared = 0;
        for (Map.Entry<Path, Map<String, List<String>>> told : modinfo(modules).entrySet()) {
            ModuleFile module = ModuleFile.read(Files.readAllBytes(told.getKey()));
            assertSame(told.getKey(), module, told.getValue());
            assertThat(module.structName()).contains(module.info().name());
            compared++;
        }
        assertThat(compared).isEqualTo(modules.size()).isGreaterThan(8_000);
    }

    @Test
    void readelf_says_the_same_of_every_section_undefined_symbol_and_build_id() throws Exception {
        List<Path> modules = RealKernel.modules("a");
        int compared = 0;
        for (int from = 0; from < modules.size(); from += AT_ONCE) {
            List<Path> some = modules.subList(from, Math.min(modules.size(), from + AT_ONCE));
            String printed = RealKernel.text(RealKernel.printed(some, "readelf", "-SsnW"));
            for (String one : printed.split("(?m)^File: ")) {
                if (!one.isBlank()) {
                    int end = one.indexOf('\n');
                    assertSame(Path.of(one.substring(0, end)), one.substring(end));
                    compared++;
                }
            }
        }
        assertThat(compared).isEqualTo(modules.size());
    }

    @Test
    void every_module_fits_its_own_kernel_and_exports_what_its_symvers_says() throws Exception {
        Symvers kernel = Symvers.parse(Files.readAllBytes(RealKernel.symvers()));
        int exports = 0;
        for (Path file : RealKernel.modules("a")) {
            ModuleFile module = ModuleFile.read(Files.readAllBytes(file));

            assertThat(kernel.fit(module).fits()).as(file.toString()).isTrue();
            assertThat(ModuleRules.breachesOf(module, file.getFileName().toString()))
                    .as(file.toString())
                    .extracting(Breach::rule)
                    .containsExactly(Rule.CLAIMS_IN_TREE);
            for (Export export : module.exports()) {
                Offer offer = kernel.offers().get(export.name());
                assertThat(export.hex()).as(export.name()).contains(offer.crc());
                assertThat(export.gplOnly()).as(export.name()).isEqualTo(offer.gplOnly());
                exports++;
            }
        }
        long offered = kernel.offers().values().stream()
                .filter(offer -> !offer.exporter().equals("vmlinux"))
                .count();
        assertThat((long) exports).isEqualTo(offered);
    }

    @Test
    void where_a_changed_module_is_read_at_all_modinfo_reads_the_same_in_it() throws Exception {
        long seed = Long.getLong("seed", new Random().nextLong());
        System.out.println("To run it again: -Dseed=" + seed);
        Random random = new Random(seed);
        List<Path> modules = RealKernel.modules("a");
        Map<Path, ModuleFile> accepted = new LinkedHashMap<>();
        for (int i = 0; accepted.size() < 300 && i < 20_000; i++) {
            byte[] body = body(modules.get(random.nextInt(modules.size())));
            if (body.length > 200_000) {
                continue;
            }
            changeWhatIsRead(body, random);
            try {
                ModuleFile read = ModuleFile.read(body);
                accepted.put(Files.write(scratch.resolve(i + ".ko"), body), read);
            } catch (NotAModule e) {
                assertThat(e).as("seed %d", seed).hasMessageStartingWith("Expected ");
            }
        }
        Map<Path, Map<String, List<String>>> told = modinfo(List.copyOf(accepted.keySet()));

        assertThat(told).hasSameSizeAs(accepted);
        accepted.forEach((file, module) -> assertSame(file, module, told.get(file)));
    }

    /** In {@code .modinfo}, the headers or the names of the sections: elsewhere modinfo looks at nothing. */
    private static void changeWhatIsRead(byte[] body, Random random) throws NotAModule {
        ByteBuffer info = Elf.read(ByteBuffer.wrap(body)).only(".modinfo");
        byte[] text = new byte[info.limit()];
        info.get(text);
        int at = indexOf(body, text);
        int table = (int) ByteBuffer.wrap(body).order(ByteOrder.LITTLE_ENDIAN).getLong(0x28);
        switch (random.nextInt(4)) {
            case 0 -> body[table + random.nextInt(body.length - table)] ^= (byte) (1 << random.nextInt(8));
            case 1 -> body[random.nextInt(64)] ^= (byte) (1 << random.nextInt(8));
            default -> body[at + random.nextInt(text.length)] = (byte) random.nextInt();
        }
    }

    private static int indexOf(byte[] body, byte[] text) {
        for (int at = 0; at + text.length <= body.length; at++) {
            if (Arrays.equals(body, at, at + text.length, text, 0, text.length)) {
                return at;
            }
        }
        throw new AssertionError("no .modinfo");
    }

    private static byte[] body(Path file) throws IOException, NotAModule {
        byte[] signed = Files.readAllBytes(file);
        return Arrays.copyOf(signed, Trailer.of(signed).bodyLength());
    }

    private static void assertSame(Path file, ModuleFile module, Map<String, List<String>> told) {
        Map<String, List<String>> ours = new HashMap<>(module.info().values());
        // It joins these two, one line for a parameter.
        assertThat(parameters(ours)).as(file.toString()).isEqualTo(new TreeSet<>(told.getOrDefault("parm", List.of())));
        ours.keySet().removeAll(List.of("parm", "parmtype"));
        Map<String, List<String>> theirs = new HashMap<>(told);
        theirs.keySet()
                .removeAll(List.of("parm", "filename", "sig_id", "signer", "sig_key", "sig_hashalgo", "signature"));
        assertThat(ours).as(file.toString()).isEqualTo(theirs);
        assertThat(module.signed()).as(file.toString()).isEqualTo(told.containsKey("sig_id"));
        module.signer().ifPresent(signer -> {
            assertThat(told.get("sig_key").get(0).replace(":", ""))
                    .as(file.toString())
                    .isEqualToIgnoringCase(signer.keyId());
            assertThat(signer.name()).contains(told.get("signer").get(0));
        });
    }

    /** As it joins them: the last of a name counts, and one without a colon is passed over. */
    private static TreeSet<String> parameters(Map<String, List<String>> info) {
        Map<String, String> types = named(info.getOrDefault("parmtype", List.of()));
        Map<String, String> texts = named(info.getOrDefault("parm", List.of()));
        TreeSet<String> lines = new TreeSet<>();
        texts.forEach((name, text) ->
                lines.add(name + ":" + text + (types.containsKey(name) ? " (" + types.get(name) + ")" : "")));
        types.forEach((name, type) -> {
            if (!texts.containsKey(name)) {
                lines.add(name + ":" + type);
            }
        });
        return lines;
    }

    private static Map<String, String> named(List<String> parameters) {
        Map<String, String> named = new HashMap<>();
        for (String parameter : parameters) {
            int colon = parameter.indexOf(':');
            if (colon >= 0) {
                named.put(parameter.substring(0, colon), parameter.substring(colon + 1));
            }
        }
        return named;
    }

    /** {@code key=value}, but for two keys, each ended by NUL; {@code filename} begins the next module. */
    private static Map<Path, Map<String, List<String>>> modinfo(List<Path> modules) throws IOException {
        Map<Path, Map<String, List<String>>> all = new LinkedHashMap<>();
        for (int from = 0; from < modules.size(); from += AT_ONCE) {
            List<Path> some = modules.subList(from, Math.min(modules.size(), from + AT_ONCE));
            Map<String, List<String>> module = new HashMap<>();
            for (String line :
                    RealKernel.text(RealKernel.printed(some, "modinfo", "-0")).split("\0")) {
                boolean padded = line.startsWith("filename:") || line.startsWith("parm:");
                int end = line.indexOf(padded ? ':' : '=');
                if (end < 0) {
                    continue;
                }
                String key = line.substring(0, end);
                String value = line.substring(padded ? PADDED : end + 1);
                if (key.equals("filename")) {
                    module = new HashMap<>();
                    all.put(Path.of(value), module);
                }
                module.computeIfAbsent(key, any -> new ArrayList<>()).add(value);
            }
        }
        return all;
    }

    private static void assertSame(Path file, String told) throws IOException, NotAModule {
        byte[] bytes = Files.readAllBytes(file);
        ModuleFile module = ModuleFile.read(bytes);
        List<String> sections = Elf.read(Trailer.of(bytes).body(bytes)).sections().stream()
                .map(section -> section.name() + " " + section.size())
                .toList();
        List<String> theirSections = new ArrayList<>();
        List<Import> theirImports = new ArrayList<>();
        List<String> theirIds = new ArrayList<>();
        for (String line : told.split("\n")) {
            Matcher section = SECTION.matcher(line);
            Matcher undefined = UNDEFINED.matcher(line);
            Matcher id = BUILD_ID.matcher(line);
            if (section.matches() && !section.group(1).equals("0")) {
                theirSections.add(section.group(2) + " " + Long.parseLong(section.group(3), 16));
            } else if (undefined.matches()) {
                theirImports.add(
                        new Import(undefined.group(2), undefined.group(1).equals("WEAK")));
            } else if (id.matches()) {
                theirIds.add(id.group(1));
            }
        }
        assertThat(sections.subList(1, sections.size())).as(file.toString()).isEqualTo(theirSections);
        assertThat(module.imports()).as(file.toString()).isEqualTo(theirImports);
        assertThat(module.buildId().stream().toList()).as(file.toString()).isEqualTo(theirIds);
    }
}
