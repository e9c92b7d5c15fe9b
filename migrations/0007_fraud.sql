-- Toll fraud and guessing: what was asked for lately, wrong codes in a row, prefixes that nobody verifies, and why.
-- No number, prefix or address stands in the clear: hashes are keyed, texts for the operator's eyes are sealed.

-- What limits have seen of a number, an address, an account, a prefix. `total` goes on counting within a subject, so that
-- the use of any window is one difference.
create table velocity (
    scope        text not null,
    subject_hash blob not null,
    used_at      integer not null,
    -- of all its rows so far, this one included
    total        integer not null,
    -- requests, or seconds of calls
    amount       integer not null check (amount > 0),
    primary key (scope, subject_hash, used_at, total)
) strict, without rowid;

create index velocity_by_age on velocity (used_at);

-- Wrong codes of a number since its last right one, over all PINs, verifications and accounts. A try counts from before
-- it is compared.
create table guess (
    number_hash blob primary key,
    failures    integer not null,
    failed_at   integer not null
) strict, without rowid;

create index guess_by_age on guess (failed_at);

-- What happened to the numbers of a prefix, by the time of the request.
create table prefix_tally (
    prefix_hash   blob not null,
    bucket_at     integer not null,
    requests      integer not null default 0,
    -- of these, for a number next to one that was asked for shortly before
    beside        integer not null default 0,
    sent          integer not null default 0,
    verified      integer not null default 0,
    voice_seconds integer not null default 0,
    primary key (prefix_hash, bucket_at)
) strict, without rowid;

create index prefix_tally_by_age on prefix_tally (bucket_at);

-- The tallies that a verification counts in; null: that of a wider prefix whose part is blocked.
create table tallied (
    verification_id integer primary key references verification on delete cascade,
    country_hash    blob,
    range_hash      blob,
    block_hash      blob
) strict;

-- When a number was last asked for.
create table seen_number (
    number_hash blob primary key,
    seen_at     integer not null
) strict, without rowid;

create index seen_number_by_age on seen_number (seen_at);

-- Breakers that have tripped. One that is closed again stays while it says what does not count any more.
create table breaker (
    prefix_hash   blob primary key,
    prefix_sealed blob not null,
    level         text not null check (level in ('country', 'range', 'block')),
    counts_from   integer not null,
    -- half open from then on; null: closed
    open_until    integer,
    next_probe_at integer not null,
    finding       text not null,
    reason        text not null,
    tripped_at    integer not null
) strict, without rowid;

-- What was refused, would have been refused, tripped or was released, and why: one row for each subject and hour.
create table verdict (
    verdict_id     integer primary key,
    hour_at        integer not null,
    rule           text not null check (rule in ('limit', 'guess', 'breaker', 'country')),
    verdict        text not null check (verdict in ('monitored', 'refused', 'tripped', 'closed', 'released')),
    -- what the subject is: number, address, account, prefix, country, range, block …
    scope          text not null,
    subject_hash   blob not null,
    -- for the operator's eyes, a number masked; null: not known where the verdict was given
    subject_sealed blob,
    -- the latest
    reason         text not null,
    times          integer not null default 1,
    first_at       integer not null,
    last_at        integer not null,
    unique (hour_at, rule, verdict, scope, subject_hash)
) strict;

-- What a use of a route costs, in units of 10⁻⁸ of the currency. What was sent before counts as free.
alter table budget_use add column cost integer not null default 0;
create index budget_use_by_cost on budget_use (route, used_at, cost);

create index verdict_by_age on verdict (last_at);
create index verdict_by_subject on verdict (subject_hash);
