package io.kmodfleet.agent.host;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.FileSystems;
import java.nio.file.Path;
import java.nio.file.WatchService;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class KernelWatchIT {

    private static final int MOST = 1_000;

    @Test
    void where_no_inotify_instance_is_left_it_starts_and_says_nothing_of_changes(@TempDir Path root)
            throws IOException {
        List<WatchService> all = new ArrayList<>();
        try {
            Assumptions.assumeTrue(takesEveryInstance(all), "this system gives one user more than " + MOST);

            try (KernelWatch watch = new KernelWatch(new HostRoot(root), true, () -> {})) {
                assertThat(watch.due(System.nanoTime())).isEmpty();
            }
        } finally {
            for (WatchService service : all) {
                service.close();
            }
        }
    }

    private static boolean takesEveryInstance(List<WatchService> all) {
        try {
            while (all.size() < MOST) {
                all.add(FileSystems.getDefault().newWatchService());
            }
            return false;
        } catch (IOException e) {
            return true;
        }
    }
}
