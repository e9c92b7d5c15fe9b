//! Runs corpora of real PDUs and modem replies through the decoders and parsers of this program.
//!
//! ```text
//! cargo run --example corpora -- DIR
//! ```
//!
//! `DIR` holds `pdu_warthog618.jsonl` and `at_replies.jsonl`, one JSON object a line: an `id`, what goes in, and what is
//! expected. The cases come from other projects under licences of their own and are no part of this one. Prints the
//! count of each kind and each difference; ends with 1 if one of them is not explained in [`explained`].

mod explained;
mod pdus;
mod replies;

use std::collections::BTreeMap;
use std::path::Path;
use std::process::ExitCode;

use serde_json::Value;

/// What one case showed: nothing, or how this program differs from what is expected.
pub type Verdict = Result<(), String>;

#[derive(Default)]
struct Count {
    same: u32,
    explained: u32,
    different: u32,
    /// Types of PDU that no modem hands out: commands, and acknowledgements between modem and network.
    no_concern: u32,
}

fn main() -> ExitCode {
    let Some(directory) = std::env::args_os().nth(1) else {
        eprintln!("usage: cargo run --example corpora -- DIR");
        return ExitCode::from(64);
    };
    let directory = Path::new(&directory);
    let mut counts = BTreeMap::new();
    let all_read = [
        run(&directory.join("pdu_warthog618.jsonl"), pdus::kind, pdus::check, &mut counts),
        run(&directory.join("at_replies.jsonl"), replies::kind, replies::check, &mut counts),
    ];
    if all_read.contains(&false) {
        return ExitCode::from(74);
    }
    let row = |kind: &str, count: &Count| {
        let Count { same, explained, no_concern, different } = count;
        println!("{kind:20} {same:6} {explained:10} {no_concern:11} {different:10}");
    };
    println!("\n{:20} {:>6} {:>10} {:>11} {:>10}", "kind", "same", "explained", "no concern", "different");
    let mut all = Count::default();
    for (kind, count) in &counts {
        row(kind, count);
        all.same += count.same;
        all.explained += count.explained;
        all.no_concern += count.no_concern;
        all.different += count.different;
    }
    row("all", &all);
    ExitCode::from(u8::from(all.different > 0))
}

fn run(
    file: &Path,
    kind: fn(&Value) -> String,
    check: fn(&Value) -> Verdict,
    counts: &mut BTreeMap<String, Count>,
) -> bool {
    let text = match std::fs::read_to_string(file) {
        Ok(text) => text,
        Err(error) => {
            eprintln!("cannot read {}: {error}", file.display());
            return false;
        }
    };
    for (number, line) in text.lines().enumerate() {
        let Ok(case) = serde_json::from_str::<Value>(line) else {
            eprintln!("{}:{}: no JSON", file.display(), number + 1);
            return false;
        };
        let id = case["id"].as_str().unwrap_or_default();
        let count = counts.entry(kind(&case)).or_default();
        if explained::is_of_no_concern(id) {
            count.no_concern += 1;
            continue;
        }
        match (check(&case), explained::reason(id)) {
            (Ok(()), None) => count.same += 1,
            // A reason that nothing needs any more is a lie.
            (Ok(()), Some(_)) => {
                count.different += 1;
                println!("DIFFERENT {id}: is as expected, but explained");
            }
            (Err(difference), Some(reason)) => {
                count.explained += 1;
                println!("explained {id}: {difference} [{reason}]");
            }
            (Err(difference), None) => {
                count.different += 1;
                println!("DIFFERENT {id}: {difference}");
            }
        }
    }
    true
}

/// Compares what is there with what is expected.
pub fn same<T: PartialEq + std::fmt::Debug>(what: &str, found: T, expected: T) -> Verdict {
    if found == expected { Ok(()) } else { Err(format!("{what}: {found:?}, expected {expected:?}")) }
}
