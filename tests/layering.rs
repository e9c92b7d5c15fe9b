//! The directions between the modules, as a word list for each place: what a place may not name.
//!
//! Comments do not count, and neither do tests at the end of a file. A place that does not exist forbids nothing.

use std::fs;
use std::path::{Path, PathBuf};

/// A place in `src` and the words that may not stand there.
struct Rule {
    place: &'static str,
    words: &'static [&'static str],
    /// Parts of the place that the rule leaves out.
    except: &'static [&'static str],
}

/// No I/O, clock, randomness, async or database.
const IMPURE: &[&str] = &[
    "std::fs",
    "std::io",
    "std::net",
    "std::os",
    "std::env",
    "std::process",
    "std::thread",
    "std::sync",
    "SystemTime",
    "Instant",
    "Clock",
    "Random",
    "getrandom",
    "rand::",
    "tokio",
    "async",
    ".await",
    "futures",
    "nix::",
    "rusqlite",
    "actix_web",
    "reqwest",
    "tracing",
    "println!",
    "eprintln!",
    "store::",
    "app::",
];

/// What names an address may name `std::net` for its type, and nothing that connects.
const ORIGIN_IMPURE: &[&str] =
    &["TcpStream", "TcpListener", "UdpSocket", "tokio", "async", "Clock", "Random", "actix_web", "crate::"];
/// The same for what uses such words of ours.
const ADDRESS_IMPURE: &[&str] =
    &["TcpStream", "TcpListener", "UdpSocket", "tokio", "async", "Clock", "Random", "actix_web", "reqwest", "tracing"];
const SQL: &[&str] = &["rusqlite"];
const TTY: &[&str] = &["tokio_serial", "nix::pty", "nix::sys::termios", "openpty", "/dev/tty"];
const METRICS: &[&str] = &["prometheus_client"];
const LOCAL_SOCKET: &[&str] = &["UnixListener", "UnixStream", "socket2::Domain"];
const HTTP: &[&str] = &["actix_web", "actix_tls", "reqwest", "tracing_actix_web"];
const ABOVE_APP: &[&str] = &[
    "crate::api",
    "crate::admin",
    "crate::dispatcher",
    "crate::daemon",
    "crate::modem",
    "crate::speech",
    "crate::cli",
    "crate::config",
    "crate::telemetry",
    "crate::service",
];
/// Speech takes words and gives samples: it knows neither who asks nor where they go.
const ABOVE_SPEECH: &[&str] = &[
    "crate::api",
    "crate::app",
    "crate::channel",
    "crate::daemon",
    "crate::dispatcher",
    "crate::modem",
    "crate::store",
];
const ABOVE_ADMIN: &[&str] = &[
    "crate::api",
    "crate::channel",
    "crate::daemon",
    "crate::dispatcher",
    "crate::modem",
    "crate::secrets",
    "crate::speech",
    "crate::store",
    "crate::verification",
];
/// Numbers are noted by everybody, and know nobody.
const ABOVE_METRICS: &[&str] = &[
    "crate::api",
    "crate::admin",
    "crate::app",
    "crate::channel",
    "crate::daemon",
    "crate::dispatcher",
    "crate::modem",
    "crate::secrets",
    "crate::speech",
    "crate::store",
    "crate::verification",
];
/// What builds everything is known by nobody: each part takes its own settings as values.
const BUILDERS: &[&str] = &["crate::cli", "crate::config", "crate::telemetry"];

const RULES: &[Rule] = &[
    // Pure means pure.
    Rule { place: "phone.rs", words: IMPURE, except: &[] },
    // Addresses are words too.
    Rule { place: "origin.rs", words: ORIGIN_IMPURE, except: &[] },
    Rule { place: "verification", words: IMPURE, except: &[] },
    Rule { place: "fraud", words: IMPURE, except: &[] },
    Rule { place: "app/attention.rs", words: IMPURE, except: &[] },
    Rule { place: "channel/routing.rs", words: IMPURE, except: &[] },
    Rule { place: "channel/budget.rs", words: IMPURE, except: &[] },
    Rule { place: "channel/lane.rs", words: IMPURE, except: &[] },
    Rule { place: "channel/callback.rs", words: IMPURE, except: &[] },
    Rule { place: "channel/provider/breaker.rs", words: IMPURE, except: &[] },
    Rule { place: "channel/provider/template.rs", words: IMPURE, except: &[] },
    Rule { place: "channel/provider/variables.rs", words: IMPURE, except: &[] },
    Rule { place: "channel/provider/verdict.rs", words: IMPURE, except: &[] },
    Rule { place: "webhook/address.rs", words: ORIGIN_IMPURE, except: &[] },
    Rule { place: "webhook/target.rs", words: ADDRESS_IMPURE, except: &[] },
    Rule { place: "webhook/event.rs", words: IMPURE, except: &[] },
    Rule { place: "webhook/schedule.rs", words: IMPURE, except: &[] },
    Rule { place: "webhook/signature.rs", words: IMPURE, except: &[] },
    Rule { place: "modem/at", words: IMPURE, except: &[] },
    Rule { place: "modem/pdu", words: IMPURE, except: &[] },
    Rule { place: "modem/sms.rs", words: IMPURE, except: &[] },
    // With its own file beside it.
    Rule { place: "modem/call", words: IMPURE, except: &[] },
    Rule { place: "modem/incoming.rs", words: IMPURE, except: &[] },
    Rule { place: "modem/ringing.rs", words: IMPURE, except: &[] },
    Rule { place: "modem/own_speech.rs", words: IMPURE, except: &[] },
    Rule { place: "modem/network.rs", words: IMPURE, except: &[] },
    Rule { place: "modem/startup.rs", words: IMPURE, except: &[] },
    Rule { place: "modem/port/telnet.rs", words: IMPURE, except: &[] },
    Rule { place: "modem/startup", words: IMPURE, except: &[] },
    Rule { place: "modem/profile.rs", words: IMPURE, except: &[] },
    Rule { place: "modem/profile", words: IMPURE, except: &[] },
    Rule { place: "modem/stick.rs", words: IMPURE, except: &[] },
    Rule { place: "modem/recovery.rs", words: IMPURE, except: &[] },
    Rule { place: "speech/audio.rs", words: IMPURE, except: &[] },
    Rule { place: "speech/phrase.rs", words: IMPURE, except: &[] },
    Rule { place: "speech/voice.rs", words: IMPURE, except: &[] },
    Rule { place: "speech/wav.rs", words: IMPURE, except: &[] },
    Rule {
        place: "simulator",
        words: IMPURE,
        except: &[
            "simulator/host.rs",
            "simulator/line.rs",
            "simulator/named.rs",
            "simulator/pty.rs",
            "simulator/recorder.rs",
            "simulator/screen.rs",
        ],
    },
    // A technology is known in one place.
    Rule { place: "", words: SQL, except: &["store", "store.rs"] },
    Rule {
        place: "",
        words: TTY,
        except: &["modem/driver", "modem/driver.rs", "modem/port", "modem/port.rs", "simulator"],
    },
    Rule {
        place: "",
        words: HTTP,
        except: &["api", "admin", "channel/provider", "channel/provider.rs", "cli", "telemetry", "webhook/client.rs"],
    },
    Rule { place: "", words: LOCAL_SOCKET, except: &["socket"] },
    Rule { place: "", words: METRICS, except: &["metrics"] },
    Rule { place: "metrics", words: ABOVE_METRICS, except: &[] },
    // The local door shows what modems say; it neither decides nor looks into the database.
    Rule {
        place: "socket",
        words: &["crate::store", "crate::app", "crate::api", "crate::daemon", "crate::verification", "crate::secrets"],
        except: &[],
    },
    // A child process and a synthesiser are never in the way of a request.
    Rule { place: "", words: &["hound", "rubato"], except: &["speech"] },
    Rule { place: "api", words: &["crate::speech"], except: &[] },
    // The admin listener shares the API's sockets, and nothing of what the API says; what it shows comes from `app`.
    Rule { place: "admin", words: ABOVE_ADMIN, except: &[] },
    Rule { place: "api", words: &["crate::admin"], except: &[] },
    Rule { place: "speech", words: ABOVE_SPEECH, except: &[] },
    // A decision meets the store in `app`, which calls nothing above it; those below know nobody above.
    // It speaks with the channels in the words of `channel` (messages, outcomes, the board of routes), never with one.
    Rule { place: "app", words: ABOVE_APP, except: &[] },
    Rule { place: "app", words: &["channel::provider", "webhook::client", "webhook::worker"], except: &[] },
    Rule { place: "store", words: ABOVE_APP, except: &[] },
    Rule { place: "store", words: &["crate::app", "crate::channel"], except: &[] },
    Rule { place: "", words: BUILDERS, except: &["cli", "config", "config.rs", "daemon", "telemetry"] },
    // The simulator reads AT and PDUs on its own, so that a bug of ours is not mirrored.
    Rule { place: "simulator", words: &["modem::at", "modem::pdu"], except: &[] },
];

#[test]
fn no_place_names_what_it_may_not() {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut breaches = Vec::new();
    for rule in RULES {
        let except: Vec<PathBuf> = rule.except.iter().map(|part| source.join(part)).collect();
        for file in files(&source.join(rule.place)) {
            if except.iter().any(|part| file.starts_with(part)) {
                continue;
            }
            let text = fs::read_to_string(&file).expect("a source file");
            for (number, line) in code(&text) {
                for word in rule.words.iter().filter(|word| names(line, word)) {
                    let file = file.strip_prefix(&source).expect("a file below src").display();
                    breaches.push(format!("src/{file}:{number} names {word}"));
                }
            }
        }
    }
    assert!(breaches.is_empty(), "\n{}", breaches.join("\n"));
}

#[test]
fn clippy_refuses_a_second_door_to_the_clock_and_to_randomness() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("clippy.toml");
    let settings: toml::Table = fs::read_to_string(path).expect("clippy.toml").parse().expect("TOML");
    let methods = settings["disallowed-methods"].as_array().expect("a list");
    let refused: Vec<&str> = methods.iter().filter_map(|method| method.get("path")?.as_str()).collect();
    for method in ["std::time::SystemTime::now", "std::time::Instant::now", "getrandom::fill", "std::thread::sleep"] {
        assert!(refused.contains(&method), "clippy.toml disallows {method}");
    }
}

#[test]
fn a_word_is_found_whole_and_only_in_code() {
    assert!(names("use std::io::Read;", "std::io"));
    assert!(names("let now = Instant::now();", "Instant"));
    assert!(!names("let instantly = Instantly;", "Instant"));
    assert!(!names("struct ManualInstant;", "Instant"));
    assert!(names("x.await?", ".await"));
    assert!(!names("asynchronous", "async"));
    let text = "//! std::io\nuse a; // std::fs\nlet url = \"https://x\";\n#[cfg(test)]\nmod tests { use std::fs; }";
    let lines: Vec<_> = code(text).collect();
    assert_eq!(lines, [(1, ""), (2, "use a; "), (3, "let url = \"https://x\";")]);
}

/// The files of a folder or the one file. The folder's own file beside it (`at.rs` for `at`) belongs to it.
fn files(place: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for file in [place.to_owned(), place.with_extension("rs")] {
        if file.is_file() {
            found.push(file);
        }
    }
    if let Ok(entries) = fs::read_dir(place) {
        for entry in entries {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                found.extend(files(&path));
            } else if path.extension().is_some_and(|extension| extension == "rs")
                // Tests of a module in a file of their own.
                && path.file_stem().is_none_or(|stem| stem != "tests")
            {
                found.push(path);
            }
        }
    }
    found.sort();
    found.dedup();
    found
}

/// The numbered lines before the tests, without their comments.
fn code(text: &str) -> impl Iterator<Item = (usize, &str)> {
    text.lines()
        .take_while(|line| !line.trim_start().starts_with("#[cfg(test)]"))
        .enumerate()
        .map(|(index, line)| (index + 1, without_comment(line)))
}

fn without_comment(line: &str) -> &str {
    // The two slashes of an address are no comment.
    let comment = line.match_indices("//").find(|&(start, _)| !line[..start].ends_with(':'));
    comment.map_or(line, |(start, _)| &line[..start])
}

/// Whether `word` stands in `line` and is no part of a longer one.
fn names(line: &str, word: &str) -> bool {
    let part_of_word = |character: char| character.is_alphanumeric() || character == '_';
    line.match_indices(word).any(|(start, found)| {
        let before = line[..start].chars().next_back().is_some_and(part_of_word);
        let after = line[start + found.len()..].chars().next().is_some_and(part_of_word);
        let word_begins = word.starts_with(part_of_word);
        let word_ends = word.ends_with(part_of_word);
        !(word_begins && before || word_ends && after)
    })
}
