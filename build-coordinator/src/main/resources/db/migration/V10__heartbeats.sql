-- When each host was last heard of, and what its last heartbeat said: beside the ledger, written in batches, and no part of any
-- decision. It outlives the topic's day, so that a host that fell silent last week is still known to be.
create table heartbeat (
    host           text        primary key,
    heard_at       timestamptz not null,
    agent_version  text        not null,
    uptime_seconds bigint,
    unsent         bigint      not null,
    devices        text,
    devices_at     timestamptz
) with (fillfactor = 70);
