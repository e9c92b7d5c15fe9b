//! Calls through services that read out a text.

use crate::bench::{Bench, settings};
use crate::fakes;

#[tokio::test]
async fn twilio_calls() {
    let variables = "account = 'AC00000000000000000000000000000001'\nsender = 'ACME'\ncaller = '+14155550100'";
    let bench = Bench::new("twilio", "channels = ['sms', 'voice']", variables, fakes::twilio).await;
    insta::assert_snapshot!(bench.call("de-de").await, @"taken as CA3001");
    insta::assert_snapshot!(bench.request(), @r#"
    POST /2010-04-01/Accounts/AC00000000000000000000000000000001/Calls.json
    authorization: Basic QUMwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMDAwMTpnZWhlaW0=
    content-type: application/x-www-form-urlencoded

    From = +14155550100
    StatusCallback = https://verify.example/callbacks/it?secret=unguessable-secret&reference=cdcdcdcdcdcdcdcd
    To = +447700900123
    Twiml = <Response><Say language="de-DE">Guten Tag. Hier ist Acme &amp; Söhne &lt;i&gt;. Ihr Code lautet: 4, 7, 1, 1. Noch einmal: 4, 7, 1, 1. Noch einmal: 4, 7, 1, 1. Auf Wiederhören.</Say></Response>
    "#);
}

#[tokio::test]
async fn twilio_calls_with_a_voice_of_choice() {
    let variables =
        "account = 'AC00000000000000000000000000000001'\nsender = '+14155550100'\nsay_voice = 'Polly.Vicki'";
    let bench = Bench::new("twilio", "channels = ['voice']", variables, fakes::twilio).await;
    bench.call("de-de").await;
    let request = bench.request();
    assert!(request.contains(r#"<Say language="de-DE" voice="Polly.Vicki">"#), "{request}");
}

#[tokio::test]
async fn messagebird_calls() {
    let bench = Bench::new("messagebird", "channels = ['voice']", "sender = '31612345678'", fakes::messagebird).await;
    insta::assert_snapshot!(bench.call("en-gb").await, @"taken as e8077d803532c0b5937c639b60216938");
    insta::assert_snapshot!(bench.request(), @r#"
    POST /voicemessages
    authorization: AccessKey geheim
    content-type: application/json

    {"originator": "31612345678", "recipients": ["447700900123"], "body": "Hello. This is Acme & Söhne <i>. Your code is: 4, 7, 1, 1. Again: 4, 7, 1, 1. Again: 4, 7, 1, 1. Goodbye.", "language": "en-gb", "ifMachine": "continue", "reference": "cdcdcdcdcdcdcdcd", "reportUrl": "https://verify.example/callbacks/it?secret=unguessable-secret&reference=cdcdcdcdcdcdcdcd"}
    "#);
}

#[tokio::test]
async fn telnyx_calls() {
    let variables = "sender = '+14155550100'\napplication = '1494404757140276705'";
    let bench = Bench::new("telnyx", "channels = ['sms', 'voice']", variables, fakes::telnyx).await;
    insta::assert_snapshot!(bench.call("fr-fr").await, @"taken as v3:call-control-id");
    insta::assert_snapshot!(bench.request(), @r#"
    POST /v2/texml/calls/1494404757140276705
    authorization: Bearer geheim
    content-type: application/json

    {"From": "+14155550100", "To": "+447700900123", "Texml": "<Response><Say language=\"fr-FR\">Bonjour. Ici Acme &amp; Söhne &lt;i&gt;. Votre code est: 4, 7, 1, 1. Je répète: 4, 7, 1, 1. Je répète: 4, 7, 1, 1. Au revoir.</Say></Response>"}
    "#);
}

#[tokio::test]
async fn sinch_calls() {
    let variables = "account = '669E367E'\ncaller = '+14155550100'";
    let bench = Bench::new("sinch-voice", "", variables, fakes::sinch_voice).await;
    insta::assert_snapshot!(bench.call("en-us").await, @"taken as 4398599d1ba84ef3bde0a82dfb61abed");
    insta::assert_snapshot!(bench.request(), @r#"
    POST /calling/v1/callouts
    authorization: Basic NjY5RTM2N0U6Z2VoZWlt
    content-type: application/json

    {"method": "ttsCallout", "ttsCallout": {"cli": "+14155550100", "destination": {"type": "number", "endpoint": "+447700900123"}, "locale": "en-US", "text": "Hello. This is Acme & Söhne <i>. Your code is: 4, 7, 1, 1. Again: 4, 7, 1, 1. Again: 4, 7, 1, 1. Goodbye.", "custom": "cdcdcdcdcdcdcdcd", "enableDice": true}}
    "#);
}

#[test]
fn what_only_calls_need_is_asked_for_when_calls_are_made() {
    let told = settings("telnyx", "channels = ['sms', 'voice']", "sender = '+14155550100'").expect_err("it is missing");
    insta::assert_snapshot!(told.rsplit_once("simverify.toml").expect("a place").1, @r#":9: providers[0].variables.application = "": must be given: the ID of a TeXML application (preset telnyx)"#);
    assert!(settings("telnyx", "", "sender = '+14155550100'").is_ok());
}
