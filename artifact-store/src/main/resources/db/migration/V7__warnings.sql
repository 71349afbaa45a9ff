-- What is strange about a package that is no reason to refuse it: one a line.
alter table package add column warnings text;
