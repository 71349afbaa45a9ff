package io.kmodfleet.store.vault;

import io.kmodfleet.contracts.Digest;
import io.kmodfleet.contracts.Grammar;
import io.kmodfleet.contracts.HostId;
import io.kmodfleet.store.catalogue.CatalogueView.Items;
import io.kmodfleet.store.catalogue.KernelInputs.Input;
import io.kmodfleet.store.problem.Problem;
import io.smallrye.common.annotation.Blocking;
import jakarta.ws.rs.Consumes;
import jakarta.ws.rs.DefaultValue;
import jakarta.ws.rs.GET;
import jakarta.ws.rs.PUT;
import jakarta.ws.rs.Path;
import jakarta.ws.rs.PathParam;
import jakarta.ws.rs.Produces;
import jakarta.ws.rs.QueryParam;
import jakarta.ws.rs.core.MediaType;
import jakarta.ws.rs.core.Response;
import java.io.IOException;
import java.io.InputStream;
import java.time.Instant;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** Kernels, by the digest of their images, and what is kept of them. */
@Path("/api/v1/kernels")
@Produces(MediaType.APPLICATION_JSON)
@Blocking
class VaultResource {

    private static final int MOST = 3_000;

    private final Vault vault;

    VaultResource(Vault vault) {
        this.vault = vault;
    }

    /** @param compiler what built it, where its configuration is kept */
    record Kernel(Digest image, String release, String arch, Optional<String> compiler, List<Kept> inputs) {}

    /** @param digest of what it is, uncompressed */
    record Kept(String kind, Digest digest, long size, String host, Instant storedAt) {}

    @GET
    public Items<Kernel> kernels(
            @QueryParam("release") Optional<String> release, @QueryParam("limit") @DefaultValue("300") int limit) {
        return new Items<>(kernelsOf(vault.ofRelease(release, Math.max(1, Math.min(MOST, limit)))));
    }

    @GET
    @Path("{hex}")
    public Kernel kernel(@PathParam("hex") String hex) {
        Digest image = digest(hex);
        return kernelsOf(vault.ofImage(image)).stream()
                .findFirst()
                .orElseThrow(() -> new Problem(
                        404,
                        "No such kernel",
                        "Expected a kernel of which something is kept, but there is none with image " + image));
    }

    @GET
    @Path("{hex}/{kind}")
    @Produces(MediaType.WILDCARD)
    public Response input(@PathParam("hex") String hex, @PathParam("kind") String kind) throws IOException {
        Digest image = digest(hex);
        InputKind wanted = kind(kind);
        Vault.Content content = vault.find(image, wanted)
                .orElseThrow(() -> new Problem(
                        404,
                        "Not kept",
                        "Expected the " + wanted.word() + " of kernel image " + image
                                + ", but no host has given it yet"));
        return Response.ok(content.stream())
                .header("Content-Type", "text/plain; charset=utf-8")
                .header("ETag", "\"" + content.digest().hex() + "\"")
                .header("X-Content-Type-Options", "nosniff")
                .build();
    }

    /**
     * Keeps it, where nothing of that kind is kept of that image.
     *
     * @param host who gives it
     */
    @PUT
    @Path("{hex}/{kind}")
    @Consumes(MediaType.WILDCARD)
    public Response keep(
            @PathParam("hex") String hex,
            @PathParam("kind") String kind,
            @QueryParam("release") String release,
            @QueryParam("arch") String arch,
            @QueryParam("host") String host,
            InputStream body)
            throws IOException {
        Digest image = digest(hex);
        InputKind given = kind(kind);
        try {
            Grammar.release(release);
            Grammar.version(arch);
            new HostId(host);
        } catch (IllegalArgumentException | NullPointerException e) {
            throw new Problem(
                    400, "Not a kernel", "Expected release, arch and host of the kernel, but " + e.getMessage());
        }
        return Response.status(vault.keep(image, given, release, arch, host, body) ? 201 : 200)
                .build();
    }

    private static List<Kernel> kernelsOf(List<Input> inputs) {
        Map<Digest, List<Input>> byImage = new LinkedHashMap<>();
        inputs.forEach(input ->
                byImage.computeIfAbsent(input.image(), any -> new ArrayList<>()).add(input));
        return byImage.values().stream()
                .map(of -> new Kernel(
                        of.get(0).image(),
                        of.get(0).release(),
                        of.get(0).arch(),
                        of.stream().flatMap(input -> input.compiler().stream()).findFirst(),
                        of.stream()
                                .map(input -> new Kept(
                                        input.kind(), input.content(), input.size(), input.host(), input.storedAt()))
                                .toList()))
                .toList();
    }

    private static InputKind kind(String word) {
        return InputKind.of(word)
                .orElseThrow(() -> new Problem(
                        404, "No such kind", "Expected module-symvers, system-map or config, but got '" + word + "'"));
    }

    private static Digest digest(String hex) {
        try {
            return new Digest(hex);
        } catch (IllegalArgumentException e) {
            throw new Problem(400, "Not a digest", e.getMessage());
        }
    }
}
