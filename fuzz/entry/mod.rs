//! What strangers could break: one function for each fuzz target, each fed with any bytes.
//!
//! The fuzz targets and the replay of their corpus on stable (`tests/fuzz_corpus.rs`) both run these functions, so that
//! neither can drift away from the other. They panic on what must never happen.

// Here and not in the targets: what libfuzzer's macro makes of them exports a symbol.
#![forbid(unsafe_code)]

mod modem;
mod parameters;
mod provider;
mod settings;
mod speech;

pub use modem::{line, pdu, reply};
pub use parameters::parameters;
pub use provider::{callback, template, verdict};
pub use settings::config;
pub use speech::wav;

pub type Target = fn(&[u8]);

/// By name, as the folders of the corpus are called.
pub const TARGETS: [(&str, Target); 9] = [
    ("line", line),
    ("reply", reply),
    ("pdu", pdu),
    ("parameters", parameters),
    ("config", config),
    ("template", template),
    ("verdict", verdict),
    ("callback", callback),
    ("wav", wav),
];

/// Between the parts of an input that has several; the last one may hold it too.
const PART_END: u8 = 0x1E;

/// The parts of an input; those that are not there are empty.
fn parts<const N: usize>(bytes: &[u8]) -> [&[u8]; N] {
    let mut parts = bytes.splitn(N, |byte| *byte == PART_END);
    [(); N].map(|()| parts.next().unwrap_or_default())
}
