package io.kmodfleet.cli.exchange;

import static org.assertj.core.api.Assertions.assertThat;

import io.kmodfleet.cli.exchange.KernelMappings.Mapping;
import java.util.List;
import org.junit.jupiter.api.Test;

class KernelMappingsTest {

    @Test
    void each_module_has_its_kernels_and_the_newest_package_of_one_counts() {
        String yaml = KernelMappings.yaml(
                List.of(
                        new Mapping("toy", "6.1.0-56-amd64", "toy-2.0-6.1.0-56-amd64"),
                        new Mapping("toy", "6.1.0-56-amd64", "toy-1.0-6.1.0-56-amd64"),
                        new Mapping("toy", "6.1.0-50-amd64", "toy-1.0-6.1.0-50-amd64"),
                        new Mapping("other", "6.1.0-50-amd64", "other-1.0-6.1.0-50-amd64")),
                "registry.example/kmod");

        assertThat(yaml).isEqualTo("""
                # In a Module for other, below spec.moduleLoader.container:
                modprobe:
                  moduleName: other
                kernelMappings:
                  - literal: "6.1.0-50-amd64"
                    containerImage: "registry.example/kmod:other-1.0-6.1.0-50-amd64"
                # In a Module for toy, below spec.moduleLoader.container:
                modprobe:
                  moduleName: toy
                kernelMappings:
                  - literal: "6.1.0-50-amd64"
                    containerImage: "registry.example/kmod:toy-1.0-6.1.0-50-amd64"
                  - literal: "6.1.0-56-amd64"
                    containerImage: "registry.example/kmod:toy-2.0-6.1.0-56-amd64"
                """);
    }
}
