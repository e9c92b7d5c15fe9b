//! Schema versions: each file of `migrations/` runs once, in order; `user_version` counts them.
//!
//! A migration that was released is never changed.

use rusqlite::Connection;

use super::StoreError;

const MIGRATIONS: [&str; 11] = [
    include_str!("../../migrations/0001_first.sql"),
    include_str!("../../migrations/0002_contract.sql"),
    include_str!("../../migrations/0003_inbox.sql"),
    include_str!("../../migrations/0004_budget.sql"),
    include_str!("../../migrations/0005_provider.sql"),
    include_str!("../../migrations/0006_keeping.sql"),
    include_str!("../../migrations/0007_fraud.sql"),
    include_str!("../../migrations/0008_admin.sql"),
    include_str!("../../migrations/0009_webhook.sql"),
    include_str!("../../migrations/0010_modem_history.sql"),
    include_str!("../../migrations/0011_past.sql"),
];

/// The first schema in which a PIN says which key it was hashed under.
pub const WITH_PIN_KEY: u32 = 6;

/// Marks the file as a database of this program: `Smvf`.
const APPLICATION_ID: i64 = 0x536d_7666;

/// The newest version that this program knows.
pub fn known() -> u32 {
    u32::try_from(MIGRATIONS.len()).expect("few migrations")
}

/// Brings the schema up to date.
///
/// # Errors
///
/// [`StoreError::Newer`] if the database was written by a later version, [`StoreError::NotADatabase`] if by another
/// program.
pub fn migrate(connection: &Connection) -> Result<(), StoreError> {
    let known = known();
    let version: u32 = connection.query_row("pragma user_version", [], |row| row.get(0))?;
    let application: i64 = connection.query_row("pragma application_id", [], |row| row.get(0))?;
    let tables: i64 = connection.query_row("select count(*) from sqlite_schema", [], |row| row.get(0))?;
    if tables > 0 && application != APPLICATION_ID {
        return Err(StoreError::NotADatabase);
    }
    if version > known {
        return Err(StoreError::Newer { found: version, known });
    }
    for (index, migration) in MIGRATIONS.iter().enumerate().skip(usize::try_from(version).unwrap_or(usize::MAX)) {
        let next = index + 1;
        connection.execute_batch("begin immediate")?;
        let done = connection.execute_batch(&format!(
            "{migration}\npragma application_id = {APPLICATION_ID};\npragma user_version = {next};\ncommit;"
        ));
        if let Err(error) = done {
            // The transaction may be gone already; its error is the one to tell.
            let _ = connection.execute_batch("rollback");
            return Err(error.into());
        }
    }
    Ok(())
}

/// The version of a database of this program, and the one that this program knows.
///
/// # Errors
///
/// As [`migrate`]; an empty file is [`StoreError::NotADatabase`] too.
pub fn check_origin(connection: &Connection) -> Result<(u32, u32), StoreError> {
    let known = known();
    let application: i64 = connection.query_row("pragma application_id", [], |row| row.get(0))?;
    if application != APPLICATION_ID {
        return Err(StoreError::NotADatabase);
    }
    let found: u32 = connection.query_row("pragma user_version", [], |row| row.get(0))?;
    if found > known { Err(StoreError::Newer { found, known }) } else { Ok((found, known)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_run_changes_nothing() {
        let connection = Connection::open_in_memory().expect("a database");
        migrate(&connection).expect("a schema");
        let schema = |connection: &Connection| -> i64 {
            connection.query_row("pragma schema_version", [], |row| row.get(0)).expect("a version")
        };
        let before = schema(&connection);
        migrate(&connection).expect("the same schema");
        assert_eq!(schema(&connection), before);
    }

    #[test]
    fn every_earlier_schema_becomes_this_one_and_keeps_what_is_in_it() {
        let objects = |connection: &Connection| -> Vec<String> {
            let mut statement =
                connection.prepare("select coalesce(sql, name) from sqlite_schema order by name").expect("a statement");
            let rows = statement.query_map([], |row| row.get(0)).expect("rows");
            rows.collect::<Result<_, _>>().expect("rows")
        };
        let newest = Connection::open_in_memory().expect("a database");
        migrate(&newest).expect("a schema");
        for version in 1..MIGRATIONS.len() {
            let connection = Connection::open_in_memory().expect("a database");
            for migration in &MIGRATIONS[..version] {
                connection.execute_batch(migration).expect("an earlier schema");
            }
            connection
                .execute_batch(&format!(
                    "pragma application_id = {APPLICATION_ID}; pragma user_version = {version};
                     insert into account (name, api_key, created_at) values ('shop', 'k', 1);"
                ))
                .expect("an earlier database");
            if version >= 2 {
                connection
                    .execute_batch(
                        "insert into blocklist (entry_hash, entry_sealed, created_at) values (x'01', x'02', 3)",
                    )
                    .expect("an entry");
            }
            migrate(&connection).expect("the newest schema");
            assert_eq!(objects(&connection), objects(&newest), "from {version}");
            let accounts: i64 =
                connection.query_row("select count(*) from account", [], |row| row.get(0)).expect("a count");
            assert_eq!(accounts, 1, "from {version}");
            let origins: Vec<String> = {
                let mut statement = connection.prepare("select origin from blocklist").expect("a statement");
                let rows = statement.query_map([], |row| row.get(0)).expect("rows");
                rows.collect::<Result<_, _>>().expect("rows")
            };
            assert!(origins.iter().all(|origin| origin == "operator"), "entries are the operator's: from {version}");
            assert_eq!(origins.len(), usize::from(version >= 2), "from {version}");
        }
    }

    #[test]
    fn a_newer_schema_and_a_foreign_database_are_refused() {
        let connection = Connection::open_in_memory().expect("a database");
        migrate(&connection).expect("a schema");
        connection.execute_batch("pragma user_version = 99").expect("a version");
        let error = migrate(&connection).expect_err("newer").to_string();
        assert!(error.contains("schema 99") && error.contains("up to 11"), "{error}");

        let foreign = Connection::open_in_memory().expect("a database");
        foreign.execute_batch("create table other (x)").expect("a table");
        assert!(matches!(migrate(&foreign), Err(StoreError::NotADatabase)));
    }
}
