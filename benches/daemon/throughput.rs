//! Requests accepted a second, beside what the machine could do.

use simverify::simulator::Settings;

use crate::client::flood;
use crate::limits;
use crate::modem::Modem;
use crate::service::{CHEAP_HASH, DEFAULT_HASH, Installation};
use crate::table::{Against, Table, rounded};

const CONNECTIONS: u32 = 32;

/// A few seconds' worth of each.
const HASHED: u32 = 500;
const STORED: u32 = 6000;

pub fn accepted(table: &mut Table) -> anyhow::Result<()> {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let one = limits::hashes_per_second(1, 7168, 5)?;
    let before = limits::hashes_per_second(cores, 7168, 5)?;
    let rate = measure(DEFAULT_HASH, HASHED)?;
    // A machine with other work has no one limit: the better of before and after.
    let all = limits::hashes_per_second(cores, 7168, 5)?.max(before);
    let share = 100.0 * rate / all;
    let limit = format!("{} hashes/s on {cores} cores ({} on one): {share:.0} %", rounded(all), rounded(one));
    table.figure("accepted, argon2 as by default, 32 connections", rate, "requests/s", Against::Word(limit));

    let directory = tempfile::TempDir::new_in(env!("CARGO_TARGET_TMPDIR"))?;
    let syncs = limits::syncs_per_second(directory.path())?;
    let cheap = limits::hashes_per_second(cores, 1024, 1)?;
    let rate = measure(CHEAP_HASH, STORED)?;
    let limit = format!("{} syncs/s of the disk, {} of these hashes/s", rounded(syncs), rounded(cheap));
    table.figure("accepted, argon2 of 1 MiB and 1 pass", rate, "requests/s", Against::Word(limit));
    Ok(())
}

/// With a modem that takes four seconds for a message, as real ones do.
fn measure(hash: &str, count: u32) -> anyhow::Result<f64> {
    let modem = Modem::start(Settings::default().with("submit-latency", "4s"))?;
    let installation = Installation::new(&modem.path, hash)?;
    let service = installation.start()?;
    service.wait_for_modem()?;
    flood(service.address, CONNECTIONS, count / 10)?;
    let took = flood(service.address, CONNECTIONS, count)?;
    Ok(f64::from(count) / took.as_secs_f64())
}
