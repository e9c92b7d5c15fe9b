//! Whether what the callers were told, what the phones got and what the database says agree.

use std::collections::{BTreeMap, HashMap};

use rusqlite::Connection;

use crate::ledger::{Answered, Asked, Ledger, Received};
use crate::site::{ACCOUNTS, Site};

/// What holds at every instant, whatever was interrupted.
pub const ALWAYS: [(&str, &str); 7] = [
    (
        "more than three tries of a PIN",
        "select hex(request_id), generation, count(*) from verification join try using (verification_id)
         group by verification_id having count(*) > tries_max * generation or max(tries) > tries_max",
    ),
    (
        "a PIN valid twice",
        "select hex(request_id), count(*) from verification join try using (verification_id)
         where valid = 1 group by verification_id having count(*) > 1",
    ),
    (
        "a success without its one valid try",
        "select hex(request_id), state from verification
         where (state = 'success') <> exists (select * from try
             where try.verification_id = verification.verification_id and valid = 1)",
    ),
    (
        "an event submitted more than twice, or twice without doubt",
        "select hex(request_id), attempt.event_index, group_concat(attempt.state)
         from verification join attempt using (verification_id)
         where attempt.state in ('sent', 'unanswered', 'uncertain') group by verification_id, attempt.event_index
         having count(*) > 2 or (count(*) = 2 and sum(attempt.reason is not null) = 0)",
    ),
    (
        "a price given back though something was sent",
        "select hex(request_id), state from verification where refunded and exists (select * from attempt
             where attempt.verification_id = verification.verification_id
               and attempt.state in ('sent', 'unanswered', 'uncertain'))",
    ),
    (
        "a PIN kept beyond its verification",
        "select hex(request_id), state from verification
         where finalized_at is not null and (pin_hash is not null or pin_sealed is not null)",
    ),
    ("a reference to nothing", "select * from pragma_foreign_key_check"),
];

/// What holds once everything is settled and no fault lasts.
pub const AT_THE_END: [(&str, &str); 6] = [
    (
        "an attempt that nobody works on",
        "select hex(request_id), attempt.state, attempt.reason from attempt join verification using (verification_id)
         where attempt.state in ('due', 'claimed', 'sending')",
    ),
    (
        "a verification without an end",
        "select hex(request_id), state, deadline_at from verification where finalized_at is null",
    ),
    (
        "a price kept though nothing was sent",
        "select hex(request_id), state from verification where not refunded and not exists (select * from attempt
             where attempt.verification_id = verification.verification_id
               and attempt.state in ('sent', 'unanswered', 'uncertain'))
         -- a caller may check a PIN of its own, or guess one, before it is sent
         and state <> 'success'",
    ),
    (
        "an end without a reason",
        "select hex(request_id), state from verification where reason is null
             and ((state = 'failed' and tries < tries_max) or (state in ('failed', 'expired') and refunded))",
    ),
    (
        "an attempt without a reason",
        "select hex(request_id), attempt.state from attempt join verification using (verification_id)
         where attempt.state in ('temporary', 'other_route', 'final', 'unroutable', 'uncertain')
           and attempt.reason is null",
    ),
    ("a budget in hand of nobody", "select route, kind, amount from budget_use where attempt_id is not null"),
];

/// Looks into the database in one snapshot. The error: it cannot be read just then.
pub fn at_any_time(site: &Site, ledger: &Ledger) -> rusqlite::Result<()> {
    let mut connection = site.database()?;
    let snapshot = connection.transaction()?;
    for (what, sql) in ALWAYS {
        look(&snapshot, ledger, what, sql)?;
    }
    credits(&snapshot, ledger)
}

fn look(connection: &Connection, ledger: &Ledger, what: &str, sql: &str) -> rusqlite::Result<()> {
    let mut statement = match connection.prepare(sql) {
        Err(error @ rusqlite::Error::SqlInputError { .. }) => panic!("{error}"),
        other => other?,
    };
    let columns = statement.column_count();
    let rows = statement.query_map([], |row| {
        let columns = (0..columns).map(|column| Ok(format!("{:?}", row.get::<_, rusqlite::types::Value>(column)?)));
        Ok(columns.collect::<rusqlite::Result<Vec<_>>>()?.join(" "))
    })?;
    for row in rows {
        ledger.violation(format!("{what}: {}", row?));
    }
    Ok(())
}

fn credits(connection: &Connection, ledger: &Ledger) -> rusqlite::Result<()> {
    for (key, given) in ACCOUNTS {
        let (left, spent): (Option<i64>, i64) = connection.query_row(
            "select account.credits, coalesce((select sum(verification.credits) from verification
                 where verification.account_id = account.account_id and not refunded), 0)
             from account where api_key = ?1",
            [key],
            |row| Ok((row.get(0)?, row.get(1)?)),
        )?;
        if left != given.map(|given| given - spent) {
            ledger.violation(format!("{key} was given {given:?}, spent {spent}, and has {left:?}"));
        }
    }
    Ok(())
}

/// What the database says of one number.
struct Row {
    request_id: String,
    state: String,
    refunded: bool,
    reason: Option<String>,
    /// By event: attempts that reached the network, or may have.
    submitted: BTreeMap<i64, usize>,
    routes: Vec<String>,
}

/// Everything, once it is settled.
pub fn at_the_end(site: &Site, ledger: &Ledger) {
    at_any_time(site, ledger).expect("a database");
    let connection = site.database().expect("a database");
    for (what, sql) in AT_THE_END {
        look(&connection, ledger, what, sql).expect("a query");
    }
    let verdict: String = connection.query_row("pragma integrity_check", [], |row| row.get(0)).expect("a verdict");
    if verdict != "ok" {
        ledger.violation(format!("integrity_check: {verdict}"));
    }
    let rows = rows(&connection);
    let received = ledger.received.lock().expect("no panic").clone();
    let asked = ledger.asked.lock().expect("no panic").clone();
    for (number, asked) in &asked {
        let of_number = rows.get(site.secrets.number_hash(number).as_slice());
        let got = received.get(number).map_or(&[][..], Vec::as_slice);
        judge(ledger, asked, of_number, got);
    }
}

fn rows(connection: &Connection) -> HashMap<Vec<u8>, Row> {
    let mut rows = HashMap::new();
    let mut statement = connection
        .prepare(
            "select number_hash, lower(hex(request_id)), state, refunded, reason, verification_id from verification",
        )
        .expect("a query");
    let mut attempts = connection
        .prepare("select event_index, state, coalesce(route, '') from attempt where verification_id = ?1")
        .expect("a query");
    let mut found = statement.query([]).expect("rows");
    while let Some(row) = found.next().expect("a row") {
        let id: i64 = row.get(5).expect("an id");
        let mut of_number = Row {
            request_id: row.get(1).expect("an id"),
            state: row.get(2).expect("a state"),
            refunded: row.get(3).expect("a flag"),
            reason: row.get(4).expect("a reason"),
            submitted: BTreeMap::new(),
            routes: vec![],
        };
        let mut found = attempts.query([id]).expect("rows");
        while let Some(attempt) = found.next().expect("a row") {
            let state: String = attempt.get(1).expect("a state");
            if ["sent", "uncertain"].contains(&state.as_str()) {
                *of_number.submitted.entry(attempt.get(0).expect("an index")).or_default() += 1;
                of_number.routes.push(attempt.get(2).expect("a route"));
            }
        }
        rows.insert(row.get(0).expect("a hash"), of_number);
    }
    rows
}

/// One number: what its caller was told, what the database says, what the phone got.
fn judge(ledger: &Ledger, asked: &Asked, row: Option<&Row>, got: &[Received]) {
    let Some(row) = row else {
        match asked.answered {
            Answered::Accepted => ledger.violation(format!("{:?} was accepted and is not there", asked.request_id)),
            Answered::Refused(_) | Answered::Unknown if !got.is_empty() => {
                ledger.violation("a request that is not there was sent".to_owned());
            }
            Answered::Refused(_) => {}
            Answered::Unknown => ledger.count("end: requests without a reply that were not accepted"),
        }
        return;
    };
    let id = &row.request_id;
    match asked.answered {
        Answered::Accepted => {}
        Answered::Refused(status) => ledger.violation(format!("{id} was refused with {status} and is there")),
        Answered::Unknown => ledger.count("end: requests without a reply that were accepted"),
    }
    if asked.request_id.as_ref().is_some_and(|told| told != id) {
        ledger.violation(format!("{id} was told as {:?}", asked.request_id));
    }
    if asked.successes > 0 && row.state != "success" {
        ledger.violation(format!("{id}: a success was told, and it is {}", row.state));
    }
    if asked.cancelled && row.state != "cancelled" {
        ledger.violation(format!("{id}: a cancel was told, and it is {}", row.state));
    }
    deliveries(ledger, row, got);
    ledger.count(format!("end: {}", row.state));
}

fn deliveries(ledger: &Ledger, row: &Row, got: &[Received]) {
    let id = &row.request_id;
    let submitted: usize = row.submitted.values().sum();
    if got.len() > submitted {
        ledger.violation(format!("{id}: {} messages for {submitted} on record", got.len()));
    }
    for received in got {
        if !row.routes.contains(&received.route) {
            ledger.violation(format!("{id}: a message by {} that is on record nowhere", received.route));
        }
    }
    let mut pins: Vec<_> = got.iter().map(|received| &received.pin).collect();
    pins.sort_unstable();
    pins.dedup();
    if pins.len() > row.submitted.len() {
        ledger.violation(format!("{id}: {} PINs for {} events", pins.len(), row.submitted.len()));
    }
    if row.submitted.values().any(|times| *times == 2) {
        ledger.count("end: verifications with an event that may have been sent twice");
    }
    let doubled = got.len().saturating_sub(row.submitted.len());
    for _ in 0..doubled {
        ledger.count("end: messages that a phone got twice");
    }
    match (got.is_empty(), submitted) {
        (false, _) => {
            ledger.count("end: verifications whose message a phone got");
            if row.refunded {
                ledger.violation(format!("{id}: its price was given back though a phone got its message"));
            }
        }
        (true, 0) => {
            let why = row.reason.is_some() || row.state == "cancelled" || row.state == "success";
            if !why {
                ledger.violation(format!("{id}: never sent, and nobody knows why ({})", row.state));
            }
            ledger.count("end: verifications never sent, with the reason on record");
        }
        // Accepted by the network and lost there, or of unknown fate: both are on record.
        (true, _) => ledger.count("end: verifications handed over or uncertain that no phone got"),
    }
}
