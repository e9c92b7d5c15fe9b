//! A disk without space: status 5, a line that says what to do, and work that goes on by itself.

use std::fs::{self, File};
use std::io::Write;
use std::os::fd::AsRawFd;
use std::process::{Command, Stdio};
use std::time::Duration;

use serde_json::Value;

use crate::client::number;
use crate::daemon::{Daemon, message};
use crate::installation::{Installation, OPEN_ATTEMPTS};
use crate::modem::settle;
use crate::providers::{answer, provider, with_provider_alone};

const SOON: Duration = Duration::from_secs(90);

/// The soft limit of the size of files that the daemon writes.
fn limit_files(daemon: &Daemon, limit: &str) {
    let status = Command::new("prlimit")
        .args(["--pid", &daemon.id().to_string(), &format!("--fsize={limit}:")])
        .status()
        .expect("prlimit of util-linux");
    assert!(status.success());
}

/// The cause that the log tells for a reply of status 5.
fn cause_of_fault(daemon: &mut Daemon, reply: &Value) -> String {
    assert_eq!(reply["status"], "5", "{reply}");
    let line = daemon.until(SOON, "fault", |line| message(line) == "a request failed by a fault of ours");
    assert_eq!(line["level"], "ERROR");
    assert_eq!(line["trace_id"], reply["trace_id"], "{line}");
    line["error"].as_str().expect("a cause").to_owned()
}

#[test]
fn a_file_size_limit_fails_requests_and_not_the_daemon() {
    let installation = Installation::new();
    let mut modem = installation.modem(&[]);
    let mut daemon = installation.daemon();
    let client = daemon.client();
    client.accepted(&number(0));
    modem.shows(1, SOON);
    settle(&installation, &mut daemon);

    limit_files(&daemon, "1");
    for index in 1..4 {
        let reply = client.request(&number(index)).expect("a reply");
        let cause = cause_of_fault(&mut daemon, &reply);
        insta::allow_duplicates! {
            insta::assert_snapshot!(
                cause,
                @"reading or writing the database failed (disk I/O error): check the disk, and any limit on the size of files"
            );
        }
    }
    assert_eq!(installation.count("select count(*) from verification"), 1);

    limit_files(&daemon, "unlimited");
    client.accepted(&number(1));
    modem.shows(2, SOON);
    settle(&installation, &mut daemon);
    daemon.stop();
    assert_eq!(installation.count("select count(*) from verification"), 2);
    installation.assert_intact();
}

/// `serve` in a file system of its own of that size, mounted over the installation's `disk` for this process alone. `None`:
/// this user may not mount.
fn on_small_disk(installation: &Installation) -> Option<Command> {
    let may_mount = Command::new("unshare")
        .args(["-m", "sh", "-c", "mount -t tmpfs -o size=64k tmpfs /tmp"])
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success());
    if !may_mount {
        eprintln!("skipped: this user may not mount a file system");
        return None;
    }
    fs::create_dir(installation.path("disk")).expect("a directory");
    let text = fs::read_to_string(installation.config()).expect("the configuration");
    let directory = installation.directory.path().display().to_string();
    let text = text.replace(&format!("{directory}/simverify.db"), &format!("{directory}/disk/simverify.db"));
    fs::write(installation.config(), text).expect("a configuration");
    let script = format!(
        "mount -t tmpfs -o size=2m tmpfs {directory}/disk && cp -p {directory}/simverify.db {directory}/disk && \
         exec {} serve --config {directory}/simverify.toml",
        crate::child::PROGRAM
    );
    let mut command = Command::new("unshare");
    command.env_clear().env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin").args(["-m", "sh", "-c", &script]);
    Some(command)
}

#[test]
fn a_full_disk_fails_requests_until_there_is_space_again() {
    let installation = Installation::new();
    let Some(command) = on_small_disk(&installation) else { return };
    let mut modem = installation.modem(&[]);
    let mut daemon = Daemon::listening(command);
    let client = daemon.client();
    client.accepted(&number(0));
    modem.shows(1, SOON);

    // The daemon's view of the file system.
    let filler = format!("/proc/{}/root{}", daemon.id(), installation.path("disk/filler").display());
    let mut file = File::create(&filler).expect("a file");
    while file.write_all(&[0; 512]).is_ok() {}
    // What the write-ahead log has room for is still accepted.
    let mut accepted = 1;
    let refused = loop {
        let reply = client.request(&number(accepted)).expect("a reply");
        if reply["status"] != "0" {
            break reply;
        }
        accepted += 1;
        assert!(accepted < 1000, "the disk is not full");
    };
    insta::assert_snapshot!(cause_of_fault(&mut daemon, &refused), @"the disk is full: free some space; work goes on by itself");

    fs::remove_file(&filler).expect("the filler");
    drop(file);
    client.accepted(&number(accepted));
    modem.shows(accepted + 1, SOON);
    // The file system would go with the daemon.
    let disk = format!("/proc/{}/root{}", daemon.id(), installation.path("disk").display());
    let disk = File::open(disk).expect("a directory");
    // It ends when all that was sent is on record.
    daemon.stop();
    for entry in fs::read_dir(format!("/proc/self/fd/{}", disk.as_raw_fd())).expect("the directory") {
        let entry = entry.expect("a file");
        fs::copy(entry.path(), installation.path(&entry.file_name().to_string_lossy())).expect("a copy");
    }
    installation.assert_intact();
    let written = installation.count("select count(*) from verification");
    assert_eq!(usize::try_from(written), Ok(accepted + 1));
    assert_eq!(installation.count(OPEN_ATTEMPTS), 0);
}

#[test]
fn an_outcome_that_cannot_be_recorded_is_kept_until_it_can() {
    let (port, requests) = provider();
    let installation = with_provider_alone(port);
    let mut daemon = installation.daemon();
    daemon.client().accepted(&number(0));
    let (_, stream) = requests.recv_timeout(SOON).expect("a request");
    limit_files(&daemon, "1");
    answer(stream, "200 OK", &Value::Null);
    daemon.says(SOON, "an outcome cannot be recorded");
    limit_files(&daemon, "unlimited");
    settle(&installation, &mut daemon);
    daemon.stop();
    assert!(requests.try_recv().is_err(), "it was sent twice");
    assert_eq!(installation.count("select count(*) from attempt where state = 'sent'"), 1);
    installation.assert_intact();
}
