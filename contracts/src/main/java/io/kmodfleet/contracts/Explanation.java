package io.kmodfleet.contracts;

/**
 * A decision in the admin's words.
 *
 * @param text what was decided and on what grounds
 * @param change what would change the answer; empty where nothing needs to
 */
public record Explanation(String text, String change) {

    public static Explanation of(Decision decision) {
        String module = decision.subject().module();
        String kernel = decision.subject().release();
        return switch (decision.reason()) {
            case UP_TO_DATE ->
                new Explanation(
                        module + " " + fact(decision, "version")
                                + " is installed and was built for this very kernel image (" + fact(decision, "file")
                                + ").",
                        "");
            case NOT_ACTIVATED ->
                new Explanation(
                        module + " " + fact(decision, "version") + " is installed and right, but "
                                + fact(decision, "missing") + ". The agent was told to activate it.",
                        "The agent's next report. A module that is in use is never unloaded: then it serves after the next"
                                + " boot.");
            case STALE_BUILD ->
                new Explanation(
                        "What is installed of " + module + " was " + fact(decision, "stale")
                                + ": it may crash the host (product guide, 6.1.2). "
                                + (decision instanceof Decision.Build
                                        ? "This host builds it anew."
                                        : "This host installs the package that " + fact(decision, "builtBy")
                                                + " built for this very image."),
                        "");
            case PACKAGE_COMPATIBLE ->
                new Explanation(
                        "A proven package of " + module + " for kernel " + fact(decision, "builtFor")
                                + " serves here too: this kernel has each of its "
                                + fact(decision, "symbols")
                                + " symbols with the same CRC. This host installs it; nothing is compiled.",
                        "");
            case HELD ->
                new Explanation(
                        fact(decision, "by") + " wants this host to be left as it is, since " + fact(decision, "since")
                                + ": " + fact(decision, "why") + ". It keeps what it has and is given nothing new.",
                        "kmodfleet release HOST");
            case BUILDS_DIFFER ->
                new Explanation(
                        "Two builders were asked for " + module + " for this kernel image, and what they gave differs: "
                                + fact(decision, "builtBy") + " gave " + fact(decision, "package") + ", "
                                + fact(decision, "otherBuiltBy") + " gave " + fact(decision, "other")
                                + ". One of them may be wrong, so no host is given either; who has one keeps it.",
                        "kmodfleet divergences tells in which sections they differ; then: kmodfleet recall DIGEST, of the one"
                                + " that is not trusted. The other is shared again.");
            case WAVE_PENDING ->
                new Explanation(
                        "A proven package is there. It goes out in waves, and this host is not in wave "
                                + fact(decision, "wave") + ".",
                        "Every host of that wave reports success.");
            case ROLLOUT_STOPPED ->
                new Explanation(
                        "The roll-out of the package was stopped in wave " + fact(decision, "wave") + ": "
                                + fact(decision, "failures") + " hosts could not use it.",
                        "kmodfleet retry, once the cause is mended; or a recall of the package.");
            case KNOWN_BAD ->
                new Explanation(
                        "The package of " + module + " for this kernel image was recalled ("
                                + fact(decision, "recalled") + "), and no other host can build another.",
                        "Another host with this image that can build, or another source.");
            case WAITING_FOR_FIRST_BOOT ->
                new Explanation(
                        module
                                + " reads addresses out of the kernel's symbol map, and no host with this image has a usable"
                                + " one (here: " + fact(decision, "symbolMap") + ").",
                        "The first boot of any host into " + kernel
                                + ", or its debug package with the real System.map.");
            case OUTSIDE_WINDOW ->
                new Explanation(
                        "Hosts could build " + module
                                + " for this kernel image, but their maintenance window is closed: "
                                + fact(decision, "window") + ".",
                        "The window opens at " + fact(decision, "until") + ".");
            case BUILD_LIMIT ->
                new Explanation(
                        "As many builds are under way as the policy allows at once (" + fact(decision, "limit") + ").",
                        "The end of one of them; who asked first is served first.");
            case RETRY_LATER ->
                new Explanation(
                        "The last build ended for a reason that does not lie in it: " + fact(decision, "lastError")
                                + ". It is tried again at " + fact(decision, "until") + ".",
                        "That time; or at once: kmodfleet retry HOST");
            case KEY_NOT_ENROLLED ->
                new Explanation(
                        "Secure Boot is on, and the key that signs the fleet's modules (" + fact(decision, "key")
                                + ") is not enrolled here: the kernel would refuse the module.",
                        "On this host: mokutil --import with the fleet's certificate, then a reboot.");
            case CONSENT_MISSING ->
                new Explanation(
                        "This host could be served, but the policy does not let its group be changed.",
                        "A policy whose group has 'change: true'.");
            case PACKAGE_EXACT ->
                new Explanation(
                        "A package of " + module + " for this very kernel image is there, built by "
                                + fact(decision, "builtBy") + ". This host installs it; nothing is compiled here.",
                        "");
            case NO_PACKAGE ->
                new Explanation(
                        "Nobody has built " + module
                                + " for this kernel image yet, and this host can. It builds it, for itself and for every"
                                + " host with the same image.",
                        "");
            case BUILD_RUNNING ->
                new Explanation(
                        module + " is being built for this kernel image on " + fact(decision, "builder") + " (build "
                                + fact(decision, "build") + "). This host gets the package when it is proven.",
                        "The end of that build.");
            case BUILD_ELSEWHERE ->
                new Explanation(
                        "This host cannot build, but " + fact(decision, "builder")
                                + " has the same kernel image and builds " + module
                                + " for it. This host gets the package when it is proven.",
                        "The end of that build.");
            case CANARY_RUNNING ->
                new Explanation(
                        "A package is there, and " + fact(decision, "canary")
                                + " tries it first. The policy asks for the proof " + fact(decision, "proof") + ".",
                        "That proof, reported by the canary.");
            case KERNEL_OUT_OF_RANGE ->
                new Explanation(
                        "Kernel " + kernel + " is outside the supported range " + fact(decision, "supported") + ".",
                        "A kernel inside the range, or a policy that gives this system another one ('kernels' of its entry below"
                                + " 'systems').");
            case OS_UNSUPPORTED ->
                new Explanation(
                        "The policy does not name this system (" + fact(decision, "system") + "). It names: "
                                + fact(decision, "supported") + ".",
                        "A policy with an entry for this system below 'systems'.");
            case PLATFORM_TOO_OLD ->
                new Explanation(
                        "This system (" + fact(decision, "system") + ") is supported since platform release "
                                + fact(decision, "since") + ", and the policy says that "
                                + fact(decision, "platformRelease")
                                + " is installed.",
                        "An upgrade of the platform, then a policy with its new 'platformRelease'.");
            case ARCH_UNSUPPORTED ->
                new Explanation(
                        "The policy does not name this architecture (" + fact(decision, "arch") + "). It names: "
                                + fact(decision, "supported") + ".",
                        "A policy with this architecture below 'architectures'.");
            case NOT_APPLICABLE ->
                new Explanation(
                        "The source of " + module + " says itself that this kernel is not for it: "
                                + fact(decision, "dkms") + ".",
                        "Another source, or another kernel.");
            case OBSERVE_ONLY ->
                new Explanation(
                        "This host could be served, but its agent was started to look and report only.",
                        "On that host: start the agent without --observe, as root.");
            case FAILED_TOO_OFTEN ->
                new Explanation(
                        "It failed " + fact(decision, "failures")
                                + " times for this kernel image: as often as the policy allows, or with every toolchain that"
                                + " there is." + lastError(decision),
                        "Another source, another toolchain on a host with this image, or: kmodfleet retry HOST");
            case INSTALL_FAILED ->
                new Explanation(
                        "The package could not be installed on this host; it keeps the module it had.",
                        "Mend what the agent's log says, then: kmodfleet retry HOST");
            case IMAGE_NOT_INSTALLED ->
                new Explanation(
                        "Files of kernel " + kernel
                                + " are there, but no image of it that the agent can read. A module built now could"
                                + " crash the host when it boots (product guide, 6.1.2).",
                        "The kernel image; install it, or let the agent read /boot.");
            case SOURCE_NOT_PUBLISHED ->
                new Explanation(
                        "The policy wants " + module + " from a source that the store does not have: "
                                + fact(decision, "source") + ".",
                        "kmodfleet source publish DIR");
            case NO_BUILD_ENVIRONMENT ->
                new Explanation(
                        "There is no package for this kernel image, and no host that has it can build one."
                                + heldBuilders(decision),
                        "On this host: what is listed as missing. Or any other host with the same image that can build.");
        };
    }

    private static String heldBuilders(Decision decision) {
        String held = fact(decision, Decision.Reject.HELD);
        return held.isEmpty() ? "" : " Held, and given nothing to build: " + held + ".";
    }

    private static String lastError(Decision decision) {
        String error = fact(decision, "lastError");
        return error.isEmpty() ? "" : " The last time: " + error;
    }

    private static String fact(Decision decision, String name) {
        return decision.facts().stream()
                .filter(fact -> fact.name().equals(name))
                .map(Fact::value)
                .findFirst()
                .orElse("");
    }
}
