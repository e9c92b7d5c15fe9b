#![no_main]

#[expect(dead_code, reason = "each target runs one of the functions")]
#[path = "../entry/mod.rs"]
mod entry;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| entry::pdu(bytes));
