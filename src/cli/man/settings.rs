//! Section 5: the configuration, from the built-in defaults and their comments.
//!
//! Lines up to a blank one belong together. A comment explains the key or the table below it; in front of the first table
//! it is about the whole. A table that exists only as an example, `[[modems]]`, is a comment once more.

use clap_mangen::roff::{Inline, Roff, bold, italic, roman};

use super::{Page, begin, entry, listing, part, see_also};
use crate::config::DEFAULT_TOML;

const EXAMPLE: &str = include_str!("../../../config/example-raspberry-pi.toml");

/// What a line of the defaults is.
#[derive(Debug, PartialEq, Eq)]
enum Line<'a> {
    Comment(&'a str),
    Table(&'a str),
    Key(&'a str),
}

pub fn page() -> Page {
    Page { file: "simverify.toml.5".to_owned(), text: begin("simverify.toml", "5") + &part(write) }
}

fn write(roff: &mut Roff) {
    roff.control("SH", ["NAME"]);
    roff.text([roman("simverify.toml - the configuration of Simverify")]);
    roff.control("SH", ["SYNOPSIS"]);
    roff.text([italic("/etc/simverify/simverify.toml")]);
    roff.control("br", []);
    roff.text([italic("/etc/simverify/conf.d/*.toml")]);
    roff.control("SH", ["DESCRIPTION"]);
    let about = "The files are TOML. What follows is the text of the built-in defaults, each key with its default; a file \
                 holds only what is to differ. `simverify config check` names every mistake, and a running daemon reads \
                 part of it again at SIGHUP: see simverify(8).";
    roff.text(inlines(about));
    let (whole, tables) = sections(DEFAULT_TOML);
    comment(roff, &whole);
    roff.control("SH", ["TABLES"]);
    for lines in &tables {
        table(roff, lines);
    }
    roff.control("SH", ["FILES"]);
    entry(roff, [italic("/etc/simverify/")], "Root's, and readable by the user simverify: it may hold secrets.");
    let secrets = "Root's alone: what systemd hands to the daemon by LoadCredential=, as sim1.pin in the example.";
    entry(roff, [italic("/etc/simverify/credentials/")], secrets);
    roff.control("SH", ["EXAMPLE"]);
    listing(roff, EXAMPLE.lines());
    see_also(roff, &["simverify.1", "simverify.8", "simverify-config-check.1", "simverify-config-show.1"]);
}

/// The comment on the whole, and the lines of each table with what stands in front of it.
fn sections(text: &str) -> (Vec<&str>, Vec<Vec<Line<'_>>>) {
    let (mut whole, mut tables) = (Vec::new(), Vec::<Vec<Line<'_>>>::new());
    for block in text.split("\n\n") {
        let lines = lines(block);
        match (lines.iter().any(|line| matches!(line, Line::Table(_))), tables.last_mut()) {
            (true, _) => tables.push(lines),
            (false, Some(table)) => table.extend(lines),
            (false, None) => {
                whole.extend(lines.iter().filter_map(|line| match line {
                    Line::Comment(text) => Some(*text),
                    Line::Table(_) | Line::Key(_) => None,
                }));
                whole.push("");
            }
        }
    }
    (whole, tables)
}

fn lines(block: &str) -> Vec<Line<'_>> {
    let mut commented_out = false;
    let line = |line| {
        let line = match uncommented(line) {
            Some(text) if text.starts_with("[[") => {
                commented_out = true;
                text
            }
            Some(text) if commented_out => text,
            Some(_) | None => line,
        };
        match uncommented(line) {
            Some(text) => Line::Comment(text),
            None if line.starts_with('[') => Line::Table(line),
            None => Line::Key(line),
        }
    };
    block.lines().map(line).collect()
}

/// Without the sign of a comment and the blank behind it.
fn uncommented(line: &str) -> Option<&str> {
    let text = line.strip_prefix('#')?;
    Some(text.strip_prefix(' ').unwrap_or(text))
}

fn table(roff: &mut Roff, lines: &[Line<'_>]) {
    let mut rest = lines;
    while !rest.is_empty() {
        let comments = rest.iter().take_while(|line| matches!(line, Line::Comment(_))).count();
        let explained: Vec<&str> = rest[..comments].iter().map(Line::text).collect();
        rest = &rest[comments..];
        if let Some((Line::Table(name), below)) = rest.split_first() {
            roff.control("SS", [*name]);
            comment(roff, &explained);
            rest = below;
            continue;
        }
        // Keys without a comment of their own share the one above them.
        let keys = rest.iter().take_while(|line| matches!(line, Line::Key(_))).count();
        for (index, key) in rest[..keys].iter().enumerate() {
            match (index, explained.is_empty()) {
                (0, false) => roff.control("TP", []),
                (_, false) => roff.control("TQ", []),
                (0, true) => roff.control("PP", []),
                (_, true) => roff.control("br", []),
            };
            roff.text(setting(key.text()));
        }
        if keys > 0 {
            roff.text(inlines(&explained.join(" ")));
        } else {
            comment(roff, &explained);
        }
        rest = &rest[keys..];
    }
}

impl<'a> Line<'a> {
    fn text(&self) -> &'a str {
        match self {
            Self::Comment(text) | Self::Table(text) | Self::Key(text) => text,
        }
    }
}

/// `key = value`, the key standing out.
fn setting(line: &str) -> Vec<Inline> {
    match line.split_once(" = ") {
        Some((key, value)) => vec![bold(key), roman(format!(" = {value}"))],
        None => vec![bold(line)],
    }
}

/// Paragraphs, and lists that stay as they are.
fn comment(roff: &mut Roff, lines: &[&str]) {
    for paragraph in lines.chunk_by(|a, b| a.starts_with(' ') == b.starts_with(' ') && !a.is_empty() && !b.is_empty()) {
        match paragraph {
            [""] => {}
            [first, ..] if first.starts_with(' ') => listing(roff, paragraph.iter().map(|line| line.trim_start())),
            text => {
                roff.control("PP", []);
                roff.text(inlines(&text.join(" ")));
            }
        }
    }
}

/// Text with what stands in backticks standing out.
fn inlines(text: &str) -> Vec<Inline> {
    text.split('`').enumerate().map(|(index, part)| if index % 2 == 1 { bold(part) } else { roman(part) }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_table_and_key_of_the_defaults_is_in_the_page() {
        let page = page().text.replace("\\-", "-");
        let mut keys = 0;
        for line in DEFAULT_TOML.lines().map(|line| line.trim_start_matches(['#', ' '])) {
            let is_key = |key: &&str| key.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_');
            if line.starts_with('[') {
                assert!(page.contains(&format!(".SS {line}\n")), "{line}");
            } else if let Some(key) = line.split_once(" = ").map(|(key, _)| key).filter(is_key) {
                keys += 1;
                assert!(page.contains(&format!("\\fB{key}\\fR = ")), "{key}");
            }
        }
        assert!(keys > 100, "{keys}");
    }

    #[test]
    fn a_key_takes_the_comment_above_it_and_two_keys_may_share_one() {
        let text = concat!(
            "# On the whole.\n#   1. first\n\n",
            "# The table.\n[a]\n# Two `words`.\n# More.\nx = 1\ny = 2\n\n",
            "# Many.\n#\n# [[b]]\n# # Its name.\n# name = \"\""
        );
        let (whole, tables) = sections(text);
        let mut roff = Roff::new();
        comment(&mut roff, &whole);
        tables.iter().for_each(|lines| table(&mut roff, lines));
        insta::assert_snapshot!(roff.to_roff(), @r#"
        .PP
        On the whole.
        .PP
        .RS 4
        .nf
        1. first
        .fi
        .RE
        .SS [a]
        .PP
        The table.
        .TP
        \fBx\fR = 1
        .TQ
        \fBy\fR = 2
        Two \fBwords\fR. More.
        .SS [[b]]
        .PP
        Many.
        .TP
        \fBname\fR = ""
        Its name.
        "#);
    }
}
