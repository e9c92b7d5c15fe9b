//! Section 8: the daemon as the one who runs it meets it.

use super::{Page, begin, exit_status, part};

/// Written by hand, but for the exit codes.
const TEXT: &str = include_str!("simverify.8");

pub fn page() -> Page {
    let text = begin("simverify", "8") + &TEXT.replace("@EXIT_STATUS@\n", &part(exit_status));
    Page { file: "simverify.8".to_owned(), text }
}
