package io.kmodfleet.agent.host;

import io.kmodfleet.contracts.Compiler;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;

/** What a host would build with, and what its kernels were built with, in the compilers' own words. */
final class Compilers {

    private static final String KEY = "CONFIG_CC_VERSION_TEXT=\"";

    private final HostRoot root;
    private final RootQuestions questions;
    private final ReadOnce<Optional<Compiler>> binaries = new ReadOnce<>();
    private final ReadOnce<Optional<Compiler>> configs = new ReadOnce<>();

    Compilers(HostRoot root, RootQuestions questions) {
        this.root = root;
        this.questions = questions;
    }

    /** The first of gcc and cc, asked again when its binary has changed. */
    Optional<Compiler> ofHost() {
        for (String name : List.of("gcc", "cc")) {
            Optional<Path> binary = root.program(name);
            if (binary.isPresent()) {
                try {
                    return binaries.get(binary.get(), file -> questions
                            .ask(name, "--version")
                            .flatMap(output -> output.lines().findFirst())
                            .flatMap(Compilers::named));
                } catch (IOException e) {
                    return Optional.empty();
                }
            }
        }
        return Optional.empty();
    }

    Optional<Compiler> ofKernel(Path config) {
        try {
            return configs.get(config, Compilers::inConfig);
        } catch (IOException e) {
            return Optional.empty();
        }
    }

    private static Optional<Compiler> inConfig(Path file) throws IOException {
        try (Stream<String> lines = Files.lines(file, StandardCharsets.ISO_8859_1)) {
            return lines.filter(line -> line.startsWith(KEY) && line.endsWith("\""))
                    .findFirst()
                    .filter(line -> line.length() > KEY.length())
                    .flatMap(line -> named(line.substring(KEY.length(), line.length() - 1)));
        } catch (java.io.UncheckedIOException e) {
            throw e.getCause();
        }
    }

    private static Optional<Compiler> named(String line) {
        try {
            return line.isBlank() ? Optional.empty() : Optional.of(new Compiler(line.strip()));
        } catch (IllegalArgumentException e) {
            return Optional.empty();
        }
    }
}
