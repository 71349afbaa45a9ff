package io.kmodfleet.agent.supply;

import static org.assertj.core.api.Assertions.assertThat;

import io.kmodfleet.agent.Needs;
import io.kmodfleet.agent.host.HostRoot;
import io.kmodfleet.agent.host.SystemTree;
import io.kmodfleet.agent.supply.SupplyPlan.Step;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Real processes in a root; the package manager there is a script, for what matters is what is left when one misbehaves. */
class SupplierIT {

    private static final String SOURCES = "/etc/apt/sources.list";

    private SystemTree tree;
    private final List<String> run = new ArrayList<>();

    @BeforeEach
    void root(@TempDir Path directory) throws Exception {
        tree = new SystemTree(directory, Needs.hostRoots().resolve("a"));
        tree.debian()
                .write(SOURCES, "deb http://deb.debian.org/debian bookworm main\n")
                .write("/etc/apt/sources.list.d/own.list", "deb http://own.example ./\n")
                .program("/bin/dash")
                .link("/bin/sh", "dash");
    }

    @Test
    void the_first_failure_ends_it_but_what_takes_something_back_is_run_all_the_same() throws Exception {
        program("apt-get", "[ \"$1\" = update ] || { echo E: no such package; exit 100; }");

        Supplier.Result result = supply(
                new Step(List.of("apt-get", "update"), false),
                new Step(List.of("apt-get", "install", "dkms"), false),
                new Step(List.of("apt-get", "install", "gcc"), false),
                new Step(List.of("apt-get", "remove", "extra"), true));

        assertThat(run).containsExactly("apt-get update", "apt-get install dkms", "apt-get remove extra");
        assertThat(result.failed())
                .contains("Expected 'apt-get install dkms' to succeed, but it exited with 100: E: no such package");
    }

    @Test
    void package_sources_are_as_before_whatever_was_done_to_them() throws Exception {
        program(
                "apt-get",
                "echo more >>" + SOURCES + "; echo new >/etc/apt/sources.list.d/new.list;"
                        + " : >/etc/apt/sources.list.d/own.list");

        Supplier.Result result = supply(new Step(List.of("apt-get", "update"), false));

        assertThat(result.failed()).isEmpty();
        assertThat(result.restored())
                .containsExactly(SOURCES, "/etc/apt/sources.list.d/new.list", "/etc/apt/sources.list.d/own.list");
        assertThat(tree.root().resolve("etc/apt/sources.list"))
                .hasContent("deb http://deb.debian.org/debian bookworm main\n");
        assertThat(tree.root().resolve("etc/apt/sources.list.d")).isDirectoryContaining("glob:**own.list");
        assertThat(tree.root().resolve("etc/apt/sources.list.d/own.list")).hasContent("deb http://own.example ./\n");
        assertThat(Files.exists(tree.root().resolve("etc/apt/sources.list.d/new.list")))
                .isFalse();
    }

    @Test
    void a_package_manager_that_is_not_there_is_named() throws Exception {
        assertThat(supply(new Step(List.of("dnf", "install", "-y", "dkms"), false))
                        .failed())
                .contains("Expected dnf on this host, but it is not there");
    }

    private Supplier.Result supply(Step... steps) throws IOException, InterruptedException {
        return new Supplier(new HostRoot(tree.root()), run::add, line -> {})
                .run(new SupplyPlan(List.of(steps), List.of()));
    }

    private void program(String name, String script) throws IOException {
        tree.write("/usr/bin/" + name, "#!/bin/sh\n" + script + "\n");
        Files.setPosixFilePermissions(
                tree.root().resolve("usr/bin/" + name), PosixFilePermissions.fromString("rwxr-xr-x"));
    }
}
