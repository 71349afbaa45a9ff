package io.kmodfleet.coordinator.audit;

import io.kmodfleet.contracts.Digest;
import io.kmodfleet.contracts.Envelope;
import io.kmodfleet.contracts.wire.FleetJson;
import io.kmodfleet.contracts.wire.UnreadableEvent;
import io.kmodfleet.coordinator.audit.Finding.NotTaken.Why;
import io.kmodfleet.coordinator.ledger.LedgerEntry;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.BitSet;
import java.util.Map;
import java.util.NavigableMap;
import java.util.Optional;
import java.util.TreeMap;

/**
 * Holds the observations topic against the ledger: every observation stands in it once and as it was published, or is named.
 * First all entries are told, then all records, then it is closed. Keeps sixteen bytes of each entry.
 */
public final class Completeness {

    private final TreeMap<Counting, Numbers> taken = new TreeMap<>();
    private final TreeMap<Counting, TreeMap<Long, String>> notTaken = new TreeMap<>();
    private final TreeMap<Counting, Long> oldest = new TreeMap<>();
    private final Map<String, Counting> current = new TreeMap<>();
    private final Findings findings = new Findings();
    private boolean expired;
    private long records;
    private long inLedger;
    private long repeats;
    private long notYet;
    private long waiting;
    private long leftOut;
    private long deadLetters;
    private long older;

    /**
     * What came of it.
     *
     * @param records on the topic
     * @param inLedger observations among them that stand in the ledger
     * @param repeats records that repeat an observation
     * @param notYet observations that come next
     * @param waiting observations that wait for one before them
     * @param leftOut observations that should be in the ledger
     * @param deadLetters records that are no observations
     * @param older entries of the ledger whose observations are older than what the topic still keeps
     */
    public record Sum(
            long records,
            long inLedger,
            long repeats,
            long notYet,
            long waiting,
            long leftOut,
            long deadLetters,
            long older) {}

    private record Counting(String source, long epoch) implements Comparable<Counting> {
        static Counting of(Envelope envelope) {
            return new Counting(envelope.source(), envelope.epoch());
        }

        @Override
        public int compareTo(Counting other) {
            int order = source.compareTo(other.source);
            return order != 0 ? order : Long.compare(epoch, other.epoch);
        }
    }

    /** An entry of the ledger. */
    public void taken(LedgerEntry entry) {
        Counting counting = Counting.of(entry.envelope());
        current.put(counting.source(), counting);
        taken.computeIfAbsent(counting, any -> new Numbers())
                .add(entry.envelope().sequence(), entry.position(), printOf(entry.envelope()));
    }

    /** The topic has lost its oldest records. */
    public void someExpired() {
        expired = true;
    }

    /** @param where topic, partition and offset */
    public void published(String where, Envelope envelope) {
        records++;
        Counting counting = Counting.of(envelope);
        long sequence = envelope.sequence();
        oldest.merge(counting, sequence, Math::min);
        Numbers numbers = taken.get(counting);
        if (numbers == null || numbers.find(sequence).isEmpty()) {
            String first =
                    notTaken.computeIfAbsent(counting, any -> new TreeMap<>()).putIfAbsent(sequence, where);
            repeats += first == null ? 0 : 1;
            return;
        }
        Numbers.Place place = numbers.find(sequence).get();
        if (place.isSeen()) {
            repeats++;
            return;
        }
        place.see();
        inLedger++;
        if (place.print() != printOf(envelope)) {
            findings.add(
                    new Finding.TakenOtherwise(where, place.position(), envelope.source(), envelope.epoch(), sequence));
        }
    }

    /** A record that is no observation. */
    public void unreadable(String where, UnreadableEvent why) {
        records++;
        deadLetters++;
        findings.add(new Finding.DeadLetter(where, why.problem().name(), why.getMessage()));
    }

    /** All records were told. */
    void close() {
        notTaken.forEach((counting, numbers) -> {
            long next = nextOf(counting, numbers.firstKey());
            for (Map.Entry<Long, String> number : numbers.entrySet()) {
                Why why = number.getKey() < next
                        ? Why.LEFT_OUT
                        : number.getKey() == next ? Why.NOT_YET : Why.WAITS_FOR_ONE_BEFORE;
                next += why == Why.NOT_YET ? 1 : 0;
                count(why);
                findings.add(new Finding.NotTaken(
                        number.getValue(), counting.source(), counting.epoch(), number.getKey(), why));
            }
        });
        taken.forEach((counting, numbers) -> numbers.unseen((sequence, position) -> {
            Long kept = oldest.get(counting);
            if (expired && (kept == null || sequence < kept)) {
                older++;
            } else {
                findings.add(new Finding.NeverPublished(position, counting.source(), counting.epoch(), sequence));
            }
        }));
    }

    Sum sum() {
        return new Sum(records, inLedger, repeats, notYet, waiting, leftOut, deadLetters, older);
    }

    Findings findings() {
        return findings;
    }

    /** The number that the ledger takes next in that counting; beyond all where it counts in a later one. */
    private long nextOf(Counting counting, long firstPublished) {
        Numbers known = taken.get(counting);
        if (known == null) {
            return firstPublished;
        }
        return counting.equals(current.get(counting.source())) ? known.last() + 1 : Long.MAX_VALUE;
    }

    private void count(Why why) {
        switch (why) {
            case NOT_YET -> notYet++;
            case WAITS_FOR_ONE_BEFORE -> waiting++;
            case LEFT_OUT -> leftOut++;
        }
    }

    private static long printOf(Envelope envelope) {
        byte[] json = FleetJson.writeBytes(envelope.observation());
        return ByteBuffer.wrap(Digest.sha256().digest(json)).getLong();
    }

    /** The numbers of one counting that the ledger holds: runs without a hole, mostly one. */
    private static final class Numbers {
        private final NavigableMap<Long, Run> runs = new TreeMap<>();

        private static final class Run {
            private long[] prints = new long[4];
            private long[] positions = new long[4];
            private final BitSet seen = new BitSet();
            private int size;
        }

        record Place(Run run, int index) {
            boolean isSeen() {
                return run.seen.get(index);
            }

            void see() {
                run.seen.set(index);
            }

            long print() {
                return run.prints[index];
            }

            long position() {
                return run.positions[index];
            }
        }

        interface Unseen {
            void at(long sequence, long position);
        }

        /** The first of two with the same number counts; the audit itself names the second. */
        void add(long sequence, long position, long print) {
            if (find(sequence).isPresent()) {
                return;
            }
            Map.Entry<Long, Run> before = runs.floorEntry(sequence);
            boolean goesOn = before != null && sequence == before.getKey() + before.getValue().size;
            Run run = goesOn ? before.getValue() : new Run();
            if (!goesOn) {
                runs.put(sequence, run);
            }
            if (run.size == run.prints.length) {
                run.prints = Arrays.copyOf(run.prints, run.size * 2);
                run.positions = Arrays.copyOf(run.positions, run.size * 2);
            }
            run.prints[run.size] = print;
            run.positions[run.size] = position;
            run.size++;
        }

        Optional<Place> find(long sequence) {
            Map.Entry<Long, Run> run = runs.floorEntry(sequence);
            return run != null && sequence - run.getKey() < run.getValue().size
                    ? Optional.of(new Place(run.getValue(), (int) (sequence - run.getKey())))
                    : Optional.empty();
        }

        long last() {
            Map.Entry<Long, Run> run = runs.lastEntry();
            return run.getKey() + run.getValue().size - 1;
        }

        void unseen(Unseen unseen) {
            runs.forEach((first, run) -> {
                for (int i = run.seen.nextClearBit(0); i < run.size; i = run.seen.nextClearBit(i + 1)) {
                    unseen.at(first + i, run.positions[i]);
                }
            });
        }
    }
}
