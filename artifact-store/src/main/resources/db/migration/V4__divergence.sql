-- Two packages of one build target whose modules are not the same: one of the builders, or the toolchain, is to be looked at.
create table divergence (
    one         text        not null references package (digest) on delete cascade,
    other       text        not null references package (digest) on delete cascade,
    module      text        not null,
    release     text        not null,
    image       text        not null,
    at          timestamptz not null,
    differences text        not null,
    primary key (one, other)
);
create index divergence_at on divergence (at desc, one, other);
create index divergence_other on divergence (other);
