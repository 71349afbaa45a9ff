package io.kmodfleet.contracts.pack;

import io.kmodfleet.contracts.Grammar;
import io.kmodfleet.contracts.pack.Refusal.Rule;
import io.kmodfleet.contracts.pack.TarGz.Member;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * What {@code dkms mktarball} packs ({@code .dkms.tar.gz}, dkms 2.2 to 3.4). Only the modules are taken out of it and what it is called;
 * {@code dkms ldtarball} would run what comes with them.
 *
 * @param conf what its {@code dkms.conf} says, read and not run
 * @param modules as they lie in {@code dkms_main_tree}
 */
public record DkmsTarball(DkmsConf conf, List<BuiltModule> modules) {

    private static final int MAX_EXPANDED = 256 * 1024 * 1024;
    private static final List<String> CONF = List.of("dkms_source_tree/dkms.conf", "dkms_binaries_only/dkms.conf");
    private static final Pattern MODULE =
            Pattern.compile("dkms_main_tree/([^/]+)/([^/]+)/module/([A-Za-z0-9_-]+\\.ko(?:\\.(?:gz|xz|zst))?)");

    /** @param file its name, as {@code toy.ko.xz} */
    public record BuiltModule(String release, String arch, String file, byte[] bytes) {}

    public static DkmsTarball read(byte[] archive) throws Refusal {
        if (archive.length > ModulePackage.MAX_BYTES) {
            throw new Refusal(
                    Rule.TOO_LARGE,
                    "Expected a dkms tarball of at most " + ModulePackage.MAX_BYTES + " bytes, but it has "
                            + archive.length);
        }
        Optional<DkmsConf> conf = Optional.empty();
        List<BuiltModule> modules = new ArrayList<>();
        for (Member member : TarGz.read(archive, MAX_EXPANDED)) {
            String name = member.name().startsWith("./") ? member.name().substring(2) : member.name();
            Matcher module = MODULE.matcher(name);
            if (CONF.contains(name)) {
                conf = Optional.of(DkmsConf.parse(new String(member.bytes(), StandardCharsets.UTF_8)));
            } else if (module.matches()) {
                modules.add(builtModule(module, member.bytes()));
            }
        }
        if (conf.isEmpty() || modules.isEmpty()) {
            throw new Refusal(
                    Rule.WRONG_MEMBERS,
                    "Expected a tarball of dkms with its dkms.conf and at least one module, but it has "
                            + (conf.isEmpty() ? "no dkms.conf" : "no module"));
        }
        return new DkmsTarball(conf.get(), List.copyOf(modules));
    }

    private static BuiltModule builtModule(Matcher module, byte[] bytes) throws Refusal {
        try {
            return new BuiltModule(
                    Grammar.release(module.group(1)), Grammar.version(module.group(2)), module.group(3), bytes);
        } catch (IllegalArgumentException e) {
            throw new Refusal(Rule.WRONG_MEMBERS, "In the tarball: " + e.getMessage());
        }
    }
}
