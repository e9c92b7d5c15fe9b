-- What accounts' own servers are told.

create table webhook (
    account_id        integer primary key references account on delete cascade,
    -- it may hold a token
    url_sealed        blob not null,
    secret_sealed     blob not null,
    -- the secret before it, which signs too until then
    old_secret_sealed blob,
    old_secret_until  integer,
    -- event types, parted by commas; '': all
    events            text not null default '',
    -- 1: numbers are told whole
    whole_numbers     integer not null default 0 check (whole_numbers in (0, 1)),
    created_at        integer not null,
    -- the receiver answered 410 Gone: nothing is sent until it is set anew
    disabled_at       integer,
    -- the first failure since the last success
    failing_since     integer,
    failure           text,
    -- the receiver asked for a pause
    held_until        integer,
    delivered_at      integer
) strict;

-- The outbox: written with the change that it tells of. What a body says besides is made when it is sent.
create table webhook_event (
    webhook_event_id integer primary key,
    account_id       integer not null references webhook on delete cascade,
    verification_id  integer not null references verification on delete cascade,
    -- its place in the verification, from 1
    sequence         integer not null,
    type             text not null,
    -- JSON, without number and PIN
    facts            text not null,
    occurred_at      integer not null,
    -- waiting: one before it is still to be sent
    state            text not null check (state in ('waiting', 'due', 'sending', 'delivered', 'dead')),
    -- the name by which a receiver knows it when it comes twice; drawn for the first attempt
    message_id       blob unique check (length(message_id) = 16),
    -- from when on the time until it is given up counts
    queued_at        integer not null,
    due_at           integer not null,
    attempts         integer not null default 0,
    attempted_at     integer,
    -- of the last attempt: the HTTP status, or why there was none
    status           integer,
    failure          text,
    settled_at       integer,
    unique (verification_id, sequence)
) strict;

create index webhook_event_due on webhook_event (account_id, due_at, webhook_event_id) where state = 'due';
create index webhook_event_open on webhook_event (verification_id, webhook_event_id)
    where state in ('waiting', 'due', 'sending');
create index webhook_event_sending on webhook_event (webhook_event_id) where state = 'sending';
create index webhook_event_pending on webhook_event (account_id, webhook_event_id)
    where state in ('waiting', 'due', 'sending');
create index webhook_event_dead on webhook_event (webhook_event_id) where state = 'dead';
create index webhook_event_settled on webhook_event (state, settled_at) where settled_at is not null;
