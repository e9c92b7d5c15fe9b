-- Instants are milliseconds since 1970-01-01 UTC. A column named …_sealed holds XChaCha20-Poly1305 under the key file;
-- a column named …_hash holds a keyed hash, for equality only. No PIN, API secret or whole number stands in the clear.

-- Facts about the database itself.
create table meta (
    name  text primary key,
    value blob not null
) strict, without rowid;

create table account (
    account_id integer primary key,
    name       text not null,
    api_key    text not null unique,
    barred     integer not null default 0 check (barred in (0, 1)),
    -- null: no limit
    credits    integer,
    -- requests a second; null: the configuration's
    rate       integer check (rate > 0),
    created_at integer not null
) strict;

-- Two secrets may be live while one takes the other's place.
create table account_secret (
    account_secret_id integer primary key,
    account_id        integer not null references account on delete cascade,
    secret_hash       blob not null,
    -- signed requests can be checked only with the secret itself
    secret_sealed     blob not null,
    created_at        integer not null
) strict;

create index account_secret_by_account on account_secret (account_id);

create table verification (
    verification_id    integer primary key,
    request_id         blob not null unique check (length(request_id) = 16),
    account_id         integer not null references account,
    number_sealed      blob not null,
    number_hash        blob not null,
    -- ISO 3166-1 alpha-2; null for numbers of no country
    country            text,
    brand              text not null,
    sender_id          text not null,
    language           text not null,
    code_length        integer not null check (code_length in (4, 6)),
    -- 1: the caller's own PIN, carried by every generation
    own_pin            integer not null check (own_pin in (0, 1)),
    -- what it costs: credits, and 10^-8 of `currency`
    credits            integer not null,
    price              integer not null,
    currency           text not null,
    refunded           integer not null default 0 check (refunded in (0, 1)),

    -- the current PIN; wiped when it is of no more use
    pin_hash           blob,
    pin_sealed         blob,

    -- the plan, fixed at acceptance
    workflow           integer not null check (workflow between 1 and 7),
    next_event_wait_ms integer,
    pin_life_ms        integer not null,
    cancel_after_ms    integer not null,
    tries_max          integer not null,
    send_timeout_ms    integer not null,

    -- the state machine (src/verification/machine.rs)
    state              text not null check (state in ('queued', 'sending', 'doubtful', 'resending', 'waiting',
                           'closing', 'success', 'failed', 'expired', 'cancelled')),
    state_flag         integer not null check (state_flag in (0, 1)),
    state_until        integer,
    event_index        integer not null,
    attempt_no         integer not null,
    submitted_no       integer not null,
    retries            integer not null,
    generation         integer not null,
    pin_started_at     integer,
    tries              integer not null,
    undecided          integer not null,
    second_started     integer not null check (second_started in (0, 1)),
    sent               integer not null check (sent in (0, 1)),
    price_open         integer not null check (price_open in (0, 1)),
    wait_end_at        integer,
    handled_at         integer not null,
    created_at         integer not null,
    finalized_at       integer,
    -- when the machine is to be asked again; null: only something from outside can change it
    deadline_at        integer,
    -- why it failed, for the operator
    reason             text
) strict;

-- One verification of a number at a time for an account.
create unique index verification_in_progress on verification (account_id, number_hash) where finalized_at is null;
create index verification_by_deadline on verification (deadline_at) where deadline_at is not null;
create index verification_by_end on verification (finalized_at) where finalized_at is not null;

-- One step of a verification: an SMS or a call.
create table event (
    event_id        blob primary key check (length(event_id) = 8),
    verification_id integer not null references verification on delete cascade,
    event_index     integer not null,
    kind            text not null check (kind in ('sms', 'tts')),
    -- the PIN it carries
    generation      integer not null,
    -- 1: no route takes it, or the next event took its place; absent from search
    skipped         integer not null default 0 check (skipped in (0, 1)),
    handed_over_at  integer,
    unique (verification_id, event_index)
) strict, without rowid;

-- The outbox: one try of an event on one route.
create table attempt (
    attempt_id      integer primary key,
    verification_id integer not null references verification on delete cascade,
    attempt_no      integer not null,
    event_index     integer not null,
    state           text not null check (state in ('due', 'claimed', 'sending', 'sent', 'unanswered', 'uncertain',
                        'temporary', 'other_route', 'final', 'unroutable', 'withdrawn')),
    due_at          integer not null,
    route           text,
    claimed_at      integer,
    begun_at        integer,
    finished_at     integer,
    -- what the route said, for the operator
    reason          text,
    -- what the network said later: 'delivered' or 'undelivered'
    report          text check (report in ('delivered', 'undelivered')),
    reported_at     integer,
    unique (verification_id, attempt_no)
) strict;

create index attempt_due on attempt (due_at, attempt_id) where state = 'due';
create index attempt_unfinished on attempt (state) where state in ('claimed', 'sending');

-- Parts handed to the network whose delivery report is awaited.
create table awaited_report (
    awaited_report_id integer primary key,
    attempt_id        integer not null references attempt on delete cascade,
    route             text not null,
    -- TP-MR; null if the modem told none
    reference         integer,
    sent_at           integer not null,
    delivered         integer not null default 0 check (delivered in (0, 1))
) strict;

create index awaited_report_by_route on awaited_report (route, reference) where delivered = 0;
create index awaited_report_by_attempt on awaited_report (attempt_id);

-- Counted tries. The code itself is not kept.
create table try (
    try_id          integer primary key,
    verification_id integer not null references verification on delete cascade,
    received_at     integer not null,
    -- null until compared
    valid           integer check (valid in (0, 1)),
    ip_address      text not null
) strict;

create index try_by_verification on try (verification_id);

-- A SIM's PIN that is being tried or was refused: never tried again until the configuration or the SIM changes.
create table sim_pin (
    sim_pin_hash blob primary key,
    tried_at     integer not null
) strict, without rowid;
