package io.kmodfleet.store.outbox;

import static org.assertj.core.api.Assertions.assertThat;

import io.kmodfleet.contracts.Digest;
import io.kmodfleet.contracts.Envelope;
import io.kmodfleet.contracts.Observation;
import io.kmodfleet.contracts.wire.CloudEvents;
import io.kmodfleet.contracts.wire.Topics;
import io.kmodfleet.store.StoreClient;
import io.kmodfleet.store.StoreSurroundings;
import io.kmodfleet.store.TestBroker;
import io.kmodfleet.store.Toy;
import io.quarkus.test.common.WithTestResource;
import io.quarkus.test.common.http.TestHTTPResource;
import io.quarkus.test.junit.QuarkusTest;
import java.net.URI;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

@QuarkusTest
@WithTestResource(StoreSurroundings.class)
class ObservationsIT {

    private static final Duration PATIENCE = Duration.ofSeconds(60);

    @TestHTTPResource
    private URI address;

    TestBroker broker;

    private StoreClient store;

    @BeforeEach
    void connect() {
        store = new StoreClient(address);
    }

    @AfterEach
    void removeTopic() throws Exception {
        broker.deleteTopic(Topics.OBSERVATIONS);
    }

    @Test
    void what_was_taken_and_refused_waits_for_the_topic_and_arrives_in_order_without_a_gap() throws Exception {
        Toy toy = Toy.another();
        store.put("sources", toy.source());
        store.put("sources", toy.source());
        store.put("packages", toy.archive());
        store.put("packages", "junk".getBytes());
        assertThat(broker.topics()).doesNotContain(Topics.OBSERVATIONS);

        broker.createTopic(Topics.OBSERVATIONS);

        List<Envelope> arrived = arrivedAfter(Digest.of(toy.source()), 3);
        assertThat(arrived)
                .extracting(envelope -> (Object) envelope.observation().getClass())
                .containsExactly(
                        Observation.SourceStored.class,
                        Observation.PackageStored.class,
                        Observation.PackageRefused.class);
        assertThat(((Observation.PackageStored) arrived.get(1).observation()).packageDigest())
                .isEqualTo(Digest.of(toy.archive()));
    }

    @Test
    void what_comes_while_the_broker_is_down_is_taken_and_told_when_it_is_up_again() throws Exception {
        broker.createTopic(Topics.OBSERVATIONS);
        Toy before = Toy.another();
        store.put("sources", before.source());
        arrivedAfter(Digest.of(before.source()), 1);

        List<Digest> meanwhile = new ArrayList<>();
        broker.close();
        for (int i = 0; i < 5; i++) {
            Toy toy = Toy.another();
            meanwhile.add(Digest.of(toy.source()));
            assertThat(store.put("sources", toy.source()).statusCode()).isEqualTo(201);
        }
        Thread.sleep(6_000);
        assertThat(store.get("/q/health").statusCode()).isEqualTo(200);
        broker.start();

        assertThat(arrivedAfter(Digest.of(before.source()), 6))
                .extracting(envelope -> ((Observation.SourceStored) envelope.observation()).source())
                .endsWith(meanwhile.toArray(Digest[]::new));
    }

    /** From that source on; a repeat is passed over, as its number says that it is one. */
    private List<Envelope> arrivedAfter(Digest first, int expected) throws Exception {
        long end = System.nanoTime() + PATIENCE.toNanos();
        List<Envelope> envelopes = List.of();
        while (envelopes.size() < expected && System.nanoTime() < end) {
            envelopes = read(first);
        }
        assertThat(envelopes).hasSize(expected);
        for (int i = 1; i < expected; i++) {
            assertThat(envelopes.get(i).epoch()).isEqualTo(envelopes.get(0).epoch());
            assertThat(envelopes.get(i).sequence()).isEqualTo(envelopes.get(0).sequence() + i);
        }
        return envelopes;
    }

    private List<Envelope> read(Digest first) throws Exception {
        List<Envelope> envelopes = new ArrayList<>();
        long last = 0;
        for (ConsumerRecord<byte[], byte[]> record :
                broker.records(Topics.OBSERVATIONS, Integer.MAX_VALUE, Duration.ofSeconds(1))) {
            Map<String, byte[]> headers = new HashMap<>();
            record.headers().forEach(header -> headers.put(header.key(), header.value()));
            Envelope envelope = CloudEvents.readObservation(record.key(), record.value(), headers);
            boolean begun = !envelopes.isEmpty()
                    || envelope.observation() instanceof Observation.SourceStored stored
                            && stored.source().equals(first);
            if (begun && envelope.sequence() > last) {
                envelopes.add(envelope);
                last = envelope.sequence();
            }
        }
        return envelopes;
    }
}
