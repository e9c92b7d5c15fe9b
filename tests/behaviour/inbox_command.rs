//! `simverify inbox` beside a running daemon.

use insta::assert_snapshot;

use crate::harness::{Options, spawn_app};

#[tokio::test]
async fn messages_are_listed_masked_revealed_shown_and_deleted() {
    let app = spawn_app(Options::one_modem()).await;
    assert_snapshot!(app.command(&["inbox"]).await, @"
    exit 0
    the inbox is empty
    ");
    app.incoming("sim1", "+447700900321", "Hello,\nis this Acme?").await;
    app.inbox_of(1).await;
    app.incoming("sim1", "+447700900321", "STOP").await;
    app.inbox_of(2).await;
    app.incoming("sim1", "Vodafone", "You have used 80 % of your data").await;
    app.inbox_of(3).await;
    app.incoming_pdus("sim1", &["0004FF"]).await;
    app.inbox_of(4).await;
    assert_snapshot!(app.command(&["inbox"]).await, @"
    exit 0
    ID  RECEIVED                  MODEM  SENDER    KIND           TEXT
    1   2026-03-01T12:00:00.000Z  sim1   +44…21    text           20 characters
    2   2026-03-01T12:00:00.000Z  sim1   +44…21    text, opt_out  4 characters
    3   2026-03-01T12:00:00.000Z  sim1   Vodafone  text           31 characters
    4   2026-03-01T12:00:00.000Z  sim1   unknown   unreadable     -
    ");
    assert_snapshot!(app.command(&["inbox", "list", "--reveal"]).await, @"
    exit 0
    ID  RECEIVED                  MODEM  SENDER         KIND           TEXT
    1   2026-03-01T12:00:00.000Z  sim1   +447700900321  text           Hello, is this Acme?
    2   2026-03-01T12:00:00.000Z  sim1   +447700900321  text, opt_out  STOP
    3   2026-03-01T12:00:00.000Z  sim1   Vodafone       text           You have used 80 % of your data
    4   2026-03-01T12:00:00.000Z  sim1   unknown        unreadable     -
    ");
    assert_eq!(app.command(&["inbox", "--reveal"]).await, app.command(&["inbox", "list", "--reveal"]).await);
    let list = app.command(&["inbox", "--json"]).await;
    let list: serde_json::Value = serde_json::from_str(list.strip_prefix("exit 0\n").expect("a list")).expect("JSON");
    let mut first = list[0].clone();
    first["sent"] = "DATE".into();
    assert_snapshot!(format!("{first:#}"), @r#"
    {
      "characters": 20,
      "id": 1,
      "kind": "text",
      "modem": "sim1",
      "parts": 1,
      "reaction": null,
      "received": "2026-03-01T12:00:00.000Z",
      "received_parts": 1,
      "sender": "+44…21",
      "sent": "DATE",
      "text": null
    }
    "#);
    let shown = app.command(&["inbox", "show", "1"]).await;
    assert_snapshot!(without_sent(&shown), @"
    exit 0
    id        1
    modem     sim1
    sender    +447700900321
    kind      text
    sent      DATE
    received  2026-03-01T12:00:00.000Z
    followed  nothing

    Hello,
    is this Acme?
    ");
    assert_snapshot!(without_sent(&app.command(&["inbox", "show", "4"]).await), @"
    exit 0
    id        4
    modem     sim1
    sender    unknown
    kind      unreadable
    sent      DATE
    received  2026-03-01T12:00:00.000Z
    followed  nothing

    0004FF
    ");
    assert_snapshot!(app.command(&["inbox", "show", "9"]).await, @"
    exit 65
    simverify: no message 9: `simverify inbox` lists them; nothing was changed
    ");
    assert_snapshot!(app.command(&["inbox", "delete", "1", "9"]).await, @"
    exit 65
    simverify: no message 9: `simverify inbox` lists them; nothing was changed
    ");
    assert_snapshot!(app.command(&["inbox", "delete", "1", "2"]).await, @"
    exit 0
    deleted 2 messages
    ");
    assert_snapshot!(app.command(&["inbox", "clear"]).await, @"
    exit 64
    simverify: this deletes every message of the inbox: add --yes
    ");
    assert_snapshot!(app.command(&["inbox", "clear", "--yes"]).await, @"
    exit 0
    deleted 2 messages
    ");
    assert_eq!(app.inbox().await.len(), 0);
    assert_snapshot!(app.command(&["blocklist", "list"]).await, @"
    exit 0
    ENTRY   CREATED                   ORIGIN
    +44…21  2026-03-01T12:00:00.000Z  opt_out
    ");
    assert_snapshot!(app.command(&["blocklist", "remove", "+447700900321"]).await, @"
    exit 0
    +447700900321 is not blocked any more
    ");
    app.finish().await;
}

/// The service centre's clock is the machine's.
fn without_sent(text: &str) -> String {
    let line = |line: &str| if line.starts_with("sent ") { "sent      DATE".to_owned() } else { line.to_owned() };
    text.lines().map(line).collect::<Vec<_>>().join("\n")
}
