package io.kmodfleet.contracts.pack;

import com.fasterxml.jackson.core.JsonProcessingException;
import io.kmodfleet.contracts.Digest;
import io.kmodfleet.contracts.PackageManifest;
import io.kmodfleet.contracts.PackageManifest.PackagedModule;
import io.kmodfleet.contracts.module.ModuleFile;
import io.kmodfleet.contracts.module.NotAModule;
import io.kmodfleet.contracts.pack.Refusal.Rule;
import io.kmodfleet.contracts.pack.TarGz.Member;
import io.kmodfleet.contracts.wire.FleetJson;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/**
 * A built module for one kernel: {@code manifest.json}, {@code dkms.conf}, {@code install.sh} and the module files, and
 * nothing else. Whoever reads one gets it only after everything that the manifest says was found in the files themselves.
 *
 * @param digest SHA-256 of the archive
 * @param manifest what its builder says, and what was found to be so
 * @param dkmsConf the source package's {@code dkms.conf}, byte for byte
 * @param moduleFiles the module files as they belong on disk, in the order of the manifest
 */
public record ModulePackage(Digest digest, PackageManifest manifest, byte[] dkmsConf, List<byte[]> moduleFiles) {

    /** Largest archive, in bytes. */
    public static final int MAX_BYTES = 64 * 1024 * 1024;

    private static final int MAX_EXPANDED = 128 * 1024 * 1024;
    private static final String MANIFEST = "manifest.json";
    private static final String DKMS_CONF = "dkms.conf";
    private static final String INSTALL = "install.sh";

    /** @param moduleFiles in the order of the manifest's modules */
    public static byte[] write(PackageManifest manifest, byte[] dkmsConf, List<byte[]> moduleFiles) {
        List<Member> members = new ArrayList<>();
        members.add(new Member(MANIFEST, FleetJson.writeBytes(manifest), false));
        members.add(new Member(DKMS_CONF, dkmsConf, false));
        members.add(new Member(INSTALL, installScript(manifest), true));
        for (int i = 0; i < moduleFiles.size(); i++) {
            members.add(new Member(manifest.modules().get(i).file(), moduleFiles.get(i), false));
        }
        return TarGz.write(members);
    }

    public static ModulePackage read(byte[] archive) throws Refusal {
        if (archive.length > MAX_BYTES) {
            throw new Refusal(
                    Rule.TOO_LARGE,
                    "Expected a package of at most " + MAX_BYTES + " bytes, but it has " + archive.length);
        }
        Map<String, byte[]> members = new TreeMap<>();
        for (Member member : TarGz.read(archive, MAX_EXPANDED)) {
            if (members.put(member.name(), member.bytes()) != null) {
                throw new Refusal(
                        Rule.WRONG_MEMBERS, "Expected every member once, but '" + member.name() + "' stands twice");
            }
        }
        PackageManifest manifest = manifestOf(taken(members, MANIFEST));
        byte[] dkmsConf = taken(members, DKMS_CONF);
        byte[] script = taken(members, INSTALL);
        List<byte[]> moduleFiles = new ArrayList<>();
        for (PackagedModule module : manifest.modules()) {
            byte[] file = taken(members, module.file());
            checkModule(manifest, module, file);
            moduleFiles.add(file);
        }
        if (!members.isEmpty()) {
            throw new Refusal(
                    Rule.WRONG_MEMBERS,
                    "Expected only what the manifest names, but there is also '"
                            + members.keySet().iterator().next() + "'");
        }
        claim("dkms.conf", manifest.dkmsConf(), Digest.of(dkmsConf));
        claim("install.sh", Digest.of(installScript(manifest)), Digest.of(script));
        claim("the kernel of the target", true, manifest.target().isFor(manifest.kernel()));
        return new ModulePackage(Digest.of(archive), manifest, dkmsConf, List.copyOf(moduleFiles));
    }

    private static PackageManifest manifestOf(byte[] json) throws Refusal {
        try {
            PackageManifest manifest = FleetJson.mapper().readValue(json, PackageManifest.class);
            if (manifest == null) {
                throw new Refusal(Rule.MANIFEST_UNREADABLE, "Expected a manifest, but it is null");
            }
            return manifest;
        } catch (JsonProcessingException e) {
            throw new Refusal(
                    Rule.MANIFEST_UNREADABLE,
                    "Expected a manifest of format " + PackageManifest.FORMAT + ", but " + e.getOriginalMessage());
        } catch (IOException e) {
            throw new Refusal(Rule.MANIFEST_UNREADABLE, "Expected a manifest, but " + e.getMessage());
        }
    }

    private static byte[] taken(Map<String, byte[]> members, String name) throws Refusal {
        byte[] bytes = members.remove(name);
        if (bytes == null) {
            throw new Refusal(Rule.WRONG_MEMBERS, "Expected a member '" + name + "', but there is none");
        }
        return bytes;
    }

    private static void checkModule(PackageManifest manifest, PackagedModule claimed, byte[] file) throws Refusal {
        ModuleFile module;
        try {
            module = ModuleFile.read(file);
        } catch (NotAModule e) {
            throw new Refusal(Rule.NOT_A_MODULE, claimed.file() + ": " + e.getMessage());
        }
        String release = manifest.target().release();
        if (!module.info().release().equals(release)) {
            throw new Refusal(
                    Rule.WRONG_KERNEL,
                    "Expected a module built for " + release + ", but " + claimed.file() + " was built for "
                            + module.info().release());
        }
        if (!module.arch().map(manifest.target().arch()::equals).orElse(false)) {
            throw new Refusal(
                    Rule.WRONG_KERNEL,
                    "Expected a module for " + manifest.target().arch() + ", but " + claimed.file() + " is for "
                            + module.arch().orElse("ELF machine " + module.machine()));
        }
        claim("the digest of " + claimed.file(), claimed.digest(), Digest.of(file));
        claim("the body of " + claimed.file(), claimed.body(), module.body());
        claim("the name of " + claimed.file(), claimed.name(), module.info().name());
        String stem = claimed.file()
                .replace("module/", "")
                .replace(module.compression().suffix(), "");
        claim("the module of " + claimed.file(), claimed.name(), stem.replace('-', '_'));
        claim(
                "the member name",
                claimed.file(),
                "module/" + stem + module.compression().suffix());
        claim("vermagic", claimed.vermagic(), module.info().vermagic());
        claim("srcversion", claimed.srcversion(), module.info().srcversion());
        Optional<Breach> breach = ModuleRules.breachesOf(module).stream().findFirst();
        if (breach.isPresent()) {
            throw new Refusal(
                    breach.get().rule(), claimed.file() + ": " + breach.get().evidence());
        }
    }

    private static void claim(String what, Object claimed, Object found) throws Refusal {
        if (!claimed.equals(found)) {
            throw new Refusal(
                    Rule.MANIFEST_LIES,
                    "Expected " + what + " to be " + claimed + ", as the manifest says, but it is " + found);
        }
    }

    /** With which a person installs it by hand. One text for all packages, filled in from the manifest: nobody can bring another. */
    private static byte[] installScript(PackageManifest manifest) {
        StringBuilder files = new StringBuilder();
        for (PackagedModule module : manifest.modules()) {
            files.append(files.isEmpty() ? "" : "\n")
                    .append("install_one " + module.file() + " "
                            + module.digest().hex());
        }
        return SCRIPT.replace("@MODULE@", manifest.module())
                .replace("@RELEASE@", manifest.target().release())
                .replace("@IMAGE@", manifest.target().image().hex())
                .replace("@FILES@", files)
                .getBytes(StandardCharsets.UTF_8);
    }

    private static final String SCRIPT = """
            #!/bin/sh
            # Installs @MODULE@ for kernel @RELEASE@ by hand, on a host without an agent. Run as root in the unpacked package.
            set -eu

            die() {
                echo "[ERROR] $*" >&2
                exit 1
            }

            install_one() {
                echo "$2  $1" | sha256sum -c - >/dev/null 2>&1 || die "Expected $1 as it was packed, but its bytes differ. Unpack the package again."
                name=${1#module/}
                cp "$1" "$dir/.$name.new" && sync "$dir/.$name.new" && mv "$dir/.$name.new" "$dir/$name"
                echo "[INFO] $dir/$name"
            }

            cd "$(dirname "$0")"
            [ "$(id -u)" = 0 ] || die "Expected to run as root. Run: sudo sh install.sh"
            image=/boot/vmlinuz-@RELEASE@
            [ -r "$image" ] || die "Expected the kernel image $image, but it is not there. This package is for kernel @RELEASE@ only."
            echo "@IMAGE@  $image" | sha256sum -c - >/dev/null 2>&1 || die "Expected the very image this module was built for, but $image is another one of the same release. Build the module for it."
            dir=/lib/modules/@RELEASE@/updates
            mkdir -p "$dir"
            @FILES@
            depmod @RELEASE@
            if command -v update-initramfs >/dev/null 2>&1; then
                update-initramfs -u -k @RELEASE@
            elif command -v dracut >/dev/null 2>&1; then
                dracut -f --kver @RELEASE@
            fi
            if [ "$(uname -r)" = "@RELEASE@" ]; then
                modprobe @MODULE@
            fi
            echo "[SUCCESS] @MODULE@ is installed for kernel @RELEASE@."
            """;
}
