-- Looking back at verifications: the newest first, those of a number, and how many ended how.

create index verification_by_start on verification (created_at);
create index verification_by_number on verification (number_hash);

-- Counts what ended without a look at the rows.
drop index verification_by_end;
create index verification_by_end on verification (finalized_at, state, sent, created_at)
    where finalized_at is not null;
