//! What the daemon takes: memory, threads, the time of its start.

use std::time::Duration;

use crate::client::{Client, flood};
use crate::modem::Modem;
use crate::service::{DEFAULT_HASH, Installation, Service};
use crate::table::{Against, Sample, Table, millis};

/// From the start to the look at an idle daemon.
const IDLE: Duration = Duration::from_secs(10);

const REQUESTS: u32 = 1000;
const STARTS: usize = 10;

pub fn memory(table: &mut Table) -> anyhow::Result<()> {
    let modem = Modem::start_without_reports()?;
    let installation = Installation::new(&modem.path, DEFAULT_HASH)?;
    let service = installation.start()?;
    service.wait_for_modem()?;
    let before = service.cpu_time()?;
    std::thread::sleep(IDLE);
    table.figure(
        "memory (VmRSS), one modem, idle for 10 s",
        mebibytes(&service, "VmRSS")?,
        "MiB",
        Against::AtMost(20.0),
    );
    let anonymous = Against::Word("without pages of the program's file".to_owned());
    table.figure("of it anonymous (RssAnon)", mebibytes(&service, "RssAnon")?, "MiB", anonymous);
    let used = millis(service.cpu_time()? - before);
    table.figure("processor time in these 10 s", used, "ms", Against::Word("ticks of 10 ms".to_owned()));
    table.figure("threads, idle", service.status("Threads")?, "", Against::Word("no target".to_owned()));
    flood(service.address, 32, REQUESTS)?;
    let after = mebibytes(&service, "VmRSS")?;
    table.figure("memory after 1000 requests over 32 connections", after, "MiB", Against::Word("no target".to_owned()));
    let peak = mebibytes(&service, "VmHWM")?;
    table.figure("peak of memory (VmHWM)", peak, "MiB", Against::Word("2 × 7 MiB for argon2".to_owned()));
    table.figure("threads after that", service.status("Threads")?, "", Against::Word("no target".to_owned()));
    Ok(())
}

fn mebibytes(service: &Service, field: &str) -> anyhow::Result<f64> {
    Ok(service.status(field)? / 1024.0)
}

/// From the execution of the program to the reply to its first request, which is accepted.
pub fn start(table: &mut Table) -> anyhow::Result<()> {
    let modem = Modem::start_without_reports()?;
    let installation = Installation::new(&modem.path, DEFAULT_HASH)?;
    let (mut listening, mut served) = (vec![], vec![]);
    for _ in 0..STARTS {
        let service = installation.start()?;
        listening.push(millis(service.started.elapsed()));
        let accepted = Client::connect(service.address)?.verify()?;
        served.push(millis(accepted.answered - service.started));
    }
    table.sample("start to listening", &Sample::new(listening)?, Against::Word("no target".to_owned()));
    table.sample("start to the first request served", &Sample::new(served)?, Against::AtMost(100.0));
    Ok(())
}
