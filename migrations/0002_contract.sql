-- Payments to confirm, what holds for one account, numbers that are never verified.

-- Euro cents of a payment, whose payee stands in `brand`; null: a request to verify a number.
alter table verification add column amount_cents integer check (amount_cents > 0);

-- What holds for a request of the account that does not say otherwise; null: the configuration's.
alter table account add column sender_id text;
alter table account add column workflow integer check (workflow between 1 and 7);
alter table account add column language text;
-- For the line of a message that phones fill in by themselves.
alter table account add column origin_domain text;
alter table account add column app_hash text;

-- Numbers and prefixes that are never verified.
create table blocklist (
    -- of the digits, a prefix with a star behind them
    entry_hash   blob primary key,
    -- the same, for the operator's eyes
    entry_sealed blob not null,
    created_at   integer not null
) strict, without rowid;
