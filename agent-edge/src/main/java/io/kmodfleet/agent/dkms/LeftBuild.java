package io.kmodfleet.agent.dkms;

import io.kmodfleet.agent.host.HostRoot;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Optional;

/** The trees that a build left which was killed. A build that runs has left nothing. */
public final class LeftBuild {

    private LeftBuild() {}

    public static Optional<Path> of(HostRoot root) throws IOException {
        return ScratchTree.leftover(root);
    }

    public static void remove(HostRoot root) throws IOException {
        ScratchTree.clear(root);
    }
}
