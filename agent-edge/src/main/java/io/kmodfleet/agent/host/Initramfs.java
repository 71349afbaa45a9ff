package io.kmodfleet.agent.host;

import java.io.IOException;
import java.nio.file.Path;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;

/** What is in the initial RAM file systems of a host, by the program that makes them. Listed once for each file. */
final class Initramfs {

    private final HostRoot root;
    private final RootQuestions questions;
    private final ReadOnce<Optional<Set<String>>> listed = new ReadOnce<>();

    Initramfs(HostRoot root, RootQuestions questions) {
        this.root = root;
        this.questions = questions;
    }

    /** Absent where there is no {@code lsinitramfs}, no such file, or it cannot be listed. */
    Optional<Boolean> has(String release, String module) {
        String image = "/boot/initrd.img-" + release;
        if (root.program("lsinitramfs").isEmpty()) {
            return Optional.empty();
        }
        try {
            return listed.get(root.at(image), file -> list(file, release)).map(names -> names.contains(module));
        } catch (IOException e) {
            return Optional.empty();
        }
    }

    void forgetVanished() {
        listed.forgetVanished();
    }

    private Optional<Set<String>> list(Path image, String release) throws IOException {
        return questions.ask("lsinitramfs", root.nameOf(image)).map(output -> {
            Set<String> names = new TreeSet<>();
            output.lines()
                    .filter(line -> line.contains("lib/modules/" + release + "/"))
                    .map(line -> line.substring(line.lastIndexOf('/') + 1))
                    .filter(file -> file.matches(".+\\.ko(\\.(gz|xz|zst))?"))
                    .forEach(file ->
                            names.add(file.substring(0, file.indexOf(".ko")).replace('-', '_')));
            return names;
        });
    }
}
