package io.kmodfleet.agent.dkms;

import io.kmodfleet.agent.host.HostPrograms;
import io.kmodfleet.agent.host.HostPrograms.Conditions;
import io.kmodfleet.agent.host.HostPrograms.Outcome;
import io.kmodfleet.agent.host.HostRoot;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Whether compiler, make and headers do what they should. Modules choose their code by what compiles; where nothing does, or
 * everything, they come out loadable and wrong. So one module must compile before a build, and one must not.
 */
final class Toolchain {

    private static final String GOOD = """
            #include <linux/module.h>
            static int __init probe_begin(void) { return 0; }
            static void __exit probe_end(void) { }
            module_init(probe_begin);
            module_exit(probe_end);
            MODULE_LICENSE("GPL");
            """;
    private static final String BAD = GOOD + "struct kmodfleet_nowhere_declared probe_member;\n";

    private static final Pattern VERSION = Pattern.compile("\\b(\\d+)\\.\\d+(?:\\.\\d+)?\\b");
    private static final String KEY = "CONFIG_CC_VERSION_TEXT=\"";

    private final HostRoot root;
    private final HostPrograms programs;
    private final Map<String, String> trusted = new HashMap<>();

    Toolchain(HostRoot root, HostPrograms programs) {
        this.root = root;
        this.programs = programs;
    }

    /**
     * Why nothing that it builds for this kernel can be believed; empty where it can. What was trusted is not tried again while
     * its files are the same.
     */
    Optional<String> fault(String release, ScratchTree scratch, Conditions conditions, Path log)
            throws IOException, InterruptedException {
        String files = filesOf(release);
        if (files.equals(trusted.get(release))) {
            return Optional.empty();
        }
        Outcome good = compile("good", GOOD, release, scratch, conditions, log);
        Path module = root.at(scratch.directory("good")).resolve("probe.ko");
        if (!good.isSuccess() || !Files.isRegularFile(module)) {
            return Optional.of("Expected compiler and headers to build a module of six lines for " + release
                    + ", but they do not: " + DkmsExit.tellingLine(good.output(), Optional.of(good.output()))
                    + ". Install gcc, make and the headers of this kernel anew");
        }
        Outcome bad = compile("bad", BAD, release, scratch, conditions, log);
        if (bad.isSuccess()) {
            return Optional.of(
                    "Expected the compiler to refuse a module that is wrong, but 'make' says that it built it."
                            + " What this host builds cannot be believed; install gcc and make anew");
        }
        trusted.put(release, files);
        return Optional.empty();
    }

    private Outcome compile(
            String name, String text, String release, ScratchTree scratch, Conditions conditions, Path log)
            throws IOException, InterruptedException {
        String place = scratch.directory(name);
        Path directory = Files.createDirectories(root.at(place));
        Files.writeString(directory.resolve("Makefile"), "obj-m := probe.o\n");
        Files.writeString(directory.resolve("probe.c"), text);
        String headers = "/lib/modules/" + release + "/build";
        List<String> line = new ArrayList<>(List.of("make", "-C", headers, "M=" + place));
        String config = read(root.at(headers).resolve(".config"));
        // As dkms does it.
        if (config.contains("CONFIG_CC_IS_CLANG=y")) {
            line.add("CC=clang");
        }
        if (config.contains("CONFIG_LD_IS_LLD=y")) {
            line.add("LD=ld.lld");
        }
        line.add("modules");
        return programs.run(conditions, log, line);
    }

    /** That the host's compiler is of another major version than the one that built the kernel. */
    Optional<String> mismatch(String release, String own) {
        for (Path config : List.of(
                root.at("/lib/modules/" + release + "/build").resolve(".config"), root.at("/boot/config-" + release))) {
            Optional<String> built = read(config)
                    .lines()
                    .filter(line -> line.startsWith(KEY))
                    .map(line -> line.substring(KEY.length()))
                    .findFirst();
            if (built.isPresent()) {
                return mismatch(built.get(), own, name -> root.program(name).isPresent());
            }
        }
        return Optional.empty();
    }

    /** Known programs are asked for by name, for a kernel that gcc-12 built is built for with gcc-12 where the host has it. */
    interface Programs {
        boolean has(String name);
    }

    static Optional<String> mismatch(String ofKernel, String own, Programs programs) {
        String name = ofKernel.split("\\s", 2)[0];
        boolean named = !name.equals("gcc") && !name.equals("cc") && programs.has(name);
        Optional<String> wanted = majorOf(ofKernel);
        Optional<String> there = majorOf(own);
        if (named || wanted.isEmpty() || there.isEmpty() || wanted.equals(there)) {
            return Optional.empty();
        }
        return Optional.of("this kernel was built by '" + ofKernel.replace("\"", "") + "' and this host has '" + own
                + "': modules of another major version may not load or misbehave");
    }

    /** The last version in the line: what stands in brackets before it is the distribution's. */
    private static Optional<String> majorOf(String text) {
        Matcher matcher = VERSION.matcher(text.replaceAll("\\([^)]*\\)", " "));
        Optional<String> major = Optional.empty();
        while (matcher.find()) {
            major = Optional.of(matcher.group(1));
        }
        return major;
    }

    private String filesOf(String release) throws IOException {
        StringBuilder files = new StringBuilder();
        for (String program : List.of("gcc", "cc", "make", "ld", "as")) {
            Optional<Path> file = root.program(program);
            if (file.isPresent()) {
                files.append(file.get()).append(stampOf(file.get()));
            }
        }
        Path headers = root.at("/lib/modules/" + release + "/build");
        for (String name : List.of("Makefile", ".config", "Module.symvers", "scripts/mod/modpost")) {
            files.append(name).append(stampOf(headers.resolve(name)));
        }
        return files.toString();
    }

    private static String stampOf(Path file) throws IOException {
        return Files.exists(file) ? " " + Files.size(file) + " " + Files.getLastModifiedTime(file) + "\n" : " -\n";
    }

    private static String read(Path file) {
        try {
            return Files.readString(file, StandardCharsets.ISO_8859_1);
        } catch (IOException e) {
            return "";
        }
    }
}
