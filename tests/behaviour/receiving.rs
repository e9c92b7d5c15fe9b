//! Messages that come in, in every way in which modems hand them over.

use insta::assert_snapshot;

use crate::harness::{NUMBER, Options, TestApp, eventually, quick_modem, spawn_app};

/// Who writes to us.
const WRITER: &str = "+447700900321";

fn direct() -> Options {
    Options::without_modem().modem("sim1", quick_modem().with("direct-only", "on"))
}

fn stored_and_direct() -> [Options; 2] {
    [Options::one_modem(), direct()]
}

/// A message as a network delivers it, from +447700900321.
fn pdu(header: &[u8], coding: u8, content: &[u8], length: usize) -> String {
    let first = if header.is_empty() { 0x04 } else { 0x44 };
    let mut octets = vec![0x00, first, 0x0C, 0x91, 0x44, 0x77, 0x00, 0x09, 0x30, 0x12, 0x00, coding];
    octets.extend([0x62, 0x30, 0x10, 0x21, 0x00, 0x00, 0x00]);
    octets.push(u8::try_from(length).expect("a length"));
    octets.extend(header);
    octets.extend(content);
    octets.iter().map(|octet| format!("{octet:02X}")).collect()
}

fn octets(header: &[u8], coding: u8, content: &[u8]) -> String {
    pdu(header, coding, content, header.len() + content.len())
}

/// Septets behind a header, from the next septet's bound on (3GPP TS 23.040 §9.2.3.24).
fn septets(header: &[u8], content: &[u8]) -> String {
    let header_septets = (header.len() * 8).div_ceil(7);
    let mut bits = vec![false; header_septets * 7 - header.len() * 8];
    bits.extend(content.iter().flat_map(|septet| (0..7).map(move |bit| septet >> bit & 1 == 1)));
    let packed: Vec<u8> =
        bits.chunks(8).map(|bits| bits.iter().rev().fold(0, |octet, bit| octet << 1 | u8::from(*bit))).collect();
    pdu(header, 0, &packed, header_septets + content.len())
}

/// Texts of the inbox, once so many messages are there.
async fn texts(app: &TestApp, count: usize) -> Vec<String> {
    app.inbox_of(count).await.into_iter().map(|message| message.text.unwrap_or(message.kind)).collect()
}

#[tokio::test]
async fn a_stored_message_is_on_record_before_it_is_deleted_from_the_modem() {
    let app = spawn_app(Options::one_modem().tapped()).await;
    app.incoming("sim1", WRITER, "hello there").await;
    let inbox = app.inbox_of(1).await;
    assert_eq!((inbox[0].sender.as_str(), inbox[0].text.as_deref()), (WRITER, Some("hello there")));
    assert_eq!((inbox[0].route.as_str(), inbox[0].kind.as_str()), ("sim1", "text"));
    for command in ["AT+CMGR=1\r", "AT+CMGD=1\r"] {
        eventually(command, || app.wire().contains(command).then_some(())).await;
    }
    assert!(!app.wire().contains("AT+CNMA"), "nothing came directly");
    app.finish().await;
}

#[tokio::test]
async fn a_direct_message_is_acknowledged_once_it_is_on_record() {
    let app = spawn_app(direct().tapped()).await;
    for text in ["one", "two", "three"] {
        app.incoming("sim1", WRITER, text).await;
    }
    assert_eq!(texts(&app, 3).await, ["one", "two", "three"], "each comes once the one before is acknowledged");
    eventually("the last acknowledgement", || (app.wire().matches("AT+CNMA\r").count() == 3).then_some(())).await;
    assert!(!app.wire().contains("AT+CMGD"), "nothing was stored");
    app.finish().await;
}

#[tokio::test]
async fn what_came_while_the_daemon_was_down_is_there_after_its_start() {
    for options in stored_and_direct() {
        let mut app = spawn_app(options).await;
        app.stop().await;
        app.incoming("sim1", WRITER, "anybody there?").await;
        app.incoming("sim1", WRITER, "hello?").await;
        app.start_again().await;
        assert_eq!(texts(&app, 2).await, ["anybody there?", "hello?"]);
        app.finish().await;
    }
}

#[tokio::test]
async fn what_the_modem_had_stored_elsewhere_is_found_at_the_start() {
    let mut app = spawn_app(Options::one_modem()).await;
    app.stop().await;
    app.modem("sim1", "set stores-in ME").await;
    app.incoming("sim1", WRITER, "in the modem").await;
    app.modem("sim1", "set stores-in SM").await;
    app.incoming("sim1", WRITER, "on the SIM").await;
    app.start_again().await;
    let mut texts = texts(&app, 2).await;
    texts.sort();
    assert_eq!(texts, ["in the modem", "on the SIM"]);
    app.finish().await;
}

#[tokio::test]
async fn a_long_message_is_joined_whatever_the_order_of_its_parts() {
    let long: String = (0..50).map(|number| format!("word{number}, ")).collect::<String>() + "end";
    let emoji = format!("{}end", "😀".repeat(100));
    for options in stored_and_direct() {
        let app = spawn_app(options).await;
        app.incoming_parts("sim1", WRITER, "3,1,2", &long).await;
        app.incoming_parts("sim1", WRITER, "2,2,1,3", &long).await;
        app.incoming_parts("sim1", WRITER, "4,3,2,1", &emoji).await;
        assert_eq!(texts(&app, 3).await, [long.as_str(), &long, &emoji]);
        app.finish().await;
    }
}

#[tokio::test]
async fn parts_are_joined_across_a_restart_of_the_daemon() {
    let long = "x".repeat(300);
    let mut app = spawn_app(Options::one_modem()).await;
    app.incoming_parts("sim1", WRITER, "2", &long).await;
    app.kept_parts(1).await;
    app.stop().await;
    app.start_again().await;
    app.all_ready().await;
    let first = septets(&[5, 0, 3, 1, 2, 1], &[0x78; 153]);
    app.incoming_pdus("sim1", &[&first]).await;
    let inbox = app.inbox_of(1).await;
    assert_eq!(inbox[0].text.as_ref().map(String::len), Some(300));
    app.finish().await;
}

#[tokio::test]
async fn parts_of_different_messages_do_not_mix() {
    let part = |reference: u8, parts: u8, number: u8, text: &[u8]| septets(&[5, 0, 3, reference, parts, number], text);
    let wide = octets(&[6, 8, 4, 0, 7, 2, 2], 8, &[0, 0x57]);
    let app = spawn_app(Options::one_modem()).await;
    let pdus = [
        part(7, 2, 1, b"a"),
        part(8, 2, 2, b"d"),
        wide,
        part(7, 3, 2, b"x"),
        part(8, 2, 1, b"c"),
        part(7, 2, 2, b"b"),
        // The reference begins again.
        part(7, 2, 2, b"f"),
        part(7, 2, 1, b"e"),
    ];
    app.incoming_pdus("sim1", &pdus.each_ref().map(String::as_str)).await;
    let mut texts = texts(&app, 3).await;
    texts.sort();
    assert_eq!(texts, ["ab", "cd", "ef"]);
    app.finish().await;
}

#[tokio::test]
async fn a_message_whose_parts_are_missing_is_shown_after_a_day_with_what_is_there() {
    let app = spawn_app(Options::one_modem()).await;
    app.incoming_pdus("sim1", &[&septets(&[5, 0, 3, 7, 3, 3], b" there"), &septets(&[5, 0, 3, 7, 3, 1], b"hello")])
        .await;
    app.kept_parts(2).await;
    assert_eq!(app.inbox().await.len(), 0);
    app.advance(24 * 3600 - 1);
    assert_eq!(app.inbox().await.len(), 0);
    app.advance(1);
    let inbox = app.inbox_of(1).await;
    assert_eq!(inbox[0].text.as_deref(), Some("hello there"));
    assert_eq!((inbox[0].received_parts, inbox[0].parts), (2, 3));
    app.finish().await;
}

#[tokio::test]
async fn every_alphabet_and_kind_is_kept_by_its_name() {
    let app = spawn_app(Options::one_modem()).await;
    let turkish = septets(&[3, 0x24, 1, 1], &[0x1B, 0x73, 0x65]);
    let wap = octets(&[6, 5, 4, 0x0B, 0x84, 0x23, 0xF0], 0xF5, b"http");
    let halves = |number: u8, unit: [u8; 2]| octets(&[5, 0, 3, 9, 2, number], 8, &unit);
    let pdus = [
        octets(&[], 0x08, "日本".encode_utf16().flat_map(u16::to_be_bytes).collect::<Vec<_>>().as_slice()),
        turkish,
        halves(2, [0xDE, 0x01]),
        halves(1, [0xD8, 0x3D]),
        octets(&[], 0x04, &[0, 1, 2]),
        pdu(&[], 0x10, &[0x53, 0xEA, 0x13, 0x0A], 4),
        wap,
    ];
    app.incoming_pdus("sim1", &pdus.each_ref().map(String::as_str)).await;
    let inbox = app.inbox_of(6).await;
    let shown: Vec<_> =
        inbox.iter().map(|message| format!("{}: {}", message.kind, message.text.as_deref().unwrap_or("-"))).collect();
    assert_snapshot!(shown.join("\n"), @"
    text: 日本
    text: şe
    text: 😁
    data: -
    flash: STOP
    application: -
    ");
    assert_eq!(inbox[3].pdus, [pdus[4].as_str()]);
    assert_eq!(app.request("447700900321", &[]).await.field("status"), "0", "a flash message is never acted upon");
    app.finish().await;
}

#[tokio::test]
async fn a_name_and_a_short_code_may_write_too() {
    let app = spawn_app(Options::one_modem()).await;
    app.incoming("sim1", "Vodafone", "STOP").await;
    app.incoming("sim1", "12345", "STOP").await;
    let senders: Vec<_> = app.inbox_of(2).await.into_iter().map(|message| message.sender).collect();
    assert_eq!(senders, ["Vodafone", "12345"]);
    assert_eq!(app.value::<i64>("select count(*) from blocklist"), 0);
    app.finish().await;
}

#[tokio::test]
async fn a_message_that_nobody_can_read_is_kept_as_it_came_and_blocks_no_other() {
    for options in stored_and_direct() {
        let app = spawn_app(options).await;
        app.incoming_pdus("sim1", &["0004FF", "00040C91447700"]).await;
        app.incoming("sim1", WRITER, "after it").await;
        let inbox = app.inbox_of(3).await;
        let kinds: Vec<_> = inbox.iter().map(|message| message.kind.as_str()).collect();
        assert_eq!(kinds, ["unreadable", "unreadable", "text"]);
        assert_eq!(inbox[0].pdus, ["0004FF"]);
        app.finish().await;
    }
}

#[tokio::test]
async fn a_full_storage_is_emptied_and_what_waited_for_room_arrives() {
    let settings = quick_modem().with("slots", "5");
    let mut app = spawn_app(Options::without_modem().modem("sim1", settings).tapped()).await;
    app.stop().await;
    for number in 1..=12 {
        app.incoming("sim1", WRITER, &format!("message {number}")).await;
    }
    app.start_again().await;
    let mut texts = texts(&app, 12).await;
    texts.sort();
    assert_eq!(texts.len(), 12);
    eventually("all are deleted", || (app.wire().matches("AT+CMGD=").count() == 12).then_some(())).await;
    app.finish().await;
}

#[tokio::test]
async fn a_message_that_could_not_be_deleted_before_a_restart_is_on_record_once() {
    let mut app = spawn_app(Options::one_modem().tapped()).await;
    app.modem("sim1", "set deletes off").await;
    app.incoming("sim1", WRITER, "once").await;
    app.inbox_of(1).await;
    eventually("a deletion", || app.wire().contains("AT+CMGD=1\r").then_some(())).await;
    app.stop().await;
    app.modem("sim1", "set deletes on").await;
    app.start_again().await;
    eventually("another deletion", || (app.wire().matches("AT+CMGD=1\r").count() == 2).then_some(())).await;
    assert_eq!(texts(&app, 1).await, ["once"]);
    app.finish().await;
}

#[tokio::test]
async fn the_network_may_deliver_a_message_twice() {
    let app = spawn_app(direct()).await;
    let pdu = septets(&[], b"twice");
    app.incoming_pdus("sim1", &[&pdu, &pdu]).await;
    app.incoming("sim1", WRITER, "after it").await;
    assert_eq!(texts(&app, 2).await, ["twice", "after it"]);
    app.finish().await;
}

#[tokio::test]
async fn a_flood_of_messages_holds_up_no_pin_and_loses_nothing() {
    let mut app = spawn_app(Options::one_modem()).await;
    for number in 0..100 {
        app.incoming("sim1", WRITER, &format!("flood {number}")).await;
    }
    let request = app.start(NUMBER, &[]).await;
    let sms = app.phone.sms().await;
    assert_eq!(app.check(&request, sms.pin()).await.field("status"), "0");
    assert_eq!(app.inbox_of(100).await.len(), 100);
    app.finish().await;
}

#[tokio::test]
async fn old_messages_are_purged_with_old_verifications() {
    let app = spawn_app(Options::one_modem().toml("storage.retention_days = 2")).await;
    app.incoming("sim1", WRITER, "old").await;
    app.inbox_of(1).await;
    app.advance(24 * 3600);
    app.incoming("sim1", WRITER, "young").await;
    app.inbox_of(2).await;
    app.advance(24 * 3600 + 1);
    eventually("the purge", || (app.value::<i64>("select count(*) from inbox") == 1).then_some(())).await;
    assert_eq!(texts(&app, 1).await, ["young"]);
    app.finish().await;
}

#[tokio::test]
async fn neither_sender_nor_text_stands_in_the_database_in_the_clear() {
    let mut app = spawn_app(Options::one_modem()).await;
    app.incoming("sim1", WRITER, "a very private message").await;
    app.inbox_of(1).await;
    app.stop().await;
    let file = app.database_bytes();
    for needle in ["447700900321", "private", "44770009302"] {
        assert!(!file.windows(needle.len()).any(|octets| octets == needle.as_bytes()), "{needle}");
    }
    app.finish().await;
}

#[tokio::test]
async fn a_call_is_rejected_and_disturbs_no_message() {
    let settings = quick_modem().with("submit-latency", "300ms");
    let mut app = spawn_app(Options::without_modem().modem("sim1", settings).tapped()).await;
    let request = app.start(NUMBER, &[]).await;
    eventually("a submit", || app.wire().contains('\x1a').then_some(())).await;
    app.modem("sim1", "call +447700900321").await;
    let sms = app.phone.sms().await;
    eventually("a hang-up", || app.wire().contains("AT+CHUP\r").then_some(())).await;
    assert_eq!(app.check(&request, sms.pin()).await.field("status"), "0");
    assert_eq!(app.lines("select event_index, state, route from attempt"), ["0 sent sim1"]);
    app.never_logged("447700900321");
    app.finish().await;
}
