//! `simverify openapi`: the document that describes the API.

use super::{Outcome, print};
use crate::api::docs::openapi;

pub fn run() -> Outcome {
    print(&format!("{}\n", openapi().to_pretty_json().expect("a document of text")))
}
