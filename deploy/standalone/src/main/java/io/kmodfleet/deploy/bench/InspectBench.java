package io.kmodfleet.deploy.bench;

import io.kmodfleet.contracts.module.ModuleFile;
import io.kmodfleet.contracts.module.NotAModule;
import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.stream.Stream;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** How fast modules are read, beside modinfo. Both get many files at once, so that nobody pays for the start of a process. */
@Command(
        name = "inspect",
        description = {
            "Measure: modules of a whole kernel read a second, beside modinfo.",
            "modinfo reads .modinfo; we read every section, symbol and CRC, and the digest of the body, as the store does."
        })
public final class InspectBench implements Callable<Integer> {

    private static final int CANNOT = 3;
    private static final int AT_ONCE = 250;

    @Option(
            names = "--modules",
            paramLabel = "DIR",
            defaultValue = "target/host-roots/a/usr/lib/modules",
            description =
                    "Where modules are looked for (default: ${DEFAULT-VALUE}, which deploy/host-roots target/host-roots makes).")
    private Path directory;

    @Option(names = "--rounds", defaultValue = "5", description = "Turns of each (default: ${DEFAULT-VALUE}).")
    private int rounds;

    @Override
    public Integer call() throws IOException, InterruptedException, NotAModule {
        List<Path> modules = modules();
        if (modules.isEmpty()) {
            System.err.println("[ERROR] Expected modules (*.ko) below " + directory
                    + ", but there is none. Run deploy/host-roots target/host-roots, or name another directory");
            return CANNOT;
        }
        long bytes = 0;
        for (Path module : modules) {
            bytes += Files.size(module);
        }
        List<Double> ours = new ArrayList<>();
        List<Double> theirs = new ArrayList<>();
        read(modules);
        modinfo(modules);
        for (int i = 0; i < rounds; i++) {
            ours.add(modules.size() / read(modules));
            theirs.add(modules.size() / modinfo(modules));
        }
        Table.title(Table.number(modules.size()) + " modules, " + Table.number(bytes / 1e6)
                + " MB, one thread each: medians of " + rounds + " turns");
        Table.row("we", Table.number(median(ours)) + "/s");
        Table.row("modinfo, " + AT_ONCE + " files a process", Table.number(median(theirs)) + "/s");
        Table.row("ours to theirs", Table.number(100 * median(ours) / median(theirs)) + " %");
        return 0;
    }

    private List<Path> modules() throws IOException {
        if (!Files.isDirectory(directory)) {
            return List.of();
        }
        try (Stream<Path> files = Files.walk(directory)) {
            return files.filter(Files::isRegularFile)
                    .filter(file -> file.toString().endsWith(".ko"))
                    .sorted()
                    .toList();
        }
    }

    /** In seconds. */
    private static double read(List<Path> modules) throws IOException, NotAModule {
        long begin = System.nanoTime();
        long symbols = 0;
        for (Path module : modules) {
            ModuleFile read = ModuleFile.read(Files.readAllBytes(module));
            symbols += read.symbolVersions().size();
        }
        if (symbols == 0) {
            throw new IllegalStateException(
                    "Expected modules that need symbols, but none of " + modules.size() + " does");
        }
        return (System.nanoTime() - begin) / 1e9;
    }

    private static double modinfo(List<Path> modules) throws IOException, InterruptedException {
        long begin = System.nanoTime();
        for (int from = 0; from < modules.size(); from += AT_ONCE) {
            List<String> command = new ArrayList<>(List.of("/usr/sbin/modinfo"));
            modules.subList(from, Math.min(modules.size(), from + AT_ONCE))
                    .forEach(module -> command.add(module.toAbsolutePath().toString()));
            Process process = new ProcessBuilder(command)
                    .redirectErrorStream(true)
                    .redirectOutput(new File("/dev/null"))
                    .start();
            if (process.waitFor() != 0) {
                throw new IllegalStateException(
                        "Expected modinfo to read all modules, but it ended with " + process.exitValue());
            }
        }
        return (System.nanoTime() - begin) / 1e9;
    }

    private static double median(List<Double> values) {
        return values.stream().sorted().toList().get(values.size() / 2);
    }
}
