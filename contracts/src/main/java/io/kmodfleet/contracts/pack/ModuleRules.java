package io.kmodfleet.contracts.pack;

import io.kmodfleet.contracts.module.Import;
import io.kmodfleet.contracts.module.ModuleFile;
import io.kmodfleet.contracts.module.ModuleInfo;
import io.kmodfleet.contracts.module.SymbolFit;
import io.kmodfleet.contracts.module.SymbolVersion;
import io.kmodfleet.contracts.module.SymbolVersions;
import io.kmodfleet.contracts.pack.Refusal.Rule;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.Stream;

/**
 * What a module must keep before other hosts get it, and the kernel does not ask for: it binds a symbol without a CRC with a mere
 * warning, looks at one of two tables, and believes what {@code .modinfo} says of itself.
 */
public final class ModuleRules {

    private static final String LAYOUT = "module_layout";

    /** Which say what a module takes hold of: the same source has the same, whoever builds it. */
    private static final List<String> KEPT =
            List.of("intree", "livepatch", "alias", "softdep", "depends", "license", "import_ns");

    private ModuleRules() {}

    /** Every rule that a module built out of the tree breaks; none where it keeps them all. */
    public static List<Breach> breachesOf(ModuleFile module) {
        List<Breach> breaches = new ArrayList<>();
        names(module).ifPresent(breaches::add);
        if (module.info().isInTree()) {
            breaches.add(new Breach(
                    Rule.CLAIMS_IN_TREE,
                    "Expected a module built out of the kernel's tree, but .modinfo says 'intree'"));
        }
        SymbolVersions versions = module.versions();
        Stream.of(versions.basic(), versions.extended())
                .flatMap(table -> twice(table.orElse(List.of())).stream())
                .forEach(breaches::add);
        contradiction(versions).ifPresent(breaches::add);
        if (module.info().hasModversions()) {
            crcs(module, breaches);
        }
        return List.copyOf(breaches);
    }

    /** The same, and that its file has its name: the kernel's tools find a module by the one and know it by the other. */
    public static List<Breach> breachesOf(ModuleFile module, String fileName) {
        String suffix = module.compression().suffix();
        String stem = fileName.endsWith(suffix)
                ? fileName.substring(0, fileName.length() - suffix.length()).replace('-', '_')
                : "";
        List<Breach> breaches = new ArrayList<>();
        if (!stem.equals(module.info().name())) {
            breaches.add(new Breach(
                    Rule.NAMES_DIFFER,
                    "Expected " + module.info().name() + suffix + ", as .modinfo says, but the file is called "
                            + fileName));
        }
        breaches.addAll(breachesOf(module));
        return List.copyOf(breaches);
    }

    /**
     * What a module says of itself that another of the same version did not, a breach for each key.
     *
     * @param approved of the release that somebody looked at
     */
    public static List<Breach> drift(ModuleInfo approved, ModuleInfo offered, boolean sameKernel) {
        List<Breach> breaches = new ArrayList<>();
        for (String key : KEPT) {
            if (key.equals("depends") && !sameKernel) {
                // What is a module of its own in one kernel may be built into another.
                continue;
            }
            List<String> before = approved.all(key).stream().sorted().toList();
            List<String> now = offered.all(key).stream().sorted().toList();
            if (!before.equals(now)) {
                breaches.add(new Breach(
                        Rule.MODINFO_DRIFT,
                        "Expected '" + key + "' in .modinfo as it was approved, but " + difference(before, now)));
            }
        }
        return List.copyOf(breaches);
    }

    private static String difference(List<String> before, List<String> now) {
        List<String> added = without(now, before);
        List<String> gone = without(before, now);
        String more = added.isEmpty() ? "" : "there is also '" + added.get(0) + "'" + others(added);
        String less = gone.isEmpty() ? "" : "'" + gone.get(0) + "'" + others(gone) + " is missing";
        return more + (more.isEmpty() || less.isEmpty() ? "" : ", and ") + less;
    }

    private static String others(List<String> values) {
        return values.size() > 1 ? " with " + (values.size() - 1) + " more" : "";
    }

    private static List<String> without(List<String> all, List<String> some) {
        Map<String, Integer> left = new HashMap<>();
        some.forEach(value -> left.merge(value, 1, Integer::sum));
        return all.stream()
                .filter(value -> left.merge(value, -1, Integer::sum) < 0)
                .toList();
    }

    private static Optional<Breach> names(ModuleFile module) {
        String name = module.info().name();
        return module.structName()
                .filter(loadedAs -> !loadedAs.equals(name))
                .map(loadedAs -> new Breach(
                        Rule.NAMES_DIFFER,
                        "Expected one name of the module, but .modinfo says '" + name
                                + "' and the kernel would load it as '" + loadedAs + "'"));
    }

    private static void crcs(ModuleFile module, List<Breach> breaches) {
        Map<String, String> known = byName(module.symbolVersions());
        if (!known.containsKey(LAYOUT)) {
            breaches.add(new Breach(
                    Rule.NO_MODULE_LAYOUT,
                    "Expected a CRC of " + LAYOUT + " in a module with modversions, but there is none"));
        }
        module.imports().stream()
                .filter(symbol -> !symbol.weak() && !SymbolFit.OF_THE_LINKER.contains(symbol.name()))
                .map(Import::name)
                .filter(name -> !known.containsKey(name))
                .findFirst()
                .ifPresent(name -> breaches.add(new Breach(
                        Rule.SYMBOL_WITHOUT_CRC,
                        "Expected a CRC of every symbol the module needs, but '" + name + "' has none")));
    }

    private static Optional<Breach> twice(List<SymbolVersion> table) {
        Set<String> seen = new HashSet<>();
        return table.stream()
                .map(SymbolVersion::name)
                .filter(name -> !seen.add(name))
                .findFirst()
                .map(name -> new Breach(
                        Rule.SYMBOL_WITH_TWO_CRCS,
                        "Expected one CRC of every symbol, but '" + name + "' stands twice in a table"));
    }

    /** Kernels look at one table or the other; names too long for the basic one stand in the extended one only. */
    private static Optional<Breach> contradiction(SymbolVersions versions) {
        if (versions.basic().isEmpty() || versions.extended().isEmpty()) {
            return Optional.empty();
        }
        Map<String, String> basic = byName(versions.basic().get());
        Map<String, String> extended = byName(versions.extended().get());
        extended.keySet().removeIf(name -> name.length() > SymbolVersions.LONGEST_BASIC_NAME);
        TreeMap<String, String> all = new TreeMap<>(basic);
        all.putAll(extended);
        return all.keySet().stream()
                .filter(name -> !basic.getOrDefault(name, "none").equals(extended.getOrDefault(name, "none")))
                .findFirst()
                .map(name -> new Breach(
                        Rule.CRCS_CONTRADICT,
                        "Expected both tables of CRCs to say the same, but of '" + name + "' one has "
                                + basic.getOrDefault(name, "none") + " and the other "
                                + extended.getOrDefault(name, "none")));
    }

    private static Map<String, String> byName(List<SymbolVersion> versions) {
        Map<String, String> byName = new HashMap<>();
        versions.forEach(version -> byName.put(version.name(), version.hex()));
        return byName;
    }
}
