//! docs/logs.md lists what the log says: the list and the source are equal.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use super::OWN_KEYS;

/// Level and fields of the line of each name.
type List = BTreeMap<String, BTreeSet<(String, Vec<String>)>>;

const MACROS: [&str; 5] = ["trace!(", "debug!(", "info!(", "warn!(", "error!("];

fn files(directory: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(directory).expect("a directory").map(|entry| entry.expect("an entry").path());
    let (directories, files): (Vec<_>, Vec<_>) = entries.partition(|path| path.is_dir());
    let sources = files.into_iter().filter(|path| path.extension().is_some_and(|extension| extension == "rs"));
    sources.chain(directories.iter().flat_map(|directory| self::files(directory))).collect()
}

/// The arguments of a macro whose opening parenthesis has just passed.
fn arguments(source: &str) -> Vec<String> {
    let (mut arguments, mut depth, mut quoted, mut escaped) = (vec![String::new()], 1, false, false);
    for character in source.chars() {
        match character {
            _ if escaped => escaped = false,
            '\\' if quoted => escaped = true,
            '"' => quoted = !quoted,
            '(' | '[' | '{' if !quoted => depth += 1,
            ')' | ']' | '}' if !quoted => depth -= 1,
            ',' if !quoted && depth == 1 => {
                arguments.push(String::new());
                continue;
            }
            _ => {}
        }
        if depth == 0 {
            break;
        }
        arguments.last_mut().expect("one at least").push(character);
    }
    arguments.into_iter().map(|argument| argument.trim().to_owned()).filter(|argument| !argument.is_empty()).collect()
}

/// Every line of the source.
fn of_source() -> List {
    let mut list = List::new();
    for file in files(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src")) {
        if file.to_string_lossy().ends_with("tests.rs") {
            continue;
        }
        let whole = fs::read_to_string(&file).expect("text");
        let source = whole.split("#[cfg(test)]\nmod tests").next().unwrap_or_default();
        for (level, call) in MACROS.iter().flat_map(|call| source.match_indices(call)).map(|(at, call)| (call, at)) {
            if source[..call].ends_with(|before: char| before.is_alphanumeric() || before == '_') {
                continue;
            }
            let mut arguments = arguments(&source[call + level.len()..]).into_iter();
            let first = arguments.next().unwrap_or_default();
            let name = first.strip_prefix("name: \"").and_then(|name| name.strip_suffix('"'));
            let name = name.unwrap_or_else(|| panic!("{}: a line without a name: {first}", file.display()));
            let fields = arguments.take_while(|argument| !argument.starts_with('"'));
            let fields = fields.map(|field| {
                let key = field.split('=').next().unwrap_or_default().trim();
                key.trim_start_matches(['%', '?']).to_owned()
            });
            let level = level.trim_end_matches("!(").to_ascii_uppercase();
            list.entry(name.to_owned()).or_default().insert((level, fields.collect()));
        }
    }
    // The one line that no macro says.
    list.entry("log.lost".to_owned()).or_default().insert(("WARN".to_owned(), vec!["lines".to_owned()]));
    list
}

/// Every row of the document's tables of lines.
fn of_document(text: &str) -> List {
    let mut list = List::new();
    for row in text.lines().filter(|line| line.starts_with("| `")) {
        let cells: Vec<&str> = row.trim_matches('|').split('|').map(str::trim).collect();
        let [name, level, fields, what] = cells[..] else { continue };
        assert!(!what.is_empty(), "{name} says nothing");
        let words = |cell: &str| cell.split_whitespace().map(|word| word.trim_matches('`').to_owned()).collect();
        let known = list.insert(name.trim_matches('`').to_owned(), [(level.to_owned(), words(fields))].into());
        assert!(known.is_none(), "{name} is listed twice");
    }
    list
}

#[test]
fn the_list_of_lines_and_the_source_are_equal() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/logs.md");
    let (said, listed) = (of_source(), of_document(&fs::read_to_string(path).expect("the list")));
    for (name, forms) in &said {
        assert_eq!(Some(forms), listed.get(name), "{name} in docs/logs.md");
        for (_, fields) in forms {
            let own = fields.iter().find(|field| OWN_KEYS.contains(&field.as_str()));
            assert_eq!(own, None, "{name} has a field that is the line's own");
        }
    }
    let unsaid: Vec<_> = listed.keys().filter(|name| !said.contains_key(*name)).collect();
    assert_eq!(unsaid, Vec::<&String>::new(), "nobody says these");
}
