package io.kmodfleet.deploy.demo;

import io.kmodfleet.deploy.standalone.Progress;
import io.kmodfleet.deploy.standalone.Stack;
import io.kmodfleet.deploy.standalone.StackOptions;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.extension.AfterEachCallback;
import org.junit.jupiter.api.extension.BeforeEachCallback;
import org.junit.jupiter.api.extension.ExtensionContext;

/** A fresh stack for each test, from the jars that are built, and roots to put hosts into. */
final class RehearsalExtension implements BeforeEachCallback, AfterEachCallback {

    private static final Path HOME = Path.of(System.getProperty("kmodfleet.home", "../.."))
            .toAbsolutePath()
            .normalize();

    private final Map<String, String> settings;
    private HostRoots roots;
    private Path workplace;
    private Stack stack;
    private Rehearsal rehearsal;

    RehearsalExtension() {
        this(Map.of());
    }

    /** @param settings of coordinator and store, as in their environment */
    RehearsalExtension(Map<String, String> settings) {
        this.settings = settings;
    }

    @Override
    public void beforeEach(ExtensionContext context) throws IOException, InterruptedException {
        Needs.hostRoots();
        roots = HostRoots.make(HOME, Progress.silent());
        workplace = roots.workplace();
        stack = Stack.start(
                StackOptions.embedded(HOME, workplace.resolve("data")).withSettings(settings), Progress.silent());
        rehearsal = new Rehearsal(HOME, stack, workplace);
    }

    @Override
    public void afterEach(ExtensionContext context) throws IOException {
        if (rehearsal != null) {
            rehearsal.close();
        }
        if (stack != null) {
            stack.close();
        }
        if (workplace != null) {
            HostRoots.delete(workplace);
        }
    }

    HostRoots roots() {
        return roots;
    }

    Stack stack() {
        return stack;
    }

    Rehearsal rehearsal() {
        return rehearsal;
    }

    /** A host of its own, made after one of the roots. */
    Path host(String root, String name) throws IOException, InterruptedException {
        return roots.copy(root, workplace.resolve(name));
    }
}
