//! `simverify provider` as an operator meets it.

use std::fs;
use std::path::Path;

use assert_cmd::Command;
use wiremock::matchers::any;
use wiremock::{Mock, MockServer, ResponseTemplate};

/// Exit code, standard output and standard error of the program, with nothing of this machine's environment.
fn simverify(directory: &Path, arguments: &[&str]) -> String {
    let mut command = Command::cargo_bin("simverify").expect("the program is built");
    let output = command.env_clear().arg("--config").arg(directory.join("simverify.toml")).args(arguments);
    let output = output.output().expect("the program runs");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    format!(
        "exit {}\n{}{}",
        output.status.code().expect("it ends by itself"),
        text(&output.stdout),
        text(&output.stderr)
    )
}

/// Two providers, one ready-made and one of the operator's own, both at the server.
async fn directory_with(server: &MockServer) -> tempfile::TempDir {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let uri = server.uri();
    let database = directory.path().join("simverify.db").display().to_string();
    let config = format!(
        r#"
        [storage]
        path = "{database}"
        [[providers]]
        name = "jas"
        preset = "jasmin"
        secret = "geheim"
        countries = ["GB", "DE"]
        callback_secret = "unguessable-secret"
        variables = {{ base_url = "{uri}", account = "foo" }}
        [[providers]]
        name = "own"
        channels = ["sms", "voice"]
        url = "{uri}/send?key=geheim"
        headers = {{ Authorization = "Bearer geheim" }}
        refusal_path = "/error"
        final_codes = ["no such number"]
        body = '{{"to": {{{{ number | json }}}}, "say": {{{{ spoken | json }}}}, "key": "geheim"}}'
        "#
    );
    fs::write(directory.path().join("simverify.toml"), config).expect("a written file");
    directory
}

async fn answers(server: &MockServer, reply: ResponseTemplate) {
    server.reset().await;
    Mock::given(any()).respond_with(reply).mount(server).await;
}

/// The program waits for the server, which this thread drives.
async fn run(directory: &tempfile::TempDir, server: &MockServer, arguments: &'static [&'static str]) -> String {
    let path = directory.path().to_owned();
    let told = tokio::task::spawn_blocking(move || simverify(&path, arguments)).await.expect("it ran");
    assert!(!told.contains("geheim") && !told.contains("unguessable"), "{told}");
    told.replace(&server.address().to_string(), "server:80")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_by_hand_tells_what_was_asked_and_what_came_of_it() {
    let server = MockServer::start().await;
    let directory = directory_with(&server).await;
    let told = run(&directory, &server, &["provider", "list"]).await;
    insta::assert_snapshot!(told, @"
    exit 0
    PROVIDER  PRESET  CHANNELS    HOST             COUNTRIES  CALLBACKS
    jas       jasmin  sms         server:80  DE, GB     on, no server.public_url
    own       -       sms, voice  server:80  all        off
    ");

    answers(&server, ResponseTemplate::new(200).set_body_string("Success \"07033084-5cfd\"")).await;
    let told = run(&directory, &server, &["provider", "test", "jas", "+447700900123", "A test"]).await;
    insta::assert_snapshot!(told, @"
    exit 0
    POST http://server:80/send
    Content-Type: application/x-www-form-urlencoded

    username = foo
    password = ***
    to = 447700900123
    from = VERIFY
    coding = 0
    content = A test
    validity-period = 60

    taken by the provider; message id 07033084-5cfd
    ");

    answers(&server, ResponseTemplate::new(400).set_body_string(r#"{"error": "no such number"}"#)).await;
    let told = run(&directory, &server, &["provider", "test", "own", "+447700900123", "A test", "--call"]).await;
    insta::assert_snapshot!(told, @"
    exit 69
    POST http://server:80/send?***
    Authorization: ***
    Content-Type: application/json

    (the body is not shown: without secret or secret_file it may hold one)

    simverify: provider own: refused for good: HTTP 400: no such number; the daemon would try no other route
    ");

    answers(&server, ResponseTemplate::new(503).insert_header("Retry-After", "30")).await;
    let told = run(&directory, &server, &["provider", "test", "own", "+447700900123", "A test", "--json"]).await;
    insta::assert_snapshot!(told, @r#"
    exit 69
    {
      "message_id": null,
      "outcome": "refused for now",
      "pause_seconds": 30,
      "reason": "HTTP 503",
      "request": "POST http://server:80/send?***\nAuthorization: ***\nContent-Type: application/json\n\n(the body is not shown: without secret or secret_file it may hold one)"
    }
    simverify: provider own: refused for now: HTTP 503; it asks to wait 30 s; the daemon would try again, another route first
    "#);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_tried_is_said() {
    let server = MockServer::start().await;
    let directory = directory_with(&server).await;
    let told = [
        run(&directory, &server, &["provider", "test", "nobody", "+447700900123", "A test"]).await,
        run(&directory, &server, &["provider", "test", "jas", "+447700900123", "A test", "--call"]).await,
        run(&directory, &server, &["provider", "test", "jas", "12", "A test"]).await,
        run(&directory, &server, &["provider", "presets", "pigeons"]).await,
    ];
    insta::assert_snapshot!(told.concat(), @r#"
    exit 64
    simverify: no provider is named nobody; configured: jas, own
    exit 78
    simverify: provider jas has not "voice" among its channels
    exit 65
    simverify: wrong number: not a possible number of its country
    exit 64
    simverify: no ready-made provider is named pigeons; there are twilio, vonage, messagebird, bird, plivo, telnyx, sinch, sinch-voice, smsgate, smsgate-local, textbee, kannel, jasmin, playsms, gammu
    "#);
    assert!(server.received_requests().await.expect("they are kept").is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_ready_made_providers_are_explained() {
    let server = MockServer::start().await;
    let directory = directory_with(&server).await;
    let told = run(&directory, &server, &["provider", "presets"]).await;
    assert!(told.starts_with("exit 0\nPRESET "), "{told}");
    insta::assert_snapshot!(run(&directory, &server, &["provider", "presets", "smsgate-local"]).await, @r#"
    exit 0
    # SMSGate (SMS Gateway for Android), local server on the telephone
    [[providers]]
    name = "smsgate-local"
    preset = "smsgate-local"
    # A file with the password that the app shows; or secret = "…" here.
    secret_file = "/etc/simverify/smsgate-local.secret"

    [providers.variables]
    # Needed: the user name that the app shows.
    account = ""
    # Needed: the telephone's address in the network, such as http://192.168.1.20:8080.
    base_url = ""
    # Which SIM card of the telephone: 1, 2 or 3.
    # sim = ""

    # Callbacks: register the callback address for the events sms:delivered and sms:failed (POST http://TELEPHONE:8080/webhooks).
    "#);
    let source = run(&directory, &server, &["provider", "presets", "kannel", "--source"]).await;
    assert_eq!(source, format!("exit 0\n{}", include_str!("../../config/presets/kannel.toml")));
}
