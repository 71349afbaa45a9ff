package io.kmodfleet.coordinator.dashboard;

import io.kmodfleet.coordinator.audit.AuditReport;
import io.kmodfleet.coordinator.audit.AuditRun;
import io.kmodfleet.coordinator.ledger.LedgerLines;
import io.kmodfleet.coordinator.ledger.LedgerRows;
import io.quarkus.runtime.ShutdownEvent;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.enterprise.event.Observes;
import java.time.Duration;
import java.time.Instant;
import java.util.Arrays;
import java.util.Optional;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import org.jboss.logging.Logger;

/**
 * Replays a range of the ledger in the background and says what it found: the same as {@code kmodfleet audit}, which an auditor runs on a
 * machine of his own. One at a time; the last one stays to be looked at.
 */
@ApplicationScoped
class Audits {

    private static final Logger LOG = Logger.getLogger(Audits.class);
    private static final Duration PATIENCE = Duration.ofSeconds(60);

    private final LedgerRows rows;
    private final ExecutorService worker = Executors.newSingleThreadExecutor(work -> {
        Thread thread = new Thread(work, "kmodfleet-audit");
        thread.setDaemon(true);
        return thread;
    });
    private volatile Replay last;

    Audits(LedgerRows rows) {
        this.rows = rows;
    }

    /** A replay in progress, or done. */
    static final class Replay {
        private final long from;
        private final long to;
        private final Instant startedAt = Instant.now();
        private volatile long position;
        private volatile Optional<Instant> endedAt = Optional.empty();
        private volatile Optional<AuditReport> report = Optional.empty();
        private volatile Optional<String> failure = Optional.empty();

        Replay(long from, long to) {
            this.from = from;
            this.to = to;
        }

        public long from() {
            return from;
        }

        public long to() {
            return to;
        }

        public Instant startedAt() {
            return startedAt;
        }

        public long position() {
            return position;
        }

        public Optional<Instant> endedAt() {
            return endedAt;
        }

        public Optional<AuditReport> report() {
            return report;
        }

        public Optional<String> failure() {
            return failure;
        }

        public boolean isRunning() {
            return endedAt.isEmpty();
        }
    }

    Optional<Replay> last() {
        return Optional.ofNullable(last);
    }

    /** @return the one that is begun, or the one that runs already */
    synchronized Replay start(long from, long to) {
        if (last != null && last.isRunning()) {
            return last;
        }
        Replay replay = new Replay(from, to);
        last = replay;
        worker.execute(() -> run(replay));
        return replay;
    }

    private void run(Replay replay) {
        try {
            AuditRun run = new AuditRun(AuditRun.Delivery.ONCE, replay.from, replay.to);
            LedgerLines.Parser parser = new LedgerLines.Parser();
            boolean more = true;
            while (more && replay.position < replay.to) {
                LedgerRows.Lines lines =
                        rows.next(replay.position, replay.to).await().atMost(PATIENCE);
                if (lines.count() == 0) {
                    break;
                }
                more = take(run, parser, lines);
                replay.position = lines.last();
            }
            replay.report = Optional.of(run.report());
        } catch (RuntimeException | Error e) {
            LOG.errorf(e, "replay failed from=%d to=%d", replay.from, replay.to);
            replay.failure = Optional.of("Expected to replay the ledger, but " + e);
        } finally {
            replay.endedAt = Optional.of(Instant.now());
        }
    }

    private static boolean take(AuditRun run, LedgerLines.Parser parser, LedgerRows.Lines lines) {
        byte[] text = lines.text();
        int begin = 0;
        for (int i = 0; i < text.length; i++) {
            if (text[i] == '\n') {
                if (!run.next(parser.parse(Arrays.copyOfRange(text, begin, i), 0))) {
                    return false;
                }
                begin = i + 1;
            }
        }
        return true;
    }

    void onEnd(@Observes ShutdownEvent event) {
        worker.shutdownNow();
    }
}
