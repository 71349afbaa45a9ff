-- Which trace an observation belongs to, until the broker has it.
alter table outbox add column trace text;
