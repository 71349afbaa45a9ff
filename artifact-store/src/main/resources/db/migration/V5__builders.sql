-- How many builders gave the very modules of a package when they were asked to build; the coordinator counts them.
alter table package add column builders integer not null default 0;
