//! The files for systemd, by systemd's own judgement where it is installed, and the package that brings them.

mod package;
mod watchdog;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

fn shipped(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("systemd").join(name)
}

/// The output of a program of systemd; none on a machine without it.
fn systemd(program: &str, arguments: &[&str]) -> Option<Output> {
    match Command::new(program).args(arguments).output() {
        Ok(output) => Some(output),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => None,
        Err(error) => panic!("{program}: {error}"),
    }
}

/// The unit with a program that exists here.
fn unit(directory: &Path) -> String {
    let text = fs::read_to_string(shipped("simverify.service")).expect("the unit");
    let path = directory.join("simverify.service");
    fs::write(&path, text.replace("/usr/bin/simverify", "/bin/true")).expect("a written file");
    path.display().to_string()
}

#[test]
fn the_unit_has_no_mistake() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let arguments = ["verify", "--man=no", &unit(directory.path())];
    let Some(output) = systemd("systemd-analyze", &arguments) else { return };
    let said = String::from_utf8_lossy(&output.stderr);
    // Other units of the machine are judged too.
    let ours: Vec<&str> = said.lines().filter(|line| line.contains("simverify")).collect();
    assert!(ours.is_empty(), "{ours:?}");
}

#[test]
fn the_unit_exposes_little() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    // In tenths: 1.5 of 10.
    let arguments = ["security", "--offline=true", "--threshold=15", &unit(directory.path())];
    let Some(output) = systemd("systemd-analyze", &arguments) else { return };
    let said = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() || said.contains("unrecognized option"), "{said}");
}

#[test]
fn the_user_is_declared_as_sysusers_reads_it() {
    let file = shipped("sysusers.conf").display().to_string();
    let Some(output) = systemd("systemd-sysusers", &["--dry-run", &file]) else { return };
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn the_unit_and_the_defaults_name_the_same_directory() {
    let unit = fs::read_to_string(shipped("simverify.service")).expect("the unit");
    assert!(unit.contains("\nStateDirectory=simverify\n"));
    assert!(simverify::config::DEFAULT_TOML.contains("path = \"/var/lib/simverify/"));
}
