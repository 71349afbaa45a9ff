package io.kmodfleet.agent.install;

import static org.assertj.core.api.Assertions.assertThat;

import io.kmodfleet.agent.host.HostPrograms;
import io.kmodfleet.agent.host.HostRoot;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class LoaderIT {

    @Test
    void a_host_that_has_no_modprobe_says_nothing_against_a_module(@TempDir Path empty) throws Exception {
        HostRoot root = new HostRoot(empty);

        assertThat(new Loader(root, new HostPrograms(root)).load("toy")).isEmpty();
    }
}
