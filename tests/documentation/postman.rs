//! The Postman collection in `docs/postman`.

use std::path::Path;
use std::process::Command;

use serde_json::Value;

/// The program under test.
const PROGRAM: &str = env!("CARGO_BIN_EXE_simverify");

const COLLECTION: &str = "docs/postman/verify.postman_collection.json";
const ENVIRONMENT: &str = "docs/postman/Verify-Nexmo.postman_environment.json";

/// A file of this repository.
fn file(name: &str) -> Value {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(name);
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{name}: {error}"));
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{name}: {error}"))
}

#[test]
fn the_files_are_what_the_program_prints() {
    let printed = Command::new(PROGRAM).arg("postman").output().expect("the program").stdout;
    let printed: Value = serde_json::from_slice(&printed).expect("JSON");
    for (part, name) in [("collection", COLLECTION), ("environment", ENVIRONMENT)] {
        assert_eq!(printed[part], file(name), "write it anew: simverify postman --only {part} > {name}");
    }
}

#[test]
fn requests_and_variables_have_the_names_that_people_look_for() {
    let collection = file(COLLECTION);
    let items = collection["item"].as_array().expect("requests");
    let mut names: Vec<_> = items.iter().map(|item| item["name"].as_str().expect("a name")).collect();
    names.sort_unstable();
    assert_eq!(names, ["Verify Check", "Verify Control", "Verify Request", "Verify Search"]);
    assert!(items.iter().all(|item| item["request"]["method"] == "POST"));
    let environment = file(ENVIRONMENT);
    assert_eq!(environment["name"], "Verify-Nexmo");
    let values = environment["values"].as_array().expect("variables");
    let keys: Vec<_> = values.iter().map(|value| value["key"].as_str().expect("a key")).collect();
    for key in ["base_url", "api_key", "api_secret", "number", "brand", "request_id", "code", "cmd"] {
        assert!(keys.contains(&key), "{key}");
    }
}
