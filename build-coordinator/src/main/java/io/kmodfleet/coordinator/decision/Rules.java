package io.kmodfleet.coordinator.decision;

import io.kmodfleet.contracts.BuildTarget;
import io.kmodfleet.contracts.Check;
import io.kmodfleet.contracts.Compiler;
import io.kmodfleet.contracts.Decision;
import io.kmodfleet.contracts.Digest;
import io.kmodfleet.contracts.Fact;
import io.kmodfleet.contracts.HostId;
import io.kmodfleet.contracts.HostReport.SecureBoot;
import io.kmodfleet.contracts.KernelRange;
import io.kmodfleet.contracts.Observation.FailureClass;
import io.kmodfleet.contracts.Policy.SystemRule;
import io.kmodfleet.contracts.Policy.Trust;
import io.kmodfleet.contracts.Policy.Window;
import io.kmodfleet.contracts.Reason;
import io.kmodfleet.contracts.Subject;
import io.kmodfleet.coordinator.decision.TargetState.Failure;
import io.kmodfleet.coordinator.decision.TargetState.Running;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;

/**
 * The rules, version {@value Step#RULES}: for one host, one kernel that is installed there and one module that the policy wants
 * there, the first that applies wins. Their numbers are those of the rule table (DESIGN, section 4).
 */
final class Rules {

    /** The fact that says until when a wait lasts. */
    static final String UNTIL = "until";

    /** Every rule but the second, which changes what the others say and never answers by itself ({@link Question#stale}). */
    static final List<Rule> IN_ORDER = List.of(
            new Rule("1", "the wanted version is installed for this very image, and serves", Rules::upToDate),
            new Rule("1a", "somebody wants this host to be left as it is", Rules::held),
            new Rule("3", "what is installed is right, and does not serve yet", Rules::notActivated),
            new Rule("4", "the policy or the module's source does not support this", Rules::unsupported),
            new Rule("5a", "builders gave packages of this build target that differ", Rules::buildsDiffer),
            new Rule("5", "there is a package for this build target", Rules::packageIsThere),
            new Rule("6", "there is a proven package whose every symbol this kernel has", Rules::compatiblePackage),
            new Rule("7", "this build target is known bad", Rules::knownBad),
            new Rule("8", "the kernel is outside of the supported range", Rules::outOfRange),
            new Rule("9", "the kernel's image is not there", Rules::imageMissing),
            new Rule("10", "somebody builds this build target already", Rules::underWay),
            new Rule("10", "the source is not published, or the next try has its time", Rules::notNow),
            new Rule("11", "the module needs a symbol map that nobody can read yet", Rules::symbolMapMissing),
            new Rule("12", "no host may build now", Rules::putOff),
            new Rule("13", "the signing key is not enrolled", Rules::keyMissing),
            new Rule("14, 15", "a host can build", Rules::bestBuilder),
            new Rule("16", "nobody can build", Rules::nobodyCan));

    private Rules() {}

    /** @param number in the rule table */
    record Rule(String number, String when, Function<Question, Optional<Answer>> answer) {}

    /** @param alsoFor what another host is told because of it */
    record Answer(Draft draft, Optional<Draft> alsoFor) {}

    static Answer answer(Question question) {
        for (Rule rule : IN_ORDER) {
            Optional<Answer> answer = rule.answer().apply(question);
            if (answer.isPresent()) {
                return answer.get();
            }
        }
        throw new IllegalStateException("Expected the last rule to answer everything");
    }

    private static Optional<Answer> upToDate(Question q) {
        return q.right()
                .filter(module -> Serving.of(module, q).isEmpty())
                .map(module -> answer(id -> new Decision.Keep(
                        id,
                        q.subject(),
                        Reason.UP_TO_DATE,
                        facts(
                                Fact.of("version", q.module().version()),
                                Fact.of("file", module.file()),
                                Fact.of("image", brief(q.kernel().identity().image()))))));
    }

    /** Whatever it has stays as it is: nothing is installed, built or activated there. */
    private static Optional<Answer> held(Question q) {
        return q.state()
                .held(q.subject().host())
                .flatMap(hold -> waiting(
                        q,
                        Reason.HELD,
                        Fact.of("by", hold.author()),
                        Fact.of("why", hold.why()),
                        Fact.of("since", hold.since())));
    }

    private static Optional<Answer> notActivated(Question q) {
        return q.right().flatMap(module -> Serving.of(module, q).map(missing -> {
            Fact[] facts = {
                Fact.of("version", q.module().version()),
                Fact.of("file", module.file()),
                Fact.of(Decision.Keep.MISSING, missing)
            };
            return q.mayChange()
                    ? answer(id -> new Decision.Keep(id, q.subject(), Reason.NOT_ACTIVATED, facts(facts)))
                    : notAllowed(q);
        }));
    }

    private static Optional<Answer> unsupported(Question q) {
        String system = q.report().os().id() + " " + q.report().os().versionId();
        Optional<SystemRule> rule = q.policy().system(q.report().os());
        if (rule.isEmpty()) {
            return rejected(q, Reason.OS_UNSUPPORTED, Fact.of("system", system), Fact.of("supported", systems(q)));
        }
        if (!q.policy().isInstalled(rule.get().sinceRelease())) {
            return rejected(
                    q,
                    Reason.PLATFORM_TOO_OLD,
                    Fact.of("system", system),
                    Fact.of("since", rule.get().since()),
                    Fact.of("platformRelease", q.policy().platformRelease()));
        }
        if (!q.policy().architectures().contains(q.report().arch())) {
            return rejected(
                    q,
                    Reason.ARCH_UNSUPPORTED,
                    Fact.of("arch", q.report().arch()),
                    Fact.of("supported", String.join(", ", q.policy().architectures())));
        }
        return q.target()
                .flatMap(TargetState::notApplicable)
                .flatMap(words -> rejected(q, Reason.NOT_APPLICABLE, Fact.of("dkms", words)));
    }

    /** One of them may be wrong, and nobody here can tell which: whoever has neither gets neither. */
    private static Optional<Answer> buildsDiffer(Question q) {
        return q.target()
                .flatMap(TargetState::dissent)
                .flatMap(two -> waiting(
                        q,
                        Reason.BUILDS_DIFFER,
                        Fact.of("package", two.first()),
                        Fact.of("builtBy", q.nameOf(two.builder())),
                        Fact.of("other", two.other()),
                        Fact.of("otherBuiltBy", q.nameOf(two.otherBuilder()))));
    }

    /** A package for this very target; before it is proven, for its canary only; then wave by wave. */
    private static Optional<Answer> packageIsThere(Question q) {
        Optional<PackageState> current = q.target().flatMap(TargetState::current);
        if (current.isEmpty()) {
            return Optional.empty();
        }
        PackageState offered = current.get();
        if (offered.failedAnyhowOn(q.subject().host())) {
            return rejected(q, Reason.INSTALL_FAILED, Fact.of("package", offered.digest()));
        }
        if (!offered.isProven(q.module().proof()) && !isCanary(q, offered)) {
            return offered.failures() >= q.policy().limits().failuresPerTarget()
                    ? rejected(
                            q,
                            Reason.FAILED_TOO_OFTEN,
                            Fact.of("package", offered.digest()),
                            Fact.of("failures", offered.failures()))
                    : waiting(
                            q,
                            Reason.CANARY_RUNNING,
                            Fact.of("package", offered.digest()),
                            Fact.of("canary", offered.canary().map(q::nameOf).orElse("")),
                            Fact.of("proof", q.module().proof()));
        }
        return installing(q, q.asked().orElseThrow(), offered, Reason.PACKAGE_EXACT);
    }

    /** The builder first; where it could not install its package, or has no need to, the next that asks. */
    private static boolean isCanary(Question q, PackageState offered) {
        HostId host = q.subject().host();
        boolean anotherTries = offered.canary()
                .filter(canary -> !canary.equals(host))
                .map(canary -> tries(q.on(canary), offered))
                .orElse(false);
        boolean allowed = offered.failures() < q.policy().limits().failuresPerTarget();
        return !anotherTries && allowed && q.mayChange();
    }

    /** Whether the canary of a package will tell how it goes, be it later. */
    private static boolean tries(Optional<Question> canary, PackageState offered) {
        if (offered.abandoned() || canary.isEmpty()) {
            return false;
        }
        Question q = canary.get();
        HostId host = q.subject().host();
        boolean content = q.right()
                .map(module -> !offered.bodies().contains(module.body()))
                .orElse(false);
        return !content
                && !offered.failedAnyhowOn(host)
                && q.placement().hosts().get(host).isPresent()
                && q.mayChange()
                && held(q).isEmpty()
                && unsupported(q).isEmpty()
                && keyMissing(q).isEmpty();
    }

    private static Optional<Answer> compatiblePackage(Question q) {
        return q.compatibleUndisputed()
                .filter(fitting -> !fitting.offered().failedAnyhowOn(q.subject().host()))
                .flatMap(fitting -> installing(q, fitting.target(), fitting.offered(), Reason.PACKAGE_COMPATIBLE));
    }

    private static Optional<Answer> installing(Question q, BuildTarget target, PackageState offered, Reason reason) {
        if (!q.mayChange()) {
            return Optional.of(notAllowed(q));
        }
        Optional<Answer> keyMissing = keyMissing(q);
        if (keyMissing.isPresent()) {
            return keyMissing;
        }
        Optional<Answer> notYet = q.policy().rollout().flatMap(rollout -> Wave.of(
                        rollout, offered, q.populationOf(target))
                .notYet(q, offered)
                .flatMap(no -> waiting(q, no.reason(), no.facts().toArray(Fact[]::new))));
        if (notYet.isPresent()) {
            return notYet;
        }
        List<Fact> facts = new ArrayList<>();
        facts.add(Fact.of("package", offered.digest()));
        facts.add(Fact.of("builtBy", offered.builder().map(q::nameOf).orElse("")));
        if (reason == Reason.PACKAGE_COMPATIBLE) {
            facts.add(Fact.of("builtFor", target.release()));
            facts.add(Fact.of(
                    "symbols", offered.needs().map(needs -> needs.crcs().size()).orElse(0)));
        }
        q.stale().ifPresent(words -> facts.add(Fact.of("stale", words)));
        Reason why = q.stale().isPresent() ? Reason.STALE_BUILD : reason;
        return Optional.of(answer(id -> new Decision.Reuse(
                id,
                q.subject(),
                why,
                target,
                q.module().version(),
                offered.digest(),
                q.module().proof(),
                List.copyOf(facts))));
    }

    private static Optional<Answer> knownBad(Question q) {
        int most = q.policy().limits().failuresPerTarget();
        if (q.target().isEmpty()) {
            return Optional.empty();
        }
        if (q.target().get().timesRecalled() >= most) {
            return Optional.of(recalled(q));
        }
        return q.target().get().buildFailures().size() >= most ? Optional.of(failedTooOften(q)) : Optional.empty();
    }

    private static Optional<Answer> outOfRange(Question q) {
        KernelRange range = q.policy()
                .system(q.report().os())
                .map(q.policy()::kernelsOf)
                .orElse(q.policy().kernels());
        String release = q.subject().release();
        return range.contains(release)
                ? Optional.empty()
                : rejected(q, Reason.KERNEL_OUT_OF_RANGE, Fact.of("kernel", release), Fact.of("supported", range));
    }

    private static Optional<Answer> imageMissing(Question q) {
        return q.asked().isPresent()
                ? Optional.empty()
                : waiting(
                        q,
                        Reason.IMAGE_NOT_INSTALLED,
                        Fact.of("kernel", q.subject().release()));
    }

    private static Optional<Answer> underWay(Question q) {
        Optional<Running> running = q.target().flatMap(TargetState::running);
        if (running.isEmpty()) {
            return Optional.empty();
        }
        Optional<Decision> standing = q.standing();
        boolean toldAlready = standing.map(decision ->
                        decision.id().equals(running.get().build()) || decision.reason() == Reason.BUILD_ELSEWHERE)
                .orElse(false);
        if (toldAlready) {
            return Optional.of(answer(id -> standing.get()));
        }
        return waiting(
                q,
                Reason.BUILD_RUNNING,
                Fact.of("builder", q.nameOf(running.get().builder())),
                Fact.of("build", running.get().build()));
    }

    private static Optional<Answer> notNow(Question q) {
        Digest source = q.module().source();
        if (!q.state().hasSource(source)) {
            return waiting(q, Reason.SOURCE_NOT_PUBLISHED, Fact.of("source", source));
        }
        return q.target()
                .flatMap(TargetState::pause)
                .flatMap(pause -> waiting(
                        q,
                        Reason.RETRY_LATER,
                        Fact.of(UNTIL, pause.until()),
                        Fact.of("failures", q.target().orElseThrow().otherFailures()),
                        Fact.of("lastError", lastError(q, FailureClass.INFRASTRUCTURE))));
    }

    private static Optional<Answer> symbolMapMissing(Question q) {
        boolean readable = !q.placement().maps().isEmpty();
        return !q.module().needsSymbolMap() || readable
                ? Optional.empty()
                : waiting(
                        q,
                        Reason.WAITING_FOR_FIRST_BOOT,
                        Fact.of("kernel", q.subject().release()),
                        Fact.of("symbolMap", q.kernel().symbolMap()));
    }

    private static Optional<Answer> putOff(Question q) {
        int most = q.policy().limits().mostBuildsAtOnce();
        if (q.placement().builders().isEmpty()) {
            return Optional.empty();
        }
        if (q.state().buildsUnderWay() >= most) {
            return Election.isPossible(q) ? waiting(q, Reason.BUILD_LIMIT, Fact.of("limit", most)) : Optional.empty();
        }
        Election election = q.election();
        if (election.best().isPresent() || election.closed().isEmpty()) {
            return Optional.empty();
        }
        Instant now = q.state().now();
        Window next = election.closed().get(0);
        for (Window window : election.closed()) {
            next = window.nextOpening(now).isBefore(next.nextOpening(now)) ? window : next;
        }
        return waiting(q, Reason.OUTSIDE_WINDOW, Fact.of("window", next), Fact.of(UNTIL, next.nextOpening(now)));
    }

    /** A module that this host's firmware would not let in. */
    private static Optional<Answer> keyMissing(Question q) {
        boolean secure = q.report().secureBoot().map(SecureBoot::enabled).orElse(false);
        Optional<String> key = q.policy().trust().flatMap(Trust::signingKey);
        boolean enrolled = q.report().secureBoot().stream()
                .flatMap(boot -> boot.enrolledKeys().stream())
                .anyMatch(enrolledKey -> key.equals(Optional.of(enrolledKey)));
        return !secure || enrolled
                ? Optional.empty()
                : waiting(q, Reason.KEY_NOT_ENROLLED, Fact.of("key", key.orElse("none in the policy")));
    }

    private static Optional<Answer> bestBuilder(Question q) {
        Optional<HostId> best = q.election().best();
        if (best.isEmpty()) {
            return Optional.empty();
        }
        BuildTarget target = q.asked().orElseThrow();
        HostId builder = best.get();
        List<Fact> facts = new ArrayList<>(facts(
                Fact.of("source", target.source()),
                Fact.of("kernel", target.release()),
                Fact.of("image", target.image())));
        boolean here = builder.equals(q.subject().host());
        Optional<String> stale = here ? q.stale() : Optional.empty();
        stale.ifPresent(words -> facts.add(Fact.of("stale", words)));
        Draft build = id -> new Decision.Build(
                id,
                new Subject(builder, q.subject().release(), q.subject().module()),
                stale.isPresent() ? Reason.STALE_BUILD : Reason.NO_PACKAGE,
                target,
                q.module().version(),
                List.copyOf(facts));
        if (here) {
            return Optional.of(answer(build));
        }
        Draft wait = wait(q, Reason.BUILD_ELSEWHERE, Fact.of("builder", q.nameOf(builder)));
        return Optional.of(new Answer(wait, Optional.of(build)));
    }

    private static Optional<Answer> nobodyCan(Question q) {
        if (!q.target().map(TargetState::recalled).orElse(List.of()).isEmpty()) {
            return Optional.of(recalled(q));
        }
        if (!q.target().map(TargetState::buildFailures).orElse(List.of()).isEmpty()) {
            return Optional.of(failedTooOften(q));
        }
        List<Check> missing = q.host().missingFor(q.kernel()).toList();
        if (missing.isEmpty() && !q.mayChange()) {
            return Optional.of(notAllowed(q));
        }
        List<Fact> facts = new ArrayList<>();
        facts.add(Fact.of("image", q.asked().orElseThrow().image()));
        if (!q.host().hasCompilerOf(q.kernel())) {
            facts.add(Fact.of(
                    "compiler", q.report().compiler().map(Compiler::text).orElse("")));
            facts.add(Fact.of(
                    "kernelBuiltBy", q.kernel().compiler().map(Compiler::text).orElse("")));
        }
        if (!q.policy().mayBuild(q.report())) {
            facts.add(Fact.of("policy", "does not let this host build"));
        }
        String held = heldBuilders(q);
        if (!held.isEmpty()) {
            facts.add(Fact.of(Decision.Reject.HELD, held));
        }
        if (q.module().needsSymbolMap() && missing.isEmpty()) {
            facts.add(Fact.of("symbolMap", q.kernel().symbolMap()));
        }
        if (q.canShare() && q.exports().isEmpty()) {
            facts.add(Fact.of(Decision.Reject.EXPORTS, "not known of this kernel"));
        }
        return Optional.of(answer(
                id -> new Decision.Reject(id, q.subject(), Reason.NO_BUILD_ENVIRONMENT, missing, List.copyOf(facts))));
    }

    /** Names of those that could build it, were they not held. */
    private static String heldBuilders(Question q) {
        List<String> names = new ArrayList<>();
        for (Map.Entry<HostId, HostId> entry : q.placement().builders()) {
            if (q.state().held(entry.getKey()).isPresent()) {
                names.add(q.nameOf(entry.getKey()));
            }
        }
        return String.join(", ", names);
    }

    private static Answer recalled(Question q) {
        List<PackageState> recalled = q.target().orElseThrow().recalled();
        PackageState last = recalled.get(recalled.size() - 1);
        return answer(reject(
                q,
                Reason.KNOWN_BAD,
                Fact.of("package", last.digest()),
                Fact.of("recalled", last.recalled().orElseThrow()),
                Fact.of("packages", recalled.size())));
    }

    private static Answer failedTooOften(Question q) {
        return answer(reject(
                q,
                Reason.FAILED_TOO_OFTEN,
                Fact.of("failures", q.target().orElseThrow().buildFailures().size()),
                Fact.of("lastError", lastError(q, FailureClass.BUILD)),
                Fact.of(
                        "toolchains",
                        String.join(
                                ", ",
                                q.target().orElseThrow().buildFailures().stream()
                                        .map(Failure::toolchain)
                                        .distinct()
                                        .toList()))));
    }

    private static String lastError(Question q, FailureClass kind) {
        String last = "";
        for (Failure failure : q.target().orElseThrow().failures()) {
            last = failure.kind() == kind && failure.ordered() ? failure.error() : last;
        }
        return last;
    }

    /** It could be served, and somebody does not want it to be changed. */
    private static Answer notAllowed(Question q) {
        return q.report().observeOnly()
                ? answer(
                        wait(q, Reason.OBSERVE_ONLY, Fact.of("agent", q.report().hostname())))
                : answer(wait(
                        q, Reason.CONSENT_MISSING, Fact.of("host", q.report().hostname())));
    }

    private static Optional<Answer> waiting(Question q, Reason reason, Fact... facts) {
        return Optional.of(answer(wait(q, reason, facts)));
    }

    private static Optional<Answer> rejected(Question q, Reason reason, Fact... facts) {
        return Optional.of(answer(reject(q, reason, facts)));
    }

    private static Draft wait(Question q, Reason reason, Fact... facts) {
        List<Fact> all = withMarks(q, facts);
        return id -> new Decision.Wait(id, q.subject(), reason, all);
    }

    private static Draft reject(Question q, Reason reason, Fact... facts) {
        List<Fact> all = withMarks(q, facts);
        return id -> new Decision.Reject(id, q.subject(), reason, List.of(), all);
    }

    /** What an admin must know of the module that stays meanwhile. */
    private static List<Fact> withMarks(Question q, Fact... facts) {
        List<Fact> all = new ArrayList<>(List.of(facts));
        q.stale().ifPresent(words -> all.add(Fact.of("stale", words)));
        q.recalledInstalled().ifPresent(why -> all.add(Fact.of("installedRecalled", why)));
        return List.copyOf(all);
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
        return String.join(
                ", ",
                q.policy().systems().stream()
                        .map(rule -> rule.id() + " " + rule.version())
                        .toList());
    }
}
