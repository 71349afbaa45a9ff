package io.kmodfleet.agent.install;

import io.kmodfleet.agent.host.HostRoot;
import io.kmodfleet.contracts.Decision;
import io.kmodfleet.contracts.Fact;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;

/**
 * What makes an installed module effective, in order, as values. {@code modules.dep} first, for the others read it; nothing is
 * ever unloaded.
 */
record Activation(List<Step> steps) {

    Activation {
        steps = List.copyOf(steps);
    }

    /** What makes the initial RAM file systems of a host. */
    enum InitramfsTool {
        INITRAMFS_TOOLS("update-initramfs", "/usr/share/initramfs-tools/modules.d/kmodfleet-%s", "%s%n") {
            @Override
            List<String> rebuild(String release) {
                return List.of("update-initramfs", "-u", "-k", release);
            }
        },
        DRACUT("dracut", "/etc/dracut.conf.d/kmodfleet-%s.conf", "add_drivers+=\" %s \"%n") {
            @Override
            List<String> rebuild(String release) {
                return List.of("dracut", "-f", "--kver", release);
            }
        };

        private final String program;
        private final String listing;
        private final String line;

        InitramfsTool(String program, String listing, String line) {
            this.program = program;
            this.listing = listing;
            this.line = line;
        }

        /** Of that host, where it has one. */
        static Optional<InitramfsTool> of(HostRoot root) {
            return Arrays.stream(values())
                    .filter(tool -> root.program(tool.program).isPresent())
                    .findFirst();
        }

        /** Has it made anew for one kernel. */
        abstract List<String> rebuild(String release);

        ListForInitramfs list(String module) {
            return new ListForInitramfs(listing.formatted(module), line.formatted(module));
        }
    }

    /** One thing to do. */
    sealed interface Step {}

    /** Has {@code modules.dep} made anew. Without it the steps after it would work with what is not true any more. */
    record Depmod(String release) implements Step {}

    record MakeInitramfs(List<String> program) implements Step {}

    /** Tells the tool that the module belongs into every initramfs; a tool takes by itself only what the root disk needs. */
    record ListForInitramfs(String file, String content) implements Step {}

    record Load(String module) implements Step {}

    /**
     * @param running whether that very kernel runs
     * @param tool of the host, where it has one
     */
    static Activation of(Decision.Keep order, boolean running, Optional<InitramfsTool> tool) {
        String release = order.subject().release();
        String module = moduleOf(order);
        List<Step> steps = new ArrayList<>();
        steps.add(new Depmod(release));
        boolean wantsInitramfs = order.facts().contains(Fact.of(Decision.Keep.MISSING, Decision.Keep.NOT_IN_INITRAMFS));
        if (wantsInitramfs && tool.isPresent()) {
            steps.add(tool.get().list(module));
            steps.add(new MakeInitramfs(tool.get().rebuild(release)));
        }
        if (running) {
            steps.add(new Load(module));
        }
        return new Activation(steps);
    }

    /** As the kernel calls it: it takes a dash for an underscore. */
    static String moduleOf(Decision.Keep order) {
        return order.subject().module().replace('-', '_');
    }
}
