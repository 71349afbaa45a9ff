-- The entry that put a policy in force; null while it waits for approval, and for ever where it was overtaken.
alter table policy add column in_force_at bigint;
update policy set in_force_at = position;
