package io.kmodfleet.coordinator.dispatch;

import io.kmodfleet.contracts.Command;
import io.kmodfleet.contracts.wire.CloudEvents;
import io.kmodfleet.contracts.wire.CloudEvents.Event;
import io.kmodfleet.contracts.wire.FleetJson;
import io.kmodfleet.coordinator.ledger.DeadLetter;
import io.smallrye.mutiny.Uni;
import io.smallrye.reactive.messaging.MutinyEmitter;
import io.smallrye.reactive.messaging.kafka.api.OutgoingKafkaRecordMetadata;
import jakarta.enterprise.context.ApplicationScoped;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import org.apache.kafka.common.header.internals.RecordHeaders;
import org.eclipse.microprofile.reactive.messaging.Channel;
import org.eclipse.microprofile.reactive.messaging.Message;
import org.eclipse.microprofile.reactive.messaging.OnOverflow;
import org.jboss.logging.Logger;

/** Writes to Kafka, and tries again until the broker has it. */
@ApplicationScoped
public class Dispatcher {

    private static final Logger LOG = Logger.getLogger(Dispatcher.class);
    private static final Duration FIRST_PAUSE = Duration.ofMillis(200);
    private static final Duration LONGEST_PAUSE = Duration.ofSeconds(10);

    private final MutinyEmitter<byte[]> commands;
    private final MutinyEmitter<byte[]> observations;
    private final MutinyEmitter<byte[]> deadLetters;

    Dispatcher(
            @Channel("commands") @OnOverflow(OnOverflow.Strategy.UNBOUNDED_BUFFER) MutinyEmitter<byte[]> commands,
            @Channel("operator-observations") @OnOverflow(OnOverflow.Strategy.UNBOUNDED_BUFFER)
                    MutinyEmitter<byte[]> observations,
            @Channel("dead-letters") @OnOverflow(OnOverflow.Strategy.UNBOUNDED_BUFFER)
                    MutinyEmitter<byte[]> deadLetters) {
        this.commands = commands;
        this.observations = observations;
        this.deadLetters = deadLetters;
    }

    /** Done when the broker has all of them; those of one host keep their order. */
    public Uni<Void> send(List<Command> batch, Instant at) {
        return sendAll(
                commands,
                batch.stream().map(command -> CloudEvents.write(command, at)).toList());
    }

    /** An operator's observation goes the way of all observations. */
    public Uni<Void> observe(Event event) {
        return sendAll(observations, List.of(event));
    }

    public Uni<Void> bury(List<DeadLetter> letters) {
        return sendAll(deadLetters, letters.stream().map(Dispatcher::eventOf).toList());
    }

    private static Event eventOf(DeadLetter letter) {
        return new Event(
                letter.topic() + "-" + letter.partition() + "-" + letter.offset(),
                FleetJson.writeBytes(letter),
                Map.of(
                        "content-type",
                        "application/json",
                        "problem",
                        letter.problem().name()));
    }

    private static Uni<Void> sendAll(MutinyEmitter<byte[]> emitter, List<Event> events) {
        if (events.isEmpty()) {
            return Uni.createFrom().voidItem();
        }
        return Uni.join()
                .all(events.stream()
                        .map(event -> Uni.createFrom()
                                .deferred(() -> emitter.sendMessage(message(event)))
                                .onFailure()
                                .invoke(failure ->
                                        LOG.warnf("send failed, trying again key=%s error=%s", event.key(), failure))
                                .onFailure()
                                .retry()
                                .withBackOff(FIRST_PAUSE, LONGEST_PAUSE)
                                .indefinitely())
                        .toList())
                .andFailFast()
                .replaceWithVoid();
    }

    private static Message<byte[]> message(Event event) {
        RecordHeaders headers = new RecordHeaders();
        event.headers().forEach((name, value) -> headers.add(name, value.getBytes(StandardCharsets.UTF_8)));
        return Message.of(event.value())
                .addMetadata(OutgoingKafkaRecordMetadata.<String>builder()
                        .withKey(event.key())
                        .withHeaders(headers)
                        .build());
    }
}
