-- Whether a package was held against the others of its target: a store may be killed between taking and comparing it.
alter table package add column compared boolean not null default true;
create index package_uncompared on package (stored_at) where not compared;
