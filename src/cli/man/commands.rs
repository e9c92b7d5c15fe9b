//! Section 1: a page for each command, from the same description as `--help`.

use clap::Command;
use clap_mangen::Man;
use clap_mangen::roff::{Roff, bold, italic, roman};

use super::{Page, begin, entry, exit_status, listing, part, see_also, without_preamble};

/// The pages of `command` and of all commands below it.
pub fn pages(mut command: Command) -> Vec<Page> {
    command.build();
    let mut pages = Vec::new();
    add(&command, None, &mut pages);
    pages
}

fn add(command: &Command, parent: Option<&str>, pages: &mut Vec<Page>) {
    let name = command.get_display_name().unwrap_or_else(|| command.get_name()).to_owned();
    let shown = command.get_subcommands().filter(|command| !command.is_hide_set());
    for below in shown {
        add(below, Some(&name), pages);
    }
    let text = page(command, &name, parent);
    pages.push(Page { file: format!("{name}.1"), text });
}

fn page(command: &Command, name: &str, parent: Option<&str>) -> String {
    let man = Man::new(command.clone());
    let mut text = begin(name, "1");
    text += &generated(|out| man.render_name_section(out));
    text += &part(|roff| synopsis(roff, command));
    text += &generated(|out| man.render_description_section(out));
    text += &generated(|out| man.render_options_section(out));
    if command.has_subcommands() {
        text += &generated(|out| man.render_subcommands_section(out));
    }
    text + &part(|roff| {
        if let Some(notes) = command.get_after_help() {
            roff.control("SH", ["NOTES"]);
            listing(roff, notes.to_string().lines());
        }
        if parent.is_none() {
            environment(roff);
            files(roff);
        }
        exit_status(roff);
        if parent.is_none() {
            examples(roff);
        }
        see_also(roff, &further(name, parent));
    })
}

/// What the generator writes.
fn generated(render: impl FnOnce(&mut dyn std::io::Write) -> std::io::Result<()>) -> String {
    let mut text = Vec::new();
    render(&mut text).expect("a vector takes what is written");
    without_preamble(String::from_utf8(text).expect("the generator writes text"))
}

/// As `--help` says it; the generator leaves out the values of options.
fn synopsis(roff: &mut Roff, command: &Command) {
    let usage = command.clone().render_usage().to_string();
    let usage = usage.strip_prefix("Usage:").unwrap_or(&usage);
    roff.control("SH", ["SYNOPSIS"]);
    for (index, line) in usage.lines().map(str::trim).filter(|line| !line.is_empty()).enumerate() {
        if index > 0 {
            roff.control("br", []);
        }
        let words = line.split(' ').take_while(|word| word.starts_with(char::is_lowercase)).count();
        let mut words_and_rest = line.splitn(words + 1, ' ');
        let program: Vec<&str> = words_and_rest.by_ref().take(words).collect();
        let rest = words_and_rest.next().map_or(String::new(), |rest| format!(" {rest}"));
        roff.text([bold(program.join(" ")), roman(rest)]);
    }
}

fn environment(roff: &mut Roff) {
    roff.control("SH", ["ENVIRONMENT"]);
    let setting = [bold("SIMVERIFY__"), italic("SECTION"), bold("__"), italic("KEY")];
    entry(roff, setting, "A setting, above the configuration files: SIMVERIFY__SERVER__LISTEN=127.0.0.1:9000.");
}

fn files(roff: &mut Roff) {
    roff.control("SH", ["FILES"]);
    for (path, meaning) in [
        ("/etc/simverify/simverify.toml", "The configuration, if --config names no other; simverify.toml(5)."),
        ("/etc/simverify/conf.d/*.toml", "Further configuration, in the order of the names."),
        ("/var/lib/simverify/", "Database and key file, of the user simverify alone; simverify(8)."),
    ] {
        entry(roff, [italic(path)], meaning);
    }
}

fn examples(roff: &mut Roff) {
    roff.control("SH", ["EXAMPLES"]);
    for (what, command) in [
        ("Try everything with a virtual modem:", "simverify demo"),
        ("Find the modem, and the configuration for it:", "sudo simverify modem probe"),
        ("Look at the whole installation:", "sudo -u simverify simverify doctor"),
        ("Copy the database while the daemon runs:", "sudo -u simverify simverify backup /var/lib/simverify/today.db"),
    ] {
        roff.control("PP", []);
        roff.text([roman(what)]);
        roff.control("PP", []);
        roff.control("RS", ["4"]);
        roff.text([bold(command)]);
        roff.control("RE", []);
    }
}

fn further<'a>(name: &str, parent: Option<&'a str>) -> Vec<&'a str> {
    let daemon = matches!(name, "simverify" | "simverify-serve" | "simverify-doctor" | "simverify-healthcheck");
    let above = parent.filter(|parent| *parent != "simverify");
    let root = parent.map(|_| "simverify");
    above.into_iter().chain(root).chain(Some("simverify.toml.5")).chain(daemon.then_some("simverify.8")).collect()
}

#[cfg(test)]
mod tests {
    use super::super::command_line;
    use super::*;

    #[test]
    fn a_page_says_what_help_says_with_the_values_of_options() {
        let pages = pages(command_line());
        let page = pages.iter().find(|page| page.file == "simverify-backup.1").expect("the page");
        assert!(page.text.contains("\n\\fBsimverify backup\\fR [OPTIONS] <FILE>\n"), "{}", page.text);
        assert!(page.text.ends_with("\\fBsimverify\\fR(1), \\fBsimverify.toml\\fR(5)\n"), "{}", page.text);
    }
}
