//! Calls that tell the PIN: how they go, what they cost, what ends them.

use insta::assert_snapshot;
use simverify::simulator::CallState;

use crate::harness::{NUMBER, Options, TestApp, quick_modem, spawn_app};

/// A synthesiser that hums for a twentieth of a second whatever it is told, so that one reading lasts some seconds.
const HUM: &str = "tts.engine = \"command\"\ntts.repeat = 1\ntts.command = [\"sh\", \"-c\", \
    \"cat > /dev/null; sox -q -n -r 8000 -b 16 -c 1 -t wav - synth 0.05 sine 700\"]";

/// One modem whose sound goes to ALSA's device that swallows everything.
fn speaking() -> Options {
    let modem = quick_modem().with("answer-after", "50ms");
    Options::without_modem()
        .modem("sim1", modem)
        .keys("sim1", "channels = [\"sms\", \"voice\"]\nvoice = { kind = \"alsa\", device = \"null\" }")
        .toml(HUM)
}

const REASONS: &str = "select state || ': ' || coalesce(reason, '-') from attempt order by attempt_id";

async fn rest(app: &TestApp) -> String {
    app.at_rest().await;
    app.lines(REASONS).join("\n")
}

#[tokio::test]
async fn a_call_that_is_answered_tells_the_pin_and_is_hung_up() {
    let app = spawn_app(speaking()).await;
    let request = app.start(NUMBER, &[("workflow_id", "7"), ("pin_code", "4711")]).await;
    app.phone.call_is(CallState::Answered, 1).await;
    app.phone.call_is(CallState::Ended, 1).await;
    let said = rest(&app).await;
    assert!(said.starts_with("sent: rang 0."), "{said}");
    let seconds = app.phone.calls().last().expect("a call").seconds;
    assert!((4..20).contains(&seconds), "one reading and the sentences around it: {seconds} s");
    assert_eq!(app.events(&request).await, ["tts"]);
    assert_eq!(app.check(&request, "4711").await.field("status"), "0");
    app.finish().await;
}

#[tokio::test]
async fn a_busy_line_counts_as_called_and_the_next_call_comes_after_its_wait() {
    let app = spawn_app(speaking()).await;
    let request = app.start("447700900001", &[("workflow_id", "3"), ("pin_code", "4711")]).await;
    app.phone.call_is(CallState::Busy, 1).await;
    assert_snapshot!(rest(&app).await, @"unanswered: busy");
    assert_eq!(app.status(&request).await, "IN PROGRESS");
    assert_eq!(app.search(&request).await.field("price"), "0.12050000");
    app.pass(149).await;
    assert_eq!(app.phone.calls().len(), 1);
    app.pass(1).await;
    app.phone.call_is(CallState::Busy, 2).await;
    app.at_rest().await;
    assert_eq!(app.events(&request).await, ["tts", "tts"]);
    // A busy line starts no life of the PIN: it is right for as long as the verification lives.
    assert_eq!(app.check(&request, "4711").await.field("status"), "0");
    app.finish().await;
}

#[tokio::test]
async fn a_rejected_call_and_one_that_is_hung_up_at_once_told_nobody_the_pin() {
    for (number, reason) in [("447700900009", "unanswered: busy"), ("447700900018", "unanswered: hung up before")] {
        let app = spawn_app(speaking()).await;
        app.start(number, &[("workflow_id", "7")]).await;
        let said = rest(&app).await;
        assert!(said.starts_with(reason), "{said}");
        app.finish().await;
    }
}

#[tokio::test]
async fn a_number_that_cannot_be_reached_costs_nothing() {
    let app = spawn_app(speaking()).await;
    let request = app.start("447700900007", &[("workflow_id", "7")]).await;
    assert_snapshot!(rest(&app).await, @"final: number unobtainable (cause 1)");
    assert_eq!(app.status(&request).await, "FAILED");
    assert_eq!(app.search(&request).await.field("price"), "0.00000000");
    app.finish().await;
}

#[tokio::test]
async fn the_right_code_hangs_up_a_call_in_progress() {
    let app = spawn_app(speaking()).await;
    let request = app.start(NUMBER, &[("workflow_id", "7"), ("pin_code", "4711")]).await;
    app.phone.call_is(CallState::Answered, 1).await;
    assert_eq!(app.check(&request, "4711").await.field("status"), "0");
    app.phone.call_is(CallState::Ended, 1).await;
    let seconds = app.phone.calls().last().expect("a call").seconds;
    assert!(seconds < 4, "it was hung up before all was said: {seconds} s");
    assert_snapshot!(rest(&app).await, @"unanswered: ended because it was not needed any more");
    app.finish().await;
}

#[tokio::test]
async fn a_speech_that_cannot_be_rendered_fails_its_event_with_the_reason() {
    let options = speaking().toml("tts.engine = \"command\"\ntts.command = [\"false\"]");
    let app = spawn_app(options).await;
    let request = app.start(NUMBER, &[("workflow_id", "7")]).await;
    let said = rest(&app).await;
    assert!(said.contains("false"), "{said}");
    assert_eq!(app.status(&request).await, "FAILED");
    app.finish().await;
}

#[tokio::test]
async fn a_card_that_is_not_there_fails_the_event_with_the_reason() {
    let modem = quick_modem().with("answer-after", "50ms");
    let options = Options::without_modem().modem("sim1", modem).toml(HUM);
    let voice = "channels = [\"voice\"]\nvoice = { kind = \"alsa\", device = \"hw:no_such_card\" }";
    let app = spawn_app(options.keys("sim1", voice)).await;
    app.start(NUMBER, &[("workflow_id", "7")]).await;
    let said = rest(&app).await;
    assert!(said.contains("the sound cannot be played"), "{said}");
    app.finish().await;
}

#[tokio::test]
async fn an_sms_goes_out_after_the_call_and_the_workflow_goes_on_as_the_contract_says() {
    let mut app = spawn_app(speaking()).await;
    let request = app.start(NUMBER, &[("workflow_id", "5"), ("pin_code", "4711")]).await;
    assert_eq!(app.phone.sms().await.pin(), "4711");
    app.pass(120).await;
    app.phone.call_is(CallState::Ended, 1).await;
    app.at_rest().await;
    assert_eq!(app.events(&request).await, ["sms", "tts"]);
    assert_eq!(app.check(&request, "4711").await.field("status"), "0");
    app.finish().await;
}

#[tokio::test]
async fn a_modem_with_speech_of_its_own_tells_the_pin_digit_by_digit() {
    let modem = quick_modem().with("profile", "sim7600").with("answer-after", "50ms");
    let voice = "channels = [\"voice\"]\nvoice = { kind = \"modem-tts\" }";
    let options = Options::without_modem().modem("sim1", modem).keys("sim1", voice).toml("tts.repeat = 1");
    let app = spawn_app(options).await;
    let request = app.start(NUMBER, &[("workflow_id", "7"), ("pin_code", "4711"), ("lg", "de-de")]).await;
    app.phone.call_is(CallState::Ended, 1).await;
    let said = rest(&app).await;
    assert!(said.starts_with("sent: rang"), "{said}");
    assert_snapshot!(app.phone.heard().join("|"), @"Hello. This is Acme.|Your code is|4|7|1|1|Goodbye.");
    assert_eq!(app.check(&request, "4711").await.field("status"), "0");
    app.finish().await;
}

#[tokio::test]
async fn a_modem_without_speech_of_its_own_says_so() {
    let voice = "channels = [\"voice\"]\nvoice = { kind = \"modem-tts\" }";
    let app = spawn_app(Options::one_modem().keys("sim1", voice)).await;
    app.start(NUMBER, &[("workflow_id", "7")]).await;
    assert_snapshot!(rest(&app).await, @"
    other_route: this make of modem has no speech of its own
    unroutable: no route takes it
    ");
    app.finish().await;
}

#[tokio::test]
async fn a_call_and_a_burst_of_sms_on_two_modems_do_not_disturb_each_other() {
    let voice = "channels = [\"voice\"]\nvoice = { kind = \"alsa\", device = \"null\" }";
    let options = Options::without_modem()
        .modem("sim1", quick_modem().with("answer-after", "50ms"))
        .keys("sim1", voice)
        .modem("sim2", quick_modem())
        .toml(HUM);
    let mut app = spawn_app(options).await;
    let call = app.start(NUMBER, &[("workflow_id", "7"), ("pin_code", "4711")]).await;
    app.phone.call_is(CallState::Answered, 1).await;
    for index in 0..30 {
        app.start(&format!("447700900{}", 200 + index), &[("workflow_id", "6")]).await;
    }
    for _ in 0..30 {
        assert_eq!(app.phone.sms().await.modem, "sim2");
    }
    assert_eq!(app.phone.calls().last().expect("a call").state, CallState::Answered, "it goes on meanwhile");
    app.phone.call_is(CallState::Ended, 1).await;
    app.at_rest().await;
    assert_eq!(app.events(&call).await, ["tts"]);
    assert_eq!(app.check(&call, "4711").await.field("status"), "0");
    app.finish().await;
}

#[tokio::test]
async fn key_1_plays_the_pin_once_more() {
    let modem = quick_modem().with("profile", "sim7600").with("answer-after", "50ms");
    let voice = "channels = [\"voice\"]\nvoice = { kind = \"alsa\", device = \"null\" }";
    let app = spawn_app(Options::without_modem().modem("sim1", modem).keys("sim1", voice).toml(HUM)).await;
    // Nobody presses a key; then somebody does, five seconds after the answer.
    for (before, number) in [NUMBER, "447700900019"].into_iter().enumerate() {
        app.start(number, &[("workflow_id", "7")]).await;
        app.phone.call_is(CallState::Ended, before + 1).await;
        app.at_rest().await;
    }
    let seconds: Vec<_> =
        app.phone.calls().iter().filter(|call| call.state == CallState::Ended).map(|call| call.seconds).collect();
    assert!(seconds[1] >= seconds[0] + 4, "the PIN's part is played again: {seconds:?}");
    app.finish().await;
}
