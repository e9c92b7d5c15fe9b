-- Who may look after this installation, and who is logged in.

create table admin_user (
    admin_user_id integer primary key,
    name          text not null unique,
    -- argon2id with its cost and salt; no pepper, which would end with its master key
    password_hash blob not null,
    created_at    integer not null,
    password_at   integer not null,
    login_at      integer
) strict;

create table admin_session (
    -- keyed hash of the cookie
    session_hash  blob primary key,
    admin_user_id integer not null references admin_user on delete cascade,
    -- keyed hash of where it began: logins from there are not held up by what others try under the name
    origin_hash   blob not null,
    created_at    integer not null,
    used_at       integer not null,
    -- logged out, or replaced by a later login
    ended_at      integer
) strict, without rowid;

create index admin_session_by_user on admin_session (admin_user_id, origin_hash);
create index admin_session_by_age on admin_session (created_at);

-- Logins that failed in a row, by the keyed hash of a name, of where it came from, or of both.
create table admin_failure (
    subject_hash blob primary key,
    failures     integer not null,
    failed_at    integer not null,
    -- no further try before
    held_until   integer not null
) strict, without rowid;

create index admin_failure_by_age on admin_failure (failed_at);
