package io.kmodfleet.coordinator.decision;

import io.kmodfleet.contracts.BuildTarget;
import io.kmodfleet.contracts.Check;
import io.kmodfleet.contracts.Decision;
import io.kmodfleet.contracts.Digest;
import io.kmodfleet.contracts.Fact;
import io.kmodfleet.contracts.HostId;
import io.kmodfleet.contracts.HostReport;
import io.kmodfleet.contracts.InstalledModule;
import io.kmodfleet.contracts.KernelRange;
import io.kmodfleet.contracts.KernelState;
import io.kmodfleet.contracts.Policy;
import io.kmodfleet.contracts.Policy.SystemRule;
import io.kmodfleet.contracts.Policy.WantedModule;
import io.kmodfleet.contracts.Reason;
import io.kmodfleet.contracts.Subject;
import io.kmodfleet.coordinator.decision.HostState.Standing;
import io.kmodfleet.coordinator.decision.TargetState.Running;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.function.Function;
import java.util.stream.Stream;

/**
 * The rules, version 1, as they were released: nothing here changes any more. Kept so that what they decided replays to what
 * was decided.
 */
final class Rules1 {

    private static final List<Function<Question, Optional<Answer>>> IN_ORDER = List.of(
            Rules1::alreadyThere,
            Rules1::unsupported,
            Rules1::packageIsThere,
            Rules1::failedTooOften,
            Rules1::outOfRange,
            Rules1::imageMissing,
            Rules1::underWay,
            Rules1::sourceMissing,
            Rules1::bestBuilder);

    private Rules1() {}

    /** Everything that is known of one subject. */
    record Question(
            FleetState state,
            Policy policy,
            Subject subject,
            HostState host,
            KernelState kernel,
            WantedModule module,
            Optional<BuildTarget> asked) {

        static Optional<Question> of(FleetState state, Subject subject) {
            Optional<Policy> policy = state.policy();
            Optional<HostState> host = state.hosts().get(subject.host());
            Optional<KernelState> kernel = host.flatMap(known -> known.report().kernel(subject.release()));
            Optional<WantedModule> module = host.isEmpty()
                    ? Optional.empty()
                    : policy.flatMap(known -> known.module(host.orElseThrow().report(), subject.module()));
            return kernel.isEmpty() || module.isEmpty()
                    ? Optional.empty()
                    : Optional.of(new Question(
                            state,
                            policy.get(),
                            subject,
                            host.get(),
                            kernel.get(),
                            module.get(),
                            state.targetOf(subject)));
        }

        Optional<TargetState> target() {
            return asked.map(state::target);
        }

        String nameOf(HostId id) {
            return state.report(id).map(HostReport::hostname).orElse(id.value());
        }
    }

    /** @param alsoFor what another host is told because of it */
    record Answer(Draft draft, Optional<Draft> alsoFor) {}

    static Answer answer(Question question) {
        return IN_ORDER.stream()
                .map(rule -> rule.apply(question))
                .flatMap(Optional::stream)
                .findFirst()
                .orElseGet(() -> nobodyCan(question));
    }

    /** Rule 1. */
    private static Optional<Answer> alreadyThere(Question q) {
        Optional<InstalledModule> right = q.kernel().modules().stream()
                .filter(module -> module.name().equals(q.module().name().replace('-', '_')))
                .filter(module -> module.version().equals(Optional.of(q.module().version())))
                .filter(module -> module.image().isPresent()
                        && module.image().equals(q.kernel().identity().image()))
                .findFirst();
        return right.map(module -> answer(id -> new Decision.Keep(
                id,
                q.subject(),
                Reason.UP_TO_DATE,
                facts(
                        Fact.of("version", q.module().version()),
                        Fact.of("file", module.file()),
                        Fact.of("image", brief(module.image()))))));
    }

    /** Rule 4. */
    private static Optional<Answer> unsupported(Question q) {
        HostReport report = q.host().report();
        String system = report.os().id() + " " + report.os().versionId();
        Optional<SystemRule> rule = q.policy().system(report.os());
        if (rule.isEmpty()) {
            return Optional.of(
                    rejected(q, Reason.OS_UNSUPPORTED, Fact.of("system", system), Fact.of("supported", systems(q))));
        }
        if (!q.policy().isInstalled(rule.get().sinceRelease())) {
            return Optional.of(rejected(
                    q,
                    Reason.PLATFORM_TOO_OLD,
                    Fact.of("system", system),
                    Fact.of("since", rule.get().since()),
                    Fact.of("platformRelease", q.policy().platformRelease())));
        }
        if (!q.policy().architectures().contains(report.arch())) {
            return Optional.of(rejected(
                    q,
                    Reason.ARCH_UNSUPPORTED,
                    Fact.of("arch", report.arch()),
                    Fact.of("supported", String.join(", ", q.policy().architectures()))));
        }
        return q.target()
                .flatMap(TargetState::notApplicable)
                .map(words -> rejected(q, Reason.NOT_APPLICABLE, Fact.of("dkms", words)));
    }

    /** Rule 5: a package for this very target; before it is proven, for its canary only. */
    private static Optional<Answer> packageIsThere(Question q) {
        Optional<PackageState> current = q.target().flatMap(TargetState::current);
        if (current.isEmpty()) {
            return Optional.empty();
        }
        PackageState offered = current.get();
        HostId host = q.subject().host();
        if (offered.failedOn().contains(host)) {
            return Optional.of(rejected(q, Reason.INSTALL_FAILED, Fact.of("package", offered.digest())));
        }
        if (offered.isProven(q.module().proof()) || isCanary(q, offered)) {
            return Optional.of(acting(q, reuse(q, offered)));
        }
        if (offered.failedOn().size() >= q.policy().limits().failuresPerTarget()) {
            return Optional.of(rejected(
                    q,
                    Reason.FAILED_TOO_OFTEN,
                    Fact.of("package", offered.digest()),
                    Fact.of("failures", offered.failedOn().size())));
        }
        return Optional.of(waiting(
                q,
                Reason.CANARY_RUNNING,
                Fact.of("package", offered.digest()),
                Fact.of("canary", offered.canary().map(q::nameOf).orElse("")),
                Fact.of("proof", q.module().proof())));
    }

    private static Draft reuse(Question q, PackageState offered) {
        return id -> new Decision.Reuse(
                id,
                q.subject(),
                Reason.PACKAGE_EXACT,
                q.asked().orElseThrow(),
                q.module().version(),
                offered.digest(),
                q.module().proof(),
                facts(
                        Fact.of("package", offered.digest()),
                        Fact.of("builtBy", offered.builder().map(q::nameOf).orElse(""))));
    }

    /** The builder first; where it could not install its package, the next that asks. */
    private static boolean isCanary(Question q, PackageState offered) {
        HostId host = q.subject().host();
        boolean anotherTries = offered.canary()
                .map(canary -> !canary.equals(host) && !offered.failedOn().contains(canary))
                .orElse(false);
        boolean allowed = offered.failedOn().size() < q.policy().limits().failuresPerTarget();
        return !anotherTries && allowed && !q.host().report().observeOnly();
    }

    /** Rule 7. */
    private static Optional<Answer> failedTooOften(Question q) {
        return q.target()
                .filter(target ->
                        target.failures().size() >= q.policy().limits().failuresPerTarget())
                .map(target -> rejected(
                        q,
                        Reason.FAILED_TOO_OFTEN,
                        Fact.of("failures", target.failures().size()),
                        Fact.of(
                                "lastError",
                                target.failures()
                                        .get(target.failures().size() - 1)
                                        .error())));
    }

    /** Rule 8. */
    private static Optional<Answer> outOfRange(Question q) {
        KernelRange range = q.policy()
                .system(q.host().report().os())
                .map(q.policy()::kernelsOf)
                .orElse(q.policy().kernels());
        String release = q.subject().release();
        return range.contains(release)
                ? Optional.empty()
                : Optional.of(rejected(
                        q, Reason.KERNEL_OUT_OF_RANGE, Fact.of("kernel", release), Fact.of("supported", range)));
    }

    /** Rule 9. */
    private static Optional<Answer> imageMissing(Question q) {
        return q.asked().isPresent()
                ? Optional.empty()
                : Optional.of(waiting(
                        q,
                        Reason.IMAGE_NOT_INSTALLED,
                        Fact.of("kernel", q.subject().release())));
    }

    /** Rule 10. */
    private static Optional<Answer> underWay(Question q) {
        Optional<Running> running = q.target().flatMap(TargetState::running);
        if (running.isEmpty()) {
            return Optional.empty();
        }
        Optional<Decision> standing = q.state().standing(q.subject()).map(Standing::decision);
        boolean toldAlready = standing.map(decision ->
                        decision.id().equals(running.get().build()) || decision.reason() == Reason.BUILD_ELSEWHERE)
                .orElse(false);
        if (toldAlready) {
            return Optional.of(new Answer(id -> standing.get(), Optional.empty()));
        }
        return Optional.of(waiting(
                q,
                Reason.BUILD_RUNNING,
                Fact.of("builder", q.nameOf(running.get().builder())),
                Fact.of("build", running.get().build())));
    }

    private static Optional<Answer> sourceMissing(Question q) {
        Digest source = q.module().source();
        return q.state().hasSource(source)
                ? Optional.empty()
                : Optional.of(waiting(q, Reason.SOURCE_NOT_PUBLISHED, Fact.of("source", source)));
    }

    /** Rules 14 and 15: the host with this image that has failed least, is least busy, and asked; else the first by its id. */
    private static Optional<Answer> bestBuilder(Question q) {
        BuildTarget target = q.asked().orElseThrow();
        Comparator<HostId> order = Comparator.<HostId>comparingLong(
                        host -> q.state().target(target).failuresOf(host))
                .thenComparing(host -> q.state().buildsOf(host))
                .thenComparing(host -> !host.equals(q.subject().host()))
                .thenComparing(Comparator.naturalOrder());
        Optional<HostId> best = q.state().hostsWith(KernelImage.of(target)).stream()
                .filter(host -> canBuild(q, host))
                .min(order);
        if (best.isEmpty()) {
            return Optional.empty();
        }
        HostId builder = best.get();
        Draft build = id -> new Decision.Build(
                id,
                new Subject(builder, q.subject().release(), q.subject().module()),
                Reason.NO_PACKAGE,
                target,
                q.module().version(),
                facts(
                        Fact.of("source", target.source()),
                        Fact.of("kernel", target.release()),
                        Fact.of("image", target.image())));
        if (builder.equals(q.subject().host())) {
            return Optional.of(answer(build));
        }
        Answer wait = waiting(q, Reason.BUILD_ELSEWHERE, Fact.of("builder", q.nameOf(builder)));
        return Optional.of(new Answer(wait.draft(), Optional.of(build)));
    }

    private static boolean canBuild(Question q, HostId host) {
        Subject there = new Subject(host, q.subject().release(), q.subject().module());
        return Question.of(q.state(), there)
                .filter(question -> unsupported(question).isEmpty())
                .filter(question -> question.host().canBuildFor(question.kernel()))
                .isPresent();
    }

    /** Rule 16. */
    private static Answer nobodyCan(Question q) {
        List<Check> missing = q.host().missingFor(q.kernel()).toList();
        if (q.host().report().observeOnly() && missing.isEmpty()) {
            return observeOnly(q);
        }
        return answer(id -> new Decision.Reject(
                id,
                q.subject(),
                Reason.NO_BUILD_ENVIRONMENT,
                missing,
                facts(Fact.of("image", q.asked().orElseThrow().image()))));
    }

    /** An answer that makes the host act, or says that its agent was told not to. */
    private static Answer acting(Question q, Draft draft) {
        return q.host().report().observeOnly() ? observeOnly(q) : answer(draft);
    }

    private static Answer observeOnly(Question q) {
        return waiting(
                q, Reason.OBSERVE_ONLY, Fact.of("agent", q.host().report().hostname()));
    }

    private static Answer waiting(Question q, Reason reason, Fact... facts) {
        return answer(id -> new Decision.Wait(id, q.subject(), reason, facts(facts)));
    }

    private static Answer rejected(Question q, Reason reason, Fact... facts) {
        return answer(id -> new Decision.Reject(id, q.subject(), reason, List.of(), facts(facts)));
    }

    private static Answer answer(Draft draft) {
        return new Answer(draft, Optional.empty());
    }

    private static List<Fact> facts(Fact... facts) {
        return List.of(facts);
    }

    private static String brief(Optional<Digest> digest) {
        return digest.map(Digest::brief).orElse("");
    }

    private static String systems(Question q) {
        Stream<String> names = q.policy().systems().stream().map(rule -> rule.id() + " " + rule.version());
        return String.join(", ", names.toList());
    }
}
