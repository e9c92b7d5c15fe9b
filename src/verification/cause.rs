//! What a route's refusal means, and what to do about it: for people who read no standards.
//!
//! | what the route said | meaning |
//! | --- | --- |
//! | CMS 1, 28, 30; `number unobtainable` | the network knows no such number |
//! | CMS 8, 10; `call barred` | the SIM's operator has barred it |
//! | CMS 21, 29, 50, 69; CME 4, 32, 100–133 | the operator takes no message from this SIM: credit, contract |
//! | CMS 27 | the phone is off or out of reach |
//! | CMS 38, 41, 42, 47, 98, 111, 127, 192, 194 | the network was disturbed or busy |
//! | CMS 81, 95–99, 128–130, 143–176, 195, 196, 208–213, 255, 302–305 | the network or the modem does not take this message |
//! | CMS 193, 330 | the service centre's number is missing or wrong |
//! | CMS 310–318; CME 5–18 | the SIM is missing, locked or faulty |
//! | CMS 331, 332, 513; CME 30, 31 | the modem had no network, or it did not answer |
//! | CMS 300, 301, 320–322, 340, 500 and up; other CME; `ERROR` | a fault of the modem |
//! | silence, restart, port closed | the modem itself was gone |
//! | `busy`, `nobody answered`, … | what became of a call |
//! | `HTTP 401`, `402`, `403`, `429`, other `4xx`, `5xx`; no connection | what the provider said, or did not |
//! | blocklist, closed country, no route, … | our own rules |
//!
//! The numbers: 3GPP TS 27.005 §3.2.5, TS 27.007 §9.2, TS 24.011 annex E, TS 24.008 annex H.

/// A cause in plain words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cause {
    /// A sentence without its full stop, in lower case.
    pub meaning: &'static str,
    /// A whole sentence; empty where there is nothing to be done.
    pub advice: &'static str,
}

const fn because(meaning: &'static str, advice: &'static str) -> Cause {
    Cause { meaning, advice }
}

const NO_SUCH_NUMBER: Cause =
    because("the network knows no such number", "Ask the person to check the number, digit by digit.");
const BARRED: Cause = because(
    "the SIM's operator has barred it from sending",
    "Ask the operator whether the SIM is paid, active and not blocked; a lack of credit ends in this too.",
);
const REFUSED_SIM: Cause = because(
    "the operator takes no message or call from this SIM: mostly its credit is used up, or the contract does not include it",
    "Top the SIM up, or ask its operator; until then another SIM or a provider can take over.",
);
const OUT_OF_REACH: Cause = because(
    "the phone is switched off or out of reach",
    "Ask the person to switch it on, and send the code once more.",
);
const NETWORK: Cause = because(
    "the network was disturbed or too busy",
    "Mostly this passes. If it lasts for an hour, ask the SIM's operator whether there is a disturbance.",
);
const NOT_TAKEN: Cause = because(
    "the network or the modem does not take this message",
    "If it is always this number, it cannot get messages; if it is every number, see docs/modems.md.",
);
const SERVICE_CENTRE: Cause = because(
    "the number of the SIM's message centre is missing or wrong",
    "Ask the operator for it, and store it on the SIM with a telephone (or AT+CSCA).",
);
const SIM: Cause = because(
    "the SIM is missing, locked or faulty",
    "Look at the modem's SIM: is it in, is its PIN configured (sim_pin), does it work in a telephone?",
);
const NO_NETWORK: Cause = because(
    "the modem had no network, or the network did not answer it",
    "Look at its signal; a better antenna or another place helps.",
);
const MODEM_FAULT: Cause = because(
    "the modem reported a fault of its own",
    "If it happens again, take the modem off its power, and look at `simverify modem trace NAME --last`.",
);
const MODEM_GONE: Cause = because(
    "the modem did not answer, restarted or was unplugged",
    "Check its power supply (up to 2 A; a powered hub) and its cable.",
);
const BUSY: Cause = because("the line was busy", "The next event follows by itself; the person can end their call.");
const NO_ANSWER: Cause =
    because("nobody answered the call", "Ask the person to take the call; it comes from the SIM's number.");
const REJECTED: Cause = because(
    "the call was rejected, by the person or by their phone",
    "Ask the person to take it; some phones block unknown callers.",
);
const HUNG_UP: Cause = because(
    "the person hung up before the code was read out",
    "Ask them to listen to the end; the code is read several times.",
);
const OVERTAKEN: Cause = because("it was not needed any more", "");
const MUTE: Cause = because(
    "the call stood, and nothing could be said",
    "Look at the modem's sound: `simverify doctor`, and docs/calls.md.",
);
const CALL_ENDED: Cause = because(
    "the network ended the call before it rang",
    "If it happens to every number, ask whether the SIM may make calls.",
);
const BLOCKED: Cause = because(
    "the number is on the blocklist",
    "If it ought to be verified, take it off: `simverify blocklist remove`. An owner who answered STOP can answer START.",
);
const CLOSED: Cause = because(
    "its country is closed to this kind of message",
    "It is opened under [protection.countries] in the configuration.",
);
const NO_ROUTE: Cause = because(
    "no modem and no provider takes messages of this kind to this number",
    "Ask `simverify route NUMBER` for the reason of each.",
);
const MINUTES_SPENT: Cause = because(
    "calls to this number, or to its neighbours, have used up their minutes",
    "The limits are those under [protection].",
);
const TOO_LATE: Cause = because(
    "it waited for its turn for longer than it may: no modem was ready, or too many messages were before it",
    "See the modems' state for that time. More SIMs, or a provider, shorten the queue.",
);
const STOPPED: Cause = because(
    "Simverify itself was not running",
    "Look into the journal for why it ended; after a power cut it goes on by itself.",
);
const PROVIDER_LOGIN: Cause =
    because("the provider refused our credentials", "Check user and password of the provider in the configuration.");
const PROVIDER_CREDIT: Cause = because("the account at the provider has no credit left", "Top it up there.");
const PROVIDER_BUSY: Cause = because(
    "the provider had too many requests",
    "It is asked again by itself; ask the provider for a higher rate if it is often so.",
);
const PROVIDER_REFUSED: Cause =
    because("the provider refused this message", "Its own words stand beside this; they name the reason.");
const PROVIDER_FAULT: Cause =
    because("the provider had a fault", "Mostly this passes; other routes are taken meanwhile where there are any.");
const PROVIDER_SILENT: Cause = because(
    "the provider could not be reached, or did not reply in time",
    "Check the connection to the internet; `simverify doctor` connects to each provider.",
);
const PROVIDER_REQUEST: Cause = because(
    "no request to the provider could be made of this message",
    "Check the provider's templates: docs/providers.md.",
);

/// What is said without a number. The first that the reason begins with, or contains behind a colon, decides.
const PHRASES: &[(&str, Cause)] = &[
    ("number unobtainable", NO_SUCH_NUMBER),
    ("call barred", BARRED),
    ("network ended the call", CALL_ENDED),
    ("busy", BUSY),
    ("nobody answered", NO_ANSWER),
    ("no answer from the modem", MODEM_GONE),
    ("rejected", REJECTED),
    ("hung up before", HUNG_UP),
    ("ended because it was not needed", OVERTAKEN),
    ("the message could not be spoken", MUTE),
    ("this modem makes no calls", MUTE),
    ("the provider says that it was busy or not answered", NO_ANSWER),
    ("modem gave no prompt", MODEM_GONE),
    ("modem restarted", MODEM_GONE),
    ("port closed", MODEM_GONE),
    ("the modem's driver failed", MODEM_GONE),
    ("modem refused: no carrier", CALL_ENDED),
    ("modem refused: busy", BUSY),
    ("modem refused: no answer", NO_ANSWER),
    ("modem refused", MODEM_FAULT),
    ("its number is on the blocklist", BLOCKED),
    ("its country is closed", CLOSED),
    ("no route took it", NO_ROUTE),
    ("no route takes it", NO_ROUTE),
    ("calls to it have used up their minutes", MINUTES_SPENT),
    ("it could not be handed over in time", TOO_LATE),
    ("every wait was over at a start", STOPPED),
    ("the daemon ended while", STOPPED),
    ("the last try was being compared when", STOPPED),
    ("no connection", PROVIDER_SILENT),
    ("no reply", PROVIDER_SILENT),
    ("the provider's worker failed", PROVIDER_FAULT),
    ("no request can be made", PROVIDER_REQUEST),
];

/// What a reason on record means; `None`: it speaks for itself.
pub fn cause(reason: &str) -> Option<Cause> {
    // The last refusal of a route says more than that there was none in time.
    let reason = reason.split_once("; last refusal: ").map_or(reason, |(_, refusal)| refusal);
    // `part 2 of 3: …`
    let reason = match reason.strip_prefix("part ").and_then(|rest| rest.split_once(": ")) {
        Some((_, rest)) => rest,
        None => reason,
    };
    let number = |name: &str| {
        let (_, rest) = reason.split_once(name)?;
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        rest[..digits].parse::<u16>().ok()
    };
    if reason.starts_with("HTTP ") {
        return number("HTTP ").map(of_http);
    }
    if let Some(code) = number("CMS ") {
        return Some(of_cms(code));
    }
    if let Some(code) = number("CME ") {
        return Some(of_cme(code));
    }
    PHRASES.iter().find(|(phrase, _)| reason.starts_with(phrase)).map(|(_, cause)| *cause)
}

fn of_cms(code: u16) -> Cause {
    match code {
        1 | 28 | 30 => NO_SUCH_NUMBER,
        8 | 10 => BARRED,
        21 | 29 | 50 | 69 => REFUSED_SIM,
        27 => OUT_OF_REACH,
        38 | 41 | 42 | 47 | 98 | 111 | 127 | 192 | 194 => NETWORK,
        193 | 330 => SERVICE_CENTRE,
        310..=318 => SIM,
        331 | 332 | 513 => NO_NETWORK,
        0..300 | 302..=305 => NOT_TAKEN,
        _ => MODEM_FAULT,
    }
}

fn of_cme(code: u16) -> Cause {
    match code {
        5..=7 | 10..=18 => SIM,
        30 | 31 => NO_NETWORK,
        4 | 32 | 103..=134 => REFUSED_SIM,
        _ => MODEM_FAULT,
    }
}

fn of_http(status: u16) -> Cause {
    match status {
        401 | 403 => PROVIDER_LOGIN,
        402 => PROVIDER_CREDIT,
        429 => PROVIDER_BUSY,
        500.. => PROVIDER_FAULT,
        _ => PROVIDER_REFUSED,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_routes_say_has_a_meaning_in_plain_words() {
        let cases = [
            ("modem refused: CMS 1, unassigned number", NO_SUCH_NUMBER),
            ("number unobtainable (cause 1)", NO_SUCH_NUMBER),
            ("modem refused: CMS 10, call barred", BARRED),
            ("call barred (cause 8)", BARRED),
            ("modem refused: CMS 21, short message transfer rejected", REFUSED_SIM),
            ("modem refused: CME 32, network not allowed, emergency calls only", REFUSED_SIM),
            ("modem refused: CMS 27, destination out of service", OUT_OF_REACH),
            ("modem refused: CMS 38, network out of order", NETWORK),
            ("modem refused: CMS 42, congestion", NETWORK),
            ("modem refused: CMS 96, invalid mandatory information", NOT_TAKEN),
            ("modem refused: CMS 330, service centre address unknown", SERVICE_CENTRE),
            ("modem refused: CMS 310, SIM not inserted", SIM),
            ("modem refused: CME 10, SIM not inserted", SIM),
            ("modem refused: CMS 331, no network service", NO_NETWORK),
            ("part 2 of 3: modem refused: CMS 332, network timeout", NO_NETWORK),
            ("modem refused: CMS 500, unknown error", MODEM_FAULT),
            ("modem refused: CME 100, unknown", MODEM_FAULT),
            ("modem refused: ERROR", MODEM_FAULT),
            ("no answer from the modem in time; the message may have been sent", MODEM_GONE),
            ("port closed; the message may have been sent", MODEM_GONE),
            ("modem restarted", MODEM_GONE),
            ("busy", BUSY),
            ("nobody answered", NO_ANSWER),
            ("rejected", REJECTED),
            ("hung up before the PIN was read out", HUNG_UP),
            ("the message could not be spoken", MUTE),
            ("network ended the call before it rang", CALL_ENDED),
            ("network ended the call (cause 34)", CALL_ENDED),
            ("the provider says that it was busy or not answered", NO_ANSWER),
            ("its number is on the blocklist", BLOCKED),
            ("its country is closed to this channel", CLOSED),
            ("no route takes it", NO_ROUTE),
            ("calls to it have used up their minutes", MINUTES_SPENT),
            ("it could not be handed over in time", TOO_LATE),
            ("it could not be handed over in time; last refusal: modem refused: CMS 21, rejected", REFUSED_SIM),
            ("every wait was over at a start of the daemon", STOPPED),
            ("HTTP 401: bad login", PROVIDER_LOGIN),
            ("HTTP 402", PROVIDER_CREDIT),
            ("HTTP 429", PROVIDER_BUSY),
            ("HTTP 400: CMS 21", PROVIDER_REFUSED),
            ("HTTP 503", PROVIDER_FAULT),
            ("HTTP 200, and the reply says no", PROVIDER_REFUSED),
            ("no connection: connection refused", PROVIDER_SILENT),
            ("no reply: timed out", PROVIDER_SILENT),
        ];
        for (reason, expected) in cases {
            assert_eq!(cause(reason), Some(expected), "{reason}");
        }
        for unknown in ["", "raspberry", "rang 4.0 s, lasted 20.1 s"] {
            assert_eq!(cause(unknown), None, "{unknown}");
        }
    }
}
