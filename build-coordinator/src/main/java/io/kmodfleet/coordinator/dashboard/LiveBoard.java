package io.kmodfleet.coordinator.dashboard;

import io.kmodfleet.contracts.Decision;
import io.kmodfleet.contracts.HostId;
import io.kmodfleet.contracts.Observation;
import io.kmodfleet.coordinator.board.Board;
import io.kmodfleet.coordinator.board.Board.Count;
import io.kmodfleet.coordinator.board.Moments.Moment;
import io.kmodfleet.coordinator.board.Safety;
import io.kmodfleet.coordinator.board.Tally;
import io.kmodfleet.coordinator.decision.FleetState;
import io.kmodfleet.coordinator.heartbeat.Heartbeats;
import io.kmodfleet.coordinator.intake.CoordinatorLoop;
import io.kmodfleet.coordinator.ledger.Ledger;
import io.kmodfleet.coordinator.ledger.LedgerEntry;
import io.quarkus.runtime.ShutdownEvent;
import io.quarkus.runtime.StartupEvent;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.enterprise.event.Observes;
import java.time.Clock;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.jboss.logging.Logger;

/**
 * The board of this coordinator's own fleet, half a second behind what it knows at most. One thread moves it; what it says has changed
 * goes out to whoever looks.
 */
@ApplicationScoped
public class LiveBoard {

    private static final Logger LOG = Logger.getLogger(LiveBoard.class);
    private static final long EVERY_MILLIS = 500;
    private static final long HISTORY_PAUSE_MILLIS = 5_000;
    private static final int KERNELS_KEPT = 12;

    private final CoordinatorLoop loop;
    private final Ledger ledger;
    private final History history;
    private final LiveStream stream;
    private final Heartbeats heartbeats;
    private final Clock clock = Clock.systemUTC();
    private final long epoch = clock.millis();
    private final Object lock = new Object();
    private Set<HostId> touched = new HashSet<>();
    private boolean everybody;
    private boolean other;
    private boolean counting;
    private final List<LedgerEntry> aside = new ArrayList<>();
    private Tally tally = Tally.NOTHING;
    private volatile Board board = new Board();
    private volatile FleetState state = FleetState.empty();
    private volatile boolean ready;
    private volatile long moves;
    private long hearing;
    private volatile boolean ending;
    private Thread thread;

    LiveBoard(CoordinatorLoop loop, Ledger ledger, History history, LiveStream stream, Heartbeats heartbeats) {
        this.loop = loop;
        this.ledger = ledger;
        this.history = history;
        this.stream = stream;
        this.heartbeats = heartbeats;
    }

    void onStart(@Observes StartupEvent event) {
        thread = new Thread(this::run, "kmodfleet-board");
        thread.setDaemon(true);
        thread.start();
    }

    void onEnd(@Observes ShutdownEvent event) {
        ending = true;
        thread.interrupt();
    }

    Seen seen() {
        return new Seen(state, board, Optional.empty());
    }

    /** Changes with every life of this process: places on the map are another's then. */
    long epoch() {
        return epoch;
    }

    /** How often it moved: what was made of it before is old. */
    long moves() {
        return moves;
    }

    /** Waits a moment for the board to know an entry, so that whoever did something sees it done. */
    void await(long position) {
        for (int i = 0; i < 40 && state.position() < position; i++) {
            try {
                Thread.sleep(50);
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                return;
            }
        }
    }

    /** Whether every host that is known is on it. */
    boolean isReady() {
        return ready;
    }

    /** Hosts by {@link Safety}, in its order. */
    public int[] counts() {
        return board.counts();
    }

    /** Pages that are open and seen. */
    public int viewers() {
        return stream.viewers();
    }

    Tally tally() {
        synchronized (lock) {
            return tally;
        }
    }

    /** The moments that are kept, and this one. */
    List<Moment> moments() {
        List<Moment> all = new ArrayList<>(history.all());
        all.add(moment());
        return all;
    }

    private void run() {
        try {
            while (!loop.isRecovered()) {
                Thread.sleep(50);
            }
            loop.tell(this::note);
            begin();
            Thread reading = new Thread(this::readHistory, "kmodfleet-history");
            reading.setDaemon(true);
            reading.start();
            while (!ending) {
                Thread.sleep(EVERY_MILLIS);
                move();
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    private void begin() {
        long begin = System.nanoTime();
        FleetState known = loop.state();
        Board made = Board.of(known);
        for (HostId host : known.hostIds()) {
            made.placeOf(host).ifPresent(place -> made.silence(place, heartbeats.silentSince(host)));
        }
        board = made;
        state = known;
        moves++;
        ready = true;
        // Whoever looks already learns that it has to look anew.
        stream.moved(new LiveStream.Tick(epoch, known.position(), known.now(), board, List.of(), true, hearing));
        LOG.infof("board made hosts=%d millis=%d", board.size(), (System.nanoTime() - begin) / 1_000_000);
    }

    /** Beside the board: the first time it reads the whole ledger, and nobody's page waits for that. */
    private void readHistory() {
        while (!ending) {
            try {
                history.read();
                Tally[] sum = {history.last().map(Moment::tally).orElse(Tally.NOTHING)};
                ledger.read(sum[0].position(), entry -> sum[0] = sum[0].next(entry, loop.state()));
                begin(sum[0]);
                return;
            } catch (RuntimeException e) {
                LOG.warnf("history not read, trying again error=%s", e);
                pause();
            }
        }
    }

    /** Goes on from what was read; what was committed meanwhile and is behind it was kept aside. */
    private void begin(Tally read) {
        synchronized (lock) {
            tally = read;
            for (LedgerEntry entry : aside) {
                tally = tally.next(entry, loop.state());
            }
            aside.clear();
            counting = true;
        }
    }

    private static void pause() {
        try {
            Thread.sleep(HISTORY_PAUSE_MILLIS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }

    /** Called with every entry that is committed, by whoever committed it: it may wait for nothing. */
    private void note(LedgerEntry entry) {
        Observation observation = entry.envelope().observation();
        synchronized (lock) {
            if (observation instanceof Observation.HostReported reported) {
                touched.add(reported.host());
            } else if (observation instanceof Observation.RiskAccepted accepted) {
                touched.add(accepted.host());
            } else if (observation instanceof Observation.PolicyPublished
                    || observation instanceof Observation.PolicyApproved
                    || observation instanceof Observation.PackageRecalled) {
                // Hosts that stand otherwise now are not all answered anew.
                everybody = true;
            }
            for (Decision decision : entry.decisions()) {
                touched.add(decision.subject().host());
            }
            other = true;
            if (counting) {
                tally = tally.next(entry, loop.state());
            } else if (Tally.counts(observation)) {
                aside.add(entry);
            }
        }
    }

    private void move() {
        Set<HostId> hosts;
        boolean all;
        boolean any;
        synchronized (lock) {
            hosts = touched;
            all = everybody;
            any = other;
            touched = new HashSet<>();
            everybody = false;
            other = false;
        }
        FleetState now = loop.state();
        List<HostId> heard = heartbeats.takeChanged();
        try {
            List<Integer> changed = new ArrayList<>();
            int before = board.size();
            for (HostId host : all ? now.hostIds() : hosts) {
                if (now.report(host).isEmpty()) {
                    continue;
                }
                int known = board.placeOf(host)
                        .map(place -> board.safetyAt(place).ordinal())
                        .orElse(-1);
                int place = board.update(now, host);
                board.silence(place, heartbeats.silentSince(host));
                if (known != board.safetyAt(place).ordinal()) {
                    changed.add(place);
                }
            }
            for (HostId host : heard) {
                Optional<Integer> place = board.placeOf(host);
                if (place.isPresent()) {
                    board.silence(place.get(), heartbeats.silentSince(host));
                    changed.add(place.get());
                }
            }
            state = now;
            if (!heard.isEmpty()) {
                hearing++;
            }
            if (any || !heard.isEmpty()) {
                moves++;
                stream.moved(new LiveStream.Tick(
                        epoch, now.position(), now.now(), board, changed, board.size() > before || all, hearing));
            }
            if (isCounting() && history.wants(now.position(), clock.instant())) {
                history.add(moment());
            }
        } catch (RuntimeException e) {
            LOG.errorf(e, "board not moved position=%d", now.position());
        }
    }

    /** Before, a moment would be kept with a tally that is not right. */
    private boolean isCounting() {
        synchronized (lock) {
            return counting;
        }
    }

    private Moment moment() {
        Map<String, Integer> kernels = new LinkedHashMap<>();
        board.kernels().stream()
                .limit(KERNELS_KEPT)
                .forEach((Count count) -> kernels.put(count.value(), count.hosts()));
        Instant now = clock.instant();
        return new Moment(state.position(), now, board.counts(), kernels, tally());
    }
}
