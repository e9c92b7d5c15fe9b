//! What each provider's documentation lets a request be, and the reply that it shows for a success.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::bench::{Asked, Reply};

type Judged = Result<Reply, String>;

fn json_reply(status: u16, body: &Value) -> Reply {
    (status, "application/json", body.to_string())
}

fn ensure(holds: bool, complaint: &str) -> Result<(), String> {
    if holds { Ok(()) } else { Err(complaint.to_owned()) }
}

/// ITU-T E.164 with "+".
fn e164(text: &str) -> Result<(), String> {
    msisdn(text.strip_prefix('+').ok_or_else(|| format!("{text} has no +"))?)
}

/// The same without "+".
fn msisdn(text: &str) -> Result<(), String> {
    let sane =
        (7..=15).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit()) && !text.starts_with('0');
    ensure(sane, &format!("{text} is no number"))
}

/// Only these fields, the first `needed` of them always.
fn fields(form: &BTreeMap<String, String>, needed: &[&str], optional: &[&str]) -> Result<(), String> {
    for name in needed {
        ensure(form.contains_key(*name), &format!("{name} is missing"))?;
    }
    for name in form.keys() {
        ensure(needed.contains(&name.as_str()) || optional.contains(&name.as_str()), &format!("{name} is unknown"))?;
    }
    Ok(())
}

fn keys(object: &Value, needed: &[&str], optional: &[&str]) -> Result<(), String> {
    let object = object.as_object().ok_or("no object")?;
    fields(&object.keys().map(|name| (name.clone(), String::new())).collect(), needed, optional)
}

fn text<'a>(object: &'a Value, pointer: &str) -> Result<&'a str, String> {
    object.pointer(pointer).and_then(Value::as_str).ok_or_else(|| format!("{pointer} is no text"))
}

fn within(object: &Value, pointer: &str, range: std::ops::RangeInclusive<u64>) -> Result<(), String> {
    let number = object.pointer(pointer).and_then(Value::as_u64).ok_or_else(|| format!("{pointer} is no number"))?;
    ensure(range.contains(&number), &format!("{pointer} = {number}"))
}

fn whole(text: &str, range: std::ops::RangeInclusive<u64>) -> Result<(), String> {
    ensure(text.parse().is_ok_and(|number: u64| range.contains(&number)), &format!("{text} is out of range"))
}

/// Twilio Docs, "Messages resource": Create a Message resource; "Call resource": Create a Call resource.
pub fn twilio(asked: &Asked) -> Judged {
    asked.basic("AC00000000000000000000000000000001", "geheim")?;
    let form = asked.form()?;
    e164(form.get("To").ok_or("no To")?)?;
    if asked.path.ends_with("/Calls.json") {
        asked.posted_to("/2010-04-01/Accounts/AC00000000000000000000000000000001/Calls.json")?;
        fields(&form, &["To", "From", "Twiml"], &["StatusCallback"])?;
        e164(&form["From"])?;
        // "TwiML to execute when the call is answered … maximum 4000 characters".
        ensure(form["Twiml"].len() <= 4000 && form["Twiml"].starts_with("<Response>"), "Twiml")?;
        return Ok(json_reply(201, &json!({ "sid": "CA3001", "status": "queued", "answered_by": null })));
    }
    asked.posted_to("/2010-04-01/Accounts/AC00000000000000000000000000000001/Messages.json")?;
    let sender = if form.contains_key("From") { "From" } else { "MessagingServiceSid" };
    fields(&form, &["To", sender, "Body"], &["ValidityPeriod", "StatusCallback"])?;
    ensure(form["Body"].chars().count() <= 1600, "Body")?;
    whole(&form["ValidityPeriod"], 1..=14400)?;
    Ok(json_reply(201, &json!({ "sid": "SM1001", "status": "queued", "error_code": null, "error_message": null })))
}

/// Vonage, "SMS API": Send an SMS; "Delivery Receipts".
pub fn vonage(asked: &Asked) -> Judged {
    asked.posted_to("/sms/json")?;
    asked.basic("abcd1234", "geheim")?;
    let form = asked.form()?;
    fields(&form, &["from", "to", "text"], &["type", "ttl", "client-ref", "callback"])?;
    msisdn(&form["to"])?;
    ensure(["text", "unicode"].contains(&form["type"].as_str()), "type")?;
    whole(&form["ttl"], 20_000..=604_800_000)?;
    ensure(form["client-ref"].len() <= 100, "client-ref")?;
    let message = json!({
        "to": form["to"], "message-id": "0C000000217B7F02", "status": "0", "remaining-balance": "15.53590000",
        "message-price": "0.03330000", "network": "23410",
    });
    Ok(json_reply(200, &json!({ "message-count": "1", "messages": [message] })))
}

/// MessageBird, "SMS Messaging": Send outbound SMS; "Voice Messaging": Send a voice message.
pub fn messagebird(asked: &Asked) -> Judged {
    asked.authorized("AccessKey geheim")?;
    let body = asked.json()?;
    msisdn(text(&body, "/recipients/0")?)?;
    let originator = text(&body, "/originator")?;
    if asked.path == "/voicemessages" {
        asked.posted_to("/voicemessages")?;
        keys(&body, &["originator", "recipients", "body", "language"], &["ifMachine", "reference", "reportUrl"])?;
        msisdn(originator)?;
        ensure(text(&body, "/body")?.chars().count() <= 1000, "body")?;
        ensure(["continue", "delay", "hangup"].contains(&text(&body, "/ifMachine")?), "ifMachine")?;
        return Ok(json_reply(201, &json!({ "id": "e8077d803532c0b5937c639b60216938", "repeat": 1 })));
    }
    asked.posted_to("/messages")?;
    let optional = ["datacoding", "validity", "reference", "reportUrl"];
    keys(&body, &["originator", "recipients", "body"], &optional)?;
    ensure(msisdn(originator).is_ok() || originator.len() <= 11, "originator")?;
    ensure(["plain", "unicode", "auto"].contains(&text(&body, "/datacoding")?), "datacoding")?;
    within(&body, "/validity", 1..=u64::from(u32::MAX))?;
    Ok(json_reply(201, &json!({ "id": "e8077d803532c0b5937c639b60216938", "recipients": { "totalSentCount": 1 } })))
}

/// Bird, "Channels API": Sending SMS messages; "Send a message" (202, message was accepted for processing).
pub fn bird(asked: &Asked) -> Judged {
    asked.posted_to(
        "/workspaces/a1405560-c8d3-4b1a-877d-3f449ad95352/channels/b2405560-c8d3-4b1a-877d-3f449ad95352/messages",
    )?;
    asked.authorized("AccessKey geheim")?;
    let body = asked.json()?;
    keys(&body, &["receiver", "body"], &["reference"])?;
    ensure(text(&body, "/receiver/contacts/0/identifierKey")? == "phonenumber", "identifierKey")?;
    e164(text(&body, "/receiver/contacts/0/identifierValue")?)?;
    ensure(text(&body, "/body/type")? == "text", "type")?;
    text(&body, "/body/text/text")?;
    Ok(json_reply(202, &json!({ "id": "3fa85f64-5717-4562-b3fc-2c963f66afa6", "status": "accepted" })))
}

/// Plivo, "Messages": Send a message.
pub fn plivo(asked: &Asked) -> Judged {
    asked.posted_to("/v1/Account/MA1/Message/")?;
    asked.basic("MA1", "geheim")?;
    let body = asked.json()?;
    keys(&body, &["src", "dst", "text"], &["type", "log", "message_expiry", "url", "method"])?;
    e164(text(&body, "/dst")?)?;
    // The official client takes a truth value.
    ensure(body.pointer("/log") == Some(&json!(false)), "log")?;
    within(&body, "/message_expiry", 5..=10_800)?;
    let uuid = "db3ce55a-7f1d-11e1-8ea7-1231380bc196";
    Ok(json_reply(202, &json!({ "message": "message(s) queued", "message_uuid": [uuid], "api_id": "db342550" })))
}

/// Telnyx, "Send a message"; "Create a connection-scoped TeXML call".
pub fn telnyx(asked: &Asked) -> Judged {
    asked.authorized("Bearer geheim")?;
    let body = asked.json()?;
    if asked.path.contains("/texml/") {
        asked.posted_to("/v2/texml/calls/1494404757140276705")?;
        keys(&body, &["From", "To", "Texml"], &[])?;
        e164(text(&body, "/From")?)?;
        e164(text(&body, "/To")?)?;
        ensure(text(&body, "/Texml")?.starts_with("<Response><Say"), "Texml")?;
        let reply = json!({ "call_sid": "v3:call-control-id", "from": "+1", "to": "+1", "status": "queued" });
        return Ok(json_reply(200, &reply));
    }
    asked.posted_to("/v2/messages")?;
    let optional = ["type", "messaging_profile_id", "webhook_url", "use_profile_webhooks"];
    keys(&body, &["from", "to", "text"], &optional)?;
    e164(text(&body, "/to")?)?;
    ensure(text(&body, "/type")? == "SMS", "type")?;
    let to = json!([{ "phone_number": text(&body, "/to")?, "status": "queued" }]);
    Ok(json_reply(200, &json!({ "data": { "record_type": "message", "id": "40385f64-5717-4562-b3fc", "to": to } })))
}

/// Sinch, "SMS": Send (batches).
pub fn sinch(asked: &Asked) -> Judged {
    asked.posted_to("/xms/v1/jd63jf88477ll123ab4567cd89012ef3/batches")?;
    asked.authorized("Bearer geheim")?;
    let body = asked.json()?;
    let optional = ["expire_at", "client_reference", "delivery_report", "callback_url"];
    keys(&body, &["from", "to", "body"], &optional)?;
    msisdn(text(&body, "/to/0")?)?;
    // ISO 8601 in UTC.
    let expire_at = text(&body, "/expire_at")?;
    ensure(expire_at.len() == "2023-11-14T22:18:20Z".len() && expire_at.ends_with('Z'), "expire_at")?;
    ensure(text(&body, "/delivery_report")? == "per_recipient", "delivery_report")?;
    Ok(json_reply(201, &json!({ "id": "01FC66621XXXXX119Z8PMV1QPQ", "canceled": false, "type": "mt_text" })))
}

/// Sinch, "Voice": Callouts, text-to-speech callout.
pub fn sinch_voice(asked: &Asked) -> Judged {
    asked.posted_to("/calling/v1/callouts")?;
    asked.basic("669E367E", "geheim")?;
    let body = asked.json()?;
    ensure(text(&body, "/method")? == "ttsCallout", "method")?;
    let callout = body.pointer("/ttsCallout").ok_or("no ttsCallout")?;
    keys(callout, &["destination", "text"], &["cli", "locale", "custom", "enableDice"])?;
    ensure(text(callout, "/destination/type")? == "number", "type")?;
    e164(text(callout, "/destination/endpoint")?)?;
    e164(text(callout, "/cli")?)?;
    ensure(text(callout, "/text")?.chars().count() <= 600, "an application's text has 600 characters at most")?;
    Ok(json_reply(200, &json!({ "callId": "4398599d1ba84ef3bde0a82dfb61abed" })))
}

/// SMS Gateway for Android, "Sending Messages": Request fields. The reply is that of its OpenAPI document.
fn smsgate_message(asked: &Asked, optional: &[&str]) -> Judged {
    asked.basic("sms", "geheim")?;
    let body = asked.json()?;
    keys(&body, &["textMessage", "phoneNumbers"], optional)?;
    e164(text(&body, "/phoneNumbers/0")?)?;
    text(&body, "/textMessage/text")?;
    within(&body, "/ttl", 5..=u64::from(u32::MAX))?;
    if body.get("simNumber").is_some() {
        within(&body, "/simNumber", 1..=3)?;
    }
    let id = text(&body, "/id")?;
    ensure(id.len() <= 36, "id")?;
    let recipients = json!([{ "phoneNumber": text(&body, "/phoneNumbers/0")?, "state": "Pending" }]);
    Ok(json_reply(202, &json!({ "id": id, "state": "Pending", "recipients": recipients })))
}

const OF_SMSGATE: [&str; 5] = ["id", "ttl", "priority", "withDeliveryReport", "simNumber"];

/// "Public Cloud Server".
pub fn smsgate(asked: &Asked) -> Judged {
    asked.posted_to("/3rdparty/v1/messages")?;
    smsgate_message(asked, &[&OF_SMSGATE[..], &["deviceId"]].concat())
}

/// "Local Server".
pub fn smsgate_local(asked: &Asked) -> Judged {
    asked.posted_to("/message")?;
    smsgate_message(asked, &OF_SMSGATE)
}

/// textbee, "Send SMS".
pub fn textbee(asked: &Asked) -> Judged {
    asked.posted_to("/api/v1/gateway/devices/65f0000000000000000000aa/send-sms")?;
    ensure(asked.header("x-api-key")? == "geheim", "x-api-key")?;
    let body = asked.json()?;
    keys(&body, &["recipients", "message"], &["simSubscriptionId"])?;
    e164(text(&body, "/recipients/0")?)?;
    let message = "SMS added to queue for processing";
    let reply = json!({ "success": true, "message": message, "smsBatchId": "67a1f0", "recipientCount": 1 });
    Ok(json_reply(201, &json!({ "data": reply })))
}

/// Kannel User's Guide, "Using the HTTP interface to send SMS messages": by POST, with X-Kannel headers.
pub fn kannel(asked: &Asked) -> Judged {
    asked.posted_to("/cgi-bin/sendsms")?;
    ensure(asked.header("x-kannel-username")? == "tester", "username")?;
    ensure(asked.header("x-kannel-password")? == "geheim", "password")?;
    msisdn(asked.header("x-kannel-to")?.trim_start_matches('+'))?;
    ensure(asked.header("content-type")? == "text/plain; charset=UTF-8", "content type")?;
    ensure(["0", "2"].contains(&asked.header("x-kannel-coding")?), "coding")?;
    whole(asked.header("x-kannel-validity")?, 1..=1440)?;
    ensure(asked.header("x-kannel-dlr-url")?.ends_with("&status=%d"), "dlr-url")?;
    ensure(asked.header("x-kannel-dlr-mask")? == "27", "dlr-mask")?;
    ensure(asked.headers.values().all(|value| !value.is_empty()), "an empty header")?;
    Ok((202, "text/html", "0: Accepted for delivery".to_owned()))
}

/// Jasmin, "HTTP API": HTTP request parameters, HTTP response.
pub fn jasmin(asked: &Asked) -> Judged {
    asked.posted_to("/send")?;
    let form = asked.form()?;
    let content = if form.contains_key("content") { "content" } else { "hex-content" };
    let needed = ["to", "username", "password", content];
    let optional = ["from", "coding", "validity-period", "dlr", "dlr-url", "dlr-level", "dlr-method"];
    fields(&form, &needed, &optional)?;
    ensure(form["username"] == "foo" && form["password"] == "geheim", "credentials")?;
    msisdn(&form["to"])?;
    let hex = form.get("hex-content").is_none_or(|hex| hex.bytes().all(|digit| digit.is_ascii_hexdigit()));
    ensure(hex && form["coding"] == if content == "content" { "0" } else { "8" }, "coding")?;
    ensure(form["dlr"] == "yes" && ["1", "2", "3"].contains(&form["dlr-level"].as_str()), "dlr")?;
    ensure(["GET", "POST"].contains(&form["dlr-method"].as_str()), "dlr-method")?;
    Ok((200, "text/plain", "Success \"07033084-5cfd-4812-90a4-e4d24ffb6e3d\"".to_owned()))
}

/// playSMS, "WEBSERVICES": Send message, Examples.
pub fn playsms(asked: &Asked) -> Judged {
    asked.posted_to("/index.php")?;
    ensure(asked.query == "app=ws", "query")?;
    let form = asked.form()?;
    fields(&form, &["op", "u", "h", "to", "msg"], &["unicode", "from", "nofooter", "format"])?;
    ensure(form["op"] == "pv" && form["u"] == "anton" && form["h"] == "geheim", "credentials")?;
    e164(&form["to"])?;
    let queue = "afb5f34575e30ec4efe4471cf5d1bee4";
    let one = json!({ "status": "OK", "error": "0", "smslog_id": "30", "queue": queue, "to": form["to"] });
    Ok(json_reply(200, &json!({ "data": [one], "error_string": null })))
}

/// sms-gammu-gateway, README: POST /sms.
pub fn gammu(asked: &Asked) -> Judged {
    asked.posted_to("/sms")?;
    asked.basic("admin", "geheim")?;
    let body = asked.json()?;
    keys(&body, &["text", "number"], &["smsc", "unicode"])?;
    e164(text(&body, "/number")?)?;
    // Flask's parser makes a text of any value, so that false would count as true.
    ensure(body.get("unicode").is_none_or(|unicode| *unicode == json!(true)), "unicode")?;
    Ok(json_reply(200, &json!({ "status": 200, "message": "[255]" })))
}
