-- The few rows that tell of failures, so that the same error on many hosts is found without reading the ledger.
create index ledger_failures on ledger (position)
    where observation ~ '^\{"observation":"(build|install|load)-failed"';
