package io.kmodfleet.coordinator.dashboard;

import io.kmodfleet.contracts.BuildTarget;
import io.kmodfleet.contracts.Digest;
import io.kmodfleet.contracts.HostId;
import io.kmodfleet.coordinator.decision.FleetState;
import io.kmodfleet.coordinator.decision.TargetView;
import io.kmodfleet.coordinator.fleet.Problem;
import io.smallrye.common.annotation.Blocking;
import jakarta.ws.rs.GET;
import jakarta.ws.rs.Path;
import jakarta.ws.rs.PathParam;
import jakarta.ws.rs.Produces;
import jakarta.ws.rs.QueryParam;
import jakarta.ws.rs.core.Context;
import jakarta.ws.rs.core.HttpHeaders;
import jakarta.ws.rs.core.MediaType;
import jakarta.ws.rs.core.Response;
import jakarta.ws.rs.core.UriInfo;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** Kernels by modules, and one target with its packages. */
@Path("/targets")
@Blocking
class TargetPages {

    private static final int ROWS = 200;
    private static final int HOLDERS = 200;

    private final Looking looking;
    private final Pages pages;
    private final AtStore store;

    TargetPages(Looking looking, Pages pages, AtStore store) {
        this.looking = looking;
        this.pages = pages;
        this.store = store;
    }

    /** A source: one version of one module. */
    record Column(Digest source, String module, String version) {}

    /** A kernel image. @param cells one for each column; absent where nothing is known */
    record Row(String release, String arch, Digest image, int hosts, List<Optional<Cell>> cells) {}

    record Cell(TargetView target, String address) {}

    record Building(TargetView target, String hostname) {}

    record Matrix(List<Column> columns, List<Row> rows, int left, List<Building> building) {}

    record Holder(HostId host, String hostname, boolean running) {}

    record Offer(
            TargetView.Offered offered,
            String builder,
            String canary,
            List<Holder> holders,
            int allHolders,
            int failures) {}

    record Failure(String host, String hostname, String kind, String error) {}

    /** @param hasStore whether the store can be asked */
    record Shown(
            TargetView target,
            String address,
            boolean hasStore,
            String builder,
            List<Offer> offers,
            List<Failure> failures) {}

    @GET
    @Produces(MediaType.TEXT_HTML)
    public Response targets(@QueryParam("at") Optional<String> at, @Context UriInfo uri, @Context HttpHeaders headers) {
        return looking.at(
                at,
                uri,
                headers,
                seen -> Templates.targets(pages.page("Packages", "targets", uri, seen), matrix(seen)));
    }

    @GET
    @Path("{arch}/{release}/{image}/{source}")
    @Produces(MediaType.TEXT_HTML)
    public Response target(
            @PathParam("arch") String arch,
            @PathParam("release") String release,
            @PathParam("image") String image,
            @PathParam("source") String source,
            @QueryParam("at") Optional<String> at,
            @QueryParam("done") Optional<Long> done,
            @Context UriInfo uri,
            @Context HttpHeaders headers) {
        BuildTarget target = target(arch, release, image, source);
        return looking.at(at, uri, headers, seen -> {
            TargetView view = TargetView.of(seen.state(), target);
            String title = (view.module().isEmpty() ? "Module" : view.module() + " " + view.moduleVersion()) + " for "
                    + release;
            return Templates.target(
                    pages.page(
                            title,
                            "targets",
                            uri,
                            seen,
                            done.map(position -> "It stands in the ledger at position " + position + ".")),
                    shown(seen, view));
        });
    }

    static BuildTarget target(String arch, String release, String image, String source) {
        try {
            return new BuildTarget(new Digest(source), arch, release, new Digest(image));
        } catch (IllegalArgumentException e) {
            throw new Problem(400, "Not a build target", e.getMessage());
        }
    }

    /** @throws Problem 400 for what is no digest, 404 where the target has no such package */
    static Digest packageOf(Seen seen, BuildTarget target, String hex) {
        Digest digest;
        try {
            digest = new Digest(hex);
        } catch (IllegalArgumentException e) {
            throw new Problem(400, "Not a digest", e.getMessage());
        }
        if (TargetView.of(seen.state(), target).packages().stream()
                .noneMatch(known -> known.digest().equals(digest))) {
            throw new Problem(
                    404, "No such package", "Expected a package of this target, but it has none that is " + digest);
        }
        return digest;
    }

    static String address(BuildTarget target) {
        return "/targets/" + pathOf(target);
    }

    static String pathOf(BuildTarget target) {
        return target.arch() + "/" + target.release() + "/" + target.image().hex() + "/"
                + target.source().hex();
    }

    private static Matrix matrix(Seen seen) {
        List<TargetView> all = TargetView.all(seen.state());
        List<Column> columns = all.stream()
                .map(view -> new Column(view.target().source(), view.module(), view.moduleVersion()))
                .distinct()
                .sorted(Comparator.comparing(Column::module)
                        .thenComparing(Column::version)
                        .thenComparing(Column::source))
                .toList();
        record Kernel(String release, String arch, Digest image) {}
        Map<Kernel, Map<Digest, TargetView>> kernels = new java.util.LinkedHashMap<>();
        for (TargetView view : all) {
            BuildTarget target = view.target();
            kernels.computeIfAbsent(
                            new Kernel(target.release(), target.arch(), target.image()),
                            any -> new java.util.HashMap<>())
                    .put(target.source(), view);
        }
        List<Row> found = new ArrayList<>();
        kernels.forEach((kernel, views) -> found.add(new Row(
                kernel.release(),
                kernel.arch(),
                kernel.image(),
                views.values().stream().mapToInt(TargetView::hosts).max().orElse(0),
                columns.stream()
                        .map(column -> Optional.ofNullable(views.get(column.source()))
                                .map(view -> new Cell(view, address(view.target()))))
                        .toList())));
        found.sort(Comparator.comparingInt(Row::hosts).reversed().thenComparing(Row::release));
        return new Matrix(
                columns,
                found.stream().limit(ROWS).toList(),
                Math.max(0, found.size() - ROWS),
                all.stream()
                        .filter(view -> view.running().isPresent())
                        .map(view -> new Building(
                                view, Looking.nameOf(seen, view.running().get().builder())))
                        .toList());
    }

    private Shown shown(Seen seen, TargetView view) {
        FleetState state = seen.state();
        return new Shown(
                view,
                address(view.target()),
                store.isKnown(),
                view.running()
                        .map(build -> Looking.nameOf(seen, build.builder()))
                        .orElse(""),
                view.packages().stream()
                        .map(offered -> {
                            List<HostId> holders = state.hostsWithPackage(view.target(), offered.digest());
                            return new Offer(
                                    offered,
                                    offered.builder()
                                            .map(host -> Looking.nameOf(seen, host))
                                            .orElse("nobody on order"),
                                    offered.canary()
                                            .map(host -> Looking.nameOf(seen, host))
                                            .orElse(""),
                                    holders.stream()
                                            .limit(HOLDERS)
                                            .map(host -> new Holder(
                                                    host,
                                                    Looking.nameOf(seen, host),
                                                    state.runs(host, view.target(), offered.digest())))
                                            .toList(),
                                    holders.size(),
                                    offered.failedOn().size()
                                            + offered.notLoadedOn().size());
                        })
                        .toList(),
                view.failures().stream()
                        .map(failure -> new Failure(
                                failure.builder().value(),
                                Looking.nameOf(seen, failure.builder()),
                                failure.kind(),
                                failure.error()))
                        .toList());
    }
}
