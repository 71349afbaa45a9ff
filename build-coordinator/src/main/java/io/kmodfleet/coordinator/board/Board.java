package io.kmodfleet.coordinator.board;

import io.kmodfleet.contracts.HostId;
import io.kmodfleet.contracts.Reason;
import io.kmodfleet.coordinator.decision.FleetState;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.BitSet;
import java.util.Comparator;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.PriorityQueue;
import java.util.function.Function;
import java.util.function.Predicate;
import java.util.stream.IntStream;
import java.util.stream.Stream;

/**
 * All hosts, each with a place that it keeps. Counts are always right; whatever filters looks at every host once.
 */
public final class Board {

    private static final int FIRST_ROOM = 1024;

    /** Of each {@link Safety}, by its ordinal: how many are worse. */
    private static final int[] RANK =
            Stream.of(Safety.values()).mapToInt(Safety.worstFirst()::indexOf).toArray();

    private final Map<HostId, Integer> places = new HashMap<>();
    private final Dictionary<String> systems = new Dictionary<>();
    private final Dictionary<String> kernels = new Dictionary<>();
    private final Dictionary<List<String>> labels = new Dictionary<>();
    private final Dictionary<List<String>> modules = new Dictionary<>();
    private final Dictionary<List<Reason>> reasons = new Dictionary<>();
    private final int[] counts = new int[Safety.values().length];
    private HostId[] hosts = new HostId[FIRST_ROOM];
    private String[] names = new String[FIRST_ROOM];
    private byte[] word = new byte[FIRST_ROOM];
    private byte[] safety = new byte[FIRST_ROOM];
    private long[] heard = new long[FIRST_ROOM];
    private int[] system = new int[FIRST_ROOM];
    private int[] kernel = new int[FIRST_ROOM];
    private int[] label = new int[FIRST_ROOM];
    private int[] module = new int[FIRST_ROOM];
    private int[] reason = new int[FIRST_ROOM];
    private long[] since = new long[FIRST_ROOM];
    private int size;

    /** A value for people, and how many hosts have it. */
    public record Count(String value, int hosts) {}

    /** @param next where to go on; absent where there is no more */
    public record Page(List<HostId> hosts, int matching, Optional<Cursor> next) {}

    /** Behind which host a page begins. @param rank of its state, the worst first */
    public record Cursor(int rank, int place) {
        public static final Cursor BEGIN = new Cursor(0, -1);

        /** @throws IllegalArgumentException for what {@link #toString} never gave */
        public static Cursor parse(String text) {
            String[] parts = text.split("-", -1);
            try {
                return new Cursor(Integer.parseInt(parts[0]), Integer.parseInt(parts[1]));
            } catch (NumberFormatException | ArrayIndexOutOfBoundsException e) {
                throw new IllegalArgumentException(
                        "Expected the cursor of a page before, like 2-117, but got '" + text + "'");
            }
        }

        @Override
        public String toString() {
            return rank + "-" + place;
        }
    }

    public static Board of(FleetState state) {
        Board board = new Board();
        state.hostIds().forEach(host -> board.update(state, host));
        return board;
    }

    public synchronized int size() {
        return size;
    }

    /** By {@link Safety}, in its order. */
    public synchronized int[] counts() {
        return counts.clone();
    }

    /** @return its place */
    public synchronized int update(FleetState state, HostId host) {
        HostLine line = HostLine.of(state, host);
        Integer known = places.get(host);
        int place = known == null ? add(host) : known;
        if (known != null) {
            counts[safety[place]]--;
            kernels.leave(kernel[place]);
            systems.leave(system[place]);
            labels.leave(label[place]);
            modules.leave(module[place]);
            reasons.leave(reason[place]);
        }
        names[place] = line.hostname();
        word[place] = (byte) line.safety().ordinal();
        safety[place] = shown(place);
        system[place] = systems.enter(line.os());
        kernel[place] = kernels.enter(line.kernel());
        label[place] = labels.enter(line.labels().entrySet().stream()
                .map(entry -> entry.getKey() + "=" + entry.getValue())
                .toList());
        module[place] = modules.enter(line.modules());
        reason[place] = reasons.enter(line.reasons());
        since[place] = line.since();
        counts[safety[place]]++;
        return place;
    }

    /** Says that nothing is heard of a host any more, or that something is. @param heardAt when it was last heard of, where it is silent */
    public synchronized void silence(int place, Optional<Instant> heardAt) {
        counts[safety[place]]--;
        heard[place] = heardAt.map(at -> Math.max(1, at.toEpochMilli())).orElse(0L);
        safety[place] = shown(place);
        counts[safety[place]]++;
    }

    /** When it was last heard of, where it is silent. */
    public synchronized Optional<Instant> silentSince(int place) {
        return heard[place] == 0 ? Optional.empty() : Optional.of(Instant.ofEpochMilli(heard[place]));
    }

    /** As the board has it, whatever it says otherwise. */
    public synchronized HostLine line(FleetState state, HostId host) {
        HostLine line = HostLine.of(state, host);
        return placeOf(host).flatMap(this::silentSince).map(line::silentSince).orElse(line);
    }

    private byte shown(int place) {
        return heard[place] == 0 ? word[place] : (byte) Safety.SILENT.ordinal();
    }

    public synchronized Optional<HostId> at(int place) {
        return place >= 0 && place < size ? Optional.of(hosts[place]) : Optional.empty();
    }

    public synchronized Optional<Integer> placeOf(HostId host) {
        return Optional.ofNullable(places.get(host));
    }

    public synchronized Safety safetyAt(int place) {
        return Safety.values()[safety[place]];
    }

    /** One byte for each host, in the order of their places: the ordinal of its {@link Safety}; 255 for one that does not fit. */
    public synchronized byte[] map(Filter filter) {
        byte[] map = Arrays.copyOf(safety, size);
        if (!filter.isAll()) {
            Match match = new Match(filter);
            for (int place = 0; place < size; place++) {
                map[place] = match.fits(place) ? map[place] : (byte) 255;
            }
        }
        return map;
    }

    /** By {@link Safety}, of those that fit. */
    public synchronized int[] counts(Filter filter) {
        if (filter.isAll()) {
            return counts();
        }
        int[] found = new int[counts.length];
        Match match = new Match(filter);
        for (int place = 0; place < size; place++) {
            if (match.fits(place)) {
                found[safety[place]]++;
            }
        }
        return found;
    }

    /** The worst first; of equals, those that are known longest. */
    public synchronized Page page(Filter filter, Cursor after, int limit) {
        List<HostId> page = new ArrayList<>(Math.min(limit, 1024));
        Match match = new Match(filter);
        int matching = 0;
        Optional<Cursor> next = Optional.empty();
        Cursor last = after;
        int[][] found = new int[counts.length][];
        int[] filled = new int[counts.length];
        for (int place = 0; place < size; place++) {
            if (match.fits(place)) {
                matching++;
                int of = safety[place];
                int rank = RANK[of];
                boolean behind = rank > after.rank() || rank == after.rank() && place > after.place();
                if (behind && filled[of] <= limit) {
                    found[of] = found[of] == null ? new int[limit + 1] : found[of];
                    found[of][filled[of]++] = place;
                }
            }
        }
        for (int rank = 0; rank < found.length && next.isEmpty(); rank++) {
            int of = Safety.worstFirst().get(rank).ordinal();
            for (int i = 0; i < filled[of]; i++) {
                if (page.size() == limit) {
                    next = Optional.of(last);
                    break;
                }
                page.add(hosts[found[of][i]]);
                last = new Cursor(rank, found[of][i]);
            }
        }
        return new Page(page, matching, next);
    }

    public synchronized List<Count> kernels() {
        return sorted(kernels.counts(), kernel -> kernel.isEmpty() ? "unknown" : kernel);
    }

    public synchronized List<Count> systems() {
        return sorted(systems.counts(), system -> system);
    }

    public synchronized List<Count> labels() {
        return sorted(flat(labels.counts()), label -> label);
    }

    public synchronized List<Count> modules() {
        return sorted(flat(modules.counts()), module -> module);
    }

    public synchronized List<Count> reasons() {
        return sorted(flat(reasons.counts()), Reason::name);
    }

    /** Ledger positions of the answers that hold hosts back, one for each such host. */
    public synchronized long[] heldSince() {
        return IntStream.range(0, size)
                .filter(place -> word[place] < Safety.UNKNOWN.ordinal() && since[place] > 0)
                .mapToLong(place -> since[place])
                .toArray();
    }

    /** Whose answer has been in force longest, of those that are refused or wait. */
    public synchronized List<HostId> heldLongest(int limit) {
        Comparator<Integer> longer =
                Comparator.comparingLong((Integer place) -> since[place]).thenComparing(place -> place);
        PriorityQueue<Integer> longest = new PriorityQueue<>(longer.reversed());
        for (int place = 0; place < size; place++) {
            boolean held = word[place] < Safety.UNKNOWN.ordinal() && since[place] > 0;
            if (held && longest.size() < limit) {
                longest.add(place);
            } else if (held && since[place] < since[longest.element()]) {
                longest.remove();
                longest.add(place);
            }
        }
        return longest.stream().sorted(longer).map(place -> hosts[place]).toList();
    }

    private int add(HostId host) {
        if (size == hosts.length) {
            int room = size * 2;
            hosts = Arrays.copyOf(hosts, room);
            names = Arrays.copyOf(names, room);
            word = Arrays.copyOf(word, room);
            safety = Arrays.copyOf(safety, room);
            heard = Arrays.copyOf(heard, room);
            system = Arrays.copyOf(system, room);
            kernel = Arrays.copyOf(kernel, room);
            label = Arrays.copyOf(label, room);
            module = Arrays.copyOf(module, room);
            reason = Arrays.copyOf(reason, room);
            since = Arrays.copyOf(since, room);
        }
        hosts[size] = host;
        places.put(host, size);
        return size++;
    }

    private static <T> Map<T, Integer> flat(Map<List<T>, Integer> counts) {
        Map<T, Integer> flat = new LinkedHashMap<>();
        counts.forEach((values, hosts) -> values.forEach(value -> flat.merge(value, hosts, Integer::sum)));
        return flat;
    }

    private static <T> List<Count> sorted(Map<T, Integer> counts, Function<T, String> words) {
        return counts.entrySet().stream()
                .map(entry -> new Count(words.apply(entry.getKey()), entry.getValue()))
                .sorted(Comparator.comparingInt(Count::hosts).reversed().thenComparing(Count::value))
                .toList();
    }

    /** A filter, with every word looked up once. */
    private final class Match {
        private final Filter filter;
        private final BitSet system;
        private final BitSet kernel;
        private final BitSet label;
        private final BitSet module;
        private final BitSet reason;

        Match(Filter filter) {
            this.filter = filter;
            system = filter.os().map(os -> systems.that(os::equals)).orElse(null);
            kernel = filter.kernel()
                    .map(release -> kernels.that(known -> known.equals(release.equals("unknown") ? "" : release)))
                    .orElse(null);
            label = filter.label()
                    .map(wanted -> labels.that(values ->
                            values.stream().anyMatch(value -> value.equals(wanted) || value.startsWith(wanted + "="))))
                    .orElse(null);
            module = filter.module()
                    .map(name -> modules.that(names -> names.contains(name)))
                    .orElse(null);
            reason = filter.reason()
                    .map(name -> reasons.that(
                            known -> known.stream().anyMatch(one -> one.name().equals(name))))
                    .orElse(null);
        }

        boolean fits(int place) {
            return filter.safety()
                            .map(wanted -> wanted.ordinal() == safety[place])
                            .orElse(true)
                    && (system == null || system.get(Board.this.system[place]))
                    && (kernel == null || kernel.get(Board.this.kernel[place]))
                    && (label == null || label.get(Board.this.label[place]))
                    && (module == null || module.get(Board.this.module[place]))
                    && (reason == null || reason.get(Board.this.reason[place]))
                    && filter.text().map(text -> isCalled(place, text)).orElse(true);
        }

        private boolean isCalled(int place, String text) {
            String name = names[place];
            for (int i = 0; i + text.length() <= name.length(); i++) {
                if (name.regionMatches(true, i, text, 0, text.length())) {
                    return true;
                }
            }
            return hosts[place].value().startsWith(text);
        }
    }

    /** Values that many hosts share, each once, with how many have it. A value that nobody has any more makes room. */
    private static final class Dictionary<T> {
        private final Map<T, Integer> numbers = new HashMap<>();
        private final List<T> values = new ArrayList<>();
        private final BitSet free = new BitSet();
        private int[] hosts = new int[16];

        int enter(T value) {
            int number = numbers.computeIfAbsent(value, this::numbered);
            hosts[number]++;
            return number;
        }

        private int numbered(T value) {
            int number = free.nextSetBit(0);
            if (number >= 0) {
                free.clear(number);
                values.set(number, value);
                return number;
            }
            if (values.size() == hosts.length) {
                hosts = Arrays.copyOf(hosts, hosts.length * 2);
            }
            values.add(value);
            return values.size() - 1;
        }

        void leave(int number) {
            hosts[number]--;
            if (hosts[number] == 0) {
                numbers.remove(values.get(number));
                free.set(number);
            }
        }

        Map<T, Integer> counts() {
            Map<T, Integer> counts = new LinkedHashMap<>();
            numbers.forEach((value, number) -> counts.put(value, hosts[number]));
            return counts;
        }

        BitSet that(Predicate<T> wanted) {
            BitSet fit = new BitSet();
            numbers.forEach((value, number) -> fit.set(number, wanted.test(value)));
            return fit;
        }
    }
}
