//! Accounts, backups and the health check as an operator meets them: exit codes and whole messages.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use assert_cmd::Command;
use serde_json::{Value, json};
use tempfile::TempDir;

/// An installation in a directory of its own.
struct Installation(TempDir);

impl Installation {
    fn new() -> Self {
        Self::with("[[modems]]\nname = \"sim1\"\nport = \"simulator:sim1\"\n")
    }

    fn with(config: &str) -> Self {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let place = directory.path().display();
        let storage = format!("[storage]\npath = \"{place}/simverify.db\"\nkey_file = \"{place}/master.key\"\n\n");
        fs::write(directory.path().join("simverify.toml"), storage + config).expect("a written file");
        Self(directory)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::cargo_bin("simverify").expect("the program is built");
        command.env_clear().env("PATH", "/usr/bin:/bin").arg("--config").arg(self.path("simverify.toml"));
        command.args(arguments).current_dir(self.0.path());
        command
    }

    /// Exit code, standard output and standard error; the installation's directory reads `/var`.
    fn told(&self, arguments: &[&str]) -> String {
        let output = self.command(arguments).output().expect("the program runs");
        let code = output.status.code().expect("the program ends by itself");
        let place = self.0.path().display().to_string();
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).replace(&place, "/var");
        format!("exit {code}\n{}{}", text(&output.stdout), text(&output.stderr))
    }

    fn json(&self, arguments: &[&str]) -> Value {
        let output = self.command(arguments).arg("--json").output().expect("the program runs");
        serde_json::from_slice(&output.stdout).expect("JSON")
    }

    fn mode(&self, name: &str) -> u32 {
        fs::metadata(self.path(name)).expect("a file").permissions().mode() & 0o777
    }
}

/// The lines of `text` with dates as `DATE`.
fn without_dates(text: &str) -> String {
    let is_date = |word: &&str| word.len() == 24 && word.ends_with('Z') && word.as_bytes()[10] == b'T';
    let date = text.split_whitespace().find(is_date).unwrap_or("no date").to_owned();
    text.replace(&date, "DATE")
}

#[test]
fn the_first_account_makes_database_and_key_file_for_their_owner_alone() {
    let installation = Installation::new();
    let made = installation.json(&["account", "add", "shop"]);
    assert_eq!(made.as_object().expect("an object").keys().collect::<Vec<_>>(), ["api_key", "api_secret"]);
    assert_eq!([installation.mode("simverify.db"), installation.mode("master.key")], [0o600; 2]);
}

#[test]
fn an_account_keeps_the_credentials_of_an_existing_client() {
    let installation = Installation::new();
    let text = installation.told(&["account", "add", "shop", "--key", "abcd1234", "--secret", "Geheim"]);
    insta::assert_snapshot!(text, @r"
    exit 0
    api_key     abcd1234
    api_secret  Geheim
    The secret is not shown again.
    ");
    let again = installation.told(&["account", "add", "other", "--key", "abcd1234"]);
    insta::assert_snapshot!(again, @r"
    exit 65
    simverify: another account has the key abcd1234: choose another key, or remove that account first
    ");
    for name in ["simverify.db", "simverify.db-wal"] {
        let file = fs::read(installation.path(name)).unwrap_or_default();
        assert!(!file.windows(6).any(|octets| octets == b"Geheim"), "{name} holds the secret");
    }
}

#[test]
fn a_secret_need_not_stand_in_a_process_list() {
    let installation = Installation::new();
    let mut command = installation.command(&["account", "add", "a", "--key", "a", "--secret", "-", "--json"]);
    let output = command.write_stdin("from standard input\n").output().expect("the program runs");
    let made: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!(made, json!({ "api_key": "a", "api_secret": "from standard input" }));
    fs::write(installation.path("secret"), "from a file\n").expect("a file");
    let made = installation.json(&["account", "add", "b", "--key", "b", "--secret-file", "secret"]);
    assert_eq!(made, json!({ "api_key": "b", "api_secret": "from a file" }));
    insta::assert_snapshot!(installation.told(&["account", "add", "c", "--secret-file", "none"]), @r"
    exit 74
    simverify: cannot read none: No such file or directory (os error 2)
    ");
    insta::assert_snapshot!(installation.told(&["account", "add", "c", "--secret", ""]), @r"
    exit 64
    simverify: the secret must be 1 to 256 characters without control characters
    ");
}

#[test]
fn an_account_has_defaults_of_its_own_and_loses_them_again() {
    let installation = Installation::new();
    let given = ["--workflow", "6", "--language", "DE-de", "--origin-domain", "Shop.example"];
    installation.json(&[&["account", "add", "shop", "--key", "k1"], &given[..]].concat());
    let shown = installation.told(&[
        "account",
        "set",
        "k1",
        "--rate",
        "5",
        "--sender-id",
        "SHOP",
        "--workflow",
        "",
        "--app-hash",
        "FA+9qCX9VSu",
    ]);
    insta::assert_snapshot!(without_dates(&shown), @"
    exit 0
    key            k1
    name           shop
    state          active
    credits        no limit
    rate           5/s
    created        DATE
    sender_id      SHOP
    workflow       none
    language       de-de
    origin_domain  shop.example
    app_hash       FA+9qCX9VSu
    ");
    let shown = installation.json(&["account", "set", "k1", "--rate", "0", "--app-hash", ""]);
    assert_eq!((&shown["rate"], &shown["app_hash"], &shown["language"]), (&Value::Null, &Value::Null, &json!("de-de")));
    for (option, value) in [
        ("--workflow", "8"),
        ("--language", "sk-sk"),
        ("--language", "xx"),
        ("--sender-id", "a sender"),
        ("--origin-domain", "https://shop.example"),
        ("--app-hash", "short"),
    ] {
        let told = installation.told(&["account", "set", "k1", option, value]);
        assert!(told.starts_with("exit 64\n") && told.contains(option), "{told}");
    }
    assert!(installation.told(&["account", "set", "k2", "--rate", "1"]).starts_with("exit 65\n"));
}

#[test]
fn numbers_and_prefixes_are_blocked_listed_and_taken_back() {
    let installation = Installation::new();
    insta::assert_snapshot!(installation.told(&["blocklist", "list"]), @"
    exit 69
    simverify: there is no database at /var/simverify.db yet: `simverify serve` and `simverify account add` make it
    ");
    let mut text = String::new();
    for arguments in [
        ["blocklist", "add", "+44 7700 900123"],
        ["blocklist", "add", "0044909*"],
        ["blocklist", "add", "447700900123"],
        ["blocklist", "add", "07700900123"],
        ["blocklist", "remove", "+447700900123"],
        ["blocklist", "remove", "+447700900123"],
    ] {
        text += &installation.told(&arguments);
    }
    insta::assert_snapshot!(text, @"
    exit 0
    +447700900123 is blocked
    exit 0
    +44909* is blocked
    exit 0
    +447700900123 was blocked already
    exit 64
    error: invalid value '07700900123' for '<NUMBER|PREFIX*>': a number in international form such as +447700900123, or a prefix with a star behind it such as +44909*

    For more information, try '--help'.
    exit 0
    +447700900123 is not blocked any more
    exit 65
    simverify: no such entry: write it as `simverify blocklist list --reveal` shows it, with the star if it has one
    ");
    installation.json(&["blocklist", "add", "447700900124"]);
    let [masked, whole] = [&["blocklist", "list"][..], &["blocklist", "list", "--reveal"]].map(|list| {
        let entries = installation.json(list);
        entries.as_array().expect("a list").iter().map(|entry| entry["entry"].clone()).collect::<Vec<_>>()
    });
    assert_eq!(masked, ["+44909*", "+44…24"]);
    assert_eq!(whole, ["+44909*", "+447700900124"]);
    installation.json(&["blocklist", "remove", "447700900124"]);
    let left = installation.json(&["blocklist", "list"]);
    assert_eq!(left.as_array().expect("a list").len(), 1);
    assert_eq!(left[0]["entry"], "+44909*");
    for name in ["simverify.db", "simverify.db-wal"] {
        let file = fs::read(installation.path(name)).unwrap_or_default();
        assert!(!file.windows(12).any(|octets| octets == b"447700900123"), "{name} holds the number");
    }
}

#[test]
fn accounts_are_listed_shown_and_changed() {
    let installation = Installation::new();
    installation.json(&["account", "add", "shop", "--key", "k1", "--credits", "500", "--rate", "5"]);
    installation.json(&["account", "add", "Bäckerei Müller", "--key", "k2"]);
    let list = installation.told(&["account", "list"]);
    let rows: Vec<&str> = list.lines().map(|line| line.rsplit_once("  ").map_or(line, |(row, _)| row.trim())).collect();
    assert_eq!(
        rows,
        [
            "exit 0",
            "KEY  NAME             STATE   CREDITS   RATE",
            "k1   shop             active  500       5/s",
            "k2   Bäckerei Müller  active  no limit  default",
        ]
    );
    let mut listed = installation.json(&["account", "list"]);
    listed[1]["created"] = "DATE".into();
    assert_eq!(
        listed[1],
        json!({
            "api_key": "k2", "name": "Bäckerei Müller", "barred": false, "credits": null, "rate": null,
            "created": "DATE", "sender_id": null, "workflow": null, "language": null, "origin_domain": null,
            "app_hash": null,
        })
    );
    assert_eq!(installation.json(&["account", "bar", "k1"])["barred"], true);
    assert_eq!(installation.json(&["account", "show", "k1"])["barred"], true);
    assert_eq!(installation.json(&["account", "unbar", "k1"])["barred"], false);
    assert_eq!(installation.json(&["account", "credit", "k1", "-200"])["credits"], 300);
    insta::assert_snapshot!(without_dates(&installation.told(&["account", "credit", "k2", "7"])), @"
    exit 0
    key            k2
    name           Bäckerei Müller
    state          active
    credits        7
    rate           default
    created        DATE
    sender_id      none
    workflow       none
    language       none
    origin_domain  none
    app_hash       none
    ");
    insta::assert_snapshot!(installation.told(&["account", "remove", "k1"]), @r"
    exit 0
    account k1 removed, and its verifications: 0
    ");
    let unknown = [["show", "k1"], ["bar", "k1"], ["rotate-secret", "k1"], ["remove", "k1"]]
        .map(|[command, key]| installation.told(&["account", command, key]));
    for text in unknown {
        assert_eq!(text, "exit 65\nsimverify: no account has the key k1: see `simverify account list`\n");
    }
}

#[test]
fn a_rotated_secret_is_another_one() {
    let installation = Installation::new();
    let made = installation.json(&["account", "add", "shop", "--key", "k1"]);
    let rotated = installation.json(&["account", "rotate-secret", "k1"]);
    assert_eq!(rotated["api_key"], "k1");
    assert_ne!(rotated["api_secret"], made["api_secret"]);
}

#[test]
fn a_command_that_only_looks_makes_no_database() {
    let installation = Installation::new();
    for arguments in
        [&["account", "list"][..], &["account", "show", "k"], &["account", "bar", "k"], &["backup", "copy"]]
    {
        insta::allow_duplicates! {
            insta::assert_snapshot!(installation.told(arguments), @r"
            exit 69
            simverify: there is no database at /var/simverify.db yet: `simverify serve` and `simverify account add` make it
            ");
        }
    }
    installation.told(&["doctor"]);
    let files: Vec<_> = fs::read_dir(installation.0.path()).expect("a directory").flatten().collect();
    assert_eq!(files.len(), 1, "{files:?}");
}

#[test]
fn a_database_without_its_key_file_is_refused() {
    let installation = Installation::new();
    installation.json(&["account", "add", "shop"]);
    fs::remove_file(installation.path("master.key")).expect("removed");
    insta::assert_snapshot!(installation.told(&["account", "add", "other"]), @r"
    exit 78
    simverify: key file /var/master.key is missing, but the database beside it was sealed with it; put the file back from a backup (a new key cannot open the database)
    ");
    assert!(!installation.path("master.key").exists(), "no key is made for it");
    let other = Installation::new();
    other.json(&["account", "add", "shop"]);
    fs::rename(other.path("master.key"), installation.path("master.key")).expect("another key");
    insta::assert_snapshot!(installation.told(&["account", "list"]), @r"
    exit 78
    simverify: cannot use /var/simverify.db: the key file does not belong to this database: put back the key file that was beside it
    ");
    fs::set_permissions(installation.path("master.key"), fs::Permissions::from_mode(0o644)).expect("permissions");
    insta::assert_snapshot!(installation.told(&["account", "list"]), @r"
    exit 78
    simverify: key file /var/master.key may be read by others (mode 644); run: chmod 600 /var/master.key
    ");
}

#[test]
fn a_directory_that_does_not_exist_is_named() {
    let installation = Installation::new();
    let text = installation.told(&["--set", "storage.path=/nonexistent/simverify.db", "account", "add", "shop"]);
    insta::assert_snapshot!(text, @r"
    exit 78
    simverify: the directory of /nonexistent/simverify.db does not exist: make it for the daemon's user (install -d -m 700 -o USER /nonexistent), or change [storage]
    ");
    assert!(!installation.path("master.key").exists());
}

#[test]
fn what_root_makes_belongs_to_the_owner_of_the_directory() {
    // Only root can give files away.
    if nix::unistd::geteuid().is_root() {
        use std::os::unix::fs::{MetadataExt, chown};
        let installation = Installation::new();
        chown(installation.0.path(), Some(65_534), Some(65_534)).expect("another owner");
        installation.json(&["account", "add", "shop"]);
        for name in ["simverify.db", "master.key"] {
            assert_eq!(fs::metadata(installation.path(name)).expect("a file").uid(), 65_534, "{name}");
        }
    }
}

#[test]
fn a_backup_is_private_whole_and_never_replaces_a_file() {
    let installation = Installation::new();
    installation.json(&["account", "add", "shop", "--key", "k1"]);
    let text = installation.told(&["backup", "copy.db"]);
    let size = fs::metadata(installation.path("copy.db")).expect("the copy").len();
    insta::assert_snapshot!(text.replace(&size.to_string(), "SIZE"), @r"
    exit 0
    SIZE octets written to copy.db
    It opens only with the key file /var/master.key: keep a copy of that too, in another place.
    ");
    assert_eq!(installation.mode("copy.db"), 0o600);
    insta::assert_snapshot!(installation.told(&["backup", "copy.db"]), @r"
    exit 74
    simverify: copy.db exists: choose another name, a backup never replaces a file
    ");
    insta::assert_snapshot!(installation.told(&["backup", "none/copy.db"]), @r"
    exit 74
    simverify: cannot write none/copy.db: No such file or directory (os error 2)
    ");
    let left: Vec<_> = fs::read_dir(installation.0.path()).expect("a directory").flatten().collect();
    assert!(!left.iter().any(|file| file.file_name().to_string_lossy().contains("partial")), "{left:?}");
    // Restored, it is the database.
    fs::rename(installation.path("copy.db"), installation.path("simverify.db")).expect("restored");
    let _ = fs::remove_file(installation.path("simverify.db-wal"));
    assert_eq!(installation.json(&["account", "list"])[0]["api_key"], "k1");
}

#[test]
fn what_is_no_database_is_neither_opened_nor_copied() {
    let installation = Installation::new();
    installation.json(&["account", "add", "shop"]);
    fs::write(installation.path("simverify.db"), "something else, long enough to be read as a header of a file")
        .expect("a file");
    let _ = fs::remove_file(installation.path("simverify.db-wal"));
    let said = [&["account", "list"][..], &["backup", "copy.db"]].map(|arguments| installation.told(arguments));
    insta::assert_snapshot!(said.concat(), @r"
    exit 78
    simverify: cannot use /var/simverify.db: the file is not a database of Simverify: check storage.path, or restore a backup
    exit 78
    simverify: cannot use /var/simverify.db: the file is not a database of Simverify: check storage.path, or restore a backup
    ");
    assert!(!installation.path("copy.db").exists());
}

#[test]
fn the_health_check_is_one_page_before_and_after_the_first_start() {
    let provider = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = provider.local_addr().expect("an address").to_string();
    let installation = Installation::with(&format!(
        "[[modems]]\nname = \"sim1\"\nport = \"simulator:sim1\"\n\
         [[providers]]\nname = \"backup\"\nurl = \"http://{address}/send\"\n",
    ));
    let page = |text: String| {
        let text = text.replace(&address, "PROVIDER");
        let sizes = |line: &str| match line.split_once("disk") {
            Some(_) => "ok    disk ...".to_owned(),
            // As much of the write-ahead log as is left counts too.
            None => match line.split_once(" MiB,") {
                Some((before, after)) => {
                    format!("{}SIZE,{after}", before.trim_end_matches(|c| !char::is_whitespace(c)))
                }
                None => line.to_owned(),
            },
        };
        text.lines().map(|line| sizes(line) + "\n").collect::<String>()
    };
    insta::assert_snapshot!(page(installation.told(&["doctor"])), @r"
    exit 0
    ok    configuration    valid: modems: 1, providers: 1
    ok    daemon           not running
    ok    database         /var/simverify.db does not exist yet; the first start makes it
    ok    key file         /var/master.key does not exist yet; the first start makes it
    ok    disk ...
    ok    modem sim1       simulator:sim1: virtual, nothing reaches a real phone
    ok    provider backup  sms by PROVIDER: reached, nothing was sent
    ok    speech           not needed: no modem is set up for calls (voice.kind)
    ");
    installation.json(&["account", "add", "shop"]);
    insta::assert_snapshot!(page(installation.told(&["doctor"])), @"
    exit 0
    ok    configuration    valid: modems: 1, providers: 1
    ok    daemon           not running
    ok    database         /var/simverify.db: intact, schema 11, SIZE, accounts: 1, attempts under way: 0
    ok    key file         /var/master.key
    ok    disk ...
    ok    modem sim1       simulator:sim1: virtual, nothing reaches a real phone
    ok    provider backup  sms by PROVIDER: reached, nothing was sent
    ok    speech           not needed: no modem is set up for calls (voice.kind)
    ");
}

#[test]
fn the_health_check_says_what_is_wrong_and_what_to_do() {
    let installation = Installation::with(
        "[tts]\nengine = \"command\"\ncommand = [\"no-such-program\"]\n\
         [[modems]]\nname = \"sim1\"\nport = \"/dev/serial/by-id/no-such-modem\"\nvoice = { kind = \"alsa\", device = \"hw:1\" }\n",
    );
    installation.json(&["account", "add", "shop"]);
    fs::set_permissions(installation.path("master.key"), fs::Permissions::from_mode(0o644)).expect("permissions");
    let text = installation.told(&["doctor"]);
    let failures: String =
        text.lines().filter(|line| !line.starts_with("ok ")).map(|line| format!("{line}\n")).collect();
    insta::assert_snapshot!(failures, @r"
    exit 69
    fail  key file       key file /var/master.key may be read by others (mode 644); run: chmod 600 /var/master.key
    fail  modem sim1     /dev/serial/by-id/no-such-modem does not exist: plug the modem in, or choose one of the ports that `simverify modem list` shows
    fail  speech         calls through modem sim1 stay silent: no-such-program is not there: correct tts.command
    simverify: checks failed: 3
    ");
    let json = installation.json(&["doctor"]);
    assert_eq!(json["failed"], 3);
    assert_eq!(json["checks"][0]["name"], "configuration");
    assert_eq!(json["checks"][0]["state"], "ok");
}

#[test]
fn the_health_check_tells_a_wrong_configuration_and_one_that_sends_nothing() {
    let nothing = Installation::with("").told(&["doctor"]);
    let first = nothing.lines().nth(1).expect("a line");
    insta::assert_snapshot!(first, @"fail  configuration  valid: modems: 0, providers: 0: nothing can be sent; add [[modems]], see `simverify modem list`");
    insta::assert_snapshot!(Installation::with("[verify]\ncode_length = 5").told(&["doctor"]), @r"
    exit 69
    fail  configuration  /var/simverify.toml:6: verify.code_length = 5: must be 4 or 6
    simverify: checks failed: 1
    ");
}

#[test]
fn modems_are_listed_with_their_state() {
    let installation = Installation::with(
        "[[modems]]\nname = \"sim1\"\nport = \"simulator:sim1\"\n\
         [[modems]]\nname = \"sim2\"\nport = \"/dev/serial/by-id/no-such-modem\"\nchannels = [\"sms\"]\n\
         [[modems]]\nname = \"sim3\"\nport = \"tcp://cabinet.example:2000\"\n",
    );
    let text = installation.told(&["modem", "list"]);
    let configured: String = text.lines().take_while(|line| !line.is_empty()).map(|line| format!("{line}\n")).collect();
    insta::assert_snapshot!(configured, @"
    exit 0
    MODEM  PORT                             STATE    CHANNELS    LEFT OF 24 HOURS
    sim1   simulator:sim1                   virtual  sms, voice  no limit
    sim2   /dev/serial/by-id/no-such-modem  absent   sms         no limit
    sim3   tcp://cabinet.example:2000       network  sms, voice  no limit
    ");
    let list = installation.json(&["modem", "list"]);
    let unlimited = json!({
        "used_in_24_hours": 0, "per_day": null, "left_of_day": null, "per_minute": null, "left_of_minute": null,
        "per_month": null, "left_of_month": null, "alarm_percent": null
    });
    assert_eq!(
        list["modems"][1],
        json!({
            "name": "sim2",
            "port": "/dev/serial/by-id/no-such-modem",
            "state": "absent",
            "channels": ["sms"],
            "budget": { "sms": unlimited, "calls": unlimited },
            "health": null,
            "reason": null,
            "held": null,
            "send_seconds": null,
            "reception": null,
        })
    );
    assert!(list["ports"].is_array());
}

#[test]
fn what_a_sim_may_still_send_is_listed_and_a_spent_budget_is_warned_of() {
    let installation = Installation::with(
        "[[modems]]\nname = \"sim1\"\nport = \"simulator:sim1\"\nsms_per_day = 3\nsms_per_minute = 2\n\
         [[modems]]\nname = \"sim2\"\nport = \"simulator:sim2\"\nsms_per_day = 9\ncalls_per_day = 5\n",
    );
    let lines = |command: &[&str], word: &str| -> String {
        let text = installation.told(command);
        text.lines().filter(|line| line.contains(word)).map(|line| format!("{line}\n")).collect()
    };
    let list = || lines(&["modem", "list"], "simulator:") + &lines(&["doctor"], "budget");
    let before = list();
    // The daemon, or a command that needs it, makes the database; what is sent by hand counts from then on.
    installation.json(&["account", "add", "shop"]);
    let sms = |text: &str| installation.told(&["modem", "send-sms", "sim1", "+447700900123", text]);
    assert!(sms("Hello").starts_with("exit 0"));
    let one = list();
    assert!(sms(&"x".repeat(161)).starts_with("exit 0"));
    let spent = list();
    let when = spent.find("at 20").expect("an instant") + "at ".len();
    let spent = spent.replace(&spent[when..when + "2026-03-01 12:00:00".len()], "INSTANT");
    insta::assert_snapshot!([before, one, spent].join("\n"), @"
    sim1   simulator:sim1  virtual  sms, voice  3 of 3 SMS
    sim2   simulator:sim2  virtual  sms, voice  9 of 9 SMS, 5 of 5 calls
    ok    budget sim1    left of 24 hours: 3 of 3 SMS
    ok    budget sim2    left of 24 hours: 9 of 9 SMS, 5 of 5 calls

    sim1   simulator:sim1  virtual  sms, voice  2 of 3 SMS
    sim2   simulator:sim2  virtual  sms, voice  9 of 9 SMS, 5 of 5 calls
    ok    budget sim1    left of 24 hours: 2 of 3 SMS
    ok    budget sim2    left of 24 hours: 9 of 9 SMS, 5 of 5 calls

    sim1   simulator:sim1  virtual  sms, voice  0 of 3 SMS (100 % used)
    sim2   simulator:sim2  virtual  sms, voice  9 of 9 SMS, 5 of 5 calls
    warn  budget sim1    all 3 SMS of 24 hours are spent, the next may go at INSTANT UTC; raise modems.sms_per_day of sim1 if its SIM's terms allow it, or add a modem
    ok    budget sim2    left of 24 hours: 9 of 9 SMS, 5 of 5 calls
    ");
    assert!(installation.told(&["doctor"]).starts_with("exit 0"));
    let sms = &installation.json(&["modem", "list"])["modems"][0]["budget"]["sms"];
    let told = ["used_in_24_hours", "per_day", "left_of_day", "per_minute"].map(|name| sms[name].as_u64());
    assert_eq!(told, [Some(3), Some(3), Some(0), Some(2)]);
}

#[test]
fn a_port_is_asked_what_is_on_it() {
    let installation = Installation::new();
    insta::assert_snapshot!(installation.told(&["modem", "probe", "simulator:other"]), @r#"
    exit 0
    simulator:other
    maker     Simverify
    model     Virtual Modem
    firmware  1.0
    IMEI      ***********7518
    SIM       ready; 3 PIN tries left
    ICCID     ***************0123
    network   registered, Simverify, LTE
    signal    -73 dBm (good); LTE reference signal -93 dBm (good)
    SMS       yes; SMS centre set
    storage   SM 0 of 30 (0 %)
    calls     yes
    sound     wires of the modem, to a sound card
    profile   generic (anything else that keeps to 3GPP TS 27.005 and 27.007)

    [[modems]]
    name = "sim2"
    port = "simulator:other"
    profile = "generic"
    # voice = { kind = "alsa", device = "…" }  # the sound card that its wires lead to
    "#);
    let found = installation.json(&["modem", "probe", "sim1"]);
    assert_eq!((&found[0]["use"], &found[0]["sms"], &found[0]["pin_tries"]), (&json!(true), &json!("yes"), &json!(3)));
    assert_eq!(found[0]["sim"], "ready");
    assert!(found[0]["imei"].as_str().expect("text").starts_with("****"));
    assert!(found[0]["config"].as_str().expect("text").contains("name = \"sim1\""));
    let said = ["ttyUSB0", "/dev/serial/by-id/no-such-modem", "/dev/null"]
        .map(|port| installation.told(&["modem", "probe", port]));
    insta::assert_snapshot!(said.concat(), @r#"
    exit 64
    simverify: ttyUSB0 is no configured modem and no port: a port must be a device's absolute path, "tcp://HOST:PORT", "rfc2217://HOST:PORT", or "simulator:NAME" (letters, digits, ".", "_", "-")
    exit 69
    simverify: /dev/serial/by-id/no-such-modem does not exist: plug the modem in, or choose one of the ports that `simverify modem list` shows
    exit 65
    simverify: /dev/null is no serial port, or no hardware is behind it: choose one that `simverify modem list` shows
    "#);
}

#[test]
fn a_probe_of_a_make_prints_a_block_that_the_daemon_takes() {
    let directory = tempfile::tempdir().expect("a directory");
    let link = directory.path().join("modem");
    let modem = Modem::start(&link, &["--profile", "sim7600"]);
    let installation = Installation::with("");
    let port = link.display().to_string();
    let report = installation.told(&["modem", "probe", &port]).replace(&port, "/dev/modem");
    insta::assert_snapshot!(report, @r#"
    exit 0
    /dev/modem
    maker     SIMCOM INCORPORATED
    model     SIMCOM_SIM7600E-H
    firmware  LE20B04SIM7600M22
    IMEI      ***********4563
    SIM       ready; 3 PIN tries left
    ICCID     ***************0123
    network   registered, Simverify, LTE
    signal    -73 dBm (good); LTE reference signal -93 dBm (good)
    SMS       yes; SMS centre set
    storage   SM 0 of 30 (0 %)
    calls     yes
    sound     a port of the modem that was not found here
    profile   sim7600 (SIMCom SIM7500, SIM7600)

    [[modems]]
    name = "sim1"
    port = "/dev/modem"
    profile = "sim7600"
    # voice = { kind = "serial-pcm", port = "…" }  # its port for sound was not found here
    "#);
    let found = installation.json(&["modem", "probe", &port]);
    let block = found[0]["config"].as_str().expect("a block");
    let configured = Installation::with(block);
    assert!(configured.told(&["config", "check"]).starts_with("exit 0\n"));
    let again = configured.json(&["modem", "probe", "sim1"]);
    assert_eq!(again[0]["config"], found[0]["config"], "a configured modem keeps its name");
    drop(modem);
    let gone = configured.json(&["modem", "probe", "sim1"]);
    assert_eq!(gone[0]["use"], json!(false));
    assert!(gone[0]["error"].as_str().expect("text").contains("does not exist"), "{gone}");
}

#[test]
fn an_sms_is_sent_by_hand() {
    let installation = Installation::new();
    let sms = |number| installation.told(&["modem", "send-sms", "sim1", number, "Hello"]);
    let said = [sms("+447700900123"), sms("+447700900007"), sms("123")].concat();
    insta::assert_snapshot!(said, @r"
    exit 0
    accepted by the network; reference: 1
    exit 69
    simverify: modem sim1: not sent: modem refused: CMS 1, unassigned number
    exit 65
    simverify: wrong number: not a possible number of its country
    ");
    insta::assert_snapshot!(installation.told(&["modem", "send-sms", "sim9", "+447700900123", "Hello"]), @r#"
    exit 64
    simverify: no modem is named sim9; configured: sim1
    "#);
    let sent = installation.json(&["modem", "send-sms", "sim1", "+447700900123", "Hello"]);
    assert_eq!(sent["outcome"], "accepted");
    assert!(!installation.path("simverify.db").exists(), "no PIN was asked for");
}

#[test]
fn a_sim_pin_that_was_refused_is_not_tried_again() {
    let link = tempfile::tempdir().expect("a directory");
    let link = link.path().join("modem");
    let modem = Modem::start(&link, &["--pin", "1234"]);
    let port = link.display();
    let installation =
        Installation::with(&format!("[[modems]]\nname = \"sim1\"\nport = \"{port}\"\nsim_pin = \"9999\"\n"));
    let sms = || installation.told(&["modem", "send-sms", "sim1", "+447700900123", "Hello"]);
    insta::assert_snapshot!([sms(), sms()].concat(), @r#"
    exit 69
    simverify: modem sim1: SIM refused the PIN; correct sim_pin before it is tried again
    exit 69
    simverify: modem sim1: SIM refused this PIN before; correct sim_pin
    "#);
    drop(modem);
}

#[test]
fn a_port_that_another_has_is_refused_with_its_holder() {
    let link = tempfile::tempdir().expect("a directory");
    let link = link.path().join("modem");
    let modem = Modem::start(&link, &[]);
    let port = link.display();
    let installation = Installation::with(&format!("[[modems]]\nname = \"sim1\"\nport = \"{port}\"\n"));
    assert!(installation.told(&["doctor"]).contains(&format!("{port} can be opened")));
    let mut holder = std::process::Command::new("sh")
        .args(["-c", "exec 3<>\"$0\"; flock --exclusive 3; echo ready; read line"])
        .arg(&link)
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .spawn()
        .expect("a shell");
    read_line(holder.stdout.as_mut().expect("a pipe"));
    let text = installation.told(&["modem", "send-sms", "sim1", "+447700900123", "Hello"]);
    let (in_use, by) = (format!("{port} is in use by "), format!("sh (process {})", holder.id()));
    assert!(text.starts_with("exit 69\n") && text.contains(&in_use) && text.contains(&by), "{text}");
    let text = installation.told(&["doctor"]);
    assert!(text.starts_with("exit 69\n") && text.contains(&in_use) && text.contains(&by), "{text}");
    let text = installation.told(&["modem", "probe", "sim1"]);
    assert!(text.starts_with("exit 69\n") && text.contains(&in_use) && text.contains(&by), "{text}");
    let found = installation.json(&["modem", "probe", "sim1"]);
    let why = found[0]["why"].as_str().expect("a reason");
    assert!(found[0]["use"] == json!(false) && why.contains(&in_use) && why.contains(&by), "{found}");
    drop(holder.stdin.take());
    holder.wait().expect("its end");
    drop(modem);
}

/// `simverify simulate`, ended with this value.
struct Modem(std::process::Child);

impl Modem {
    fn start(link: &std::path::Path, arguments: &[&str]) -> Self {
        let program = Command::cargo_bin("simverify").expect("the program is built");
        let mut child = std::process::Command::new(program.get_program())
            .arg("simulate")
            .arg("--link")
            .arg(link)
            .args(arguments)
            .stdin(std::process::Stdio::null())
            .stdout(std::process::Stdio::piped())
            .spawn()
            .expect("a virtual modem");
        read_line(child.stdout.as_mut().expect("a pipe"));
        Self(child)
    }
}

impl Drop for Modem {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn read_line(from: impl std::io::Read) -> String {
    let mut line = String::new();
    std::io::BufRead::read_line(&mut std::io::BufReader::new(from), &mut line).expect("a line");
    assert!(!line.is_empty(), "it ended at once");
    line
}

/// Fingerprints of keys as `KEY`, dates as `DATE`, so that texts compare.
fn without_keys(text: &str) -> String {
    let is_key = |word: &str| {
        word.len() == 19
            && word.split('-').all(|group| group.len() == 4 && group.bytes().all(|b| b.is_ascii_hexdigit()))
    };
    let is_date = |word: &str| word.len() == 24 && word.ends_with('Z') && word.as_bytes()[10] == b'T';
    let mut text = text.to_owned();
    let words: Vec<String> = text.split(|c: char| c.is_whitespace() || ",;".contains(c)).map(str::to_owned).collect();
    for word in words {
        if is_key(&word) {
            text = text.replace(&word, "KEY");
        } else if is_date(&word) {
            text = text.replace(&word, "DATE");
        }
    }
    if let Some(start) = text.find(".replaced-") {
        let end = start + text[start..].find('Z').expect("a date");
        text.replace_range(start + ".replaced-".len()..=end, "DATE");
    }
    text
}

#[test]
fn a_backup_is_checked_and_restored_and_what_it_replaces_is_kept() {
    let installation = Installation::new();
    installation.json(&["account", "add", "shop", "--key", "k1", "--credits", "500"]);
    installation.json(&["backup", "copy.db"]);
    installation.json(&["account", "credit", "k1", "-200"]);
    insta::assert_snapshot!(without_keys(&installation.told(&["restore", "copy.db", "--check"])), @"
    exit 0
    copy.db: intact, made at DATE, schema 11, key KEY
    accounts: 1, verifications: 0, of them in progress: 0
    It can be restored.
    ");
    insta::assert_snapshot!(without_keys(&installation.told(&["restore", "copy.db"])), @"
    exit 64
    simverify: there is a database at /var/simverify.db: with --force the backup takes its place, and it is kept as /var/simverify.db.replaced-DATE
    ");
    assert_eq!(installation.json(&["account", "show", "k1"])["credits"], 300, "nothing was changed");
    insta::assert_snapshot!(without_keys(&installation.told(&["restore", "copy.db", "--force"])), @"
    exit 0
    copy.db: intact, made at DATE, schema 11, key KEY
    accounts: 1, verifications: 0, of them in progress: 0
    restored: credits, accounts and blocklist are as they were then. What was in progress has expired: nothing of it is sent any more, and its credits are not given back.
    The database that was there is /var/simverify.db.replaced-DATE.
    ");
    assert_eq!(installation.json(&["account", "show", "k1"])["credits"], 500);
    assert_eq!(installation.mode("simverify.db"), 0o600);
    let kept = fs::read_dir(installation.0.path()).expect("a directory").flatten();
    let kept: Vec<_> = kept.map(|file| file.file_name().to_string_lossy().into_owned()).collect();
    let kept = kept.iter().find(|name| name.contains(".replaced-") && name.ends_with('Z')).expect("the one before");
    let text = installation.told(&[
        "--set",
        &format!("storage.path={}", installation.path(kept).display()),
        "account",
        "list",
    ]);
    assert!(text.contains("300"), "{text}");
    assert!(!kept.contains("restore"));
}

#[test]
fn what_is_no_fit_backup_is_refused_and_nothing_is_changed() {
    let installation = Installation::new();
    let other = Installation::new();
    for place in [&installation, &other] {
        place.json(&["account", "add", "shop", "--key", "k1"]);
        place.json(&["backup", "copy.db"]);
    }
    fs::write(installation.path("text"), "no database at all").expect("a file");
    fs::write(installation.path("empty"), "").expect("a file");
    let mut octets = fs::read(installation.path("copy.db")).expect("the backup");
    octets[4096..].fill(0xa5);
    fs::write(installation.path("damaged.db"), octets).expect("a file");
    fs::copy(other.path("copy.db"), installation.path("foreign.db")).expect("a file");
    fs::copy(other.path("master.key"), installation.path("foreign.key")).expect("a file");
    fs::set_permissions(installation.path("foreign.key"), fs::Permissions::from_mode(0o600)).expect("permissions");
    let newer = rusqlite::Connection::open(other.path("copy.db")).expect("a database");
    newer.execute_batch("pragma user_version = 99").expect("a version");
    drop(newer);
    fs::copy(other.path("copy.db"), installation.path("newer.db")).expect("a file");
    let before = fs::read(installation.path("simverify.db")).expect("the database");
    let mut text = String::new();
    for name in ["none.db", "text", "empty", "damaged.db", "foreign.db", "newer.db"] {
        let told = installation.told(&["restore", name, "--force"]);
        // SQLite words the damage.
        text += &told.split_inclusive(" is damaged ").next().expect("a text").replace(" is damaged ", " is damaged\n");
    }
    insta::assert_snapshot!(without_keys(&text), @"
    exit 74
    simverify: cannot read none.db: No such file or directory (os error 2)
    exit 65
    simverify: text is no database of Simverify: name a file that `simverify backup` wrote
    exit 65
    simverify: empty is no database of Simverify: name a file that `simverify backup` wrote
    exit 65
    simverify: damaged.db is damaged
    exit 78
    simverify: foreign.db is under a key that is not in /var/master.key: name the key file that belonged to it with --key-file
    exit 78
    simverify: newer.db cannot be restored: the database has schema 99, this program knows up to 11: install the newer version again, or restore a backup made before the upgrade
    ");
    assert_eq!(fs::read(installation.path("simverify.db")).expect("the database"), before);
    let told = installation.told(&["restore", "foreign.db", "--force", "--key-file", "foreign.key"]);
    insta::assert_snapshot!(without_keys(&told), @"
    exit 0
    foreign.db: intact, made at DATE, schema 11, key KEY
    accounts: 1, verifications: 0, of them in progress: 0
    restored: credits, accounts and blocklist are as they were then. What was in progress has expired: nothing of it is sent any more, and its credits are not given back.
    The database that was there is /var/simverify.db.replaced-DATE.
    The backup's key is in /var/master.key; the daemon puts the database under the newest key there.
    ");
    assert_eq!(installation.json(&["key", "show"])["keys"].as_array().expect("a list").len(), 2);
    assert_eq!(installation.json(&["key", "check"])["fits"], true);
    assert!(installation.told(&["doctor"]).contains("master.key: a rotation is under way; see `simverify key show`"));
    installation.json(&["account", "rotate-secret", "k1"]);
}

#[test]
fn the_master_key_is_shown_by_its_fingerprint_and_rotated() {
    let installation = Installation::new();
    installation.json(&["account", "add", "shop", "--key", "k1"]);
    installation.json(&["blocklist", "add", "+447700900123"]);
    let first = installation.json(&["key", "show"])["database"].clone();
    let hex = fs::read_to_string(installation.path("master.key")).expect("a key file");
    assert!(!hex.contains(&first.as_str().expect("a text").replace('-', "")), "a fingerprint is no part of the key");
    let mut text = installation.told(&["key", "show"]);
    text += &installation.told(&["key", "check"]);
    text += &installation.told(&["key", "rotate"]);
    text += &installation.told(&["key", "rotate", "--keep", "old.key"]);
    text += &installation.told(&["key", "show"]);
    insta::assert_snapshot!(without_keys(&text), @"
    exit 0
    KEY  the database is under it
    exit 0
    /var/master.key fits: KEY
    exit 64
    simverify: backups made so far open only with the present key of /var/master.key: say --keep FILE to keep it, or --discard
    exit 0
    the database is under the key KEY; rows sealed anew: 2
    Make a backup and keep a copy of the key file in another place: older backups need the old key.
    exit 0
    KEY  the database is under it
    ");
    assert_ne!(installation.json(&["key", "show"])["database"], first);
    assert_eq!(installation.mode("old.key"), 0o600);
    let old = installation.path("old.key").display().to_string();
    let told = installation.told(&["--set", &format!("storage.key_file={old}"), "key", "check"]);
    assert!(told.starts_with("exit 78\n") && told.contains("does not belong to this database"), "{told}");
    assert_eq!(installation.json(&["blocklist", "list", "--reveal"])[0]["entry"], "+447700900123");
    let again = installation.told(&["key", "rotate", "--keep", "old.key"]);
    assert!(again.starts_with("exit 74\n") && again.contains("nothing was changed"), "{again}");
}

#[test]
fn a_number_is_forgotten_with_its_entry_of_the_blocklist_unless_that_is_to_stay() {
    let installation = Installation::new();
    installation.json(&["account", "add", "shop", "--key", "k1"]);
    installation.json(&["blocklist", "add", "+447700900123"]);
    let mut text = String::new();
    for arguments in [
        &["forget", "+44 7700 900123", "--keep-blocked"][..],
        &["forget", "+447700900123"],
        &["forget", "+447700900123", "--json"],
        &["forget", "07700900123"],
    ] {
        text += &installation.told(arguments);
    }
    insta::assert_snapshot!(text, @r#"
    exit 0
    +44…23 is forgotten: verifications: 0 (in progress: 0), attempts: 0, tries: 0, parts of messages: 0, counts and verdicts: 0
    Its entry of the blocklist stays.
    Backups are not changed: they hold it, sealed, until they are deleted.
    exit 0
    +44…23 is forgotten: verifications: 0 (in progress: 0), attempts: 0, tries: 0, parts of messages: 0, counts and verdicts: 0
    Its entry of the blocklist is gone too: it can be verified again.
    Backups are not changed: they hold it, sealed, until they are deleted.
    exit 0
    {
      "attempts": 0,
      "blocklist": "none",
      "cancelled": 0,
      "counts": 0,
      "log_emptied": true,
      "message_parts": 0,
      "tries": 0,
      "verifications": 0
    }
    exit 64
    simverify: write the number in international form, such as +447700900123
    "#);
    let output = installation.command(&["forget", "-", "--json"]).write_stdin("+447700900123\n").output();
    assert!(output.expect("the program runs").status.success());
}

#[test]
fn a_database_is_compacted_while_no_daemon_works_on_it() {
    let installation = Installation::new();
    installation.json(&["account", "add", "shop", "--key", "k1"]);
    // A database without waste grows by the pages in which it notes what is free.
    let told = installation.json(&["compact"]);
    let [before, after] = ["before", "after"].map(|size| told[size].as_u64().expect("octets"));
    assert!((4097..=before + 8192).contains(&after), "{told}");
    assert_eq!(installation.json(&["account", "list"]).as_array().expect("a list").len(), 1);
    let _lock = simverify::daemon::DatabaseLock::take(&installation.path("simverify.db")).expect("the lock");
    for arguments in [&["compact"][..], &["restore", "copy.db", "--force"]] {
        let told = installation.told(arguments);
        assert!(
            told.starts_with("exit 69\nsimverify: nothing was changed: another simverify daemon works on"),
            "{told}"
        );
    }
}
