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
    insta::assert_snapshot!(configs.map(check).concat(), @r#"
    exit 78
    simverify: /etc/simverify.toml:2: unknown key server.lissten = "127.0.0.1:80": did you mean listen? server allows listen, tls_cert_file, tls_key_file, public_url, trusted_proxies, forwarded_header, connections_per_address, requests_in_flight
    exit 78
    simverify: /etc/simverify.toml:2: verify.code_length = 5: must be 4 or 6
    exit 78
    simverify: /etc/simverify.toml:2: verify.pin_expiry_seconds = "300": must be a whole number from 1 to 86400
    exit 78
    simverify: /etc/simverify.toml:1: not TOML: unclosed table, expected `]`
    "#);
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
fn the_unit_is_told_when_there_is_nothing_to_send_with() {
    let asked = |config: &str| {
        let directory = directory_with(config);
        let file = directory.path().join("simverify.toml");
        told(simverify().args(["config", "has-route", "--config"]).arg(&file), directory.path())
    };
    assert_eq!(asked("[[modems]]\nname = \"sim1\"\nport = \"/dev/ttyUSB2\"\n"), "exit 0\n");
    // A mistake is left to the daemon's start, which fails with it.
    assert_eq!(asked("[servre]\n"), "exit 0\n");
    insta::assert_snapshot!(asked("[server]\nlisten = \"127.0.0.1:9000\"\n"), @r"
    exit 69
    simverify: not configured yet: no modem and no provider to send with; put the [[modems]] table that `simverify modem probe` prints into /etc/simverify.toml
    ");
}

#[test]
fn the_manual_pages_are_set_without_a_warning() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    simverify().arg("man").arg(directory.path()).assert().success();
    for entry in fs::read_dir(directory.path()).expect("the pages") {
        let page = entry.expect("a page").path();
        // As the checker of Debian's packages looks at them.
        let mut man = Command::new("man");
        man.args(["--warnings", "-E", "UTF-8", "-l", "-Tutf8", "-Z"]).arg(&page);
        man.env("MANROFFSEQ", "").env("MANWIDTH", "80").assert().success().stderr("");
    }
}

#[test]
fn a_reader_that_goes_early_is_no_failure() {
    let program = Command::cargo_bin("simverify").expect("the program is built");
    let script = format!("set -o pipefail; '{}' config default | true", program.get_program().display());
    Command::new("bash").args(["-c", &script]).assert().success().stderr("");
}

/// The example of the PDU guide at dreamfabric.com/sms.
const MESSAGE: &str = "07911326040000F0040B911346610089F60000208062917314080CC8F71D14969741F977FD07";

fn pdu(arguments: &[&str], input: &[u8]) -> String {
    told(simverify().arg("pdu").args(arguments).write_stdin(input), Path::new("/nonexistent"))
}

#[test]
fn a_pdu_is_read_from_arguments_and_from_standard_input() {
    insta::assert_snapshot!(pdu(&["decode", MESSAGE], b""), @r"
    exit 0
    type       deliver
    number     +31641600986
    text       How are you?
    alphabet   gsm7
    smsc       +31624000000
    timestamp  2002-08-26T19:37:41+00:00
    ");
    let expected = pdu(&["decode", MESSAGE, "--json"], b"");
    let wrapped = format!(" {}\r\n{}\n", MESSAGE[..20].to_lowercase(), &MESSAGE[20..]);
    assert_eq!(pdu(&["decode", "--json", "-"], wrapped.as_bytes()), expected);
    assert_eq!(pdu(&["decode", "--json", &wrapped], b""), expected);
    assert_eq!(pdu(&["decode", &MESSAGE[..20], &MESSAGE[20..], "--json"], b""), expected);
    let bare = pdu(&["decode", "--without-smsc", &MESSAGE[16..], "--json"], b"");
    assert_eq!(bare, expected.replace("\"+31624000000\"", "null"));
}

#[test]
fn a_pdu_that_cannot_be_read_names_its_field_and_octet_and_ends_with_65() {
    let told = [
        pdu(&["decode", ""], b""),
        pdu(&["decode", "-"], b"\n"),
        pdu(&["decode", "0791"], b""),
        pdu(&["decode", &MESSAGE[..MESSAGE.len() - 2]], b""),
        pdu(&["decode", &MESSAGE[..MESSAGE.len() - 1]], b""),
        pdu(&["decode", "00xx"], b""),
        pdu(&["decode", "-"], b"00\xff"),
        pdu(&["decode"], b""),
    ];
    insta::assert_snapshot!(told.concat(), @r#"
    exit 65
    simverify: cannot read the PDU: SMSC at octet 0: the PDU ends too early, octets missing: 1; read it again from the modem
    exit 65
    simverify: cannot read the PDU: SMSC at octet 0: the PDU ends too early, octets missing: 1; read it again from the modem
    exit 65
    simverify: cannot read the PDU: SMSC at octet 1: the PDU ends too early, octets missing: 6; read it again from the modem
    exit 65
    simverify: cannot read the PDU: TP-UD at octet 27: the PDU ends too early, octets missing: 1; read it again from the modem
    exit 65
    simverify: cannot read the PDU: PDU at octet 37: one hexadecimal digit, and the other one of the octet is missing
    exit 65
    simverify: cannot read the PDU: PDU at octet 1: not a pair of hexadecimal digits
    exit 65
    simverify: standard input is no UTF-8 at octet 2
    exit 64
    error: the following required arguments were not provided:
      <HEX>...

    Usage: simverify pdu decode <HEX>...

    For more information, try '--help'.
    "#);
}

#[test]
fn what_is_encoded_decodes_to_the_same() {
    let text = "Grüße, żółć 😁\nзавтра".repeat(9);
    let lines =
        pdu(&["encode", "+44 7700 900123", "-", "--status-report", "--validity", "1h"], format!("{text}\n").as_bytes());
    let mut read = String::new();
    for line in lines.lines().skip(1) {
        let (hex, length) = line.split_once(' ').expect("the PDU and its length");
        assert_eq!(hex.len(), 2 + 2 * length.parse::<usize>().expect("a number"));
        let output = simverify().args(["pdu", "decode", hex, "--json"]).output().expect("it runs");
        let json: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
        assert_eq!((&json["type"], &json["number"]), (&"submit".into(), &"+447700900123".into()));
        assert_eq!((&json["validity_seconds"], &json["status_report_requested"]), (&3600.into(), &true.into()));
        read += json["text"].as_str().expect("a text");
    }
    assert_eq!(read, text);
    let output = simverify().args(["pdu", "encode", "1234", &"x".repeat(161), "--json"]).output().expect("it runs");
    let json: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!((json[1]["length"].as_u64(), json[1]["concat"]["part"].as_u64()), (Some(23), Some(2)));
    assert_eq!(json[1]["number"], "1234");
}

#[test]
fn the_options_of_a_message_are_in_its_pdus() {
    let long = "x".repeat(161);
    let told = [
        pdu(&["encode", "15551234567", "1234"], b""),
        pdu(&["encode", "1234", "x", "--flash"], b""),
        pdu(&["encode", "1234", "-", "--data"], b"00 ff\n"),
        pdu(&["encode", "1234", "", "--validity", "3d"], b""),
    ];
    insta::assert_snapshot!(told.concat(), @r#"
    exit 0
    0001000B915155214365F700000431D98C06 17
    exit 0
    0001000481214300100178 10
    exit 0
    0001000481214300040200FF 11
    exit 0
    001100048121430000A900 10
    "#);
    assert!(pdu(&["encode", "1", &long, "--reference", "7"], b"").contains("050003070201"));
    assert!(pdu(&["encode", "1", &long, "--reference", "7", "--wide-reference"], b"").contains("06080400070201"));
    let refused = [
        pdu(&["encode", "Vodafone", "x"], b""),
        pdu(&["encode", "1234", "0", "--data"], b""),
        pdu(&["encode", "1234", &"x".repeat(255 * 153 + 1)], b""),
        pdu(&["encode", "1234", "x", "--reference", "256"], b""),
        pdu(&["encode", "1234", "x", "--validity", "1y"], b""),
    ];
    insta::assert_snapshot!(refused.concat(), @r#"
    exit 65
    simverify: NUMBER is no number to send to: 1 to 20 digits, * and #, with or without a leading +; spaces, dashes, dots, slashes and brackets do not matter
    exit 65
    simverify: TEXT is no data in hexadecimal: TP-UD at octet 0: one hexadecimal digit, and the other one of the octet is missing
    exit 65
    simverify: cannot make a PDU: the message needs 256 parts, and 255 is the most; shorten it
    exit 64
    simverify: --reference 256: 255 is the most without --wide-reference
    exit 64
    error: invalid value '1y' for '--validity <TIME>': must be 5m to 63w; units are s, m, h, d, w, and s if there is none

    For more information, try '--help'.
    "#);
}

#[test]
fn the_examples_of_the_documentation_print_what_it_says() {
    let program = Command::cargo_bin("simverify").expect("the program is built");
    let page = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/pdu.md")).expect("the page");
    let examples: Vec<_> = page.split("```console\n$ ").skip(1).collect();
    assert_eq!(examples.len(), 3);
    for example in examples {
        let (example, _) = example.split_once("```").expect("the end of the example");
        let (command, printed) = example.split_once('\n').expect("a command and what it prints");
        let script = format!("simverify() {{ '{}' \"$@\"; }}; {command} 2>&1", program.get_program().display());
        let output = Command::new("bash").args(["-c", &script]).output().expect("it runs");
        assert_eq!(String::from_utf8_lossy(&output.stdout), printed, "{command}");
    }
}
