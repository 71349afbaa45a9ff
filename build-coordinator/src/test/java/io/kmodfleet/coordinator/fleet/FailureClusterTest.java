package io.kmodfleet.coordinator.fleet;

import static org.assertj.core.api.Assertions.assertThat;

import io.kmodfleet.contracts.BuildTarget;
import io.kmodfleet.contracts.Digest;
import io.kmodfleet.contracts.HostId;
import io.kmodfleet.coordinator.fleet.FailureCluster.Failed;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.List;
import org.junit.jupiter.api.Test;

class FailureClusterTest {

    private static final Instant AT = Instant.parse("2026-11-24T03:00:00Z");

    @Test
    void the_same_error_in_other_places_is_one() {
        assertThat(
                        FailureCluster.normalised(
                                "/var/lib/dkms/dattobd/0.12.1/build/bio_helper.c:212:9: error: 'struct bio' has no member named 'bi_disk'"))
                .isEqualTo(
                        FailureCluster.normalised(
                                "/tmp/kmodfleet-8812/build/bio_helper.c:214:11: error: 'struct bio' has no member named 'bi_disk'"))
                .isEqualTo("…/bio_helper.c: error: 'struct bio' has no member named 'bi_disk'");
    }

    @Test
    void another_symbol_is_another_error() {
        assertThat(FailureCluster.normalised("a.c:1: error: no member named 'x'"))
                .isNotEqualTo(FailureCluster.normalised("a.c:1: error: no member named 'y'"));
    }

    @Test
    void releases_addresses_and_sizes_do_not_tell_errors_apart() {
        assertThat(FailureCluster.normalised("No rule for 6.1.0-56-amd64 at 0xffffffff81000000, 4096 bytes"))
                .isEqualTo(FailureCluster.normalised("No rule for 6.1.0-57-amd64 at 0xffffffff82000000, 512 bytes"));
    }

    @Test
    void clusters_count_hosts_and_begin_with_the_most() {
        List<Failed> newestFirst = List.of(
                failed(4, "b", "b.c:9: error: rare"),
                failed(3, "a", "x.c:7: error: often"),
                failed(2, "b", "x.c:3: error: often"),
                failed(1, "b", "x.c:3: error: often"));

        List<FailureCluster> clusters = FailureCluster.of(newestFirst);

        assertThat(clusters).extracting(FailureCluster::error).containsExactly("x.c: error: often", "b.c: error: rare");
        assertThat(clusters.get(0).hosts()).isEqualTo(2);
        assertThat(clusters.get(0).times()).isEqualTo(3);
        assertThat(clusters.get(0).first()).isEqualTo(AT.plusSeconds(1));
        assertThat(clusters.get(0).last()).isEqualTo(AT.plusSeconds(3));
    }

    private static Failed failed(int second, String host, String error) {
        Digest digest = Digest.of(host.getBytes(StandardCharsets.UTF_8));
        return new Failed(
                AT.plusSeconds(second),
                HostId.fromMachineId(digest.hex().substring(0, 32)),
                new BuildTarget(digest, "x86_64", "6.1.0-56-amd64", digest),
                "BUILD",
                error);
    }
}
