create table source (
    digest         text        primary key,
    module         text        not null,
    module_version text        not null,
    binding        text        not null,
    modules        text        not null,
    dkms_conf      text        not null,
    file_name      text        not null,
    size           bigint      not null,
    stored_at      timestamptz not null
);

create table package (
    digest         text        primary key,
    module         text        not null,
    module_version text        not null,
    release        text        not null,
    builder        text        not null,
    file_name      text        not null,
    size           bigint      not null,
    stored_at      timestamptz not null,
    manifest       text        not null
);
create index package_release on package (module, release);
create index package_stored_at on package (stored_at);

create table build_log (
    digest    text        primary key,
    size      bigint      not null,
    stored_at timestamptz not null
);

create table refusal (
    id       bigint generated always as identity primary key,
    digest   text        not null,
    found    text        not null,
    kind     text        not null,
    rule     text        not null,
    evidence text        not null,
    size     bigint      not null,
    at       timestamptz not null
);
create index refusal_at on refusal (at);

-- Numbers the store's observations; locked by whoever adds one, so that the numbers have no gap. One row.
create table counting (
    only_row boolean primary key default true check (only_row),
    epoch    bigint  not null,
    sequence bigint  not null
);
insert into counting (epoch, sequence) values ((extract(epoch from clock_timestamp()) * 1000)::bigint, 0);

-- What the broker has not acknowledged yet.
create table outbox (
    sequence    bigint      primary key,
    at          timestamptz not null,
    observation text        not null
);
