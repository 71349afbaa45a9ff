package io.kmodfleet.deploy.bench;

import com.fasterxml.jackson.databind.JsonNode;
import io.kmodfleet.contracts.HostId;
import io.kmodfleet.deploy.standalone.Stack;
import java.io.IOException;
import java.io.InputStream;
import java.net.Socket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeSet;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.locks.LockSupport;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.HdrHistogram.Histogram;
import org.apache.kafka.clients.producer.KafkaProducer;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** The dashboard: what the first page loads, how long the questions behind each page take, and what many viewers cost. */
@Command(name = "page", description = "Measure: first load of the dashboard, the time of each page, and many viewers.")
public final class PageBench implements Callable<Integer> {

    private static final Pattern LOADED = Pattern.compile("(?:src|href)=\"(/[^\"]+\\.(?:js|css|svg)\\?v=[^\"]+)\"");
    private static final int REPORTS_A_SECOND = 100;
    private static final int CHUNK = 200_000;
    private static final int WARM_UP = 20;
    private static final int MAP_SECONDS = 10;

    /** When the map was drawn for the first time. */
    private static final String DRAWN = """
            new Promise(done => {
              const wait = () => {
                const canvas = document.getElementById('map');
                if (canvas && canvas.dataset.drawn) done(true); else setTimeout(wait, 50);
              };
              wait();
            })""";

    /** For so many milliseconds: in each frame something is done, and the frames are counted. */
    private static final String FRAMES = """
            new Promise(done => {
              const canvas = document.getElementById('map'), begin = performance.now();
              let frames = 0, longest = 0, last = begin;
              const next = () => {
                const now = performance.now();
                frames++;
                longest = Math.max(longest, now - last);
                last = now;
                if (now - begin >= %d) { done({fps: frames * 1000 / (now - begin), longest}); return; }
                %s
                requestAnimationFrame(next);
              };
              requestAnimationFrame(next);
            })""";

    @Option(
            names = "--hosts",
            defaultValue = "50000",
            description = "Hosts of the coordinator (default: ${DEFAULT-VALUE}).")
    private int hosts;

    @Option(
            names = "--entries",
            defaultValue = "0",
            description =
                    "Entries that are copied into the ledger before pages are asked for; 10000000 take some minutes and 20 GB"
                            + " (default: ${DEFAULT-VALUE}).")
    private int entries;

    @Option(names = "--viewers", defaultValue = "1000", description = "Open streams (default: ${DEFAULT-VALUE}).")
    private int viewers;

    @Option(
            names = "--rounds",
            defaultValue = "200",
            description = "Requests of each page (default: ${DEFAULT-VALUE}).")
    private int rounds;

    @Option(
            names = "--seconds",
            defaultValue = "20",
            description = "How long viewers look (default: ${DEFAULT-VALUE}).")
    private int seconds;

    private final HttpClient client = HttpClient.newHttpClient();

    @Override
    public Integer call() throws IOException, InterruptedException, SQLException {
        try (BenchStack bench = BenchStack.start(Math.max(256, hosts / 400))) {
            bench.begin();
            Traffic traffic = new Traffic(hosts);
            System.out.println("[INFO] " + hosts + " hosts report");
            long before = bench.position();
            report(bench, traffic, hosts);
            bench.await(before + hosts, Duration.ofMinutes(20));
            firstLoad(bench);
            viewers(bench, traffic);
            map(bench, traffic);
            fill(bench, before);
            pages(bench);
            return 0;
        }
    }

    private void firstLoad(BenchStack bench) throws IOException, InterruptedException {
        URI home = bench.stack().coordinatorUrl();
        Load cold = load(home);
        Load warm = cold;
        for (int i = 0; i < WARM_UP; i++) {
            warm = load(home);
        }
        Table.title("First load, " + Table.number(hosts) + " hosts");
        Table.atMost("page and all it names, compressed", warm.bytes() / 1000.0, 60, " kB");
        Table.row("requests, one after the other", Integer.toString(warm.requests()));
        Table.row("until all of it is there, the first time ever", Table.number(cold.millis()) + " ms");
        Table.atMost("the " + WARM_UP + "th time", warm.millis(), 500, " ms");
        Table.row(
                "the map behind it, compressed by nobody",
                Table.number(get(home.resolve("/map")).body().length / 1000.0) + " kB");
    }

    private record Load(long bytes, int requests, long millis) {}

    private Load load(URI home) throws IOException, InterruptedException {
        long begin = System.nanoTime();
        HttpResponse<byte[]> page = get(home.resolve("/"));
        long bytes = page.body().length;
        TreeSet<String> files = new TreeSet<>();
        Matcher found = LOADED.matcher(unpacked(page));
        while (found.find()) {
            files.add(found.group(1));
        }
        for (String file : files) {
            bytes += get(home.resolve(file)).body().length;
        }
        return new Load(bytes, 1 + files.size(), millisSince(begin));
    }

    /** Copies reports with higher numbers, and every fifth with its decisions: most reports change nothing. */
    private void fill(BenchStack bench, long before) throws SQLException {
        if (entries == 0) {
            return;
        }
        System.out.println("[INFO] copying " + entries + " entries into the ledger");
        long head = bench.position();
        try (Connection connection = bench.database()) {
            execute(connection, "set synchronous_commit = off");
            for (int from = 0; from < entries; from += CHUNK) {
                String copied =
                        " from generate_series(" + from + ", " + (Math.min(entries, from + CHUNK) - 1) + ") as i join ";
                execute(
                        connection,
                        "insert into ledger (position, taken_at, source, epoch, sequence, observed_at, observation, decisions,"
                                + " rules) select " + head + " + 1 + i, l.taken_at, l.source, l.epoch, 1000000 + i,"
                                + " l.observed_at, l.observation, l.decisions, l.rules" + copied
                                + "ledger l on l.position = " + before + " + 1 + i % " + hosts);
                execute(
                        connection,
                        "insert into decision (position, place, taken_at, host, release, module, kind, reason, body) select "
                                + head
                                + " + 1 + i, d.place, d.taken_at, d.host, d.release, d.module, d.kind, d.reason, d.body"
                                + copied + "decision d on d.position = " + before + " + 1 + i % " + hosts
                                + " where i % 5 = 0");
            }
            execute(connection, "vacuum analyze ledger");
            execute(connection, "vacuum analyze decision");
        }
    }

    private static void execute(Connection connection, String sql) throws SQLException {
        try (Statement statement = connection.createStatement()) {
            statement.execute(sql);
        }
    }

    private void pages(BenchStack bench) throws IOException, InterruptedException, SQLException {
        URI home = bench.stack().coordinatorUrl();
        HostId host = HostId.fromMachineId(Traffic.digest("bench host 7").hex().substring(0, 32));
        Map<String, String> pages = new LinkedHashMap<>();
        pages.put("fleet", "/?q=");
        pages.put("fleet, filtered by kernel", "/?kernel=6.1.0-11-amd64&q=");
        pages.put("fleet, by a part of the name", "/?q=host-77&os=");
        pages.put("host", "/hosts/" + host + "?x=");
        pages.put("packages", "/targets?x=");
        pages.put("failures", "/failures?x=");
        pages.put("policy", "/policy?x=");
        pages.put("preflight", "/preflight?release=6.1.0-11-amd64&x=");
        pages.put("audit", "/audit?x=");
        Table.title("Pages, each made anew, " + Table.number(hosts) + " hosts, " + Table.number(bench.position())
                + " ledger entries");
        for (Map.Entry<String, String> page : pages.entrySet()) {
            Histogram micros = new Histogram(3);
            int times = page.getKey().equals("preflight") ? Math.max(3, rounds / 20) : rounds;
            for (int i = 0; i < times * 2; i++) {
                // Another address, so that nothing that was made before is taken.
                URI uri = home.resolve(page.getValue() + (page.getValue().endsWith("q=") ? "&n=" + i : i));
                long begin = System.nanoTime();
                HttpResponse<byte[]> answer = get(uri);
                if (answer.statusCode() != 200) {
                    throw new IllegalStateException(
                            "Expected " + uri + " to answer 200, but it said " + answer.statusCode());
                }
                if (i >= times) {
                    micros.recordValue((System.nanoTime() - begin) / 1_000);
                }
            }
            Table.atMost(page.getKey() + ", p99", micros.getValueAtPercentile(99) / 1000.0, 200, " ms");
        }
    }

    /** Many streams, while hosts report. */
    private void viewers(BenchStack bench, Traffic traffic) throws IOException, InterruptedException, SQLException {
        URI home = bench.stack().coordinatorUrl();
        AtomicLong bytes = new AtomicLong();
        List<Socket> open = new ArrayList<>();
        try {
            for (int i = 0; i < viewers; i++) {
                Socket socket = new Socket(home.getHost(), home.getPort());
                socket.getOutputStream()
                        .write(("GET /live HTTP/1.1\r\nHost: " + home.getAuthority() + "\r\n\r\n")
                                .getBytes(StandardCharsets.US_ASCII));
                open.add(socket);
            }
            Thread reader = new Thread(() -> drain(open, bytes), "reader");
            reader.setDaemon(true);
            reader.start();
            Thread.sleep(3_000);
            long from = bytes.get();
            long cpu = bench.cpu().get(Stack.COORDINATOR);
            long begin = System.nanoTime();
            for (int i = 0; i < seconds; i++) {
                report(bench, traffic, REPORTS_A_SECOND);
                Thread.sleep(Math.max(0, 1_000L * (i + 1) - millisSince(begin)));
            }
            double took = (System.nanoTime() - begin) / 1e9;
            double used = (bench.cpu().get(Stack.COORDINATOR) - cpu) / 1e9;
            Table.title(viewers + " viewers, " + REPORTS_A_SECOND + " reports/s");
            Table.row("CPU of the coordinator, everything it does", Table.number(100 * used / took) + " % of a core");
            Table.row("bytes for each viewer", Table.number((bytes.get() - from) / took / viewers) + " per second");
        } finally {
            for (Socket socket : open) {
                socket.close();
            }
        }
    }

    /** The map in a browser: frames while hosts report, and frames where each draws every host anew. */
    private void map(BenchStack bench, Traffic traffic) throws IOException, InterruptedException {
        Optional<String> missing = Chromium.missing();
        if (missing.isPresent()) {
            System.out.println("[INFO] the map is not measured. " + missing.get());
            return;
        }
        try (Chromium browser = Chromium.start()) {
            browser.open(bench.stack().coordinatorUrl());
            browser.evaluate(DRAWN);
            CompletableFuture<Void> reports = CompletableFuture.runAsync(() -> {
                for (int i = 0; i < MAP_SECONDS; i++) {
                    report(bench, traffic, REPORTS_A_SECOND);
                    LockSupport.parkNanos(900_000_000);
                }
            });
            JsonNode calm = browser.evaluate(FRAMES.formatted(MAP_SECONDS * 1000, ""));
            reports.join();
            JsonNode all = browser.evaluate(
                    FRAMES.formatted(
                            MAP_SECONDS * 1000,
                            "canvas.dispatchEvent(new KeyboardEvent('keydown', {key: 'Home', bubbles: true, cancelable: true}));"));
            Table.title(
                    "The map of " + Table.number(hosts) + " hosts in a browser without a window or a graphics card");
            Table.row(
                    "frames while " + REPORTS_A_SECOND + " hosts a second report",
                    Table.number(calm.path("fps").asDouble()) + "/s");
            Table.row("the longest of them", Table.number(calm.path("longest").asDouble()) + " ms");
            Table.row(
                    "frames where each draws all hosts anew",
                    Table.number(all.path("fps").asDouble()) + "/s");
        }
    }

    private static void drain(List<Socket> sockets, AtomicLong bytes) {
        byte[] buffer = new byte[1 << 16];
        try {
            while (true) {
                for (Socket socket : sockets) {
                    InputStream in = socket.getInputStream();
                    while (in.available() > 0) {
                        bytes.addAndGet(in.read(buffer));
                    }
                }
                Thread.sleep(50);
            }
        } catch (IOException | InterruptedException e) {
            // The measurement is over.
        }
    }

    private static void report(BenchStack bench, Traffic traffic, int reports) {
        try (KafkaProducer<String, byte[]> producer =
                Traffic.producer(bench.stack().kafka(), 5)) {
            for (int i = 0; i < reports; i++) {
                producer.send(Traffic.record(traffic.next()));
            }
        }
    }

    private HttpResponse<byte[]> get(URI uri) throws IOException, InterruptedException {
        HttpRequest request = HttpRequest.newBuilder(uri)
                .header("Accept", "text/html,*/*")
                .header("Accept-Encoding", "gzip")
                .build();
        return client.send(request, HttpResponse.BodyHandlers.ofByteArray());
    }

    private static String unpacked(HttpResponse<byte[]> page) throws IOException {
        byte[] body = page.body();
        boolean packed = page.headers()
                .firstValue("Content-Encoding")
                .filter("gzip"::equals)
                .isPresent();
        return new String(
                packed
                        ? new java.util.zip.GZIPInputStream(new java.io.ByteArrayInputStream(body)).readAllBytes()
                        : body,
                StandardCharsets.UTF_8);
    }

    private static long millisSince(long begin) {
        return (System.nanoTime() - begin) / 1_000_000;
    }
}
