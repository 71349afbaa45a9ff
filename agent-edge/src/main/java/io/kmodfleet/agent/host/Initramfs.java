package io.kmodfleet.agent.host;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;

/** What is in the initial RAM file systems of a host, by the program that makes them. Listed once for each file. */
final class Initramfs {

    /** Of initramfs-tools, and of dracut. */
    private static final List<String> LISTERS = List.of("lsinitramfs", "lsinitrd");

    private final HostRoot root;
    private final RootQuestions questions;
    private final ReadOnce<Optional<Set<String>>> listed = new ReadOnce<>();

    Initramfs(HostRoot root, RootQuestions questions) {
        this.root = root;
        this.questions = questions;
    }

    /** Absent where no program lists it, there is no such file, or it cannot be listed. */
    Optional<Boolean> has(String release, String module) {
        Optional<Path> image = new KernelFiles(root, release).initramfs();
        Optional<String> lister =
                LISTERS.stream().filter(name -> root.program(name).isPresent()).findFirst();
        if (lister.isEmpty() || image.isEmpty()) {
            return Optional.empty();
        }
        try {
            return listed.get(image.get(), file -> list(lister.get(), file, release))
                    .map(names -> names.contains(module));
        } catch (IOException e) {
            return Optional.empty();
        }
    }

    void forgetVanished() {
        listed.forgetVanished();
    }

    private Optional<Set<String>> list(String lister, Path image, String release) throws IOException {
        return questions.ask(lister, root.nameOf(image)).map(output -> modulesIn(output, release));
    }

    /** Both print paths without a slash before them, dracut at the end of a line like {@code ls -l}'s. */
    static Set<String> modulesIn(String output, String release) {
        Set<String> names = new TreeSet<>();
        output.lines()
                .filter(line -> line.contains("lib/modules/" + release + "/"))
                .map(line -> line.substring(line.lastIndexOf('/') + 1))
                .filter(file -> file.matches(".+\\.ko(\\.(gz|xz|zst))?"))
                .forEach(
                        file -> names.add(file.substring(0, file.indexOf(".ko")).replace('-', '_')));
        return names;
    }
}
