//! Databases and keys that a daemon cannot start with: one line and an exit code.

use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;

use nix::unistd::{Uid, User};

use crate::child::PROGRAM;
use crate::installation::Installation;

/// Exit code and standard error.
fn told(command: &mut Command, installation: &Installation) -> String {
    let output = command.output().expect("it runs");
    let said =
        String::from_utf8_lossy(&output.stderr).replace(&installation.directory.path().display().to_string(), "/var");
    format!("exit {}\n{said}", output.status.code().expect("it ends by itself"))
}

/// What `serve` says after `harm` was done to an installation in order.
fn refusal(harm: impl Fn(&Installation)) -> String {
    let installation = Installation::new();
    harm(&installation);
    told(&mut installation.serve(), &installation)
}

fn write_key(installation: &Installation, text: &str) {
    fs::write(installation.path("master.key"), text).expect("a key file");
}

#[test]
fn a_file_that_is_no_database_of_ours_is_refused() {
    let text = refusal(|installation| {
        fs::write(installation.path("simverify.db"), "no database\n".repeat(1000)).expect("a file")
    });
    let foreign = refusal(|installation| {
        fs::remove_file(installation.path("simverify.db")).expect("the database");
        rusqlite::Connection::open(installation.path("simverify.db"))
            .and_then(|foreign| foreign.execute_batch("create table other (x)"))
            .expect("a database");
    });
    insta::assert_snapshot!(text + &foreign, @r"
    exit 78
    simverify: cannot use /var/simverify.db: the file is not a database of Simverify: check storage.path, or restore a backup
    exit 78
    simverify: cannot use /var/simverify.db: the file is not a database of Simverify: check storage.path, or restore a backup
    ");
}

#[test]
fn a_database_of_a_newer_version_is_refused_and_left_as_it_is() {
    let told =
        refusal(|installation| installation.database().execute_batch("pragma user_version = 99").expect("a version"));
    // The number of the program's own schema grows.
    let (before, rest) = told.split_once("knows up to ").expect("the number that is known");
    let told = format!("{before}knows up to N{}", rest.trim_start_matches(|digit: char| digit.is_ascii_digit()));
    insta::assert_snapshot!(told, @r"
    exit 78
    simverify: cannot use /var/simverify.db: the database has schema 99, this program knows up to N: install the newer version again, or restore a backup made before the upgrade
    ");
}

#[test]
fn a_missing_malformed_or_foreign_key_is_refused() {
    let missing = refusal(|installation| fs::remove_file(installation.path("master.key")).expect("the key file"));
    let malformed = refusal(|installation| write_key(installation, "simverify-master-key-1 1234\n"));
    let exposed = refusal(|installation| {
        fs::set_permissions(installation.path("master.key"), Permissions::from_mode(0o644)).expect("permissions");
    });
    let foreign =
        refusal(|installation| write_key(installation, &format!("simverify-master-key-1 {}\n", "5a".repeat(32))));
    insta::assert_snapshot!(missing + &malformed + &exposed + &foreign, @r"
    exit 78
    simverify: key file /var/master.key is missing, but the database beside it was sealed with it; put the file back from a backup (a new key cannot open the database)
    exit 78
    simverify: key file /var/master.key is malformed: expected one line of `simverify-master-key-1` and 64 hex digits; put the file back from a backup
    exit 78
    simverify: key file /var/master.key may be read by others (mode 644); run: chmod 600 /var/master.key
    exit 78
    simverify: cannot use /var/simverify.db: the key file does not belong to this database: put back the key file that was beside it
    ");
}

/// Hands the installation over to an ordinary user, for root may write everywhere. To an ordinary user it belongs already.
fn of_ordinary_user(installation: &Installation, command: &mut Command) {
    if !Uid::effective().is_root() {
        return;
    }
    let user = User::from_name("nobody").expect("a user database").expect("a user without rights");
    let [uid, gid] = [user.uid.as_raw(), user.gid.as_raw()];
    for entry in fs::read_dir(installation.directory.path()).expect("a directory") {
        chown(entry.expect("an entry").path(), Some(uid), Some(gid)).expect("root may");
    }
    chown(installation.directory.path(), Some(uid), Some(gid)).expect("root may");
    command.uid(uid).gid(gid);
}

/// The program where an ordinary user can reach it.
fn reachable_program(installation: &Installation) -> std::path::PathBuf {
    let program = installation.path("program");
    if fs::hard_link(PROGRAM, &program).is_err() {
        fs::copy(PROGRAM, &program).expect("a copy");
    }
    program
}

fn serve_as_ordinary_user(installation: &Installation) -> Command {
    let mut command = Command::new(reachable_program(installation));
    command.env_clear().args(["serve", "--config"]).arg(installation.config());
    command
}

fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, Permissions::from_mode(mode)).expect("permissions");
}

#[test]
fn a_database_that_may_not_be_written_is_refused() {
    let installation = Installation::new();
    let mut command = serve_as_ordinary_user(&installation);
    of_ordinary_user(&installation, &mut command);
    if Uid::effective().is_root() {
        // Its owner could make it writable again.
        chown(installation.path("simverify.db"), Some(0), Some(0)).expect("root may");
        set_mode(&installation.path("simverify.db"), 0o644);
        insta::assert_snapshot!(told(&mut command, &installation), @r"
        exit 77
        simverify: cannot use /var/simverify.db: the database is read-only: check the owner and mode of the file and its directory, and the mount
        ");
    }

    let installation = Installation::new();
    let mut command = serve_as_ordinary_user(&installation);
    of_ordinary_user(&installation, &mut command);
    set_mode(installation.directory.path(), 0o555);
    let read_only_directory = told(&mut command, &installation);
    set_mode(installation.directory.path(), 0o755);
    insta::assert_snapshot!(read_only_directory, @r"
    exit 77
    simverify: cannot start: cannot lock /var/simverify.db.lock (Permission denied (os error 13)): check that its directory exists and that this user may write to it
    ");
}

#[test]
fn a_first_start_makes_a_key_and_a_database_that_only_their_owner_reads() {
    let installation = Installation::empty();
    installation.daemon().stop();
    for name in ["simverify.db", "master.key"] {
        let mode = fs::metadata(installation.path(name)).expect("it was made").permissions().mode() & 0o777;
        assert_eq!(mode, 0o600, "{name}");
    }
    installation.daemon().stop();
}
