package io.kmodfleet.deploy.guest;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assertions.fail;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.sun.net.httpserver.HttpServer;
import io.kmodfleet.deploy.demo.HostRoots;
import io.kmodfleet.deploy.demo.Rehearsal;
import io.kmodfleet.deploy.standalone.Progress;
import io.kmodfleet.deploy.standalone.Stack;
import io.kmodfleet.deploy.standalone.StackOptions;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.extension.AfterEachCallback;
import org.junit.jupiter.api.extension.BeforeEachCallback;
import org.junit.jupiter.api.extension.ExtensionContext;

/** A fresh stack for each test, the agent's package as an admin gets it, and machines to install it on. */
final class GuestStage implements BeforeEachCallback, AfterEachCallback {

    static final String MODULE = "fleetprobe";

    private static final Path HOME = Path.of(System.getProperty("kmodfleet.home", "../.."))
            .toAbsolutePath()
            .normalize();
    private static final Duration APT = Duration.ofMinutes(10);
    private static final Duration PATIENCE = Duration.ofMinutes(20);
    private static final Duration COMMAND = Duration.ofMinutes(5);
    private static final Duration LOOK_AGAIN = Duration.ofMillis(250);

    private static Path agentPackage;

    private final List<Guest> guests = new ArrayList<>();
    private GuestImages images;
    private Path workplace;
    private Stack stack;
    private Rehearsal rehearsal;
    private HttpServer downloads;

    @Override
    public void beforeEach(ExtensionContext context) throws IOException, InterruptedException {
        Optional<String> missing = GuestImages.missing();
        if (missing.isPresent() && "true".equals(System.getenv("CI"))) {
            fail("Expected everything the tests need under CI, but: " + missing.get());
        }
        assumeTrue(missing.isEmpty(), () -> missing.get());
        images = GuestImages.make(HOME);
        workplace = Files.createTempDirectory("kmodfleet-guests");
        stack = Stack.start(StackOptions.embedded(HOME, workplace.resolve("data")), Progress.silent());
        rehearsal = new Rehearsal(HOME, stack, workplace);
        downloads = offered(agentPackage());
    }

    @Override
    public void afterEach(ExtensionContext context) throws IOException, InterruptedException {
        if (context.getExecutionException().isPresent()) {
            for (Guest guest : guests) {
                System.err.println(guest.lastWords());
            }
        }
        for (Guest guest : guests) {
            guest.close();
        }
        if (downloads != null) {
            downloads.stop(0);
        }
        if (rehearsal != null) {
            rehearsal.close();
        }
        if (stack != null) {
            stack.close();
        }
        if (workplace != null) {
            HostRoots.delete(workplace);
        }
    }

    GuestImages images() {
        return images;
    }

    Rehearsal rehearsal() {
        return rehearsal;
    }

    /** A machine that has booted from a copy of that image, with a name of its own and this stack on its own loopback. */
    Guest boot(Path image, String name) throws IOException, InterruptedException {
        Guest guest = Guest.of(image, workplace, name);
        guests.add(guest);
        guest.start();
        guest.require(COMMAND, "hostnamectl set-hostname " + name);
        // Kafka names itself by its address on this machine's loopback: there it must be on the guest's too.
        for (int port : List.of(kafkaPort(), stack.storeUrl().getPort())) {
            guest.require(COMMAND, """
                    cat >/etc/systemd/system/fleet-%1$d.service <<END
                    [Unit]
                    Description=The fleet's port %1$d
                    [Service]
                    ExecStart=/usr/bin/socat TCP-LISTEN:%1$d,bind=127.0.0.1,fork,reuseaddr TCP:10.0.2.2:%1$d
                    Restart=always
                    [Install]
                    WantedBy=multi-user.target
                    END
                    systemctl -q enable --now fleet-%1$d""".formatted(port));
        }
        return guest;
    }

    /** As an admin does it: fetch the package, install it, say where the fleet is. */
    void installAgent(Guest guest, boolean enableDkms) throws IOException, InterruptedException {
        guest.require(
                COMMAND,
                "curl -fsS -o /tmp/agent.deb http://10.0.2.2:"
                        + downloads.getAddress().getPort()
                        + "/agent.deb && DEBIAN_FRONTEND=noninteractive apt-get -qq install -y /tmp/agent.deb");
        guest.require(
                COMMAND,
                "printf 'KMODFLEET_KAFKA=127.0.0.1:%d\\nKMODFLEET_STORE=%s\\n%s' >>/etc/kmodfleet/agent.conf"
                                .formatted(
                                        kafkaPort(), stack.storeUrl(), enableDkms ? "KMODFLEET_ENABLE_DKMS=yes\\n" : "")
                        + " && systemctl restart kmodfleet-agent");
    }

    /**
     * Publishes an edition of the module, and a policy that wants it in the initial RAM file system too.
     *
     * @param proof what one host must have shown before others get it
     */
    void want(String edition, String proof) throws IOException, InterruptedException {
        want(edition, "0", proof, false);
    }

    /** The same of an edition that builds, only where the symbol map of the kernel can be read, and that no kernel takes. */
    void wantRefused(String edition) throws IOException, InterruptedException {
        want(edition, "-EIO", "LOAD", true);
    }

    private void want(String edition, String init, String proof, boolean symbolMap)
            throws IOException, InterruptedException {
        String digest = publishSource(edition, init);
        Path file = workplace.resolve("policy.yaml");
        String modules = """
                modules:
                  - name: %s
                    version: "%s"
                    source: %s
                    binding: EXACT_IMAGE
                    proof: %s
                    initramfs: true
                    symbolMap: %s
                """.formatted(MODULE, edition, digest, proof, symbolMap);
        Files.writeString(
                file,
                Files.readString(HOME.resolve("deploy/policy/default.yaml"))
                        .replace("modules: []\n", modules)
                        .replace("systems:\n", "systems:\n  - {id: debian, version: \"12\", since: \"6.10\"}\n"));
        rehearsal.kmodfleet("policy", "set", file.toString(), "-o", "json").json();
    }

    /** @param init what the module's own start returns to the kernel */
    private String publishSource(String edition, String init) throws IOException, InterruptedException {
        Path tree = Files.createDirectories(workplace.resolve(MODULE + "-" + edition));
        Path probe = HOME.resolve("deploy/standalone/src/test/resources/probe");
        Files.createDirectories(tree.resolve("kmodfleet"));
        for (String name : List.of("dkms.conf", "Makefile", "fleetprobe.c", "kmodfleet/self-test")) {
            String text = Files.readString(probe.resolve(name))
                    .replace("@VERSION@", edition)
                    .replace("@INIT@", init);
            Files.writeString(tree.resolve(name), text);
        }
        Files.setPosixFilePermissions(
                tree.resolve("kmodfleet/self-test"), PosixFilePermissions.fromString("rwxr-xr-x"));
        return rehearsal
                .kmodfleet("source", "publish", tree.toString(), "-o", "json")
                .json()
                .path("digest")
                .asText();
    }

    /** What the coordinator last answered about that kernel of a host, as {@code wait IMAGE_NOT_INSTALLED}; empty before. */
    String answer(String host, String kernel) throws IOException, InterruptedException {
        for (JsonNode told : host(host).path("decisions")) {
            if (told.path("release").asText().equals(kernel)) {
                return told.path("decision").asText() + " "
                        + told.path("reason").asText();
            }
        }
        return "";
    }

    /** Whether the coordinator holds it safe to reboot: {@code SAFE}, {@code NOT_SAFE} or {@code UNKNOWN}. */
    String safety(String host) throws IOException, InterruptedException {
        return host(host).path("reboot").path("answer").asText();
    }

    void awaitAnswer(String host, String kernel, String answer) throws IOException, InterruptedException {
        await("the answer '" + answer + "' for " + host + " and " + kernel, () -> answer(host, kernel)
                .equals(answer));
    }

    /** As an admin does it. */
    void upgrade(Guest guest, String packages) throws IOException, InterruptedException {
        guest.require(
                APT,
                "export DEBIAN_FRONTEND=noninteractive; apt-get -qq update && apt-get -qq install -y " + packages
                        + " && dpkg --audit && test -z \"$(dpkg --audit)\"");
    }

    /** Into that kernel, which must have its module, loaded and in the initial RAM file system, without anybody's doing. */
    void reboot(Guest guest, String kernel, String edition) throws IOException, InterruptedException {
        guest.reboot();
        assertThat(guest.ask("uname -r")).isEqualTo(kernel);
        await("the module in the running kernel", () -> loaded(guest).equals(edition));
        assertThat(guest.ask("lsinitramfs /boot/initrd.img-" + kernel)).contains(MODULE + ".ko");
    }

    /** The edition that the running kernel has; empty where it has none. */
    static String loaded(Guest guest) throws IOException, InterruptedException {
        return guest.ask("cat /sys/module/" + MODULE + "/parameters/edition 2>/dev/null");
    }

    /** Looks again and again, until it is so. */
    void await(String what, Rehearsal.Condition condition) throws IOException, InterruptedException {
        Instant end = Instant.now().plus(PATIENCE);
        while (!condition.isSo()) {
            if (Instant.now().isAfter(end)) {
                throw new AssertionError("Expected " + what + " within " + PATIENCE.toMinutes()
                        + " minutes, but it is not so; the hosts are " + rehearsal.hosts());
            }
            Thread.sleep(LOOK_AGAIN.toMillis());
        }
    }

    private JsonNode host(String name) throws IOException, InterruptedException {
        for (JsonNode host : rehearsal.hosts()) {
            if (host.path("hostname").asText().equals(name)) {
                return host;
            }
        }
        return com.fasterxml.jackson.databind.node.MissingNode.getInstance();
    }

    private int kafkaPort() {
        return Integer.parseInt(stack.kafka().substring(stack.kafka().lastIndexOf(':') + 1));
    }

    /** Made once by each process; one at a time on a machine, for it is made at one place. */
    private static synchronized Path agentPackage() throws IOException, InterruptedException {
        if (agentPackage == null) {
            Path packages = Files.createTempDirectory("kmodfleet-packages");
            packages.toFile().deleteOnExit();
            try (FileChannel channel = FileChannel.open(
                            Files.createDirectories(HOME.resolve("target")).resolve("guest-package.lock"),
                            StandardOpenOption.CREATE,
                            StandardOpenOption.WRITE);
                    FileLock lock = channel.lock()) {
                agentPackage = made(packages);
            }
            agentPackage.toFile().deleteOnExit();
        }
        return agentPackage;
    }

    private static Path made(Path packages) throws IOException, InterruptedException {
        Process process = new ProcessBuilder(
                        HOME.resolve("deploy/package").toString(), "--format", "deb", "--out", packages.toString())
                .redirectErrorStream(true)
                .start();
        String output = new String(process.getInputStream().readAllBytes());
        if (process.waitFor() != 0) {
            throw new IOException("Expected deploy/package to make the agent's package, but it failed:\n" + output);
        }
        try (var files = Files.newDirectoryStream(packages, "*.deb")) {
            return files.iterator().next();
        }
    }

    private static HttpServer offered(Path agent) throws IOException {
        HttpServer server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        server.createContext("/agent.deb", exchange -> {
            exchange.sendResponseHeaders(200, Files.size(agent));
            try (var body = exchange.getResponseBody()) {
                Files.copy(agent, body);
            }
        });
        server.start();
        return server;
    }
}
