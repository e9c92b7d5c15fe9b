-- HTTP providers: how an attempt is called there, and what it cost.

-- its name in requests to a provider and in the callbacks that follow; null: its route is a modem
alter table attempt add column reference blob check (length(reference) = 8);

-- the provider's own name for it
alter table attempt add column message_id text;

-- 10^-8 of the currency, for what was sent or may have been
alter table attempt add column cost integer not null default 0;

create unique index attempt_by_reference on attempt (reference) where reference is not null;
create index attempt_by_message_id on attempt (route, message_id) where message_id is not null;
