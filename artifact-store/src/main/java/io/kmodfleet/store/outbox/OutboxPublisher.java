package io.kmodfleet.store.outbox;

import io.kmodfleet.contracts.wire.CloudEvents;
import io.kmodfleet.contracts.wire.CloudEvents.Event;
import io.kmodfleet.contracts.wire.TraceContext;
import io.kmodfleet.store.catalogue.Catalogue;
import io.kmodfleet.store.catalogue.Catalogue.Unsent;
import io.kmodfleet.store.catalogue.StoreLock;
import io.quarkus.runtime.ShutdownEvent;
import io.quarkus.runtime.StartupEvent;
import io.quarkus.vertx.VertxContextSupport;
import io.smallrye.mutiny.Uni;
import io.smallrye.reactive.messaging.MutinyEmitter;
import io.smallrye.reactive.messaging.kafka.api.OutgoingKafkaRecordMetadata;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.enterprise.event.Observes;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import org.apache.kafka.common.header.internals.RecordHeaders;
import org.eclipse.microprofile.reactive.messaging.Channel;
import org.eclipse.microprofile.reactive.messaging.Message;
import org.jboss.logging.Logger;

/**
 * One thread of one store that empties the outbox of all: send, wait for the broker, forget. While the broker is away, observations wait in the
 * catalogue; killed in between, they are sent again, and their numbers show that they are the same.
 */
@ApplicationScoped
public class OutboxPublisher {

    private static final Logger LOG = Logger.getLogger(OutboxPublisher.class);
    private static final int AT_ONCE = 200;
    private static final Duration LOOK_AGAIN = Duration.ofSeconds(1);
    private static final Duration FIRST_PAUSE = Duration.ofMillis(500);
    private static final Duration LONGEST_PAUSE = Duration.ofSeconds(15);

    private final Catalogue catalogue;
    private final StoreLock lock;
    private final MutinyEmitter<byte[]> emitter;
    private final Semaphore news = new Semaphore(1);
    private volatile boolean ending;
    private Thread thread;

    OutboxPublisher(Catalogue catalogue, StoreLock lock, @Channel("observations") MutinyEmitter<byte[]> emitter) {
        this.catalogue = catalogue;
        this.lock = lock;
        this.emitter = emitter;
    }

    /** There is something new in the outbox. */
    public void wake() {
        news.release();
    }

    void onStart(@Observes StartupEvent event) {
        thread = new Thread(this::run, "outbox");
        thread.setDaemon(true);
        thread.start();
    }

    void onStop(@Observes ShutdownEvent event) {
        ending = true;
        thread.interrupt();
    }

    private void run() {
        Duration pause = FIRST_PAUSE;
        while (!ending) {
            try {
                news.tryAcquire(LOOK_AGAIN.toMillis(), TimeUnit.MILLISECONDS);
                news.drainPermits();
                while (lock.isHeld() && sendSome()) {
                    pause = FIRST_PAUSE;
                }
            } catch (InterruptedException e) {
                return;
            } catch (Throwable e) {
                if (ending) {
                    return;
                }
                // Said once; again only after something went out in between.
                if (pause.equals(FIRST_PAUSE)) {
                    LOG.warnf("observations wait in the outbox, trying again error=%s", rootOf(e));
                }
                pause = sleepAndGrow(pause);
                wake();
            }
        }
    }

    /** Whether there may be more. What the broker has acknowledged is forgotten even where the next one fails. */
    private boolean sendSome() throws Throwable {
        List<Unsent> unsent = VertxContextSupport.subscribeAndAwait(() -> catalogue.unsent(AT_ONCE));
        long last = 0;
        try {
            for (Unsent one : unsent) {
                send(CloudEvents.write(one.envelope()), one.trace()).await().indefinitely();
                last = one.envelope().sequence();
            }
        } finally {
            if (last > 0) {
                long acknowledged = last;
                VertxContextSupport.subscribeAndAwait(() -> catalogue.sent(acknowledged));
            }
        }
        return !unsent.isEmpty();
    }

    private Uni<Void> send(Event event, Optional<TraceContext> trace) {
        RecordHeaders headers = new RecordHeaders();
        event.headers().forEach((name, value) -> headers.add(name, value.getBytes(StandardCharsets.UTF_8)));
        trace.ifPresent(
                context -> headers.add(TraceContext.HEADER, context.toString().getBytes(StandardCharsets.US_ASCII)));
        return emitter.sendMessage(Message.of(event.value())
                .addMetadata(OutgoingKafkaRecordMetadata.<String>builder()
                        .withKey(event.key())
                        .withHeaders(headers)
                        .build()));
    }

    private static Throwable rootOf(Throwable failure) {
        Throwable root = failure;
        while (root.getCause() != null) {
            root = root.getCause();
        }
        return root;
    }

    private static Duration sleepAndGrow(Duration pause) {
        try {
            Thread.sleep(pause.toMillis());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
        Duration twice = pause.multipliedBy(2);
        return twice.compareTo(LONGEST_PAUSE) < 0 ? twice : LONGEST_PAUSE;
    }
}
