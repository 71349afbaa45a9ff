package io.kmodfleet.agent.install;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.kmodfleet.agent.Copies;
import io.kmodfleet.agent.Kernels;
import io.kmodfleet.agent.Needs;
import io.kmodfleet.agent.dkms.ToySource;
import io.kmodfleet.agent.host.HostPrograms;
import io.kmodfleet.agent.host.HostRoot;
import io.kmodfleet.agent.install.InstallPlan.Present;
import io.kmodfleet.agent.install.InstallPlan.Step;
import io.kmodfleet.agent.install.Leftovers.Kind;
import io.kmodfleet.agent.install.Leftovers.Leftover;
import io.kmodfleet.agent.install.StepRunner.Payload;
import io.kmodfleet.agent.install.StepRunner.StepFailed;
import io.kmodfleet.contracts.BuildTarget;
import io.kmodfleet.contracts.Digest;
import io.kmodfleet.contracts.KernelIdentity;
import io.kmodfleet.contracts.PackageManifest;
import io.kmodfleet.contracts.PackageManifest.PackagedModule;
import io.kmodfleet.contracts.module.ModuleFile;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Properties;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.io.CleanupMode;
import org.junit.jupiter.api.io.TempDir;

/** An installation that goes wrong at any place, on a host with dkms: the host is as before, or as it should be; nothing between. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class CrashSafeInstallIT {

    private Path work;
    private Path state;
    private HostRoot root;
    private HostPrograms programs;
    private String release;
    private byte[] inTree;

    @BeforeAll
    void host(@TempDir(cleanup = CleanupMode.NEVER) Path temporary) throws Exception {
        Path roots = Needs.hostRoots();
        Properties facts = new Properties();
        try (var in = Files.newBufferedReader(roots.resolve("roots.env"))) {
            facts.load(in);
        }
        release = facts.getProperty("KERNEL");
        work = temporary;
        state = Files.createDirectories(work.resolve("state"));
        // What dkms itself would do is DkmsBuildIT's; here its directories are enough, and this root is smaller.
        root = new HostRoot(Copies.of(roots.resolve("b"), work.resolve("host")));
        Files.createDirectories(root.at("/var/lib/dkms"));
        programs = new HostPrograms(root);
        try (Stream<Path> files = Files.walk(root.at("/lib/modules/" + release + "/kernel"))) {
            inTree = Files.readAllBytes(
                    files.filter(file -> file.endsWith("dummy.ko")).findFirst().orElseThrow());
        }
    }

    @AfterAll
    void end() throws Exception {
        if (work != null) {
            Copies.delete(work);
        }
    }

    /** An older version of the module is installed, as dkms would, and another file of it lies in extra. */
    @BeforeEach
    void the_module_of_before() throws Exception {
        new Leftovers(root, programs, state).mend();
        run(plan(Set.of()), payload(version(1)));
        Files.createDirectories(root.at("/lib/modules/" + release + "/extra"));
        Files.write(root.at("/lib/modules/" + release + "/extra").resolve("dummy.ko"), version(0));
        programs.run(Duration.ofMinutes(1), List.of("depmod", release));
        assertThat(new Leftovers(root, programs, state).find()).isEmpty();
    }

    @Test
    void where_any_step_fails_the_host_is_as_before() throws Exception {
        Map<String, String> before = host();
        List<Step> steps = wholePlan().steps();
        for (int done = 0; done <= steps.size(); done++) {
            List<Step> until = new ArrayList<>(steps.subList(0, done));
            until.add(new Step.Confirm(module("no such module".getBytes())));

            assertThatThrownBy(() -> run(new InstallPlan(release, until), payload(version(2))))
                    .isInstanceOf(StepFailed.class);

            assertThat(host()).as("after " + done + " steps").isEqualTo(before);
        }
    }

    @Test
    void where_the_power_fails_after_any_step_the_next_start_puts_everything_back() throws Exception {
        Map<String, String> before = host();
        List<Step> steps = wholePlan().steps();
        for (int done = 0; done <= steps.size(); done++) {
            List<Step> until = new ArrayList<>(steps.subList(0, done));
            until.add(new Step.Confirm(null));

            assertThatThrownBy(() -> run(new InstallPlan(release, until), payload(version(2))))
                    .isInstanceOf(NullPointerException.class);

            Leftovers leftovers = new Leftovers(root, programs, state);
            assertThat(leftovers.find()).extracting(Leftover::kind).contains(Kind.INTERRUPTED_INSTALLATION);
            assertThat(leftovers.mend()).as("after " + done + " steps").isEmpty();
            assertThat(host()).as("after " + done + " steps").isEqualTo(before);
        }
    }

    @Test
    void where_the_power_fails_between_two_names_of_one_place_it_is_put_back_too() throws Exception {
        Map<String, String> before = host();
        InstallPlan plan = wholePlan();
        for (Step step :
                plan.steps().stream().filter(step -> step.place().isPresent()).toList()) {
            Changes.begin(root, state, "toy", plan, Instant.now());
            Path parent = root.at(step.place().get().replaceAll("/[^/]*$", ""));
            Path place = parent.resolve(step.place().get().replaceAll(".*/", ""));
            if (Files.exists(place, LinkOption.NOFOLLOW_LINKS)) {
                Files.move(place, Changes.kept(place));
            }

            assertThat(new Leftovers(root, programs, state).mend()).isEmpty();

            assertThat(host()).as(step.name()).isEqualTo(before);
        }
    }

    @Test
    void what_was_done_stays_done_where_only_throwing_away_was_cut_off() throws Exception {
        InstallPlan plan = wholePlan();
        run(plan, payload(version(2)));
        Map<String, String> after = host();
        Changes.begin(root, state, "toy", plan, Instant.now());
        Path record = state.resolve("installation.json");
        Files.writeString(record, Files.readString(record).replace("\"done\":false", "\"done\":true"));
        Path installed = root.at("/lib/modules/" + release + "/updates/dkms/dummy.ko");
        Files.write(Changes.kept(installed), version(1));

        assertThat(new Leftovers(root, programs, state).mend()).isEmpty();

        assertThat(host()).isEqualTo(after);
        assertThat(installed).hasBinaryContent(version(2));
    }

    @Test
    void where_the_disk_is_full_at_any_write_the_host_is_as_before() throws Exception {
        for (String place : List.of("/lib/modules/" + release + "/updates", "/var/lib/dkms")) {
            Path full = root.at(place);
            Path real = work.resolve("real");
            boolean succeeded = false;
            for (int pages = 1; !succeeded; pages += pages < 12 ? 1 : 4) {
                Map<String, String> before = host();
                mount("--bind", full.toString(), Files.createDirectories(real).toString());
                mount("-t", "tmpfs", "-o", "size=" + pages * 4 + "k,nr_inodes=4096", "small", full.toString());
                try {
                    boolean copied = copy(real, full);
                    Map<String, String> smaller = host();
                    if (copied) {
                        try {
                            run(wholePlan(), payload(version(2)));
                            succeeded = true;
                        } catch (StepFailed e) {
                            assertThat(host())
                                    .as(place + " with " + pages + " pages")
                                    .isEqualTo(smaller);
                        }
                    }
                } finally {
                    unmount(full);
                    unmount(real);
                }
                if (!succeeded) {
                    assertThat(host()).isEqualTo(before);
                }
            }
            programs.run(Duration.ofMinutes(1), List.of("depmod", release));
        }
    }

    @Test
    void where_the_state_cannot_be_written_nothing_is_begun() throws Exception {
        Map<String, String> before = host();
        Path nowhere = Files.writeString(work.resolve("a file"), "").resolve("state");

        assertThatThrownBy(() -> new StepRunner(root, programs, nowhere, payload(version(2))).run(wholePlan()))
                .isInstanceOf(IOException.class);

        assertThat(host()).isEqualTo(before);
    }

    @Test
    void what_nobody_wrote_down_is_found_by_its_name_and_mended() throws Exception {
        Map<String, String> before = host();
        Path installed = root.at("/lib/modules/" + release + "/updates/dkms/dummy.ko");
        Path entry = root.at("/var/lib/dkms/kmf_toy/1.0/" + release + "/x86_64");
        Files.write(Changes.fresh(installed), new byte[10]);
        Files.move(installed, Changes.kept(installed));
        Files.createDirectories(Changes.fresh(entry).resolve("module"));
        Files.createDirectories(root.at("/usr/src").resolve(".kmf_toy-1.0.new"));
        Path empty = Files.createDirectories(root.at("/var/lib/dkms/kmf_toy/1.0/5.5.5/x86_64/log"));
        Files.setLastModifiedTime(empty.getParent(), FileTime.from(Instant.now().minus(Duration.ofHours(1))));
        Files.createDirectories(root.at("/var/lib/kmodfleet/build/dkms"));
        Leftovers leftovers = new Leftovers(root, programs, state);

        assertThat(leftovers.find())
                .extracting(Leftover::kind)
                .containsOnlyOnce(
                        Kind.KEPT_FROM_BEFORE, Kind.EMPTY_DKMS_ENTRY, Kind.STALE_MODULES_DEP, Kind.SCRATCH_BUILD)
                .filteredOn(kind -> kind == Kind.HALF_WRITTEN)
                .hasSize(3);
        assertThat(leftovers.find()).allMatch(found -> found.words().contains("mending"));
        assertThat(leftovers.mend()).isEmpty();

        Files.deleteIfExists(empty.getParent().getParent());
        assertThat(host()).isEqualTo(before);
    }

    private void run(InstallPlan plan, Payload payload) throws Exception {
        new StepRunner(root, programs, state, payload).run(plan);
    }

    private InstallPlan wholePlan() throws IOException {
        return plan(ModuleFiles.named(root, release));
    }

    private InstallPlan plan(Set<String> files) {
        Digest some = Kernels.digest("some");
        KernelIdentity kernel = new KernelIdentity(
                "x86_64", release, Optional.empty(), Optional.of(some), Optional.empty(), Optional.empty());
        PackageManifest manifest = new PackageManifest(
                1,
                ToySource.NAME,
                ToySource.VERSION,
                new BuildTarget(some, "x86_64", release, some),
                kernel,
                List.of(module(version(files.isEmpty() ? 1 : 2))),
                some,
                "gcc",
                "dkms",
                Kernels.HOST,
                Optional.empty(),
                some,
                Instant.EPOCH);
        return InstallPlan.of(manifest, release, new Present(Optional.of("/updates/dkms"), true, files, List.of()));
    }

    private Payload payload(byte[] file) throws Exception {
        return new Payload("toy", List.of(module(file)), List.of(file), Optional.of(ToySource.readingAMap()));
    }

    /** A real module, so that depmod takes it; each version with a body of its own, by what it says of its sources. */
    private byte[] version(int number) {
        byte[] bytes = inTree.clone();
        int at = new String(bytes, StandardCharsets.ISO_8859_1).indexOf("srcversion=") + "srcversion=".length();
        bytes[at] = (byte) ('0' + number);
        return bytes;
    }

    private static PackagedModule module(byte[] file) {
        Digest body;
        try {
            body = ModuleFile.read(file).body();
        } catch (io.kmodfleet.contracts.module.NotAModule e) {
            body = Digest.of(file);
        }
        return new PackagedModule("dummy", "module/dummy.ko", Digest.of(file), body, "", Optional.empty());
    }

    /** Everything that an installation might change, by content. */
    private Map<String, String> host() throws IOException {
        Map<String, String> files = new TreeMap<>();
        String modules = "/lib/modules/" + release;
        for (String place : List.of("/var/lib/dkms", "/usr/src", modules + "/updates", modules + "/extra", modules)) {
            int depth = place.equals(modules) ? 1 : place.equals("/usr/src") ? 3 : 6;
            try (Stream<Path> paths = Files.walk(root.at(place), depth)) {
                for (Path path : paths.filter(path -> !path.toString().contains("/linux-"))
                        .toList()) {
                    files.put(root.nameOf(path), content(path));
                }
            }
        }
        return files;
    }

    private static String content(Path path) throws IOException {
        if (Files.isSymbolicLink(path)) {
            return "-> " + Files.readSymbolicLink(path);
        }
        return Files.isDirectory(path)
                ? "directory"
                : Digest.of(Files.readAllBytes(path)).toString();
    }

    private static boolean copy(Path from, Path to) throws Exception {
        Process copy = new ProcessBuilder("cp", "-a", from + "/.", to + "/")
                .redirectErrorStream(true)
                .redirectOutput(ProcessBuilder.Redirect.DISCARD)
                .start();
        return copy.waitFor() == 0;
    }

    private static void mount(String... arguments) throws Exception {
        List<String> line = new ArrayList<>(List.of("mount"));
        line.addAll(List.of(arguments));
        exec(line);
    }

    private static void unmount(Path place) throws Exception {
        exec(List.of("umount", place.toString()));
    }

    private static void exec(List<String> line) throws Exception {
        Process process = new ProcessBuilder(line).inheritIO().start();
        assertThat(process.waitFor(1, TimeUnit.MINUTES)).isTrue();
        assertThat(process.exitValue()).as(String.join(" ", line)).isZero();
    }
}
