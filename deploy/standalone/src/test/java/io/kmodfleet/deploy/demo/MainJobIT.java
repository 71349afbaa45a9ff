package io.kmodfleet.deploy.demo;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import io.kmodfleet.contracts.BuildTarget;
import io.kmodfleet.contracts.Digest;
import io.kmodfleet.contracts.module.ModuleFile;
import io.kmodfleet.contracts.pack.ModulePackage;
import io.kmodfleet.deploy.standalone.Stack;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;

/** The main job on real input: real dkms, real headers, real kernel images, real Kafka, real PostgreSQL, the production jars. */
class MainJobIT {

    @RegisterExtension
    private final RehearsalExtension stage = new RehearsalExtension();

    @Test
    void one_host_builds_one_reuses_without_a_compiler_and_two_are_refused_with_the_reason() throws Exception {
        Rehearsal rehearsal = stage.rehearsal();
        String kernel = stage.roots().kernel();
        rehearsal.wantModule(stage.roots());
        Path a = stage.host("a", "host-a");
        Path b = stage.host("b", "host-b");
        rehearsal.startAgent(b);
        rehearsal.startAgent(a);

        rehearsal.awaitAnswer("host-b", answer -> answer.equals("keep UP_TO_DATE"));
        rehearsal.awaitAnswer("host-a", answer -> answer.equals("keep UP_TO_DATE"));
        Rehearsal.Outcome c = rehearsal.install(stage.host("c", "host-c"));
        Rehearsal.Outcome d = rehearsal.install(stage.host("d", "host-d"));

        assertThat(kindsOf("host-a")).containsExactly("build", "reuse", "keep");
        assertThat(kindsOf("host-b")).contains("wait").endsWith("reuse", "keep");
        assertThat(c.exitCode()).isEqualTo(6);
        assertThat(c.output())
                .contains("KERNEL_OUT_OF_RANGE")
                .contains("5.15 to 6.8")
                .contains("[ERROR] Sorry, the current kernel version ")
                .contains(" is not supported, the installation process cannot proceed.");
        assertThat(d.exitCode()).isEqualTo(4);
        assertThat(d.output()).contains("NO_BUILD_ENVIRONMENT").contains("apt-get install dkms");

        JsonNode built = rehearsal.packages();
        assertThat(built).hasSize(1);
        assertThat(built.get(0).path("vermagic").get(0).asText()).startsWith(kernel + " ");
        ModulePackage stored = ModulePackage.read(
                fetched("packages", built.get(0).path("digest").asText()));
        assertThat(new String(fetched("logs", stored.manifest().log().toString())))
                .contains("==> dkms build")
                .contains("v4l2loopback.ko");
        assertThat(rehearsal
                        .kmodfleet(
                                "log", stored.manifest().build().orElseThrow().toString(), "--follow")
                        .output()
                        .strip())
                .as("what whoever looks on is told")
                .contains("==> dkms build")
                .endsWith("==> end: built");
        assertThat(pageOf(
                        stored.manifest().target(),
                        "/log/" + built.get(0).path("digest").asText().substring(7)))
                .contains("==&gt; dkms build", "v4l2loopback.ko");
        assertThat(pageOf(stored.manifest().target(), "/differences")).contains("no two of this target differ");
        assertThat(rehearsal.kmodfleet("kernels", "list").output()).contains(kernel, "config", "module-symvers");
        Digest body = stored.manifest().modules().get(0).body();
        for (Path root : List.of(a, b)) {
            Path file = Rehearsal.moduleFile(root, kernel).orElseThrow();
            assertThat(ModuleFile.read(Files.readAllBytes(file)).body()).isEqualTo(body);
            Path modules = root.resolve("usr/lib/modules/" + kernel);
            assertThat(Files.readString(modules.resolve("modules.dep")))
                    .contains(modules.relativize(file) + ": kernel/drivers/media/v4l2-core/videodev.ko");
        }
        assertThat(b.resolve("usr/bin/gcc")).doesNotExist();
        assertThat(b.resolve("var/lib/dkms")).doesNotExist();
        assertThat(a.resolve(
                        "root/dattobd_dkms_build_pacakges/" + stored.manifest().fileName()))
                .exists();
        assertThat(rehearsal.kmodfleet("explain", "host-d").output())
                .contains("no host that has it can build one")
                .contains("apt-get install linux-headers-" + kernel);
    }

    @Test
    void an_admin_is_asked_before_anything_is_built_on_a_host_and_may_decline() throws Exception {
        Rehearsal rehearsal = stage.rehearsal();
        rehearsal.wantModule(stage.roots());
        Path a = stage.host("a", "host-a");
        String question = "is not found, but the DKMS tools is installed, would you like to build "
                + stage.roots().module() + " with DKMS? (y/n) [n]: ";

        Rehearsal.Outcome nobodyThere = rehearsal.install(a);
        Rehearsal.Outcome declined = rehearsal.installAtTerminal(a, "n");
        Rehearsal.Outcome noAnswer = rehearsal.installAtTerminal(a, "");

        for (Rehearsal.Outcome outcome : List.of(nobodyThere, declined, noAnswer)) {
            assertThat(outcome.exitCode()).as(outcome.output()).isEqualTo(6);
            assertThat(outcome.output())
                    .contains(question, "is not supported, the installation process cannot proceed.");
        }
        assertThat(Rehearsal.moduleFile(a, stage.roots().kernel())).isEmpty();
        assertThat(builds()).isZero();

        Rehearsal.Outcome agreed = rehearsal.installAtTerminal(a, "y");

        assertThat(agreed.exitCode()).as(agreed.output()).isZero();
        // On a terminal words are coloured, and long lines go on below.
        assertThat(agreed.output().replaceAll("\u001b\\[[0-9;]*[A-Za-z]", "").replaceAll("\\s+", " "))
                .contains(question, "✔ [SUCCESS] Every module that the policy wants here is installed.");
        assertThat(Rehearsal.moduleFile(a, stage.roots().kernel())).isPresent();
        assertThat(rehearsal.install(stage.host("b", "host-b"), "--enable-dkms").output())
                .contains("dkms is not installed");
    }

    @Test
    void ten_hosts_that_cannot_build_and_two_that_can_report_at_once_and_one_build_serves_all() throws Exception {
        Rehearsal rehearsal = stage.rehearsal();
        rehearsal.wantModule(stage.roots());
        List<String> names = new ArrayList<>();
        for (int i = 1; i <= 12; i++) {
            String root = i % 6 == 0 ? "a" : "b";
            names.add("host-" + root + i);
            stage.host(root, "host-" + root + i);
        }

        for (String name : names) {
            rehearsal.startAgent(stage.rehearsal().workplace().resolve(name));
        }

        for (String name : names) {
            rehearsal.awaitAnswer(name, answer -> answer.equals("keep UP_TO_DATE"));
        }
        assertThat(builds()).isEqualTo(1);
        assertThat(rehearsal.packages()).hasSize(1);
    }

    @Test
    void the_coordinator_killed_between_any_two_steps_changes_nothing_in_the_end() throws Exception {
        interruptBetweenSteps(() -> {
            stage.stack().kill(Stack.COORDINATOR);
            stage.stack().startAgain(Stack.COORDINATOR);
        });
    }

    @Test
    void the_broker_restarted_between_any_two_steps_changes_nothing_in_the_end() throws Exception {
        interruptBetweenSteps(() -> {
            stage.stack().end(Stack.KAFKA);
            stage.stack().startAgain(Stack.KAFKA);
        });
    }

    private interface Interruption {
        void happen() throws Exception;
    }

    private void interruptBetweenSteps(Interruption interruption) throws Exception {
        Rehearsal rehearsal = stage.rehearsal();
        String source = rehearsal.publishSource(stage.roots());
        interruption.happen();
        rehearsal.publishPolicy(stage.roots(), source);
        interruption.happen();
        rehearsal.startAgent(stage.host("b", "host-b"));
        rehearsal.awaitAnswer("host-b", answer -> answer.startsWith("reject"));
        interruption.happen();
        Path a = stage.host("a", "host-a");
        rehearsal.startAgent(a);
        rehearsal.await("a build", () -> kindsOf("host-a").contains("build"));
        interruption.happen();
        rehearsal.await("a package", () -> rehearsal.packages().size() == 1);
        interruption.happen();
        rehearsal.await(
                "host-a's module",
                () -> Rehearsal.moduleFile(a, stage.roots().kernel()).isPresent());
        interruption.happen();
        rehearsal.await("host-b to be told to reuse", () -> kindsOf("host-b").contains("reuse"));
        interruption.happen();

        rehearsal.awaitAnswer("host-a", answer -> answer.equals("keep UP_TO_DATE"));
        rehearsal.awaitAnswer("host-b", answer -> answer.equals("keep UP_TO_DATE"));
        assertThat(builds()).isEqualTo(1);
        assertThat(rehearsal.packages()).hasSize(1);
        Set<String> ids = new HashSet<>();
        rehearsal.decisions().forEach(decision -> assertThat(
                        ids.add(decision.path("id").asText()))
                .isTrue());
        assertThat(rehearsal.kmodfleet("dead-letters").output()).contains("There is no dead letter");
    }

    private long builds() throws Exception {
        long builds = 0;
        for (JsonNode decision : stage.rehearsal().decisions()) {
            builds += decision.path("decision").asText().equals("build") ? 1 : 0;
        }
        return builds;
    }

    /** The decisions about a host, the oldest first. */
    private List<String> kindsOf(String hostname) throws java.io.IOException, InterruptedException {
        List<String> kinds = new ArrayList<>();
        for (JsonNode decision : stage.rehearsal().decisions()) {
            if (decision.path("hostname").asText().equals(hostname)) {
                kinds.add(0, decision.path("decision").asText());
            }
        }
        return kinds;
    }

    /** Of a target, as a browser gets it. */
    private String pageOf(BuildTarget target, String path) throws Exception {
        URI uri = stage.stack()
                .coordinatorUrl()
                .resolve("/targets/" + target.arch() + "/" + target.release() + "/"
                        + target.image().hex() + "/" + target.source().hex() + path);
        return HttpClient.newHttpClient()
                .send(HttpRequest.newBuilder(uri).build(), HttpResponse.BodyHandlers.ofString())
                .body();
    }

    private byte[] fetched(String kind, String digest) throws Exception {
        URI uri = stage.stack()
                .storeUrl()
                .resolve("/api/v1/" + kind + "/" + Digest.parse(digest).hex());
        return HttpClient.newHttpClient()
                .send(HttpRequest.newBuilder(uri).build(), HttpResponse.BodyHandlers.ofByteArray())
                .body();
    }
}
