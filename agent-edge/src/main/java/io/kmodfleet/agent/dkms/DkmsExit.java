package io.kmodfleet.agent.dkms;

import io.kmodfleet.contracts.Observation.FailureClass;
import java.util.List;
import java.util.Optional;

/** What dkms's exit codes mean (read from its source, 2.2 to 3.4; a module's own PRE_BUILD may return any of them). */
enum DkmsExit {
    DONE,
    /** Somebody, a person perhaps, has done it before. */
    ALREADY,
    /** The source itself says that this kernel is not for it. */
    NOT_APPLICABLE,
    BUILD_FAILED,
    /** The build was not the reason. */
    HOST_FAILED;

    private static final int LONGEST = 300;
    private static final List<String> SIGNS_OF_THE_HOST = List.of(
            "No space left on device",
            "Read-only file system",
            "Cannot allocate memory",
            "Killed signal",
            "command not found");

    /**
     * @param code negative where the agent ended it
     * @param words what dkms and the compiler said: a full disk fails a build with the code of a wrong source
     */
    static DkmsExit of(int code, String words) {
        // 126, 127: no such program, no dkms even; above: ended by a signal.
        if (code >= 126 || code < 0) {
            return HOST_FAILED;
        }
        return switch (code) {
            case 0 -> DONE;
            // 3: already added or built; 5: already installed.
            case 3, 5 -> ALREADY;
            case 77 -> NOT_APPLICABLE;
            // 1: not root or wrong arguments; 13: build dependencies; 21: no headers.
            case 1, 13, 21 -> HOST_FAILED;
            default -> SIGNS_OF_THE_HOST.stream().anyMatch(words::contains) ? HOST_FAILED : BUILD_FAILED;
        };
    }

    FailureClass failureClass() {
        return switch (this) {
            case NOT_APPLICABLE -> FailureClass.NOT_APPLICABLE;
            case HOST_FAILED -> FailureClass.INFRASTRUCTURE;
            default -> FailureClass.BUILD;
        };
    }

    /** The line that says most: the compiler's first error, else dkms's last word on errors, else the last line. */
    static String tellingLine(String own, Optional<String> makeLog) {
        Optional<String> compiler = makeLog.flatMap(text -> text.lines()
                .filter(line -> line.contains("error:") || line.contains("*** "))
                .findFirst());
        Optional<String> dkms =
                own.lines().filter(line -> line.contains("Error!")).reduce((first, second) -> second);
        Optional<String> last = own.lines().filter(line -> !line.isBlank()).reduce((first, second) -> second);
        String line = compiler.or(() -> dkms)
                .or(() -> last)
                .orElse("no words")
                .strip()
                .replaceAll("\\p{Cntrl}", "?");
        return line.length() > LONGEST ? line.substring(0, LONGEST) + "…" : line;
    }
}
