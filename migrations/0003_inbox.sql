-- Messages that came in, and who opted out by one.

-- One row for each part of a message.
create table inbox (
    inbox_id       integer primary key,
    -- the inbox_id of its first part to arrive: the message's number
    message_id     integer not null,
    route          text not null,
    -- of route and PDU: a part that is seen twice is stored once
    part_hash      blob not null unique,
    sender_sealed  blob not null,
    sender_hash    blob not null,
    kind           text not null check (kind in ('text', 'flash', 'data', 'application', 'unreadable')),
    -- as the modem printed it; its text is read from it
    pdu_sealed     blob not null,
    -- of a long message: what its parts have in common beside the sender; null: it is whole
    reference      integer,
    reference_bits integer check (reference_bits in (8, 16)),
    parts          integer not null check (parts between 1 and 255),
    part           integer not null check (part between 1 and parts),
    -- by the service centre's clock; null: it told no valid time
    sent_at        integer,
    received_at    integer not null,
    -- what followed from it
    reaction       text check (reaction in ('opt_out', 'opt_in'))
) strict;

create index inbox_by_message on inbox (message_id);
create index inbox_by_sender on inbox (sender_hash, reference);
create index inbox_by_receipt on inbox (received_at);

-- Who made the entry: the operator, or the number's owner by an SMS such as STOP, who may take it back.
alter table blocklist add column origin text not null default 'operator' check (origin in ('operator', 'opt_out'));
