package io.kmodfleet.coordinator.heartbeat;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.type.TypeReference;
import io.kmodfleet.contracts.Heartbeat.Device;
import io.kmodfleet.contracts.HostId;
import io.kmodfleet.contracts.wire.FleetJson;
import io.kmodfleet.coordinator.heartbeat.LastHeard.Entry;
import io.kmodfleet.coordinator.heartbeat.LastHeard.Told;
import io.vertx.mutiny.sqlclient.Pool;
import io.vertx.mutiny.sqlclient.Row;
import io.vertx.mutiny.sqlclient.Tuple;
import jakarta.enterprise.context.ApplicationScoped;
import java.time.Duration;
import java.time.Instant;
import java.time.OffsetDateTime;
import java.time.ZoneOffset;
import java.util.List;
import java.util.Optional;
import java.util.OptionalLong;
import org.jboss.logging.Logger;

/** What is known of heartbeats, in PostgreSQL. Blocks; everything fails with an exception, and may be tried again. */
@ApplicationScoped
class HeartbeatTable {

    private static final Logger LOG = Logger.getLogger(HeartbeatTable.class);
    private static final Duration PATIENCE = Duration.ofSeconds(30);
    private static final int PAGE = 10_000;

    /** Two coordinators may write for a moment: the later word counts. */
    private static final String WRITE = "insert into heartbeat"
            + " (host, heard_at, agent_version, uptime_seconds, unsent, devices, devices_at)"
            + " select * from unnest($1::text[], $2::timestamptz[], $3::text[], $4::bigint[], $5::bigint[], $6::text[],"
            + " $7::timestamptz[])"
            + " on conflict (host) do update set heard_at = excluded.heard_at, agent_version = excluded.agent_version,"
            + " uptime_seconds = excluded.uptime_seconds, unsent = excluded.unsent,"
            + " devices = coalesce(excluded.devices, heartbeat.devices),"
            + " devices_at = coalesce(excluded.devices_at, heartbeat.devices_at)"
            + " where excluded.heard_at >= heartbeat.heard_at";

    private final Pool pool;

    HeartbeatTable(Pool pool) {
        this.pool = pool;
    }

    /** @return when the last of all was heard; absent where none was */
    Optional<Instant> readInto(LastHeard known) {
        Optional<Instant> last = Optional.empty();
        String after = "";
        int read;
        do {
            read = 0;
            for (Row row : pool.preparedQuery("select host, heard_at, agent_version, uptime_seconds, unsent"
                            + " from heartbeat where host > $1 order by host limit " + PAGE)
                    .execute(Tuple.of(after))
                    .await()
                    .atMost(PATIENCE)) {
                read++;
                after = row.getString("host");
                Instant at = row.getOffsetDateTime("heard_at").toInstant();
                Long uptime = row.getLong("uptime_seconds");
                known.restore(
                        new HostId(after),
                        at,
                        row.getString("agent_version"),
                        uptime == null ? OptionalLong.empty() : OptionalLong.of(uptime),
                        row.getLong("unsent"));
                last = last.filter(other -> other.isAfter(at)).or(() -> Optional.of(at));
            }
        } while (read == PAGE);
        return last;
    }

    void write(List<Entry> entries) {
        int size = entries.size();
        String[] hosts = new String[size];
        OffsetDateTime[] heard = new OffsetDateTime[size];
        String[] versions = new String[size];
        Long[] uptimes = new Long[size];
        Long[] unsent = new Long[size];
        String[] devices = new String[size];
        OffsetDateTime[] devicesAt = new OffsetDateTime[size];
        for (int i = 0; i < size; i++) {
            Entry entry = entries.get(i);
            hosts[i] = entry.host().value();
            heard[i] = entry.at().atOffset(ZoneOffset.UTC);
            versions[i] = entry.agentVersion();
            uptimes[i] =
                    entry.uptimeSeconds().isPresent() ? entry.uptimeSeconds().getAsLong() : null;
            unsent[i] = entry.unsent();
            devices[i] =
                    entry.devices().map(told -> FleetJson.write(told.devices())).orElse(null);
            devicesAt[i] = entry.devices()
                    .map(told -> told.at().atOffset(ZoneOffset.UTC))
                    .orElse(null);
        }
        pool.preparedQuery(WRITE)
                .execute(Tuple.of(hosts, heard, versions, uptimes, unsent)
                        .addValue(devices)
                        .addValue(devicesAt))
                .await()
                .atMost(PATIENCE);
    }

    Optional<Told> devicesOf(HostId host) {
        for (Row row : pool.preparedQuery(
                        "select devices, devices_at from heartbeat where host = $1 and devices is not null")
                .execute(Tuple.of(host.value()))
                .await()
                .atMost(PATIENCE)) {
            try {
                List<Device> devices =
                        FleetJson.mapper().readValue(row.getString("devices"), new TypeReference<List<Device>>() {});
                return Optional.of(
                        new Told(devices, row.getOffsetDateTime("devices_at").toInstant()));
            } catch (JsonProcessingException e) {
                LOG.warnf("devices not read host=%s error=%s", host, e.getOriginalMessage());
            }
        }
        return Optional.empty();
    }
}
