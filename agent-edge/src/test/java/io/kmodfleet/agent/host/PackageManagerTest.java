package io.kmodfleet.agent.host;

import static org.assertj.core.api.Assertions.assertThat;

import io.kmodfleet.contracts.OperatingSystem;
import java.util.List;
import org.junit.jupiter.api.Test;

class PackageManagerTest {

    @Test
    void headers_are_named_as_each_distribution_names_them() {
        assertThat(of("debian", "12").headersFor("6.1.0-50-amd64"))
                .isEqualTo("apt-get install linux-headers-6.1.0-50-amd64");
        assertThat(of("centos", "9").headersFor("5.14.0-522.el9.x86_64"))
                .isEqualTo("dnf install kernel-devel-5.14.0-522.el9.x86_64");
        assertThat(of("centos", "7").headersFor("3.10.0-1160.el7.x86_64"))
                .isEqualTo("yum install kernel-devel-3.10.0-1160.el7.x86_64");
        assertThat(of("sles", "15.5").headersFor("5.14.21-150500.55.19-default"))
                .isEqualTo("zypper install kernel-default-devel=5.14.21-150500.55.19");
    }

    @Test
    void dkms_comes_from_the_extra_packages_where_the_system_has_none() {
        OperatingSystem centos = os("centos", "9");

        assertThat(PackageManager.of(centos, List.of()).installDkms(centos))
                .isEqualTo("dnf install epel-release && dnf install dkms");
    }

    @Test
    void a_system_that_we_do_not_know_is_treated_as_the_one_it_is_like() {
        assertThat(PackageManager.of(os("eurolinux", "9"), List.of("rhel", "fedora", "centos")))
                .isEqualTo(PackageManager.DNF);
    }

    private static PackageManager of(String id, String version) {
        return PackageManager.of(os(id, version), List.of());
    }

    private static OperatingSystem os(String id, String version) {
        return new OperatingSystem(id, version, id);
    }
}
