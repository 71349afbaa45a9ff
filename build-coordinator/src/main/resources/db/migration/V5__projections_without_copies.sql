-- What a host reported and what stands for it is known to every coordinator, active or not: the fold of the ledger. Kept here is
-- what is searched and paged. Small rows are changed in place.
alter table host drop column report;
alter table host set (fillfactor = 70);
drop table standing;
