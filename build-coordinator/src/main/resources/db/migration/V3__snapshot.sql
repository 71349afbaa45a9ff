-- The fold of the ledger up to a position, so that a start need not read all of it. Derivable, and thrown away whenever it does
-- not fit the ledger: chain is that of the ledger's row, body the digest over all parts.
create table snapshot (
    position bigint      primary key,
    chain    text,
    form     int         not null,
    body     text        not null,
    now      timestamptz not null,
    taken_at timestamptz not null
);

create table snapshot_part (
    position bigint not null references snapshot on delete cascade,
    part     int    not null,
    body     bytea  not null,
    primary key (position, part)
);
-- Compressed already.
alter table snapshot_part alter column body set storage external;
