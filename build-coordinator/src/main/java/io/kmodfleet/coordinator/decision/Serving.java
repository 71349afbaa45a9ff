package io.kmodfleet.coordinator.decision;

import io.kmodfleet.contracts.Decision;
import io.kmodfleet.contracts.InstalledModule;
import java.util.Optional;

/** Rule 3 (product guide, 6.2): what keeps a module that is installed and right from serving. */
final class Serving {

    private Serving() {}

    /** In words; empty where it serves. */
    static Optional<String> of(InstalledModule module, Question q) {
        boolean inInitramfs = module.inInitramfs().orElse(true);
        if (q.module().belongsIntoInitramfs() && !inInitramfs) {
            return Optional.of(Decision.Keep.NOT_IN_INITRAMFS);
        }
        return q.kernel().running() && !module.loaded() ? Optional.of(Decision.Keep.NOT_LOADED) : Optional.empty();
    }
}
