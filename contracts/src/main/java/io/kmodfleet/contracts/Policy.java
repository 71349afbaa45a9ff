package io.kmodfleet.contracts;

import com.fasterxml.jackson.annotation.JsonInclude;
import java.time.DateTimeException;
import java.time.DayOfWeek;
import java.time.Duration;
import java.time.Instant;
import java.time.LocalDate;
import java.time.LocalTime;
import java.time.ZoneOffset;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.function.Function;
import java.util.regex.Pattern;

/**
 * What people decided beforehand. A document: it takes effect when it is published as an observation, and from there on only.
 *
 * @param schema version of this document's form: 1
 * @param platformRelease the installed release of the backup platform, which {@link SystemRule#since} is compared with
 * @param kernels supported kernels where a system says nothing else
 * @param architectures supported architectures, as in {@code uname -m}
 * @param systems supported operating systems
 * @param modules what every host shall have
 * @param limits how often and how much
 * @param groups hosts that are to have something else, by their labels; where several match, the last one that says something
 *     about a thing is right
 * @param windows when hosts may build
 * @param rollout how a proven package spreads; absent: to everybody at once
 * @param trust whose builds count, and which key signs
 * @param approvals how many people beside its author must approve another policy before it takes the place of this one, 1 to 9;
 *     absent: none
 */
public record Policy(
        int schema,
        String platformRelease,
        KernelRange kernels,
        List<String> architectures,
        List<SystemRule> systems,
        List<WantedModule> modules,
        Limits limits,
        @JsonInclude(JsonInclude.Include.NON_EMPTY) List<HostGroup> groups,
        @JsonInclude(JsonInclude.Include.NON_EMPTY) List<Window> windows,
        Optional<Rollout> rollout,
        Optional<Trust> trust,
        Optional<Integer> approvals) {

    public static final int SCHEMA = 1;
    private static final int MOST_APPROVALS = 9;

    public Policy {
        if (schema != SCHEMA) {
            throw new IllegalArgumentException("Expected a policy with 'schema: " + SCHEMA + "', but got " + schema);
        }
        PlatformRelease.parse(platformRelease);
        Objects.requireNonNull(kernels, "Expected 'kernels' with 'from' and 'to'");
        architectures = List.copyOf(Objects.requireNonNull(architectures, "Expected a list 'architectures'"));
        systems = List.copyOf(Objects.requireNonNull(systems, "Expected a list 'systems'"));
        modules = List.copyOf(Objects.requireNonNull(modules, "Expected a list 'modules' (it may be empty)"));
        limits = limits == null ? Limits.ofFailures(2) : limits;
        groups = groups == null ? List.of() : List.copyOf(groups);
        windows = windows == null ? List.of() : List.copyOf(windows);
        rollout = Absent.orEmpty(rollout);
        trust = Absent.orEmpty(trust);
        approvals = Absent.orEmpty(approvals);
        approvals.ifPresent(Policy::requireApprovals);
        requireOnce("modules", modules.stream().map(WantedModule::name).toList());
        requireOnce("groups", groups.stream().map(HostGroup::name).toList());
        List<String> windowNames = windows.stream().map(Window::name).toList();
        requireOnce("windows", windowNames);
        for (HostGroup group : groups) {
            if (group.window().isPresent()
                    && !windowNames.contains(group.window().get())) {
                throw new IllegalArgumentException("Expected a window of 'windows' in group '" + group.name()
                        + "', but got '" + group.window().get() + "'");
            }
        }
    }

    private static void requireApprovals(int approvals) {
        if (approvals < 1 || approvals > MOST_APPROVALS) {
            throw new IllegalArgumentException(
                    "Expected 'approvals' from 1 to " + MOST_APPROVALS + ", or none, but got " + approvals);
        }
    }

    /** How many people beside its author must approve what is to take the place of this policy. */
    public int approvalsWanted() {
        return approvals.orElse(0);
    }

    private static void requireOnce(String list, List<String> names) {
        for (int i = 0; i < names.size(); i++) {
            if (names.indexOf(names.get(i)) < i) {
                throw new IllegalArgumentException(
                        "Expected every name in '" + list + "' once, but '" + names.get(i) + "' stands there twice");
            }
        }
    }

    /** The module as the policy wants it on that host; none where it does not. */
    public Optional<WantedModule> module(HostReport host, String name) {
        return modules(host).stream()
                .filter(module -> module.name().equals(name))
                .findFirst();
    }

    /** What a host shall have: the modules of all, with what its groups add, replace and leave out. */
    public List<WantedModule> modules(HostReport host) {
        if (groups.isEmpty()) {
            return modules;
        }
        Map<String, WantedModule> wanted = new LinkedHashMap<>();
        modules.forEach(module -> wanted.put(module.name(), module));
        for (HostGroup group : groups) {
            if (group.holds(host)) {
                group.without().forEach(wanted::remove);
                group.modules().forEach(module -> wanted.put(module.name(), module));
            }
        }
        return List.copyOf(wanted.values());
    }

    /** Whether hosts like this may be told to build. */
    public boolean mayBuild(HostReport host) {
        Optional<List<String>> domains = trust.map(Trust::builders).filter(named -> !named.isEmpty());
        boolean trusted = domains.isEmpty()
                || trustDomainOf(host).map(domains.get()::contains).orElse(false);
        return trusted && last(host, HostGroup::build).orElse(true);
    }

    /** Whether hosts like this may be told to install. */
    public boolean mayChange(HostReport host) {
        return last(host, HostGroup::change).orElse(true);
    }

    public Optional<String> trustDomainOf(HostReport host) {
        return last(host, HostGroup::trustDomain);
    }

    /** When a host may build; absent: always. */
    public Optional<Window> windowOf(HostReport host) {
        Optional<String> name = last(host, HostGroup::window);
        return windows.stream()
                .filter(window -> name.map(window.name()::equals).orElse(false))
                .findFirst();
    }

    private <T> Optional<T> last(HostReport host, Function<HostGroup, Optional<T>> what) {
        Optional<T> last = Optional.empty();
        for (HostGroup group : groups) {
            Optional<T> said = what.apply(group);
            if (said.isPresent() && group.holds(host)) {
                last = said;
            }
        }
        return last;
    }

    public Optional<SystemRule> system(OperatingSystem os) {
        return systems.stream().filter(rule -> rule.names(os)).findFirst();
    }

    /** The kernels that this system's hosts may have. */
    public KernelRange kernelsOf(SystemRule rule) {
        return rule.kernels().orElse(kernels);
    }

    public boolean isInstalled(PlatformRelease since) {
        return since.compareTo(PlatformRelease.parse(platformRelease)) <= 0;
    }

    /**
     * @param id {@code ID} of os-release
     * @param version {@code VERSION_ID}, whole or up to a dot: {@code 9} names 9 and 9.4
     * @param since first platform release that supports it
     * @param kernels where it differs from the policy's own range (CentOS ships kernels below 5.15)
     */
    public record SystemRule(String id, String version, String since, Optional<KernelRange> kernels) {

        public SystemRule {
            Objects.requireNonNull(id, "Expected 'id' in every system");
            Objects.requireNonNull(version, "Expected 'version' in every system");
            PlatformRelease.parse(since);
            kernels = Absent.orEmpty(kernels);
        }

        boolean names(OperatingSystem os) {
            return id.equals(os.id())
                    && (version.equals(os.versionId()) || os.versionId().startsWith(version + "."));
        }

        public PlatformRelease sinceRelease() {
            return PlatformRelease.parse(since);
        }
    }

    /**
     * @param name the module, as in {@code lsmod}
     * @param version {@code PACKAGE_VERSION} of its source
     * @param source SHA-256 of the published source package
     * @param binding how tightly it is tied to a kernel
     * @param proof what must have been seen of a package on one host before others get it: {@code INSTALL} for fleets whose
     *     hosts cannot load it at once
     * @param initramfs whether it belongs into the initial RAM file system (a driver of the root disk does)
     * @param symbolMap whether its build reads addresses out of the kernel's symbol map
     */
    public record WantedModule(
            String name,
            String version,
            Digest source,
            Binding binding,
            Proof proof,
            Optional<Boolean> initramfs,
            Optional<Boolean> symbolMap) {

        public WantedModule {
            Grammar.module(name);
            Grammar.version(version);
            Objects.requireNonNull(source, "Expected 'source', the digest of the published source package");
            binding = binding == null ? Binding.EXACT_IMAGE : binding;
            proof = proof == null ? Proof.LOAD : proof;
            initramfs = Absent.orEmpty(initramfs);
            symbolMap = Absent.orEmpty(symbolMap);
        }

        public boolean belongsIntoInitramfs() {
            return initramfs.orElse(false);
        }

        public boolean needsSymbolMap() {
            return symbolMap.orElse(false);
        }
    }

    /**
     * @param failuresPerTarget failed builds after which a target is given up until its source changes or somebody asks; also
     *     the hosts that may fail to install a package before it is given up
     * @param buildsAtOnce builds under way in the whole fleet (default: 10)
     * @param buildMinutes after which a build is given to another host (default: 60)
     * @param retryMinutes pause after the first failure that does not lie in the build; doubles each time, to a day at most
     *     (default: 5)
     * @param installMinutes after which nobody waits any longer for a host that was told to install a package and says nothing
     *     (default: 60)
     * @param loadFailures hosts that cannot load a package before it is recalled (default: 1)
     */
    public record Limits(
            int failuresPerTarget,
            Optional<Integer> buildsAtOnce,
            Optional<Integer> buildMinutes,
            Optional<Integer> retryMinutes,
            Optional<Integer> installMinutes,
            Optional<Integer> loadFailures) {

        private static final Duration LONGEST_PAUSE = Duration.ofDays(1);

        public Limits {
            buildsAtOnce = Absent.orEmpty(buildsAtOnce);
            buildMinutes = Absent.orEmpty(buildMinutes);
            retryMinutes = Absent.orEmpty(retryMinutes);
            installMinutes = Absent.orEmpty(installMinutes);
            loadFailures = Absent.orEmpty(loadFailures);
            atLeastOne("failuresPerTarget", Optional.of(failuresPerTarget));
            atLeastOne("buildsAtOnce", buildsAtOnce);
            atLeastOne("buildMinutes", buildMinutes);
            atLeastOne("retryMinutes", retryMinutes);
            atLeastOne("installMinutes", installMinutes);
            atLeastOne("loadFailures", loadFailures);
        }

        /** All others as by default. */
        public static Limits ofFailures(int failuresPerTarget) {
            return new Limits(
                    failuresPerTarget,
                    Optional.empty(),
                    Optional.empty(),
                    Optional.empty(),
                    Optional.empty(),
                    Optional.empty());
        }

        public int mostBuildsAtOnce() {
            return buildsAtOnce.orElse(10);
        }

        public Duration longestBuild() {
            return Duration.ofMinutes(buildMinutes.orElse(60));
        }

        /** @param failures how many there were, from 1 */
        public Duration pauseAfter(int failures) {
            Duration first = Duration.ofMinutes(retryMinutes.orElse(5));
            Duration pause = first.multipliedBy(1L << Math.min(failures - 1, 12));
            return pause.compareTo(LONGEST_PAUSE) > 0 ? LONGEST_PAUSE : pause;
        }

        public Duration longestInstall() {
            return Duration.ofMinutes(installMinutes.orElse(60));
        }

        public int mostLoadFailures() {
            return loadFailures.orElse(1);
        }

        private static void atLeastOne(String name, Optional<Integer> value) {
            if (value.isPresent() && (value.get() < 1 || value.get() > 1_000_000)) {
                throw new IllegalArgumentException("Expected '" + name + "' from 1 to 1000000, but got " + value.get());
            }
        }
    }

    /**
     * Hosts that are to have something else.
     *
     * @param labels what a host must be called to be in it; none: every host is
     * @param modules added, or in place of those of the same name
     * @param without names of modules that these hosts shall not be given
     * @param build whether they may be told to build (default: yes)
     * @param change whether they may be told to install (default: yes)
     * @param window when they may build; a name in {@link Policy#windows}
     * @param trustDomain who answers for these hosts; {@link Trust#builders} names those whose builds count
     */
    public record HostGroup(
            String name,
            @JsonInclude(JsonInclude.Include.NON_EMPTY) SortedMap<String, String> labels,
            @JsonInclude(JsonInclude.Include.NON_EMPTY) List<WantedModule> modules,
            @JsonInclude(JsonInclude.Include.NON_EMPTY) List<String> without,
            Optional<Boolean> build,
            Optional<Boolean> change,
            Optional<String> window,
            Optional<String> trustDomain) {

        public HostGroup {
            Grammar.line("group name", name);
            labels = labels == null
                    ? Collections.emptySortedMap()
                    : Collections.unmodifiableSortedMap(new TreeMap<>(labels));
            labels.forEach(Grammar::label);
            modules = modules == null ? List.of() : List.copyOf(modules);
            without = without == null ? List.of() : List.copyOf(without);
            build = Absent.orEmpty(build);
            change = Absent.orEmpty(change);
            window = Absent.orEmpty(window);
            trustDomain = Absent.orEmpty(trustDomain);
            requireOnce("modules", modules.stream().map(WantedModule::name).toList());
        }

        boolean holds(HostReport host) {
            return labels.entrySet().stream()
                    .allMatch(label -> label.getValue().equals(host.labels().get(label.getKey())));
        }
    }

    /**
     * A time of day, on some days of the week. At a fixed offset from UTC, never in a zone with a name: the rules of such a zone
     * change with the JVM, and then a ledger would replay to something else.
     *
     * @param days on which it opens; none: every day
     * @param from when it opens, as {@code 22:00}
     * @param to when it closes, exclusive; at or before {@code from}: on the next day
     * @param offset from UTC, as {@code +02:00} (default: none)
     */
    public record Window(
            String name,
            @JsonInclude(JsonInclude.Include.NON_EMPTY) List<DayOfWeek> days,
            String from,
            String to,
            Optional<String> offset) {

        private static final Pattern TIME = Pattern.compile("([01][0-9]|2[0-3]):[0-5][0-9]");

        public Window {
            Grammar.line("window name", name);
            days = days == null ? List.of() : List.copyOf(days);
            requireTime("from", from);
            requireTime("to", to);
            offset = Absent.orEmpty(offset);
            offset.ifPresent(Window::zone);
        }

        /** Whether it is open at that moment. */
        public boolean isOpen(Instant at) {
            return !at.isBefore(openingAtOrBefore(at)) && at.isBefore(closingOf(openingAtOrBefore(at)));
        }

        /** When it opens next, after that moment. */
        public Instant nextOpening(Instant after) {
            LocalDate day = after.atOffset(zone()).toLocalDate();
            for (int i = 0; i <= 7; i++) {
                Instant opening = openingOn(day.plusDays(i));
                if (opens(day.plusDays(i)) && opening.isAfter(after)) {
                    return opening;
                }
            }
            throw new IllegalStateException("Expected a window to open once a week");
        }

        private Instant openingAtOrBefore(Instant at) {
            LocalDate day = at.atOffset(zone()).toLocalDate();
            for (int i = 0; i <= 7; i++) {
                Instant opening = openingOn(day.minusDays(i));
                if (opens(day.minusDays(i)) && !opening.isAfter(at)) {
                    return opening;
                }
            }
            throw new IllegalStateException("Expected a window to open once a week");
        }

        private boolean opens(LocalDate day) {
            return days.isEmpty() || days.contains(day.getDayOfWeek());
        }

        private Instant openingOn(LocalDate day) {
            return day.atTime(LocalTime.parse(from)).toInstant(zone());
        }

        private Instant closingOf(Instant opening) {
            LocalDate day = opening.atOffset(zone()).toLocalDate();
            boolean nextDay = to.compareTo(from) <= 0;
            return (nextDay ? day.plusDays(1) : day).atTime(LocalTime.parse(to)).toInstant(zone());
        }

        private ZoneOffset zone() {
            return offset.map(Window::zone).orElse(ZoneOffset.UTC);
        }

        private static ZoneOffset zone(String text) {
            try {
                return ZoneOffset.of(text);
            } catch (DateTimeException e) {
                throw new IllegalArgumentException("Expected an offset like \"+02:00\", but got '" + text + "'", e);
            }
        }

        private static void requireTime(String what, String text) {
            if (text == null || !TIME.matcher(text).matches()) {
                throw new IllegalArgumentException(
                        "Expected '" + what + "' of a window like \"22:00\" (in quotes), but got '" + text + "'");
            }
        }

        @Override
        public String toString() {
            String on = days.isEmpty()
                    ? "daily"
                    : String.join(", ", days.stream().map(DayOfWeek::name).toList());
            return name + " (" + on + " " + from + " to " + to + " " + offset.orElse("UTC") + ")";
        }
    }

    /**
     * A proven package goes to so many hosts in a hundred that have the kernel image, then to so many, then to all.
     *
     * @param waves percentages, ascending; a wave begins when every host of the one before it reported success
     * @param failurePercent of a wave's hosts that may fail; one more stops the roll-out until somebody asks to try again
     */
    public record Rollout(List<Integer> waves, int failurePercent) {

        public Rollout {
            waves = List.copyOf(Objects.requireNonNull(waves, "Expected a list 'waves' of percentages"));
            int before = 0;
            for (int wave : waves) {
                if (wave <= before || wave > 100) {
                    throw new IllegalArgumentException(
                            "Expected 'waves' as ascending percentages from 1 to 100, but got " + waves);
                }
                before = wave;
            }
            if (failurePercent < 0 || failurePercent > 100) {
                throw new IllegalArgumentException(
                        "Expected 'failurePercent' from 0 to 100, but got " + failurePercent);
            }
        }
    }

    /**
     * @param builders trust domains whose hosts may build; none: every host may
     * @param signingKey key id in hexadecimal of the key that signs the fleet's modules
     */
    public record Trust(
            @JsonInclude(JsonInclude.Include.NON_EMPTY) List<String> builders, Optional<String> signingKey) {

        public Trust {
            builders = builders == null ? List.of() : List.copyOf(builders);
            signingKey = Absent.orEmpty(signingKey);
        }
    }
}
