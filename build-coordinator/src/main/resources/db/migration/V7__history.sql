-- How the fleet was at moments of the past, for lines over time: few of them, the older the fewer. A projection.
create table history (
    position bigint      primary key,
    at       timestamptz not null,
    body     text        not null
);
