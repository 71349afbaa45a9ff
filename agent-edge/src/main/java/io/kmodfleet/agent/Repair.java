package io.kmodfleet.agent;

import io.kmodfleet.contracts.Decision;
import java.nio.file.Path;
import java.util.List;

/** One thing that {@code doctor --fix} does, as a value: it is shown before it is done. */
sealed interface Repair {

    /** In words, as a sentence without its subject. */
    String words();

    /** depmod, the initramfs where that is what is missing, modprobe: the way the coordinator's order would go. */
    record Activate(Decision.Keep order) implements Repair {
        @Override
        public String words() {
            boolean initramfs =
                    order.facts().stream().anyMatch(fact -> fact.value().equals(Decision.Keep.NOT_IN_INITRAMFS));
            String module = order.subject().module();
            String release = order.subject().release();
            return "run depmod " + release
                    + (initramfs ? ", list " + module + " for the initramfs of " + release + " and make that anew" : "")
                    + ", and load " + module + " where " + release + " runs";
        }
    }

    /** A program of the host, without a shell. */
    record Run(List<String> line) implements Repair {
        @Override
        public String words() {
            return "run " + String.join(" ", line);
        }
    }

    /** The agent looks at once and reports; the coordinator decides afresh. */
    record LookAgain() implements Repair {
        @Override
        public String words() {
            return "have the agent look and report at once; the coordinator then decides afresh (build, reuse or reject)";
        }
    }

    /** @param directory below {@code /var/lib/dkms}, as the host names it */
    record DeleteFromDkms(String directory) implements Repair {
        @Override
        public String words() {
            return "delete " + directory;
        }
    }

    /** Whatever was cut off is taken back or brought to its end, as the agent does at its start. */
    record MendLeftovers(String words) implements Repair {}

    /** Renames a file of the agent's state, so that it begins a new one; nothing is deleted. */
    record SetAside(Path file) implements Repair {
        @Override
        public String words() {
            return "rename " + file + " to " + aside().getFileName() + ", so that the agent begins a new one";
        }

        Path aside() {
            return file.resolveSibling(file.getFileName() + ".unreadable");
        }
    }

    /** Only its owner may read and write there. */
    record CloseToOthers(Path directory) implements Repair {
        @Override
        public String words() {
            return "chmod 0700 " + directory;
        }
    }
}
