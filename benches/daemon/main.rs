//! How fast the whole daemon is: the release binary as a process of its own, a modem at a pty, requests over loopback.
//!
//! ```text
//!  client ──HTTP──► simverify serve ──pty──► virtual modem, which writes down when bytes came
//! ```
//!
//! `make bench` runs all of it; `cargo bench --bench daemon -- latency` one part. The figures come out as a table in
//! Markdown with the target, or the limit of the machine measured in the same run, beside each. It decides nothing: a
//! missed target is shown, not an error, because a busy machine is no defect.

#![expect(clippy::disallowed_methods, reason = "a benchmark reads the clock and pauses")]

mod calls;
mod client;
mod footprint;
mod latency;
mod limits;
mod modem;
mod peers;
mod service;
mod table;
mod throughput;

use table::Table;

type Part = fn(&mut Table) -> anyhow::Result<()>;

const PARTS: [(&str, Part); 8] = [
    ("latency", latency::request_to_line),
    ("gap", latency::message_to_message),
    ("answer", calls::answer_to_sound),
    ("sound", calls::sound_under_load),
    ("footprint", footprint::memory),
    ("start", footprint::start),
    ("throughput", throughput::accepted),
    ("peers", peers::figures),
];

fn main() -> anyhow::Result<()> {
    // cargo passes `--bench`.
    let wanted: Vec<String> = std::env::args().skip(1).filter(|word| !word.starts_with('-')).collect();
    let mut table = Table::default();
    for (name, part) in PARTS {
        if wanted.is_empty() || wanted.iter().any(|wanted| wanted == name) {
            eprintln!("{name} …");
            part(&mut table)?;
        }
    }
    println!("{}\n\n{table}", machine()?);
    Ok(())
}

/// What the figures were measured on, and how busy it was.
fn machine() -> anyhow::Result<String> {
    let cores = std::thread::available_parallelism()?;
    let processors = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = processors.lines().find_map(|line| line.strip_prefix("model name")?.split(':').nth(1));
    let load = std::fs::read_to_string("/proc/loadavg")?;
    let load = load.split(' ').next().unwrap_or_default();
    Ok(format!("{cores} cores, {}, load {load}", model.unwrap_or("of an unknown model").trim()))
}
