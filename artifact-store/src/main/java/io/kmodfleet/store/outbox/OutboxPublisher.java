package io.kmodfleet.store.outbox;

import io.kmodfleet.contracts.Envelope;
import io.kmodfleet.contracts.wire.CloudEvents;
import io.kmodfleet.contracts.wire.CloudEvents.Event;
import io.kmodfleet.store.catalogue.Catalogue;
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
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import org.apache.kafka.common.header.internals.RecordHeaders;
import org.eclipse.microprofile.reactive.messaging.Channel;
import org.eclipse.microprofile.reactive.messaging.Message;
import org.jboss.logging.Logger;

/**
 * One thread that empties the outbox: send, wait for the broker, forget. While the broker is away, observations wait in the
 * catalogue; killed in between, they are sent again, and their numbers show that they are the same.
 */
@ApplicationScoped
public class OutboxPublisher {

    private static final Logger LOG = Logger.getLogger(OutboxPublisher.class);
    private static final int AT_ONCE = 200;
    private static final Duration LOOK_AGAIN = Duration.ofSeconds(5);
    private static final Duration PAUSE = Duration.ofSeconds(1);

    private final Catalogue catalogue;
    private final MutinyEmitter<byte[]> emitter;
    private final Semaphore news = new Semaphore(1);
    private volatile boolean ending;
    private Thread thread;

    OutboxPublisher(Catalogue catalogue, @Channel("observations") MutinyEmitter<byte[]> emitter) {
        this.catalogue = catalogue;
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
        boolean complained = false;
        while (!ending) {
            try {
                news.tryAcquire(LOOK_AGAIN.toMillis(), TimeUnit.MILLISECONDS);
                news.drainPermits();
                while (sendSome()) {
                    complained = false;
                }
            } catch (InterruptedException e) {
                return;
            } catch (Throwable e) {
                if (!complained && !ending) {
                    LOG.warnf("observations wait in the outbox, trying again error=%s", e);
                    complained = true;
                }
                pause();
                wake();
            }
        }
    }

    private boolean sendSome() throws Throwable {
        List<Envelope> unsent = VertxContextSupport.subscribeAndAwait(() -> catalogue.unsent(AT_ONCE));
        for (Envelope envelope : unsent) {
            send(CloudEvents.write(envelope)).await().indefinitely();
        }
        if (unsent.isEmpty()) {
            return false;
        }
        long last = unsent.get(unsent.size() - 1).sequence();
        VertxContextSupport.subscribeAndAwait(() -> catalogue.sent(last));
        return true;
    }

    private Uni<Void> send(Event event) {
        RecordHeaders headers = new RecordHeaders();
        event.headers().forEach((name, value) -> headers.add(name, value.getBytes(StandardCharsets.UTF_8)));
        return emitter.sendMessage(Message.of(event.value())
                .addMetadata(OutgoingKafkaRecordMetadata.<String>builder()
                        .withKey(event.key())
                        .withHeaders(headers)
                        .build()));
    }

    private void pause() {
        try {
            Thread.sleep(PAUSE.toMillis());
        } catch (InterruptedException e) {
            ending = true;
        }
    }
}
