-- Every row's digest goes over the row before it (LedgerChain says how), so that a row changed by hand is found by whoever
-- recomputes it. Rows from before this release have none: the chain begins with the first row that has one.
alter table ledger add chain text;
