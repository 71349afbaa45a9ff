package io.kmodfleet.agent.install;

import io.kmodfleet.agent.dkms.Dkms;
import io.kmodfleet.agent.dkms.LeftBuild;
import io.kmodfleet.agent.durable.Durable;
import io.kmodfleet.agent.host.HostPrograms;
import io.kmodfleet.agent.host.HostPrograms.Outcome;
import io.kmodfleet.agent.host.HostRoot;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * What an installation or a build left on the host when it was cut off: by a power cut, a kill, a full disk. Looked for at every
 * start of the agent and by {@code doctor}. Mending gives the host what it had before, never half of something.
 */
public final class Leftovers {

    private static final Duration LIMIT = Duration.ofMinutes(5);

    /** A dkms that a person runs may be about to fill it. */
    private static final Duration AT_WORK = Duration.ofMinutes(10);

    private static final String FRESH = ".new";

    private final HostRoot root;
    private final HostPrograms programs;
    private final Path state;

    /** @param state of the agent */
    public Leftovers(HostRoot root, HostPrograms programs, Path state) {
        this.root = root;
        this.programs = programs;
        this.state = state;
    }

    /** What kind of thing was left. */
    public enum Kind {
        /** An installation that did not come to its end; everything that it replaced is kept. */
        INTERRUPTED_INSTALLATION,
        /** What was being written beside its place. */
        HALF_WRITTEN,
        /** What stood at a place before. */
        KEPT_FROM_BEFORE,
        /** An entry of dkms without a module in it: dkms refuses to build again over it. */
        EMPTY_DKMS_ENTRY,
        /** {@code modules.dep} does not say what is there. */
        STALE_MODULES_DEP,
        /** The trees of a build that was killed. */
        SCRATCH_BUILD,
        /** The scratch disk of a self-test that was killed. */
        SELF_TEST
    }

    /**
     * @param where as the host names it
     * @param since when it was last changed, where that is known
     * @param words what it is and what mending does, for a person
     */
    public record Leftover(Kind kind, String where, Optional<Instant> since, String words) {}

    /** What there is now; changes nothing. */
    public List<Leftover> find() throws IOException {
        List<Leftover> found = new ArrayList<>();
        Optional<Changes> interrupted = Changes.interrupted(root, state);
        interrupted.ifPresent(changes -> found.add(new Leftover(
                Kind.INTERRUPTED_INSTALLATION,
                changes.record().toString(),
                Optional.of(changes.intent().since()),
                "the installation of " + changes.intent().what() + " was cut off; mending "
                        + (changes.intent().done()
                                ? "throws away what was kept from before it"
                                : "puts back what stood there before"))));
        Set<Path> itsOwn = interrupted
                .map(changes -> changes.intent().places().stream()
                        .map(place -> root.at(place.path()))
                        .collect(Collectors.toSet()))
                .orElse(Set.of());
        for (Path file : beside()) {
            if (!itsOwn.contains(placeOf(file))) {
                found.add(describe(file));
            }
        }
        for (Path entry : dkmsEntries()) {
            if (isEmptyEntry(entry)) {
                found.add(leftover(
                        Kind.EMPTY_DKMS_ENTRY,
                        entry,
                        "dkms has an entry of a build without a module in it; mending removes the entry"));
            }
        }
        if (interrupted.isEmpty()) {
            for (String release : releases()) {
                staleness(release)
                        .ifPresent(why -> found.add(leftover(
                                Kind.STALE_MODULES_DEP,
                                modules(release).resolve("modules.dep"),
                                why + "; mending runs depmod " + release)));
            }
        }
        Path selfTest = SelfTest.placeIn(state);
        if (Files.isDirectory(selfTest)) {
            found.add(new Leftover(
                    Kind.SELF_TEST,
                    selfTest.toString(),
                    Optional.empty(),
                    "the scratch disk of a self-test that was killed; mending removes it and its loop device"));
        }
        LeftBuild.of(root)
                .ifPresent(place -> found.add(leftover(
                        Kind.SCRATCH_BUILD, place, "the trees of a build that was killed; mending removes them")));
        return found;
    }

    /**
     * Mends everything that can be.
     *
     * @return what is still there then
     * @throws InterruptedException where the agent ends: then it is done again
     */
    public List<Leftover> mend() throws IOException, InterruptedException {
        return new Dkms(root, programs, state).locked(() -> {
            // First the installation: what it kept and what it wrote belong together.
            Optional<Changes> interrupted = Changes.interrupted(root, state);
            if (interrupted.isPresent()) {
                StepRunner.mend(interrupted.get(), root, programs);
            }
            for (Leftover leftover : find()) {
                mend(leftover);
            }
            // Now that files stand where they belong.
            for (Leftover leftover : find()) {
                mend(leftover);
            }
            return find();
        });
    }

    private void mend(Leftover leftover) throws IOException, InterruptedException {
        Path where = here(leftover.where());
        switch (leftover.kind()) {
            case HALF_WRITTEN, EMPTY_DKMS_ENTRY -> {
                Durable.delete(where);
                Durable.sync(where.getParent());
            }
            case KEPT_FROM_BEFORE -> putBackOrForget(where);
            case STALE_MODULES_DEP -> depmod(where.getParent());
            case SCRATCH_BUILD -> LeftBuild.remove(root);
            case SELF_TEST -> SelfTest.clear(root, programs, SelfTest.placeIn(state));
            case INTERRUPTED_INSTALLATION ->
                throw new IOException("Expected the installation that was cut off to be"
                        + " mended first, but its record is still there: " + where);
        }
    }

    private static void putBackOrForget(Path kept) throws IOException {
        Path place = placeOf(kept);
        if (Files.exists(place, LinkOption.NOFOLLOW_LINKS)) {
            Durable.delete(kept);
        } else {
            Files.move(kept, place, StandardCopyOption.ATOMIC_MOVE);
        }
        Durable.sync(place.getParent());
    }

    private void depmod(Path modules) throws IOException, InterruptedException {
        String release = modules.getFileName().toString();
        Outcome outcome = programs.run(LIMIT, List.of("depmod", release));
        if (!outcome.isSuccess()) {
            throw new IOException("Expected 'depmod " + release + "' to succeed, but it exited with "
                    + outcome.exitCode() + ": " + outcome.lastLine());
        }
        Durable.syncFiles(modules, "modules.");
    }

    private Leftover describe(Path file) {
        String name = root.nameOf(placeOf(file));
        if (file.getFileName().toString().endsWith(FRESH)) {
            return leftover(
                    Kind.HALF_WRITTEN, file, "what was to become " + name + ", half written; mending removes it");
        }
        boolean there = Files.exists(placeOf(file), LinkOption.NOFOLLOW_LINKS);
        return leftover(
                Kind.KEPT_FROM_BEFORE,
                file,
                "what stood at " + name + " before; mending "
                        + (there ? "removes it, for the new one is there" : "puts it back"));
    }

    private Leftover leftover(Kind kind, Path file, String words) {
        Optional<Instant> since;
        try {
            since = Optional.of(
                    Files.getLastModifiedTime(file, LinkOption.NOFOLLOW_LINKS).toInstant());
        } catch (IOException e) {
            since = Optional.empty();
        }
        return new Leftover(kind, root.nameOf(file), since, words);
    }

    /** The file itself: {@link HostRoot#at} would follow it where it is a link. */
    private Path here(String where) {
        int slash = where.lastIndexOf('/');
        return root.at(where.substring(0, slash)).resolve(where.substring(slash + 1));
    }

    /** {@code .name.new} and {@code .name.kept} belong to {@code name}. */
    private static Path placeOf(Path file) {
        String name = file.getFileName().toString();
        return file.resolveSibling(name.substring(1, name.lastIndexOf('.')));
    }

    /** Everything that we write beside a place, wherever we write. */
    private List<Path> beside() throws IOException {
        List<Path> found = new ArrayList<>();
        for (String release : releases()) {
            for (String directory : List.of("updates", "extra")) {
                addBeside(found, modules(release).resolve(directory), 6, "\\.ko(\\.(gz|xz|zst))?");
            }
        }
        addBeside(found, root.at("/usr/src"), 1, "-[^/]*");
        // M/.kernel-K-A, M/V/.source, M/V/K/.A
        addBeside(found, root.at("/var/lib/dkms"), 4, "");
        return found;
    }

    private static void addBeside(List<Path> found, Path directory, int depth, String end) throws IOException {
        if (!Files.isDirectory(directory)) {
            return;
        }
        try (Stream<Path> files = Files.walk(directory, depth)) {
            files.filter(file -> file.getFileName().toString().matches("\\..+" + end + "\\.(new|kept|old)"))
                    .sorted()
                    .forEach(found::add);
        }
    }

    private List<Path> dkmsEntries() throws IOException {
        Path tree = root.at("/var/lib/dkms");
        if (!Files.isDirectory(tree)) {
            return List.of();
        }
        // M/V/K/A, with K as dkms knows a kernel: it begins with a digit.
        try (Stream<Path> files = Files.walk(tree, 4)) {
            return files.filter(file -> file.getNameCount() == tree.getNameCount() + 4)
                    .filter(file -> Files.isDirectory(file, LinkOption.NOFOLLOW_LINKS))
                    .filter(file -> !file.getFileName().toString().startsWith("."))
                    .filter(file -> file.getParent().getFileName().toString().matches("\\d+\\..*"))
                    .filter(file -> !tree.relativize(file).getName(1).toString().equals("original_module"))
                    .filter(file -> !tree.relativize(file).getName(0).toString().equals("original_module"))
                    .sorted(Comparator.naturalOrder())
                    .toList();
        }
    }

    private static boolean isEmptyEntry(Path entry) throws IOException {
        boolean old = Files.getLastModifiedTime(entry)
                .toInstant()
                .isBefore(Instant.now().minus(AT_WORK));
        if (!old) {
            return false;
        }
        Path module = entry.resolve("module");
        if (!Files.isDirectory(module)) {
            return true;
        }
        try (Stream<Path> files = Files.list(module)) {
            return files.noneMatch(file -> file.getFileName().toString().contains(".ko"));
        }
    }

    /** Why modules.dep does not say what is there; empty where it does, and where there never was one. */
    private Optional<String> staleness(String release) throws IOException {
        Path modules = modules(release);
        Path list = modules.resolve("modules.dep");
        if (!Files.isRegularFile(list)) {
            return Optional.empty();
        }
        Set<String> listed = new TreeSet<>();
        try (Stream<String> lines = Files.lines(list, StandardCharsets.ISO_8859_1)) {
            lines.map(line -> line.substring(0, Math.max(0, line.indexOf(':'))))
                    .filter(file -> file.startsWith("updates/") || file.startsWith("extra/"))
                    .forEach(listed::add);
        }
        for (String file : listed) {
            if (!Files.exists(modules.resolve(file))) {
                return Optional.of("modules.dep of kernel " + release + " names " + file + ", which is gone");
            }
        }
        Set<String> modulesListed = listed.stream().map(ModuleFiles::moduleOf).collect(Collectors.toSet());
        for (Path file : ModuleFiles.below(modules)) {
            // Of two files of one module depmod names one; what is no module it passes over.
            if (!modulesListed.contains(ModuleFiles.moduleOf(file.toString()))
                    && ModuleFiles.bodyOf(file).isPresent()) {
                return Optional.of("modules.dep of kernel " + release + " does not name " + modules.relativize(file));
            }
        }
        return Optional.empty();
    }

    private Path modules(String release) {
        return root.at("/lib/modules").resolve(release);
    }

    private List<String> releases() throws IOException {
        Path directory = root.at("/lib/modules");
        if (!Files.isDirectory(directory)) {
            return List.of();
        }
        try (Stream<Path> releases = Files.list(directory)) {
            return releases.filter(Files::isDirectory)
                    .map(release -> release.getFileName().toString())
                    .sorted()
                    .toList();
        }
    }
}
