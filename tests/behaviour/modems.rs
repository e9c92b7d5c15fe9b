//! The main job on modems with each of the oddities that modems have, and what goes over the wire.

use tokio::task::JoinSet;

use crate::harness::{NUMBER, Options, eventually, quick_modem, spawn_app};

/// Whether the modem's delivery report can be had.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Report {
    Comes,
    Cannot,
}

/// A number is verified through a modem with these settings.
async fn verifies(settings: &'static [(&'static str, &'static str)], report: Report) {
    let mut modem = quick_modem();
    for (name, value) in settings {
        modem = modem.with(name, value);
    }
    let mut app = spawn_app(Options::without_modem().modem("sim1", modem)).await;
    let request = app.start(NUMBER, &[]).await;
    let sms = app.phone.sms().await;
    app.at_rest().await;
    assert_eq!(app.lines("select state from attempt"), ["sent"], "{settings:?}");
    if report == Report::Comes {
        let delivered = "select count(*) from attempt where report = 'delivered'";
        eventually(&format!("the report of {settings:?}"), || (app.value::<i64>(delivered) == 1).then_some(())).await;
    }
    assert_eq!(app.check(&request, sms.pin()).await.field("status"), "0", "{settings:?}");
    assert_eq!(app.phone.unread(), 0, "{settings:?}");
    app.finish().await;
}

#[tokio::test]
async fn a_number_is_verified_through_a_modem_with_any_oddity() {
    let oddities: [(&'static [(&'static str, &'static str)], Report); 27] = [
        (&[("prompt", "bare")], Report::Comes),
        (&[("prompt", "cr")], Report::Comes),
        (&[("line-end", "lf")], Report::Comes),
        (&[("line-end", "cr")], Report::Comes),
        (&[("line-end", "crcrlf")], Report::Comes),
        (&[("echo", "always")], Report::Comes),
        (&[("echo", "never")], Report::Comes),
        (&[("refuse", "AT")], Report::Comes),
        (&[("refuse", "+CMEE")], Report::Comes),
        (&[("refuse", "+CSMS")], Report::Comes),
        (&[("refuse", "+CPMS")], Report::Comes),
        (&[("refuse", "+CREG")], Report::Comes),
        (&[("refuse", "+CREG,+CGREG,+CEREG")], Report::Comes),
        (&[("refuse", "+CNMI")], Report::Cannot),
        (&[("refuse", "AT,+CMEE,+CSMS,+CPMS,+CEREG,+CNMI,+CSQ,+COPS,+CGMM,+CIMI")], Report::Cannot),
        (&[("refuse-validity", "on")], Report::Comes),
        (&[("reference", "zero")], Report::Comes),
        (&[("reference", "missing")], Report::Comes),
        (&[("escape", "off")], Report::Comes),
        (&[("report-first", "on")], Report::Comes),
        (&[("chunk", "1")], Report::Comes),
        (&[("chunk", "3"), ("chunk-gap", "1ms")], Report::Comes),
        (&[("flood", "5ms")], Report::Comes),
        (&[("latency", "20ms"), ("submit-latency", "100ms")], Report::Comes),
        (&[("registration", "5"), ("signal", "99")], Report::Comes),
        (&[("prompt", "bare"), ("line-end", "cr"), ("echo", "always"), ("reference", "zero")], Report::Comes),
        (&[("reports", "off")], Report::Cannot),
    ];
    let mut running = JoinSet::new();
    for (settings, report) in oddities {
        running.spawn(verifies(settings, report));
    }
    while let Some(verified) = running.join_next().await {
        verified.unwrap_or_else(|panic| std::panic::resume_unwind(panic.into_panic()));
    }
}

#[tokio::test]
async fn a_number_is_verified_through_each_make_of_modem() {
    for profile in simverify::simulator::PROFILES.iter().map(|profile| profile.name) {
        let modem = quick_modem().with("profile", profile);
        let mut app = spawn_app(Options::without_modem().modem("sim1", modem)).await;
        let request = app.start(NUMBER, &[]).await;
        let sms = app.phone.sms().await;
        assert_eq!(app.check(&request, sms.pin()).await.field("status"), "0", "{profile}");
        app.finish().await;
    }
}

#[tokio::test]
async fn garbage_on_the_line_hurts_no_message() {
    let mut app = spawn_app(Options::one_modem()).await;
    for index in 0..5 {
        app.modem("sim1", "garbage 200").await;
        let request = app.start(&format!("4477009001{index:02}"), &[]).await;
        let sms = app.phone.sms().await;
        app.at_rest().await;
        assert_eq!(app.check(&request, sms.pin()).await.field("status"), "0");
    }
    app.finish().await;
}

#[tokio::test]
async fn a_long_message_in_another_script_arrives_whole() {
    let mut app = spawn_app(Options::one_modem()).await;
    // Built-in texts are short enough for one message; an operator's own need not be.
    app.write_texts("en-gb.toml", "sms_short = '{pin} is your {brand} code. Do not share it with anyone.'");
    app.reload().expect("a good file");
    let brand = "🦀".repeat(18);
    let request = app.start(NUMBER, &[("brand", &brand)]).await;
    let sms = app.phone.sms().await;
    assert_eq!(sms.text, format!("{} is your {brand} code. Do not share it with anyone.", sms.pin()));
    assert_eq!(app.check(&request, sms.pin()).await.field("status"), "0");
    app.finish().await;
}

#[tokio::test]
async fn the_network_is_told_to_give_up_when_the_pin_dies() {
    // Five minutes is the shortest period that the relative form can tell.
    for (expiry, longest_minutes) in [("60", 5), ("300", 5), ("900", 15), ("3600", 60)] {
        let mut app = spawn_app(Options::one_modem().tapped()).await;
        app.start(NUMBER, &[("workflow_id", "6"), ("pin_expiry", expiry)]).await;
        app.phone.sms().await;
        app.at_rest().await;
        let validity = relative_validity(&app.wire());
        assert!((validity + 1) * 5 <= longest_minutes, "{expiry} s: {validity}");
        app.finish().await;
    }
}

/// TP-VP of the message on the wire, in its relative form: 3GPP TS 23.040 §9.2.2.2, §9.2.3.12.1.
fn relative_validity(wire: &str) -> u64 {
    let body = wire.lines().flat_map(|line| line.split('\r')).find_map(|line| line.strip_suffix('\u{1a}'));
    let body = body.or_else(|| wire.split('\u{1a}').next()?.rsplit('\r').next()).expect("a message body");
    let octet = |at: usize| u64::from_str_radix(&body[2 * at..2 * at + 2], 16).expect("hex");
    let smsc = 1 + octet(0) as usize;
    assert_eq!(octet(smsc) >> 3 & 3, 2, "a relative validity period");
    let digits = octet(smsc + 2) as usize;
    octet(smsc + 4 + digits.div_ceil(2) + 2)
}

#[tokio::test]
async fn a_modem_that_restarts_while_it_is_idle_loses_no_message() {
    let mut app = spawn_app(Options::one_modem()).await;
    app.modem("sim1", "reboot").await;
    let request = app.start(NUMBER, &[]).await;
    // The message may meet the restart: then it is tried again after two seconds.
    app.pass(2).await;
    let sms = app.phone.sms().await;
    assert_eq!(app.check(&request, sms.pin()).await.field("status"), "0");
    assert_eq!(app.phone.unread(), 0);
    app.finish().await;
}
