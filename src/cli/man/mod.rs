//! `simverify man`: the manual pages, as they lie in a package.
//!
//! Section 1 has a page for each command, made from the command line; section 5 one for the configuration, made from the
//! built-in defaults and their comments; section 8 one for the daemon. Nothing in them is written twice.

mod commands;
mod daemon;
mod settings;

use std::path::PathBuf;

use clap::Args;
use clap_mangen::roff::{Inline, Roff, bold, roman};

use super::{Exit, Outcome, command_line};

/// What every text of the generator begins with, so that an apostrophe stays one; a page has it once.
const PREAMBLE: &str = ".ie \\n(.g .ds Aq \\(aq\n.el .ds Aq '\n";

/// What the foot of each page says.
const SOURCE: &str = concat!("Simverify ", env!("CARGO_PKG_VERSION"));
const MANUAL: &str = "Simverify Manual";

#[derive(Debug, Args)]
pub struct Arguments {
    /// Made if it does not exist
    #[arg(value_name = "DIR")]
    directory: PathBuf,
}

/// The text of one page.
struct Page {
    /// With the section: `simverify.toml.5`.
    file: String,
    text: String,
}

pub fn run(arguments: &Arguments) -> Outcome {
    let directory = &arguments.directory;
    let write = || {
        std::fs::create_dir_all(directory)?;
        pages().iter().try_for_each(|page| std::fs::write(directory.join(&page.file), &page.text))
    };
    write().map_err(|error| {
        let exit = Exit::of_io(&error);
        let context = format!("cannot write manual pages to {}", directory.display());
        exit.because(anyhow::Error::new(error).context(context))
    })
}

fn pages() -> Vec<Page> {
    let mut pages = commands::pages(command_line());
    pages.push(settings::page());
    pages.push(daemon::page());
    pages
}

/// The begin of a page in `section`. The date stays empty: a page is as old as its program.
fn begin(name: &str, section: &str) -> String {
    format!("{PREAMBLE}.TH {} {section} \"\" \"{SOURCE}\" \"{MANUAL}\"\n", name.to_uppercase())
}

/// What `write` adds to a page.
fn part(write: impl FnOnce(&mut Roff)) -> String {
    let mut roff = Roff::new();
    write(&mut roff);
    without_preamble(roff.render())
}

fn without_preamble(text: String) -> String {
    text.strip_prefix(PREAMBLE).map(str::to_owned).unwrap_or(text)
}

/// The section on exit codes.
fn exit_status(roff: &mut Roff) {
    roff.control("SH", ["EXIT STATUS"]);
    for (exit, meaning) in Exit::MEANINGS {
        entry(roff, [bold((exit as u8).to_string())], meaning);
    }
}

/// A term and what it means.
fn entry(roff: &mut Roff, term: impl Into<Vec<Inline>>, meaning: &str) {
    roff.control("TP", []);
    roff.text(term);
    roff.text([roman(meaning)]);
}

/// Lines that stay as they are.
fn listing<'a>(roff: &mut Roff, lines: impl Iterator<Item = &'a str>) {
    roff.control("PP", []);
    roff.control("RS", ["4"]);
    roff.control("nf", []);
    for line in lines {
        roff.text([roman(line)]);
    }
    roff.control("fi", []);
    roff.control("RE", []);
}

/// The section that names further pages.
fn see_also(roff: &mut Roff, pages: &[&str]) {
    roff.control("SH", ["SEE ALSO"]);
    let mut line = Vec::new();
    for (index, page) in pages.iter().enumerate() {
        let (name, section) = page.rsplit_once('.').unwrap_or((page, "1"));
        line.push(bold(name));
        line.push(roman(format!("({section}){}", if index + 1 < pages.len() { ", " } else { "" })));
    }
    roff.text(line);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_page_has_a_name_a_title_and_the_version() {
        let pages = pages();
        assert!(pages.len() > 60, "{}", pages.len());
        for page in &pages {
            let (name, section) = page.file.rsplit_once('.').expect("a section");
            let title = format!(".TH {} {section} \"\" \"{SOURCE}\" \"{MANUAL}\"\n", name.to_uppercase());
            assert!(page.text.contains(&title), "{title}: {}", page.text);
            assert_eq!(page.text.matches(PREAMBLE).count(), 1, "{}", page.file);
            for heading in [".SH NAME\n", ".SH SYNOPSIS\n", ".SH DESCRIPTION\n", ".SH \"SEE ALSO\"\n"] {
                assert_eq!(page.text.matches(heading).count(), 1, "{}: {heading}", page.file);
            }
        }
    }
}
