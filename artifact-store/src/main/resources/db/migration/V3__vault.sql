-- What modules for a kernel image are built and checked with, kept after its headers have left the mirrors.
create table kernel_input (
    image          text        not null,
    kind           text        not null check (kind in ('module-symvers', 'system-map', 'config')),
    release        text        not null,
    arch           text        not null,
    compiler       text,
    host           text        not null,
    content        text        not null,
    content_size   bigint      not null,
    blob           text        not null references blob (digest),
    stored_at      timestamptz not null,
    primary key (image, kind)
);
create index kernel_input_content on kernel_input (content);
create index kernel_input_release on kernel_input (release);
create index kernel_input_blob on kernel_input (blob);
