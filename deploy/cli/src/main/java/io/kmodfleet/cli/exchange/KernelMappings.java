package io.kmodfleet.cli.exchange;

import io.kmodfleet.contracts.PackageManifest;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * {@code kernelMappings} of the Kernel Module Management operator's {@code Module}: which image serves which kernel. It knows a kernel
 * by its release alone; of several images of one release the newest package is named.
 */
public final class KernelMappings {

    private KernelMappings() {}

    /** @param release as {@code uname -r} prints it on the node */
    public record Mapping(String module, String release, String tag) {}

    public static Mapping of(PackageManifest manifest) {
        return new Mapping(manifest.modules().get(0).name(), manifest.target().release(), tagOf(manifest));
    }

    /** Of an image; a tag has at most 128 characters out of {@code [A-Za-z0-9_.-]} (OCI distribution specification). */
    public static String tagOf(PackageManifest manifest) {
        String tag = (manifest.module() + "-" + manifest.moduleVersion() + "-"
                        + manifest.target().release())
                .replaceAll("[^A-Za-z0-9_.-]", "_");
        return tag.length() > 128 ? tag.substring(0, 128) : tag;
    }

    /** @param newestFirst of which the first counts where several are for one module and release */
    public static String yaml(List<Mapping> newestFirst, String image) {
        Map<String, Map<String, String>> byModule = new TreeMap<>();
        for (Mapping mapping : newestFirst) {
            byModule.computeIfAbsent(mapping.module(), any -> new TreeMap<>())
                    .putIfAbsent(mapping.release(), mapping.tag());
        }
        StringBuilder yaml = new StringBuilder();
        byModule.forEach((module, tags) -> {
            yaml.append("# In a Module for ").append(module).append(", below spec.moduleLoader.container:\n");
            yaml.append("modprobe:\n  moduleName: ").append(module).append('\n');
            yaml.append("kernelMappings:\n");
            tags.forEach((release, tag) -> yaml.append("  - literal: \"")
                    .append(release)
                    .append("\"\n    containerImage: \"")
                    .append(image)
                    .append(':')
                    .append(tag)
                    .append("\"\n"));
        });
        return yaml.toString();
    }
}
