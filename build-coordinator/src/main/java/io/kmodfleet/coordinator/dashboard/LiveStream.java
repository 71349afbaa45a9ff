package io.kmodfleet.coordinator.dashboard;

import io.kmodfleet.coordinator.board.Board;
import io.vertx.core.Vertx;
import io.vertx.core.buffer.Buffer;
import io.vertx.core.http.HttpServerResponse;
import io.vertx.ext.web.Router;
import io.vertx.ext.web.RoutingContext;
import jakarta.enterprise.context.ApplicationScoped;
import jakarta.enterprise.event.Observes;
import java.time.Instant;
import java.util.List;
import java.util.Set;
import java.util.StringJoiner;
import java.util.concurrent.ConcurrentHashMap;

/**
 * Server-sent events for whoever looks: at most two a second, made once for all viewers. A viewer that reads too slowly gets the next
 * one with the word that it has to look at everything again; nothing is kept for it.
 */
@ApplicationScoped
class LiveStream {

    private static final long ALIVE_MILLIS = 10_000;
    private static final int MOST_CELLS = 2_000;
    private static final String RETRY = "retry: 1000\n\n";

    private final Vertx vertx;
    private final Set<Viewer> viewers = ConcurrentHashMap.newKeySet();
    private volatile Tick last;

    LiveStream(Vertx vertx) {
        this.vertx = vertx;
    }

    /**
     * Something moved.
     *
     * @param changed places of those that stand otherwise than before
     * @param everything whether more changed than can be told
     * @param hearing another number where a host fell silent or speaks again, which no position tells
     */
    record Tick(
            long epoch,
            long position,
            Instant at,
            Board board,
            List<Integer> changed,
            boolean everything,
            long hearing) {}

    private static final class Viewer {
        private final HttpServerResponse response;
        private boolean missedSome;

        Viewer(HttpServerResponse response) {
            this.response = response;
        }
    }

    void routes(@Observes Router router) {
        router.get("/live").handler(this::open);
        vertx.setPeriodic(ALIVE_MILLIS, any -> send(Buffer.buffer(": alive\n\n"), null));
    }

    int viewers() {
        return viewers.size();
    }

    private void open(RoutingContext context) {
        HttpServerResponse response = context.response();
        response.setChunked(true)
                .putHeader("Content-Type", "text/event-stream")
                .putHeader("Cache-Control", "no-store")
                .putHeader("X-Accel-Buffering", "no");
        Viewer viewer = new Viewer(response);
        response.closeHandler(any -> viewers.remove(viewer));
        response.exceptionHandler(any -> viewers.remove(viewer));
        Tick tick = last;
        response.write(RETRY + (tick == null ? "" : event(tick, true)));
        viewers.add(viewer);
    }

    void moved(Tick tick) {
        last = tick;
        send(Buffer.buffer(event(tick, tick.everything())), tick);
    }

    private void send(Buffer event, Tick tick) {
        Buffer whole = tick == null || tick.everything() ? event : Buffer.buffer(event(tick, true));
        for (Viewer viewer : viewers) {
            if (viewer.response.ended() || viewer.response.closed()) {
                viewers.remove(viewer);
            } else if (viewer.response.writeQueueFull()) {
                viewer.missedSome |= tick != null;
            } else {
                Buffer sent = viewer.missedSome && tick != null ? whole : event;
                viewer.missedSome &= tick == null;
                viewer.response.write(sent);
            }
        }
    }

    /** {@code m}: place and state by turns, absent for "read the map again". */
    private static String event(Tick tick, boolean everything) {
        StringBuilder text = new StringBuilder(256);
        text.append("event: fleet\nid: ")
                .append(tick.position())
                .append("\ndata: {\"e\":")
                .append(tick.epoch())
                .append(",\"p\":")
                .append(tick.position())
                .append(",\"t\":")
                .append(tick.at().toEpochMilli())
                .append(",\"n\":")
                .append(tick.board().size())
                .append(",\"h\":")
                .append(tick.hearing())
                .append(",\"c\":[");
        StringJoiner counts = new StringJoiner(",");
        for (int count : tick.board().counts()) {
            counts.add(Integer.toString(count));
        }
        text.append(counts).append(']');
        if (!everything && tick.changed().size() <= MOST_CELLS) {
            StringJoiner cells = new StringJoiner(",");
            for (int place : tick.changed()) {
                cells.add(place + "," + tick.board().safetyAt(place).ordinal());
            }
            text.append(",\"m\":[").append(cells).append(']');
        }
        return text.append("}\n\n").toString();
    }
}
