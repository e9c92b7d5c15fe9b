//! The phone behind a virtual modem. Only of an installation that has one: everything on it is play.
//!
//! Its texts are shown whole and never logged.

use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;

use super::frame::{Frame, Section};
use super::phone_chat::{Bubble, CallBubble, bubbles};
use super::visitor::{Act, Visitor};
use super::words::Moment;
use super::{Desk, page};
use crate::phone::PhoneNumber;
use crate::simulator::{Control, Simulator, magic};

/// Characters of a text that the phone sends.
const TEXT_MAX: usize = 480;

/// Who writes where nobody has written to the phone yet: a number that belongs to nobody.
const NUMBER: &str = "+447700900123";

const UNKNOWN: &str = "There is no virtual phone behind a modem of this name.";

#[derive(Template)]
#[template(path = "phone.html", config = "src/admin/askama.toml")]
struct PhonePage {
    frame: Frame,
    modem: String,
    /// All modems with a phone.
    modems: Vec<String>,
    bubbles: Vec<BubbleLine>,
    open_call: bool,
    number: String,
    magic: Vec<magic::Ending>,
}

struct BubbleLine {
    at: Moment,
    class: &'static str,
    who: String,
    text: String,
    quiet: String,
}

/// `GET /phone`.
pub(super) async fn phone(visitor: Visitor, desk: web::Data<Desk>, http: HttpRequest) -> HttpResponse {
    let modems = with_phones(&desk);
    let asked = form_urlencoded::parse(http.query_string().as_bytes()).find(|(name, _)| name == "modem");
    let modem = match asked {
        Some((_, asked)) => modems.iter().find(|modem| modem.name == asked),
        None => modems.first(),
    };
    let Some(modem) = modem else { return page::missing(&visitor, Section::Modems, UNKNOWN) };
    let bubbles = bubbles(modem.simulator.screen());
    let number = bubbles.iter().map(Bubble::number).next().unwrap_or(NUMBER).to_owned();
    visitor.show(&PhonePage {
        frame: visitor.frame(Section::Phone),
        modem: modem.name.clone(),
        modems: modems.iter().map(|modem| modem.name.clone()).collect(),
        open_call: bubbles.iter().any(|bubble| matches!(bubble, Bubble::Call(call) if call.is_open())),
        bubbles: bubbles.into_iter().map(BubbleLine::new).collect(),
        number,
        magic: magic::endings(),
    })
}

/// `POST /phone/NAME/sms`: the phone writes to the SIM.
pub(super) async fn send_sms(act: Act, desk: web::Data<Desk>, modem: web::Path<String>) -> HttpResponse {
    let Some(phone) = of(&desk, &modem) else { return page::missing(&act.visitor, Section::Modems, UNKNOWN) };
    let location = format!("/phone?modem={modem}");
    let (number, text) = (act.form.text("number").trim(), act.form.text("text").trim());
    let Ok(number) = PhoneNumber::parse(number, None) else {
        return act.refused(&location, "Write the number in international form: +447700900123.");
    };
    if text.is_empty() || text.chars().count() > TEXT_MAX {
        return act.refused(&location, format!("Write a text of 1 to {TEXT_MAX} characters."));
    }
    let number = format!("+{}", number.digits());
    phone.control(Control::Incoming { number, text: text.to_owned() }).await;
    act.done(&location, "The phone has sent it to the SIM.")
}

/// `POST /phone/NAME/call`: what the person at the phone does with the call.
pub(super) async fn on_call(act: Act, desk: web::Data<Desk>, modem: web::Path<String>) -> HttpResponse {
    let Some(phone) = of(&desk, &modem) else { return page::missing(&act.visitor, Section::Modems, UNKNOWN) };
    let location = format!("/phone?modem={modem}");
    let (control, done) = match act.form.text("act") {
        "answer" => (Control::Answer, "The call is answered, if it still rings."),
        "hang-up" => (Control::HangUp, "The call is hung up."),
        "key-1" => (Control::Key('1'), "Key 1 is pressed."),
        _ => return act.refused(&location, "There is no such key."),
    };
    phone.control(control).await;
    act.done(&location, done)
}

struct WithPhone {
    name: String,
    simulator: Simulator,
}

fn with_phones(desk: &Desk) -> Vec<WithPhone> {
    let modems = desk.app.modems().into_iter();
    let with_phone = modems.filter_map(|modem| Some((modem.route.name, modem.sheet.setup.simulator?)));
    with_phone
        .map(|(name, simulator)| WithPhone { name, simulator: desk.wires.simulators.get_or_start(&simulator) })
        .collect()
}

fn of(desk: &Desk, modem: &str) -> Option<Simulator> {
    with_phones(desk).into_iter().find(|phone| phone.name == modem).map(|phone| phone.simulator)
}

impl Bubble {
    fn number(&self) -> &str {
        match self {
            Self::Received { number, .. } | Self::Sent { number, .. } => number,
            Self::Call(call) => &call.number,
        }
    }
}

impl BubbleLine {
    fn new(bubble: Bubble) -> Self {
        match bubble {
            Bubble::Received { at, number, text, parts } => Self {
                at: Moment(at),
                class: "in",
                who: format!("SMS to {number}"),
                text,
                quiet: if parts > 1 { format!("{parts} parts") } else { String::new() },
            },
            Bubble::Sent { at, number, text } => {
                Self { at: Moment(at), class: "out", who: format!("{number} wrote"), text, quiet: String::new() }
            }
            Bubble::Call(call) => {
                let text = call.in_words();
                let CallBubble { at, number, notes, .. } = call;
                Self {
                    at: Moment(at), class: "call", who: format!("Call to {number}"), text, quiet: notes.join(" · ")
                }
            }
        }
    }
}
