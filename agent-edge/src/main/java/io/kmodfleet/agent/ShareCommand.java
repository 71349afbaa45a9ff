package io.kmodfleet.agent;

import io.kmodfleet.agent.dkms.BuildFault;
import io.kmodfleet.agent.dkms.Dkms;
import io.kmodfleet.agent.dkms.EarlierBuilds;
import io.kmodfleet.agent.dkms.EarlierBuilds.Earlier;
import io.kmodfleet.agent.dkms.SourceBuild.Built;
import io.kmodfleet.agent.host.HostInspector;
import io.kmodfleet.agent.host.HostPrograms;
import io.kmodfleet.agent.host.HostRoot;
import io.kmodfleet.agent.store.StoreClient;
import io.kmodfleet.contracts.Digest;
import io.kmodfleet.contracts.HostReport;
import io.kmodfleet.contracts.KernelState;
import io.kmodfleet.contracts.pack.DkmsTarball;
import io.kmodfleet.contracts.pack.ModulePackage;
import io.kmodfleet.contracts.pack.Refusal;
import io.kmodfleet.contracts.pack.SourcePackage;
import io.kmodfleet.contracts.wire.FleetJson;
import java.io.IOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Callable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** What dkms built here before the host joined: so that a fleet has packages on its first day. */
@Command(
        name = "share",
        description = {
            "Give the store what dkms built on this host before, or what a tarball of 'dkms mktarball' holds for its kernels.",
            "Only where the source is published, nothing was changed since, and the module fits the kernel. A package that came in so",
            "has to prove itself like any other. Nothing on this host is changed."
        })
final class ShareCommand implements Callable<Integer> {

    @Mixin
    private HostOptions host;

    @Option(
            names = "--store",
            paramLabel = "URL",
            defaultValue = "${env:KMODFLEET_STORE:-http://127.0.0.1:7071}",
            description = "The artifact store; KMODFLEET_STORE (default: http://127.0.0.1:7071).")
    private URI store;

    @Option(names = "--dry-run", description = "Say what would be shared, and send nothing.")
    private boolean dryRun;

    @Parameters(
            paramLabel = "FILE",
            arity = "0..*",
            description = "Tarballs (.dkms.tar.gz) to take modules out of, in place of this host's dkms tree.")
    private List<Path> tarballs = List.of();

    /** What {@code -o json} prints. */
    record Sharing(int exitCode, List<Build> builds) {}

    /**
     * @param packageDigest of what was sent, or would be
     * @param leftOut why it was not
     */
    record Build(
            String module, String version, String release, Optional<Digest> packageDigest, Optional<String> leftOut) {}

    @Override
    public Integer call() throws Exception {
        HostRoot root = host.root();
        HostInspector inspector = host.inspector(java.util.Map::of);
        HostReport report = inspector.inspect();
        EarlierBuilds builds =
                new EarlierBuilds(root, new Dkms(root, new HostPrograms(root), host.state()), Clock.systemUTC());
        StoreClient client = new StoreClient(store);
        List<Build> shared = new ArrayList<>();
        for (Earlier earlier : tarballs.isEmpty() ? builds.find() : inTarballs()) {
            shared.add(share(builds, earlier, report, inspector, client));
        }
        boolean whole = shared.stream().allMatch(build -> build.leftOut().isEmpty());
        Sharing sharing = new Sharing(whole ? 0 : AgentCommand.REFUSED, shared);
        if (host.isJson()) {
            System.out.println(FleetJson.write(sharing));
        } else {
            print(sharing, Screen.of(false));
        }
        return sharing.exitCode();
    }

    private List<Earlier> inTarballs() throws IOException {
        List<Earlier> found = new ArrayList<>();
        for (Path file : tarballs) {
            if (!Files.isRegularFile(file) || Files.size(file) > ModulePackage.MAX_BYTES) {
                throw new Trouble("Expected a tarball of at most " + ModulePackage.MAX_BYTES + " bytes, but " + file
                        + (Files.exists(file) ? " is none." : " is not there."));
            }
            try {
                found.addAll(EarlierBuilds.in(DkmsTarball.read(Files.readAllBytes(file))));
            } catch (Refusal e) {
                throw new Trouble(file + ": " + e.evidence() + ".");
            }
        }
        return found;
    }

    private Build share(
            EarlierBuilds builds, Earlier earlier, HostReport report, HostInspector inspector, StoreClient client)
            throws IOException, InterruptedException {
        try {
            KernelState kernel = report.kernel(earlier.release())
                    .filter(state -> state.identity().arch().equals(earlier.arch()))
                    .orElse(null);
            if (kernel == null) {
                return leftOut(earlier, "this host does not have that kernel");
            }
            SourcePackage source = sourceOf(builds, earlier, client);
            Built built = builds.pack(earlier, source, kernel, inspector.hostId());
            Digest digest = Digest.of(built.archive());
            if (!dryRun) {
                client.upload("logs", built.manifest().log(), earlier.log());
                client.upload("packages", digest, built.archive());
            }
            return new Build(
                    earlier.module(), earlier.version(), earlier.release(), Optional.of(digest), Optional.empty());
        } catch (BuildFault e) {
            return leftOut(earlier, e.getMessage());
        } catch (StoreClient.Refused e) {
            return leftOut(earlier, "The store refused: " + e.getMessage());
        } catch (Refusal e) {
            return leftOut(earlier, e.rule() + ": " + e.evidence());
        }
    }

    /** The published source that this host's is; of a tarball, which brings none that is believed, the only one of that version. */
    private SourcePackage sourceOf(EarlierBuilds builds, Earlier earlier, StoreClient client)
            throws IOException, InterruptedException, StoreClient.Refused, Refusal {
        List<Digest> published = client.sourcesOf(earlier.module(), earlier.version());
        List<SourcePackage> fitting = new ArrayList<>();
        for (Digest digest : published) {
            SourcePackage source = SourcePackage.read(client.fetch("sources", digest, SourcePackage.MAX_BYTES));
            if (earlier.builtAt().isEmpty() || builds.isOf(earlier, source)) {
                fitting.add(source);
            }
        }
        if (fitting.size() != 1) {
            throw new Refusal(
                    Refusal.Rule.WRONG_SOURCE,
                    "Expected one published source of " + earlier.module() + " " + earlier.version()
                            + (earlier.builtAt().isPresent() ? " that equals the one on this host" : "")
                            + ", but there are " + fitting.size() + " of " + published.size()
                            + ". Publish it: kmodfleet source publish /usr/src/" + earlier.module() + "-"
                            + earlier.version());
        }
        return fitting.get(0);
    }

    private static Build leftOut(Earlier earlier, String why) {
        return new Build(earlier.module(), earlier.version(), earlier.release(), Optional.empty(), Optional.of(why));
    }

    private void print(Sharing sharing, Screen screen) {
        if (sharing.builds().isEmpty()) {
            screen.info("There is nothing to share: dkms has built no module here.");
        }
        for (Build build : sharing.builds()) {
            String words = build.module() + " " + build.version() + " for " + build.release();
            build.packageDigest()
                    .ifPresent(digest -> screen.success(
                            (dryRun ? "Would share " : "Shared ") + words + " as package " + digest.brief() + "."));
            build.leftOut().ifPresent(why -> screen.error("Left out " + words + ": " + why + "."));
        }
    }
}
