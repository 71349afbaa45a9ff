-- What the coordinator says of a package. The store only learns it.
alter table package
    add column state     text        not null default 'candidate' check (state in ('candidate', 'proven', 'recalled')),
    add column state_why text,
    add column state_at  timestamptz;

-- The log of its build goes with it.
alter table package add column log text;
update package set log = manifest::json ->> 'log';
alter table package alter column log set not null;
create index package_log on package (log);

-- What a package is found by: the words of its names, whole and in pieces.
alter table package
    add column words tsvector generated always as (array_to_tsvector(array_remove(
        regexp_split_to_array(
            lower(module || ' ' || module_version || ' ' || release || ' ' || builder || ' ' || file_name), '[^a-z0-9._+~-]+')
        || regexp_split_to_array(
            lower(module || ' ' || module_version || ' ' || release || ' ' || file_name), '[^a-z0-9]+'),
        ''))) stored;

-- Pages go by (stored_at, digest), newest first; each index begins with what is asked for and ends in that order.
drop index package_release;
drop index package_stored_at;
create index package_newest on package (stored_at desc, digest desc);
create index package_version on package (module, module_version, stored_at desc, digest desc);
create index package_module on package (module, stored_at desc, digest desc);
create index package_release on package (release, module, stored_at desc, digest desc);
create index package_release_newest on package (release, stored_at desc, digest desc);
create index package_any_version on package (module_version, stored_at desc, digest desc);
create index package_builder on package (builder, stored_at desc, digest desc);
create index package_state on package (state, stored_at desc, digest desc);
create index package_state_module on package (state, module, stored_at desc, digest desc);
create index package_words on package using gin (words);
create index package_digest_begins on package (digest text_pattern_ops);

-- Bytes that are kept, whatever they are. Damaged ones are not served until the same bytes come again.
create table blob (
    digest     text        primary key,
    size       bigint      not null,
    checked_at timestamptz not null,
    damaged_at timestamptz,
    damage     text
);
insert into blob (digest, size, checked_at)
    select digest, max(size), min(stored_at) from (
        select digest, size, stored_at from source
        union all select digest, size, stored_at from package
        union all select digest, size, stored_at from build_log) as everything
    group by digest;
create index blob_checked_at on blob (checked_at);
create index blob_damaged_at on blob (damaged_at) where damaged_at is not null;

-- Whether its bytes are still there for inspection.
alter table refusal add column kept boolean not null default true;
create index refusal_found on refusal (found) where kept;

-- What stays, whatever the rules of retention say.
create table pin (
    digest text        primary key,
    reason text        not null,
    author text        not null,
    at     timestamptz not null
);
