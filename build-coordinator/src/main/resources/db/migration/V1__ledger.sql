-- Every observation with the decisions it led to, in one order. A row is never changed and never deleted. JSON stands as the
-- text that was written, so that its bytes can be proven later.
create table ledger (
    position    bigint      primary key check (position > 0),
    taken_at    timestamptz not null,
    source      text        not null,
    epoch       bigint      not null,
    sequence    bigint      not null,
    observed_at timestamptz not null,
    observation text        not null,
    decisions   text        not null,
    rules       int         not null,
    unique (source, epoch, sequence)
);

-- How far the commands of the ledger have gone out. One row.
create table dispatch (
    only_row boolean primary key default true check (only_row),
    position bigint  not null
);
insert into dispatch (position) values (0);

-- From here on: projections, written in the ledger's own transactions and derivable from it.

create table host (
    id           text        primary key,
    hostname     text        not null,
    os           text        not null,
    arch         text        not null,
    observe_only boolean     not null,
    reported_at  timestamptz not null,
    position     bigint      not null,
    report       text        not null
);
create index host_hostname on host (hostname);

create table decision (
    position bigint      not null,
    place    int         not null,
    taken_at timestamptz not null,
    host     text        not null,
    release  text        not null,
    module   text        not null,
    kind     text        not null,
    reason   text        not null,
    body     text        not null,
    primary key (position, place)
);
create index decision_host on decision (host, position);

create table standing (
    host    text        not null,
    release text        not null,
    module  text        not null,
    taken_at timestamptz not null,
    body    text        not null,
    primary key (host, release, module)
);

create table policy (
    position     bigint      primary key,
    author       text        not null,
    published_at timestamptz not null,
    document     text        not null
);

create table dead_letter (
    topic       text        not null,
    part        int         not null,
    part_offset bigint      not null,
    problem     text        not null,
    detail      text        not null,
    excerpt     text        not null,
    at          timestamptz not null,
    primary key (topic, part, part_offset)
);
create index dead_letter_at on dead_letter (at);
