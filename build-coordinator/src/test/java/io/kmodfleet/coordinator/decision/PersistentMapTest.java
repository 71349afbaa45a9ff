package io.kmodfleet.coordinator.decision;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;

class PersistentMapTest {

    @Test
    void it_agrees_with_a_tree_map_through_any_changes_and_older_versions_stay_as_they_were() {
        long seed = new Random().nextLong();
        Random random = new Random(seed);
        TreeMap<Integer, Integer> expected = new TreeMap<>();
        PersistentMap<Integer, Integer> map = PersistentMap.empty();
        for (int i = 0; i < 20_000; i++) {
            int key = random.nextInt(700);
            PersistentMap<Integer, Integer> before = map;
            int size = before.size();
            if (random.nextInt(5) < 2) {
                expected.remove(key);
                map = map.without(key);
            } else {
                expected.put(key, i);
                map = map.with(key, i);
            }
            assertThat(before.size()).as("seed %d", seed).isEqualTo(size);
            assertThat(map.get(key)).as("seed %d", seed).isEqualTo(Optional.ofNullable(expected.get(key)));
        }
        List<Map.Entry<Integer, Integer>> entries = new ArrayList<>();
        map.forEach(entries::add);
        assertThat(entries).as("seed %d", seed).containsExactlyElementsOf(expected.entrySet());
        assertThat(map.size()).isEqualTo(expected.size());
    }
}
