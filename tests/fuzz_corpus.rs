//! What fuzzing found worth keeping, and any other bytes, through the functions that the fuzz targets run.

#[path = "../fuzz/entry.rs"]
mod entry;

use std::fs;
use std::path::Path;

use proptest::prelude::*;

#[test]
fn the_whole_corpus_runs_through_its_target() {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus");
    for (name, target) in entry::TARGETS {
        let files: Vec<_> =
            fs::read_dir(corpus.join(name)).expect("a folder").map(|file| file.expect("a file")).collect();
        assert!(files.len() >= 10, "the corpus of {name} is there");
        for file in files {
            // Shown if the test fails: which file it was.
            println!("{}", file.path().display());
            target(&fs::read(file.path()).expect("a file's content"));
        }
    }
}

/// Pieces of what modems say, and rubbish.
fn babble() -> impl Strategy<Value = Vec<u8>> {
    let known = prop::sample::select(
        &[
            "OK",
            "ERROR",
            "+CME ERROR: 10",
            "+CMS ERROR: 500",
            "> ",
            "RING",
            "+CMTI: \"SM\",3",
            "+CREG: 2,1,\"0B,\"0100701\",7",
            "+CMT: ,24",
            "+CDS: 24",
            "07914356060013F1065A098136395339F6219011700463802190117004638030",
            "+CMGL: 1,1,,3",
            "0004FF00",
            "+CMGS: 7",
            "NO CARRIER",
            "RDY",
            "^BOOT:1,0",
            "+CPIN: READY",
            "\"",
            ",",
            "(",
            ")",
            "0-9",
            "00410042",
        ][..],
    );
    let piece = prop_oneof![
        known.prop_map(|text| text.as_bytes().to_vec()),
        Just(b"\r\n".to_vec()),
        prop::collection::vec(any::<u8>(), 0..6),
        "[ -~]{0,8}".prop_map(String::into_bytes),
    ];
    prop::collection::vec(piece, 0..24).prop_map(|pieces| pieces.concat())
}

/// Octets that begin as PDUs do, so that the reading gets as far as their ends.
fn almost_pdus() -> impl Strategy<Value = Vec<u8>> {
    const BEGINNINGS: [&[u8]; 6] = [
        &[0x00, 0x44, 0x04, 0x91, 0x21, 0x43, 0x00],
        &[0x00, 0x04, 0x06, 0xD0, 0x41, 0xE1, 0x10, 0x00],
        &[0x00, 0x51, 0x07, 0x04, 0x81, 0x21, 0x43, 0x00],
        &[0x00, 0x59, 0x07, 0x04, 0x81, 0x21, 0x43, 0x00],
        &[0x02, 0x91, 0x21, 0x46, 0x05, 0x04, 0x91, 0x21, 0x43],
        &[],
    ];
    let beginning = prop::sample::select(BEGINNINGS.to_vec());
    (beginning, prop::collection::vec(any::<u8>(), 0..180)).prop_map(|(beginning, tail)| [beginning, &tail].concat())
}

proptest! {
    #[test]
    fn no_bytes_break_the_engine_and_chunks_make_no_difference(choice: u8, bytes in babble()) {
        entry::line(&[&[choice], bytes.as_slice()].concat());
    }

    #[test]
    fn no_bytes_break_a_parser_of_replies(bytes in babble()) {
        entry::reply(&bytes);
    }

    #[test]
    fn no_octets_break_the_reading_of_pdus(octets in almost_pdus()) {
        entry::pdu(&octets);
    }
}
