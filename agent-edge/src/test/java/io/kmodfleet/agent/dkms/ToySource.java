package io.kmodfleet.agent.dkms;

import io.kmodfleet.contracts.pack.Refusal;
import io.kmodfleet.contracts.pack.SourcePackage;
import io.kmodfleet.contracts.pack.SourcePackage.SourceFile;
import java.nio.charset.StandardCharsets;
import java.util.List;

/**
 * The smallest module that does what dattobd does: a script takes addresses out of the kernel's map before the build, and they
 * are compiled in. What it recorded stands in the module's information.
 */
public final class ToySource {

    public static final String NAME = "kmf_toy";
    public static final String VERSION = "1.0";

    private static final String CONF = """
            PACKAGE_NAME="kmf_toy"
            PACKAGE_VERSION="1.0"
            BUILT_MODULE_NAME[0]="kmf_toy"
            DEST_MODULE_LOCATION[0]="/updates"
            NO_WEAK_MODULES="yes"
            AUTOINSTALL="yes"
            """;

    private static final String CODE = """
            #include <linux/module.h>
            #include <linux/stringify.h>
            #include "kernel-config.h"
            MODULE_LICENSE("GPL");
            MODULE_VERSION("1.0");
            MODULE_INFO(recorded, __stringify(KFREE_ADDR));
            static int __init toy_begin(void) { pr_info("%s\\n", __FILE__); return 0; }
            static void __exit toy_end(void) { }
            module_init(toy_begin);
            module_exit(toy_end);
            """;

    /** As dattobd's genconfig.sh looks for a map and takes addresses out of it. */
    private static final String LOOKUP = """
            #!/bin/bash
            for file in /lib/modules/$1/System.map /boot/System.map-$1 /usr/lib/debug/boot/System.map-$1; do
                [ -f "$file" ] && grep -q __per_cpu_start "$file" && map=$file && break
            done
            [ -n "$map" ] || exit 1
            for symbol in kfree no_such_symbol; do
                address=$(grep " $symbol$" "$map" | awk '{print $1}')
                echo "#define ${symbol^^}_ADDR 0x${address:-0}" >>kernel-config.h
            done
            """;

    private ToySource() {}

    /** Needs a symbol map. */
    public static SourcePackage readingAMap() throws Refusal {
        return with(LOOKUP);
    }

    /** @param script what runs before the build, and leaves a {@code kernel-config.h} */
    public static SourcePackage with(String script) throws Refusal {
        return of(
                file("dkms.conf", CONF + "PRE_BUILD=\"config.sh ${kernelver}\"\n", false),
                file("Makefile", "obj-m := kmf_toy.o\n", false),
                file("kmf_toy.c", CODE, false),
                file("config.sh", script, true));
    }

    /** Compiles nowhere. */
    public static SourcePackage broken() throws Refusal {
        return of(
                file("dkms.conf", CONF, false),
                file("Makefile", "obj-m := kmf_toy.o\n", false),
                file("kmf_toy.c", "#error this does not build\n", false));
    }

    private static SourcePackage of(SourceFile... files) throws Refusal {
        return SourcePackage.read(SourcePackage.write(List.of(files)));
    }

    private static SourceFile file(String path, String text, boolean program) {
        return new SourceFile(path, text.getBytes(StandardCharsets.UTF_8), program);
    }
}
