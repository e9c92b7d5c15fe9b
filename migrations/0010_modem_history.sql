-- What happened to modems: when one could not send, why, what was tried, and what helped.

create table modem_event (
    modem_event_id integer primary key,
    modem          text not null,
    kind           text not null,
    at             integer not null,
    -- the same again before the modem was ready: one row counts it
    times          integer not null default 1,
    last_at        integer not null,
    -- of the recovery ladder
    rung           integer,
    -- why, or what was tried; no number, no text
    detail         text not null default '',
    -- of a rung: what came of it, once that is known
    helped         integer check (helped in (0, 1)),
    -- of a modem that is ready: for how long it was not
    down_ms        integer
) strict;

create index modem_event_by_modem on modem_event (modem, kind, modem_event_id);
create index modem_event_by_age on modem_event (last_at);
