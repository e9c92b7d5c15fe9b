//! Telnet as far as a serial port needs it: escaping, binary mode, and the port's settings. Pure.
//!
//! ```text
//!  begin ──► WILL/DO BINARY, WILL COM-PORT ──► server: DO COM-PORT ──► rate, 8N1, no flow control, DTR, RTS
//!                                               │ DONT                   │ each confirmed, or not
//!                                               ▼                        ▼
//!                                          the server's own settings    settled
//! ```
//!
//! RFC 854 (the protocol), RFC 856 (binary), RFC 858 (no go-ahead), RFC 1143 (how not to answer answers for ever), RFC 2217
//! (the port). A server may refuse any of it: what it refuses is left as the server has it. It must never keep more
//! than a bounded part of a subnegotiation, and never answer what asks for nothing new.

const IAC: u8 = 255;
const DONT: u8 = 254;
const DO: u8 = 253;
const WONT: u8 = 252;
const WILL: u8 = 251;
const SB: u8 = 250;
const SE: u8 = 240;

const BINARY: u8 = 0;
const NO_GO_AHEAD: u8 = 3;
const COM_PORT: u8 = 44;

// RFC 2217: what the client sends; the server's confirmation is the same plus 100.
const SET_BAUD_RATE: u8 = 1;
const SET_DATA_SIZE: u8 = 2;
const SET_PARITY: u8 = 3;
const SET_STOP_SIZE: u8 = 4;
const SET_CONTROL: u8 = 5;
const SET_LINE_STATE_MASK: u8 = 10;
const SET_MODEM_STATE_MASK: u8 = 11;
const CONFIRMED: u8 = 100;

const NO_PARITY: u8 = 1;
const ONE_STOP_BIT: u8 = 1;
const NO_FLOW_CONTROL: u8 = 1;
const DTR_ON: u8 = 8;
const RTS_ON: u8 = 11;

/// A confirmation has at most nine octets, a signature some dozens; what is longer is thrown away.
const SUBNEGOTIATION_MAX: usize = 256;

/// One end of a Telnet connection to a serial port.
#[derive(Debug)]
pub struct Telnet {
    baud_rate: u32,
    decode: Decode,
    subnegotiation: Vec<u8>,
    /// Options on our side (`WILL`), and on the server's (`DO`).
    ours: Options,
    theirs: Options,
    rate_confirmed: bool,
    heard_telnet: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Decode {
    Text,
    /// A carriage return outside binary mode: the NUL that may follow belongs to it (RFC 854).
    AfterReturn,
    Command,
    Option(u8),
    Subnegotiation,
    SubnegotiationCommand,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Agreement {
    Off,
    Asked,
    On,
    Refused,
}

#[derive(Debug)]
struct Options {
    binary: Agreement,
    no_go_ahead: Agreement,
    com_port: Agreement,
}

impl Options {
    /// `None`: an option that this program does not know.
    fn get_mut(&mut self, option: u8) -> Option<&mut Agreement> {
        match option {
            BINARY => Some(&mut self.binary),
            NO_GO_AHEAD => Some(&mut self.no_go_ahead),
            COM_PORT => Some(&mut self.com_port),
            _ => None,
        }
    }
}

impl Telnet {
    pub fn new(baud_rate: u32) -> Self {
        use Agreement::{Asked, Off, Refused};
        Self {
            baud_rate,
            decode: Decode::Text,
            subnegotiation: Vec::new(),
            ours: Options { binary: Asked, no_go_ahead: Off, com_port: Asked },
            // The port is the server's; it has no use for one of ours.
            theirs: Options { binary: Asked, no_go_ahead: Off, com_port: Refused },
            rate_confirmed: false,
            heard_telnet: false,
        }
    }

    /// What the client says first.
    pub fn begin(&self) -> Vec<u8> {
        vec![IAC, WILL, BINARY, IAC, DO, BINARY, IAC, WILL, COM_PORT]
    }

    /// Takes bytes in any chunks: what the port said goes to `text`, what the server is to be answered to `answers`.
    pub fn receive(&mut self, bytes: &[u8], text: &mut Vec<u8>, answers: &mut Vec<u8>) {
        for &byte in bytes {
            self.byte(byte, text, answers);
        }
    }

    /// Writes `text` as the server wants it.
    pub fn encode(&self, text: &[u8], output: &mut Vec<u8>) {
        let binary = self.ours.binary == Agreement::On;
        for &byte in text {
            output.push(byte);
            match byte {
                IAC => output.push(IAC),
                // RFC 854: a carriage return alone is followed by NUL.
                b'\r' if !binary => output.push(0),
                _ => {}
            }
        }
    }

    /// Whether everything that was asked for is agreed or refused.
    pub fn is_settled(&self) -> bool {
        let com_port = match self.ours.com_port {
            Agreement::Asked => false,
            Agreement::On => self.rate_confirmed,
            Agreement::Off | Agreement::Refused => true,
        };
        com_port && self.ours.binary != Agreement::Asked && self.theirs.binary != Agreement::Asked
    }

    /// Whether the other side has said anything in this protocol.
    pub fn has_heard_telnet(&self) -> bool {
        self.heard_telnet
    }

    fn byte(&mut self, byte: u8, text: &mut Vec<u8>, answers: &mut Vec<u8>) {
        self.decode = match (self.decode, byte) {
            (Decode::AfterReturn, 0) => Decode::Text,
            (Decode::Text | Decode::AfterReturn, IAC) => Decode::Command,
            (Decode::Text | Decode::AfterReturn, _) => {
                text.push(byte);
                let binary = self.theirs.binary == Agreement::On;
                if byte == b'\r' && !binary { Decode::AfterReturn } else { Decode::Text }
            }
            (Decode::Command, IAC) => {
                text.push(IAC);
                Decode::Text
            }
            (Decode::Command, WILL | WONT | DO | DONT) => Decode::Option(byte),
            (Decode::Command, SB) => {
                self.subnegotiation.clear();
                Decode::Subnegotiation
            }
            // NOP, break, are-you-there and the like ask a serial port for nothing.
            (Decode::Command, _) => Decode::Text,
            (Decode::Option(verb), option) => {
                self.heard_telnet = true;
                self.negotiate(verb, option, answers);
                Decode::Text
            }
            (Decode::Subnegotiation, IAC) => Decode::SubnegotiationCommand,
            (Decode::Subnegotiation, _) => self.keep(byte),
            (Decode::SubnegotiationCommand, IAC) => self.keep(IAC),
            (Decode::SubnegotiationCommand, SE) => {
                self.subnegotiated();
                Decode::Text
            }
            // Something else than an end: the subnegotiation is broken off.
            (Decode::SubnegotiationCommand, WILL | WONT | DO | DONT) => Decode::Option(byte),
            (Decode::SubnegotiationCommand, _) => Decode::Text,
        };
    }

    fn keep(&mut self, byte: u8) -> Decode {
        if self.subnegotiation.len() < SUBNEGOTIATION_MAX {
            self.subnegotiation.push(byte);
        }
        Decode::Subnegotiation
    }

    fn negotiate(&mut self, verb: u8, option: u8, answers: &mut Vec<u8>) {
        let of_server = verb == WILL || verb == WONT;
        let on = verb == WILL || verb == DO;
        let (side, agree, refuse) = if of_server { (&mut self.theirs, DO, DONT) } else { (&mut self.ours, WILL, WONT) };
        let Some(agreement) = side.get_mut(option) else {
            // An offer is refused; that it is not made needs no answer.
            if on {
                answers.extend([IAC, refuse, option]);
            }
            return;
        };
        let before = *agreement;
        match (before, on) {
            (Agreement::Asked, true) => *agreement = Agreement::On,
            (Agreement::Asked, false) => *agreement = Agreement::Refused,
            (Agreement::On, true) | (Agreement::Off | Agreement::Refused, false) => {}
            (Agreement::On, false) => {
                *agreement = Agreement::Refused;
                answers.extend([IAC, refuse, option]);
            }
            (Agreement::Off, true) => {
                *agreement = Agreement::On;
                answers.extend([IAC, agree, option]);
            }
            (Agreement::Refused, true) if of_server && option == COM_PORT => {
                answers.extend([IAC, refuse, option]);
            }
            // It has thought better of it.
            (Agreement::Refused, true) => {
                *agreement = Agreement::On;
                answers.extend([IAC, agree, option]);
            }
        }
        let begins = before != Agreement::On && *agreement == Agreement::On;
        if begins && option == COM_PORT && !of_server {
            self.set_port(answers);
        }
    }

    /// Eight bits, no parity, one stop bit, no flow control, both lines up that a modem looks at, and no notices.
    fn set_port(&self, answers: &mut Vec<u8>) {
        let rate = self.baud_rate.to_be_bytes();
        let settings: [(u8, &[u8]); 9] = [
            (SET_BAUD_RATE, &rate),
            (SET_DATA_SIZE, &[8]),
            (SET_PARITY, &[NO_PARITY]),
            (SET_STOP_SIZE, &[ONE_STOP_BIT]),
            (SET_CONTROL, &[NO_FLOW_CONTROL]),
            (SET_CONTROL, &[DTR_ON]),
            (SET_CONTROL, &[RTS_ON]),
            (SET_LINE_STATE_MASK, &[0]),
            (SET_MODEM_STATE_MASK, &[0]),
        ];
        for (command, value) in settings {
            answers.extend([IAC, SB, COM_PORT, command]);
            for &byte in value {
                answers.push(byte);
                if byte == IAC {
                    answers.push(IAC);
                }
            }
            answers.extend([IAC, SE]);
        }
    }

    fn subnegotiated(&mut self) {
        // Whatever rate it confirms: one that cannot be set is the server's to know.
        if self.subnegotiation.starts_with(&[COM_PORT, SET_BAUD_RATE + CONFIRMED]) {
            self.rate_confirmed = true;
        }
    }
}

#[cfg(test)]
mod tests;
