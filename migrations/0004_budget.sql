-- Fair use: what every SIM has sent, and which attempts go first.

-- What a route has sent, or is sending. No foreign key: deleting a verification gives no budget back.
create table budget_use (
    budget_use_id integer primary key,
    route         text not null,
    kind          text not null check (kind in ('sms', 'tts')),
    -- parts of an SMS, or one call
    amount        integer not null check (amount > 0),
    -- the attempt, while a channel has it in its hands
    attempt_id    integer,
    -- when its outcome was known: nothing of it was sent later
    used_at       integer,
    check ((attempt_id is null) <> (used_at is null))
) strict;

create index budget_use_by_route on budget_use (route, kind, used_at, amount);
create unique index budget_use_in_hand on budget_use (attempt_id) where attempt_id is not null;

-- The messages of the days before count too. Their parts are known where reports of them are awaited.
insert into budget_use (route, kind, amount, used_at)
    select route, kind,
           max(1, (select count(*) from awaited_report where awaited_report.attempt_id = attempt.attempt_id)), finished_at
    from attempt join event using (verification_id, event_index)
    where attempt.state in ('sent', 'unanswered', 'uncertain') and route is not null
      and finished_at > (select max(finished_at) from attempt) - 172800000;
insert into budget_use (route, kind, amount, attempt_id)
    select route, kind, 1, attempt_id
    from attempt join event using (verification_id, event_index)
    where attempt.state = 'sending' and route is not null;

-- What an attempt asks of a route (src/channel/lane.rs): all of a lane can go on, or none can.
alter table attempt add column lane text not null default '';

update attempt set lane =
    iif(event_index = 0, 'first', 'later')
    || (select ' ' || event.kind || ' ' || coalesce(verification.country, '-')
        from event join verification using (verification_id)
        where event.verification_id = attempt.verification_id and event.event_index = attempt.event_index)
    || coalesce((select ' ~' || other.route from attempt as other
        where other.verification_id = attempt.verification_id and other.event_index = attempt.event_index
          and other.attempt_no < attempt.attempt_no and other.route is not null
        order by other.attempt_no desc limit 1), '')
    || coalesce((select group_concat(' !' || route, '') from (select distinct route from attempt as other
        where other.verification_id = attempt.verification_id and other.event_index = attempt.event_index
          and other.state = 'other_route' and other.route is not null
        order by route)), '')
    where state in ('due', 'claimed', 'sending');

create index attempt_by_lane on attempt (lane, due_at, attempt_id) where state = 'due';
