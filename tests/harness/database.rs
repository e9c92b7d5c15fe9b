//! Looks into the daemon's database from outside, as a person with the file would.

use rusqlite::types::{FromSql, Value};
use rusqlite::{Connection, OpenFlags};

use super::TestApp;

impl TestApp {
    /// The one value of a query.
    pub fn value<T: FromSql>(&self, sql: &str) -> T {
        self.connection().query_row(sql, [], |row| row.get(0)).unwrap_or_else(|error| panic!("{sql}: {error}"))
    }

    /// Each row of a query as a line.
    pub fn lines(&self, sql: &str) -> Vec<String> {
        let connection = self.connection();
        let mut statement = connection.prepare(sql).unwrap_or_else(|error| panic!("{sql}: {error}"));
        let columns = statement.column_count();
        let rows = statement.query_map([], |row| {
            let values = (0..columns).map(|column| row.get(column).map(|value| shown(&value)));
            Ok(values.collect::<Result<Vec<_>, _>>()?.join(" "))
        });
        rows.expect("rows").collect::<Result<_, _>>().expect("rows")
    }

    /// Changes the daemon's database behind its back.
    pub fn damage(&self, sql: &str) {
        let connection = Connection::open(self.database()).expect("a database");
        connection.busy_timeout(super::PATIENCE).expect("a time-out");
        connection.execute(sql, []).unwrap_or_else(|error| panic!("{sql}: {error}"));
    }

    fn connection(&self) -> Connection {
        let connection = Connection::open_with_flags(self.database(), OpenFlags::SQLITE_OPEN_READ_ONLY);
        let connection = connection.expect("a database");
        connection.busy_timeout(super::PATIENCE).expect("a time-out");
        connection
    }
}

fn shown(value: &Value) -> String {
    match value {
        Value::Null => "-".to_owned(),
        Value::Integer(integer) => integer.to_string(),
        Value::Real(real) => real.to_string(),
        Value::Text(text) => text.clone(),
        Value::Blob(blob) => format!("{} octets", blob.len()),
    }
}
