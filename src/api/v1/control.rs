//! The operation that cancels a verification or moves it on: its parameters and its reply. Pure.

use crate::app::ControlError;
use crate::verification::RequestId;

use super::check::request_id;
use super::document::{Document, Fields};
use super::endpoint::Face;
use super::params::Parameters;
use super::reply::{Failure, Reply};
use super::status::Status;

/// What may be commanded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Command {
    Cancel,
    TriggerNextEvent,
}

impl Command {
    pub const ALL: [Self; 2] = [Self::Cancel, Self::TriggerNextEvent];

    /// The value of `cmd`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Cancel => "cancel",
            Self::TriggerNextEvent => "trigger_next_event",
        }
    }
}

/// Reads the parameters of a control.
///
/// # Errors
///
/// [`Status::Missing`], [`Status::Invalid`], or [`Status::RequestNotFound`] for a text that is no request id.
pub fn parse(parameters: &Parameters) -> Result<(RequestId, Command), Status> {
    parameters.require(&["request_id", "cmd"])?;
    let request = parameters.mandatory("request_id")?;
    let command = match parameters.mandatory("cmd")? {
        "cancel" => Command::Cancel,
        "trigger_next_event" => Command::TriggerNextEvent,
        _ => return Err(Status::Invalid("cmd")),
    };
    Ok((request_id(request)?, command))
}

/// The reply to a command that was obeyed. The portal's replies all name their request.
pub fn reply(face: Face, request: RequestId, command: Command) -> Reply {
    let fields = match face {
        Face::Nexmo(_) => Fields::new(),
        Face::Portal => Fields::new().text("request_id", request.to_string()),
    };
    let fields = fields.text("status", Status::Done.number().to_string()).text("command", command.as_str());
    Reply::done(Document::Object { root: "response", fields })
}

/// Why `request` was not cancelled or moved on.
pub fn failure(request: RequestId, error: ControlError) -> Failure {
    match error {
        ControlError::NotFound => Status::RequestNotFound { request: request.to_string() }.into(),
        ControlError::TooSoon { cancel_after } => Status::CancelTooSoon { request, cancel_after }.into(),
        ControlError::TooLate => Status::CancelTooLate { request }.into(),
        ControlError::NoEventLeft => Status::NoEventLeft { request }.into(),
        ControlError::Internal(internal) => internal.into(),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::super::endpoint::Format;
    use super::*;

    const ID: &str = "abababababababababababababababab";

    fn parsed(query: &str) -> Result<(RequestId, Command), Status> {
        parse(&Parameters::gather(query, b""))
    }

    #[test]
    fn a_control_needs_a_request_and_a_known_command() {
        let request = ID.parse().expect("an id");
        assert_eq!(parsed(&format!("request_id={ID}&cmd=cancel")), Ok((request, Command::Cancel)));
        assert_eq!(
            parsed(&format!("request_id={ID}&cmd=trigger_next_event")),
            Ok((request, Command::TriggerNextEvent))
        );
        assert_eq!(parsed("cmd=cancel"), Err(Status::Missing("request_id")));
        assert_eq!(parsed("request_id=1"), Err(Status::Missing("cmd")));
        assert_eq!(parsed("request_id=1&cmd=stop"), Err(Status::Invalid("cmd")));
        assert_eq!(parsed("request_id=1&cmd=cancel"), Err(Status::RequestNotFound { request: "1".to_owned() }));
    }

    #[test]
    fn a_command_that_was_obeyed_is_named() {
        let request = RequestId::from_bytes([0xab; 16]);
        let nexmo = reply(Face::Nexmo(Format::Json), request, Command::Cancel);
        insta::assert_snapshot!(nexmo.document.write(Format::Json), @r#"{"status":"0","command":"cancel"}"#);
        insta::assert_snapshot!(nexmo.document.write(Format::Xml), @r#"
        <?xml version="1.0" encoding="UTF-8"?>
        <response><status>0</status><command>cancel</command></response>
        "#);
        let portal = reply(Face::Portal, request, Command::TriggerNextEvent);
        insta::assert_snapshot!(portal.document.write(Format::Json), @r#"{"request_id":"abababababababababababababababab","status":"0","command":"trigger_next_event"}"#);
    }

    #[test]
    fn every_refusal_of_a_control_names_the_request() {
        let request = RequestId::from_bytes([0xab; 16]);
        let texts: Vec<String> = [
            ControlError::NotFound,
            ControlError::TooSoon { cancel_after: Duration::from_secs(30) },
            ControlError::TooLate,
            ControlError::NoEventLeft,
        ]
        .into_iter()
        .map(|error| match failure(request, error) {
            Failure::Refused(status) => format!("{} {}", status.number(), status.text()),
            Failure::Internal(internal) => panic!("a fault of ours: {internal}"),
        })
        .collect();
        insta::assert_snapshot!(texts.join("\n"), @"
        6 The Nexmo platform was unable to process this message for the following reason: Request 'abababababababababababababababab' was not found or it has been verified already.
        19 Verification request ['abababababababababababababababab'] can't be cancelled within the first 30 seconds.
        19 Verification request ['abababababababababababababababab'] can't be cancelled now. Too many attempts to re-deliver have already been made.
        19 No more events are left to execute for the request ['abababababababababababababababab']
        ");
    }
}
