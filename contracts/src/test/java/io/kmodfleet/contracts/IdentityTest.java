package io.kmodfleet.contracts;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import java.util.Optional;
import org.junit.jupiter.api.Test;

class IdentityTest {

    @Test
    void a_host_id_is_what_systemd_derives_from_the_machine_id_for_this_application() {
        // systemd-id128 machine-id --app-specific=6b6d6f64666c6565742d686f73742d31, with this machine id in
        // /etc/machine-id
        assertThat(HostId.fromMachineId("0123456789abcdef0123456789abcdef\n").value())
                .isEqualTo("00fcca2c53cf42989fc48ac7dca0c71f");
    }

    @Test
    void a_machine_id_that_is_none_is_refused() {
        assertThatIllegalArgumentException().isThrownBy(() -> HostId.fromMachineId("uninitialized"));
    }

    @Test
    void the_release_alone_never_makes_two_kernels_one() {
        KernelIdentity one = kernel(Optional.of(Samples.digest("one")), Optional.empty());
        KernelIdentity other = kernel(Optional.of(Samples.digest("other")), Optional.empty());
        KernelIdentity unreadable = kernel(Optional.empty(), Optional.empty());

        assertThat(one.isSameImageAs(one)).isTrue();
        assertThat(one.isSameImageAs(other)).isFalse();
        assertThat(unreadable.isSameImageAs(unreadable)).isFalse();
        assertThat(kernel(Optional.empty(), Optional.of("ab"))
                        .isSameImageAs(kernel(Optional.empty(), Optional.of("ab"))))
                .isTrue();
    }

    @Test
    void a_range_compares_numbers_and_holds_both_ends() {
        KernelRange range = new KernelRange("5.15", "6.8");

        assertThat(range.contains("5.15.0-153-generic")).isTrue();
        assertThat(range.contains("6.8.0-63-generic")).isTrue();
        assertThat(range.contains("6.1.0-56-amd64")).isTrue();
        assertThat(range.contains("6.12.117+deb12-amd64")).isFalse();
        assertThat(range.contains("5.4.0-216-generic")).isFalse();
        assertThat(range.contains("generic")).isFalse();
    }

    @Test
    void platform_release_6_9_is_before_6_10() {
        assertThat(PlatformRelease.parse("6.9")).isLessThan(PlatformRelease.parse("6.10"));
        assertThatIllegalArgumentException()
                .isThrownBy(() -> PlatformRelease.parse("6"))
                .withMessageContaining("in quotes");
    }

    private static KernelIdentity kernel(Optional<Digest> image, Optional<String> buildId) {
        return new KernelIdentity("x86_64", "6.1.0-56-amd64", Optional.empty(), image, Optional.empty(), buildId);
    }
}
