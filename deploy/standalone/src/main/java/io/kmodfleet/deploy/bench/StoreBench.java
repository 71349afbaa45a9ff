package io.kmodfleet.deploy.bench;

import io.kmodfleet.contracts.BuildTarget;
import io.kmodfleet.contracts.Digest;
import io.kmodfleet.contracts.HostId;
import io.kmodfleet.contracts.KernelIdentity;
import io.kmodfleet.contracts.PackageManifest;
import io.kmodfleet.contracts.PackageManifest.PackagedModule;
import io.kmodfleet.contracts.pack.SourcePackage;
import io.kmodfleet.contracts.pack.SourcePackage.SourceFile;
import io.kmodfleet.contracts.wire.FleetJson;
import java.io.IOException;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.PreparedStatement;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.concurrent.Callable;
import java.util.function.Supplier;
import org.HdrHistogram.Histogram;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** What the store gives beside nginx, which serves the same files on the same machine in turns with it. */
@Command(
        name = "store",
        description = "Measure: downloads and small answers beside nginx, uploads, and questions to a large catalogue.")
public final class StoreBench implements Callable<Integer> {

    private static final int CANNOT = 3;
    private static final int FILES = 20;
    private static final int FILE_BYTES = 2_000_000;
    private static final int CONNECTIONS = 8;
    private static final long SEED = 42;
    private static final long LONGEST_MICROS = 60_000_000L;

    @Option(
            names = "--rounds",
            defaultValue = "5",
            description = "Turns of each, of which the medians count (default: ${DEFAULT-VALUE}).")
    private int rounds;

    @Option(names = "--seconds", defaultValue = "5", description = "Length of a turn (default: ${DEFAULT-VALUE}).")
    private int seconds;

    @Option(
            names = "--packages",
            defaultValue = "1000000",
            description = "Packages in the catalogue (default: ${DEFAULT-VALUE}).")
    private int packages;

    @Option(
            names = "--transfers",
            paramLabel = "NUMBER",
            description = "Measure only the memory of the store under so many transfers at the same time.")
    private Optional<Integer> transfers = Optional.empty();

    @Option(
            names = "--size",
            paramLabel = "MB",
            defaultValue = "100",
            description = "With --transfers: how large what is downloaded is (default: ${DEFAULT-VALUE}).")
    private int size;

    private final Random random = new Random(SEED);

    @Override
    public Integer call() throws Exception {
        if (transfers.isPresent()) {
            try (BenchStack bench = BenchStack.start()) {
                new TransferBench(bench, transfers.get(), size).run();
                return 0;
            }
        }
        Optional<String> missing = Nginx.missing();
        if (missing.isPresent()) {
            System.err.println("[ERROR] " + missing.get());
            return CANNOT;
        }
        Path directory = Files.createTempDirectory("kmodfleet-bench-files");
        try (BenchStack bench = BenchStack.start();
                Nginx nginx = Nginx.start(directory)) {
            URI store = bench.stack().storeUrl();
            List<String> logs = publishLogs(store, directory);
            System.out.println("[INFO] warming up");
            turn(store, logs.stream().map(hex -> "/api/v1/logs/" + hex).toList());
            Table.title("Beside nginx: medians of " + rounds + " turns of " + seconds + " s each");
            beside(
                    "2 MB downloads",
                    nginx,
                    store,
                    logs.stream().map(hex -> "/" + hex).toList(),
                    logs.stream().map(hex -> "/api/v1/logs/" + hex).toList(),
                    true,
                    0.8);
            String list = "/api/v1/sources?limit=1";
            publishSource(store, 100);
            Files.write(directory.resolve("small"), HttpLoad.get(store, list));
            beside("small answers", nginx, store, List.of("/small"), List.of(list), false, 0.5);
            String log = "/api/v1/logs/" + logs.get(0);
            beside("answers without a body (304)", nginx, store, List.of("/" + logs.get(0)), List.of(log), false, 0.5);
            uploads(store);
            catalogue(bench, store);
            return 0;
        } finally {
            Nginx.deleteAll(directory);
        }
    }

    private List<String> publishLogs(URI store, Path directory) throws IOException {
        List<String> hexes = new ArrayList<>();
        for (int i = 0; i < FILES; i++) {
            byte[] bytes = new byte[FILE_BYTES];
            random.nextBytes(bytes);
            String hex = Digest.of(bytes).hex();
            Files.write(directory.resolve(hex), bytes);
            HttpLoad.put(store, "/api/v1/logs/" + hex, bytes);
            hexes.add(hex);
        }
        return hexes;
    }

    private void beside(
            String what,
            Nginx nginx,
            URI store,
            List<String> nginxPaths,
            List<String> storePaths,
            boolean inBytes,
            double target)
            throws Exception {
        boolean withoutBody = what.contains("304");
        double[] theirs = new double[rounds];
        double[] ours = new double[rounds];
        for (int i = 0; i < rounds; i++) {
            HttpLoad.Result his = HttpLoad.run(nginx.address(), nginxPaths, CONNECTIONS, seconds, withoutBody);
            HttpLoad.Result mine = HttpLoad.run(store, storePaths, CONNECTIONS, seconds, withoutBody);
            theirs[i] = inBytes ? his.bytes() / 1e6 / seconds : (double) his.requests() / seconds;
            ours[i] = inBytes ? mine.bytes() / 1e6 / seconds : (double) mine.requests() / seconds;
        }
        String unit = inBytes ? " MB/s" : "/s";
        Table.row(what + ": nginx", Table.number(median(theirs)) + unit);
        Table.row(what + ": store", Table.number(median(ours)) + unit);
        Table.atLeast(what + ": store to nginx", median(ours) / median(theirs) * 100, target * 100, " %");
    }

    private void turn(URI store, List<String> paths) throws Exception {
        HttpLoad.run(store, paths, CONNECTIONS, seconds, false);
    }

    private void uploads(URI store) throws IOException {
        Histogram micros = new Histogram(LONGEST_MICROS, 3);
        List<byte[]> sources = new ArrayList<>();
        for (int i = 0; i < 60; i++) {
            sources.add(source(FILE_BYTES));
        }
        long bytes = 0;
        long begin = 0;
        for (int i = 0; i < sources.size(); i++) {
            if (i == 10) {
                begin = System.nanoTime();
                bytes = 0;
            }
            long start = System.nanoTime();
            HttpLoad.put(store, "/api/v1/sources/" + Digest.of(sources.get(i)).hex(), sources.get(i));
            bytes += sources.get(i).length;
            if (i >= 10) {
                micros.recordValue((System.nanoTime() - start) / 1000);
            }
        }
        double megabytes = bytes / 1e6 / ((System.nanoTime() - begin) / 1e9);
        Table.title(
                "Uploads of 2 MB source packages, one after the other: hashed, unpacked, read, on disk, in the catalogue");
        Table.row("throughput", Table.number(megabytes) + " MB/s");
        Table.row("p50", Table.number(micros.getValueAtPercentile(50) / 1000.0) + " ms");
        Table.row("p99", Table.number(micros.getValueAtPercentile(99) / 1000.0) + " ms");
    }

    private void publishSource(URI store, int size) throws IOException {
        byte[] source = source(size);
        HttpLoad.put(store, "/api/v1/sources/" + Digest.of(source).hex(), source);
    }

    private byte[] source(int size) {
        byte[] code = new byte[size];
        random.nextBytes(code);
        String conf = "PACKAGE_NAME=\"toy\"\nPACKAGE_VERSION=\"1." + random.nextInt(1_000_000)
                + "\"\nBUILT_MODULE_NAME[0]=\"toy\"\nNO_WEAK_MODULES=\"yes\"\n";
        return SourcePackage.write(List.of(
                new SourceFile("dkms.conf", conf.getBytes(StandardCharsets.UTF_8), false),
                new SourceFile("toy.bin", code, false)));
    }

    private void catalogue(BenchStack bench, URI store) throws Exception {
        System.out.println("[INFO] filling the catalogue with " + packages + " packages");
        String url = bench.stack().databaseUrl().replace("/coordinator", "/store");
        try (Connection connection = DriverManager.getConnection(url, "postgres", "")) {
            fill(connection);
        }
        Map<String, Supplier<String>> questions = new LinkedHashMap<>();
        questions.put("newest", () -> "");
        questions.put("module", () -> "&module=module" + random.nextInt(5));
        questions.put(
                "module and version", () -> "&module=module" + random.nextInt(5) + "&version=1." + random.nextInt(40));
        questions.put("release", () -> "&release=6.1.0-" + random.nextInt(500) + "-amd64");
        questions.put("builder", () -> "&builder=" + builder(random.nextInt(10_000)));
        questions.put(
                "state",
                () -> "&state=" + List.of("candidate", "proven", "recalled").get(random.nextInt(3)));
        questions.put(
                "everything",
                () -> "&module=module" + random.nextInt(5) + "&version=1." + random.nextInt(40) + "&release=6.1.0-"
                        + random.nextInt(500) + "-amd64&state=recalled");
        questions.put("words", () -> "&text=module" + random.nextInt(5) + "%206.1.0-" + random.nextInt(500));
        questions.put("words that nothing has", () -> "&text=nothing" + random.nextInt(1000));
        questions.put(
                "digits of a digest",
                () -> "&text=" + hex("digits" + random.nextInt(packages)).substring(0, 12));
        Table.title("A page of 100 of " + Table.number(packages) + " packages, over HTTP");
        for (Map.Entry<String, Supplier<String>> question : questions.entrySet()) {
            report(question.getKey(), store, question.getValue());
        }
        report("pages one after the other", store, new Walk(store));
    }

    /** Goes from page to page. */
    private static final class Walk implements Supplier<String> {

        private final URI store;
        private String after = "";

        Walk(URI store) {
            this.store = store;
        }

        @Override
        public String get() {
            try {
                String next = FleetJson.mapper()
                        .readTree(HttpLoad.get(store, "/api/v1/packages?limit=100" + after))
                        .path("next")
                        .asText();
                // After the last page the first one again.
                after = next.isEmpty() ? "" : "&after=" + next;
                return after;
            } catch (IOException e) {
                throw new java.io.UncheckedIOException(e);
            }
        }
    }

    private static void report(String what, URI store, Supplier<String> question) throws IOException {
        Histogram micros = new Histogram(LONGEST_MICROS, 3);
        for (int i = 0; i < 250; i++) {
            // Each its own, so that none is told what was made for the one before.
            String path = "/api/v1/packages?limit=100" + question.get() + "&ask=" + i;
            long begin = System.nanoTime();
            HttpLoad.get(store, path);
            if (i >= 50) {
                micros.recordValue((System.nanoTime() - begin) / 1000);
            }
        }
        Table.row(
                what + ": p50 and p99",
                Table.number(micros.getValueAtPercentile(50) / 1000.0) + " and "
                        + Table.number(micros.getValueAtPercentile(99) / 1000.0) + " ms");
    }

    private void fill(Connection connection) throws SQLException {
        try (PreparedStatement insert = connection.prepareStatement("""
                insert into package (digest, module, module_version, release, builder, file_name, size, stored_at, manifest, log, state)
                select 'sha256:' || encode(sha256(('digits' || i)::bytea), 'hex'),
                    'module' || (i % 5), '1.' || (i / 5 % 40), '6.1.0-' || (i / 7 % 500) || '-amd64',
                    encode(substring(sha256(('builder' || (i / 3 % 10000))::bytea) for 16), 'hex'),
                    'module' || (i % 5) || '-6.1.0-' || (i / 7 % 500) || '-amd64-1.' || (i / 5 % 40) || '.tar.gz',
                    2000000, timestamptz '2026-01-01' - make_interval(secs => i), ?,
                    'sha256:' || encode(sha256(('log' || i)::bytea), 'hex'),
                    case when i % 1000 = 0 then 'recalled' when i % 10 = 0 then 'candidate' else 'proven' end
                from generate_series(?, ?) as i
                """)) {
            insert.setString(1, FleetJson.write(manifest()));
            for (int from = 0; from < packages; from += 100_000) {
                insert.setInt(2, from);
                insert.setInt(3, Math.min(packages, from + 100_000) - 1);
                insert.executeUpdate();
            }
        }
        try (Statement analyze = connection.createStatement()) {
            analyze.execute("vacuum analyze package");
        }
    }

    private static PackageManifest manifest() {
        BuildTarget target = new BuildTarget(digest("source"), "x86_64", "6.1.0-56-amd64", digest("image"));
        return new PackageManifest(
                PackageManifest.FORMAT,
                "module0",
                "1.0",
                target,
                new KernelIdentity(
                        "x86_64",
                        target.release(),
                        Optional.of("#1 SMP PREEMPT_DYNAMIC Debian 6.1.0-56 (2026-01-01)"),
                        Optional.of(target.image()),
                        Optional.of(digest("config")),
                        Optional.empty()),
                List.of(new PackagedModule(
                        "module0",
                        "module/module0.ko",
                        digest("file"),
                        digest("body"),
                        "6.1.0-56-amd64 SMP preempt mod_unload modversions ",
                        Optional.of("0123456789ABCDEF0123456"))),
                digest("conf"),
                "gcc (Debian 12.2.0-14+deb12u1) 12.2.0",
                "dkms-3.0.10",
                new HostId(builder(1)),
                Optional.empty(),
                digest("log"),
                Instant.EPOCH);
    }

    private static Digest digest(String text) {
        return Digest.of(text.getBytes(StandardCharsets.UTF_8));
    }

    private static String hex(String text) {
        return digest(text).hex();
    }

    private static String builder(int number) {
        return hex("builder" + number).substring(0, 32);
    }

    private static double median(double[] values) {
        double[] sorted = values.clone();
        Arrays.sort(sorted);
        return sorted[sorted.length / 2];
    }
}
