//! The program as an operator meets it: exit codes and whole messages.

use std::fs;
use std::path::Path;

use assert_cmd::Command;
use tempfile::TempDir;

/// The program with nothing of this machine's environment.
fn simverify() -> Command {
    let mut command = Command::cargo_bin("simverify").expect("the program is built");
    command.env_clear();
    command
}

/// Exit code, standard output and standard error; the temporary directory reads `/etc`.
fn told(command: &mut Command, directory: &Path) -> String {
    let output = command.output().expect("the program runs");
    let code = output.status.code().expect("the program ends by itself");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).replace(&directory.display().to_string(), "/etc");
    format!("exit {code}\n{}{}", text(&output.stdout), text(&output.stderr))
}

fn directory_with(config: &str) -> TempDir {
    let directory = tempfile::tempdir().expect("a temporary directory");
    fs::write(directory.path().join("simverify.toml"), config).expect("a written file");
    directory
}

/// What `config check` says of `config`.
fn check(config: &str) -> String {
    let directory = directory_with(config);
    let file = directory.path().join("simverify.toml");
    told(simverify().args(["config", "check", "--config"]).arg(file), directory.path())
}

#[test]
fn a_valid_configuration_passes_the_check() {
    insta::assert_snapshot!(check("[[modems]]\nname = 'sim1'\nport = 'simulator:sim1'"), @r##"
    exit 0
    configuration is valid: modems: 1, providers: 0
    "##);
}

#[test]
fn a_wrong_configuration_ends_with_one_line_and_78() {
    let configs = [
        "[server]\nlissten = '127.0.0.1:80'",
        "[verify]\ncode_length = 5",
        "[verify]\npin_expiry_seconds = '300'",
        "[server",
    ];
    insta::assert_snapshot!(configs.map(check).concat(), @r##"
    exit 78
    simverify: /etc/simverify.toml:2: unknown key server.lissten = "127.0.0.1:80": did you mean listen? server allows listen, tls_cert_file, tls_key_file
    exit 78
    simverify: /etc/simverify.toml:2: verify.code_length = 5: must be 4 or 6
    exit 78
    simverify: /etc/simverify.toml:2: verify.pin_expiry_seconds = "300": must be a whole number from 1 to 86400
    exit 78
    simverify: /etc/simverify.toml:1: not TOML: unclosed table, expected `]`
    "##);
}

#[test]
fn texts_of_the_operators_own_are_checked() {
    let directory = directory_with("");
    let messages = directory.path().join("messages");
    fs::create_dir(&messages).expect("a directory");
    let set = format!("messages.directory={}", messages.display());
    let check = |text: &str| {
        fs::write(messages.join("de-de.toml"), text).expect("a written file");
        told(simverify().args(["--set", &set, "config", "check"]), directory.path())
    };
    let built_in = simverify().args(["config", "messages", "de-de"]).output().expect("it runs");
    let built_in = String::from_utf8(built_in.stdout).expect("text");
    assert_eq!(built_in, include_str!("../config/messages/de-de.toml"));
    assert!(check(&built_in).starts_with("exit 0\n"));
    let told = check(
        "# Mine\nsms = '{pin} ist dein Code für {brand}. Verrate ihn keinem – auch nicht uns, und niemals am Telefon!'",
    ) + &check("sms = '{pin} ist dein {brandt}-Code'")
        + &told(simverify().args(["config", "messages", "de"]), directory.path());
    insta::assert_snapshot!(told, @r#"
    exit 0
    warning: /etc/messages/de-de.toml:2: sms: takes 2 messages with a name of 18 characters and a PIN of 6, 35 characters too many; "–" is outside the GSM alphabet, which leaves 70
    configuration is valid: modems: 0, providers: 0
    exit 78
    simverify: /etc/messages/de-de.toml:1: sms: unknown placeholder {brandt}: allowed are {pin}, {brand}
    exit 64
    error: invalid value 'de' for '<LANGUAGE>': not a language of the API, such as en-us

    For more information, try '--help'.
    "#);
}

#[test]
fn a_wrong_variable_and_a_missing_file_are_named() {
    let directory = directory_with("");
    let file = directory.path().join("simverify.toml");
    let variable = told(
        simverify().args(["config", "check", "--config"]).arg(file).env("SIMVERIFY__LOG__FORMAT", "xml"),
        directory.path(),
    );
    let flag = told(simverify().args(["--set", "log.format=xml", "config", "check"]), directory.path());
    let missing = told(simverify().args(["--config", "/nonexistent.toml", "config", "show"]), directory.path());
    insta::assert_snapshot!(variable + &flag + &missing, @r##"
    exit 78
    simverify: environment variable SIMVERIFY__LOG__FORMAT: log.format = "xml": must be one of auto, text, json, journald
    exit 78
    simverify: flag --set: log.format = "xml": must be one of auto, text, json, journald
    exit 78
    simverify: cannot read /nonexistent.toml: No such file or directory (os error 2)
    "##);
}

#[test]
fn the_settings_in_effect_are_shown_with_their_layers() {
    let directory = directory_with("[log]\nlevel = 'debug'");
    let file = directory.path().join("simverify.toml");
    let text = told(simverify().args(["config", "show", "--config"]).arg(&file), directory.path());
    let log = text.split_once("[log]").expect("the section").1.trim();
    insta::assert_snapshot!(log, @r##"
    level = "debug"  # /etc/simverify.toml:2
    format = "auto"  # built-in defaults
    "##);
    let output = simverify().args(["config", "show", "--json", "--config"]).arg(&file).output().expect("it runs");
    let json: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!(json["settings"]["log"]["level"], "debug");
    assert_eq!(json["settings"]["verify"]["argon2"]["parallelism"], 1);
    assert_eq!(json["layers"]["log.level"], format!("{}:2", file.display()));
    assert_eq!(json["layers"]["log.format"], "built-in defaults");
}

#[test]
fn the_printed_defaults_are_a_valid_configuration() {
    let output = simverify().args(["config", "default"]).output().expect("it runs");
    let defaults = String::from_utf8(output.stdout).expect("text");
    assert_eq!(defaults, include_str!("../config/default.toml"));
    assert!(check(&defaults).starts_with("exit 0\n"));
}

#[test]
fn a_wrong_command_line_ends_with_64() {
    for arguments in
        [vec![], vec!["fly"], vec!["config"], vec!["config", "chek"], vec!["--set", "x", "config", "check"]]
    {
        simverify().args(arguments).assert().code(64);
    }
    simverify()
        .arg("--version")
        .assert()
        .success()
        .stdout("simverify 0.1.0\n".replace("0.1.0", env!("CARGO_PKG_VERSION")));
    simverify().args(["config", "--help"]).assert().success();
}

#[test]
fn completions_and_manual_pages_are_written() {
    for shell in ["bash", "zsh", "fish"] {
        let output = simverify().args(["completions", shell]).output().expect("it runs");
        assert!(String::from_utf8_lossy(&output.stdout).contains("simverify"), "{shell}");
    }
    let directory = tempfile::tempdir().expect("a temporary directory");
    simverify().arg("man").arg(directory.path().join("man1")).assert().success();
    let page = fs::read_to_string(directory.path().join("man1/simverify-config-check.1")).expect("a manual page");
    assert!(page.contains("simverify"), "{page}");
    let file = directory.path().join("file");
    fs::write(&file, "").expect("a written file");
    insta::assert_snapshot!(told(simverify().arg("man").arg(file), directory.path()), @r##"
    exit 74
    simverify: cannot write manual pages to /etc/file: File exists (os error 17)
    "##);
}

#[test]
fn a_reader_that_goes_early_is_no_failure() {
    let program = Command::cargo_bin("simverify").expect("the program is built");
    let script = format!("set -o pipefail; '{}' config default | true", program.get_program().display());
    Command::new("bash").args(["-c", &script]).assert().success().stderr("");
}
