use proptest::prelude::*;

use super::*;

/// What a server says, in words: `DO BINARY`, `SB 44 101 0 1 194 0`, `"text"`.
fn bytes(script: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    for step in script.split(';').map(str::trim).filter(|step| !step.is_empty()) {
        if let Some(text) = step.strip_prefix('"') {
            bytes.extend(text.trim_end_matches('"').replace("\\r", "\r").replace("\\n", "\n").bytes());
            continue;
        }
        let mut words = step.split_whitespace();
        let verb = words.next().expect("a verb");
        let numbers = words.map(|word| match word {
            "BINARY" => BINARY,
            "ECHO" => 1,
            "SGA" => NO_GO_AHEAD,
            "COM-PORT" => COM_PORT,
            number => number.parse().expect("a number"),
        });
        match verb {
            "RAW" => bytes.extend(numbers),
            "SB" => {
                bytes.extend([IAC, SB]);
                bytes.extend(numbers);
                bytes.extend([IAC, SE]);
            }
            _ => {
                let verbs = [("WILL", WILL), ("WONT", WONT), ("DO", DO), ("DONT", DONT)];
                bytes.extend([IAC, verbs.iter().find(|(name, _)| *name == verb).expect("a verb").1]);
                bytes.extend(numbers);
            }
        }
    }
    bytes
}

fn shown(bytes: &[u8]) -> String {
    let mut text = String::new();
    let mut rest = bytes;
    while let Some((&byte, after)) = rest.split_first() {
        let option = |byte: u8| match byte {
            BINARY => "BINARY".to_owned(),
            NO_GO_AHEAD => "SGA".to_owned(),
            COM_PORT => "COM-PORT".to_owned(),
            other => other.to_string(),
        };
        match (byte, after) {
            (IAC, [SB, sub @ ..]) => {
                let end = sub.windows(2).position(|pair| pair == [IAC, SE]).expect("an end");
                text += &format!("SB {:?}\n", &sub[..end]);
                rest = &sub[end + 2..];
            }
            (IAC, [verb, number, after @ ..]) => {
                let verb = match *verb {
                    WILL => "WILL",
                    WONT => "WONT",
                    DO => "DO",
                    DONT => "DONT",
                    other => panic!("{other}"),
                };
                text += &format!("{verb} {}\n", option(*number));
                rest = after;
            }
            _ => panic!("answers are commands: {rest:?}"),
        }
    }
    text
}

/// Plays a server's script whole, byte by byte and in threes; the results are the same.
fn converse(script: &str) -> (Telnet, Vec<u8>, String) {
    let input = bytes(script);
    let play = |chunk: usize| {
        let (mut telnet, mut text, mut answers) = (Telnet::new(115_200), vec![], vec![]);
        for part in input.chunks(chunk) {
            telnet.receive(part, &mut text, &mut answers);
        }
        (telnet, text, shown(&answers))
    };
    let whole = play(input.len().max(1));
    for chunk in [1, 3] {
        let (_, text, answers) = play(chunk);
        assert_eq!((&text, &answers), (&whole.1, &whole.2), "in chunks of {chunk}");
    }
    whole
}

#[test]
fn a_server_that_agrees_is_told_rate_and_form_and_is_then_settled() {
    insta::assert_snapshot!(shown(&Telnet::new(115_200).begin()), @r"
    WILL BINARY
    DO BINARY
    WILL COM-PORT
    ");
    let (telnet, text, answers) = converse("DO BINARY; WILL BINARY; DO COM-PORT");
    insta::assert_snapshot!(answers, @r"
    SB [44, 1, 0, 1, 194, 0]
    SB [44, 2, 8]
    SB [44, 3, 1]
    SB [44, 4, 1]
    SB [44, 5, 1]
    SB [44, 5, 8]
    SB [44, 5, 11]
    SB [44, 10, 0]
    SB [44, 11, 0]
    ");
    assert!(text.is_empty() && !telnet.is_settled(), "the rate is not confirmed yet");
    let (telnet, ..) = converse("DO BINARY; WILL BINARY; DO COM-PORT; SB 44 101 0 1 194 0");
    assert!(telnet.is_settled());
}

#[test]
fn a_server_that_refuses_is_left_as_it_is() {
    let (telnet, text, answers) = converse("DONT BINARY; WONT BINARY; DONT COM-PORT; \"\\r\\nOK\\r\\n\"");
    assert_eq!(answers, "");
    assert_eq!(text, b"\r\nOK\r\n");
    assert!(telnet.is_settled() && telnet.has_heard_telnet());
    let mut output = vec![];
    telnet.encode(b"AT\r", &mut output);
    assert_eq!(output, b"AT\r\0", "outside binary mode");
}

#[test]
fn offers_are_answered_once_and_answers_are_not_answered() {
    let (_, _, answers) =
        converse("WILL ECHO; WILL SGA; DO SGA; DO 24; WILL SGA; DO SGA; WONT 24; DONT 24; WILL COM-PORT");
    insta::assert_snapshot!(answers, @r"
    DONT 1
    DO SGA
    WILL SGA
    WONT 24
    DONT COM-PORT
    ");
    // A server that takes back what it agreed to, and offers it again.
    let (_, _, answers) = converse("DO BINARY; DONT BINARY; DONT BINARY; DO BINARY; DO BINARY");
    insta::assert_snapshot!(answers, @r"
    WONT BINARY
    WILL BINARY
    ");
}

#[test]
fn the_escape_octet_is_doubled_both_ways() {
    let (mut telnet, ..) = converse("DO BINARY; WILL BINARY");
    let mut output = vec![];
    telnet.encode(&[1, IAC, 2, b'\r'], &mut output);
    assert_eq!(output, [1, IAC, IAC, 2, b'\r']);
    let (mut text, mut answers) = (vec![], vec![]);
    telnet.receive(&output, &mut text, &mut answers);
    assert_eq!(text, [1, IAC, 2, b'\r']);
    // A rate whose octets hold the escape.
    let mut telnet = Telnet::new(0x00ff_00ff);
    let mut answers = vec![];
    telnet.receive(&bytes("DO COM-PORT"), &mut vec![], &mut answers);
    assert_eq!(answers[..12], [IAC, SB, COM_PORT, 1, 0, IAC, IAC, 0, IAC, IAC, IAC, SE]);
}

#[test]
fn a_carriage_return_loses_its_nul_outside_binary_mode_only() {
    let (_, text, _) = converse("\"OK\\r\"; RAW 0; \"\\n\"");
    assert_eq!(text, b"OK\r\n");
    let (_, text, _) = converse("WILL BINARY; \"OK\\r\"; RAW 0");
    assert_eq!(text, b"OK\r\0");
}

#[test]
fn notices_and_odd_commands_stay_out_of_the_text() {
    let script = "\"a\"; SB 44 107 16; \"b\"; RAW 255 241; \"c\"; SB 44 100 115 101 114; \"d\"; RAW 255 250 44 1 255 253 0; \"e\"";
    let (_, text, answers) = converse(script);
    assert_eq!((String::from_utf8_lossy(&text).as_ref(), answers.as_str()), ("abcde", ""));
}

#[test]
fn a_subnegotiation_without_end_is_bounded() {
    let mut telnet = Telnet::new(9600);
    let (mut text, mut answers) = (vec![], vec![]);
    telnet.receive(&[IAC, SB, COM_PORT], &mut text, &mut answers);
    telnet.receive(&[7; 100_000], &mut text, &mut answers);
    assert!(telnet.subnegotiation.len() <= SUBNEGOTIATION_MAX && text.is_empty());
}

proptest! {
    #[test]
    fn whatever_is_encoded_comes_back_whole(sent in proptest::collection::vec(any::<u8>(), 0..200), binary: bool) {
        let (mut receiver, ..) = converse(if binary { "WILL BINARY" } else { "" });
        let (sender, ..) = converse(if binary { "DO BINARY" } else { "" });
        let (mut output, mut text) = (vec![], vec![]);
        sender.encode(&sent, &mut output);
        receiver.receive(&output, &mut text, &mut vec![]);
        prop_assert_eq!(text, sent);
    }

    #[test]
    fn no_bytes_make_it_panic_or_answer_without_end(sent in proptest::collection::vec(any::<u8>(), 0..400)) {
        let mut telnet = Telnet::new(9600);
        let (mut text, mut answers) = (vec![], vec![]);
        telnet.receive(&sent, &mut text, &mut answers);
        prop_assert!(text.len() <= sent.len());
        // Each option's answer has three octets; the port's settings are sent again only when agreed on anew.
        prop_assert!(answers.len() <= 30 * sent.len());
    }
}
