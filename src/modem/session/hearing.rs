//! What a session waits for, in the order in which it is heard.

use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::oneshot;

use super::super::driver::Mail;
use super::super::line::{Line, Said};
use super::Work;
use super::speaking::CallHeard;
use crate::channel::Message;
use crate::verification::AttemptId;

pub(super) enum Heard {
    Said(std::io::Result<Said>),
    Permission(bool),
    Kept(bool),
    Message(Message),
    Call(CallHeard),
    Withdrawn(AttemptId),
    Ping(oneshot::Sender<()>),
    Stop,
}

impl Work {
    pub(super) fn has_unread(&self, now: Duration) -> bool {
        now < self.unsettled_until && self.incoming.has_more()
    }

    pub(super) async fn hear<P>(&mut self, line: &mut Line<P>, mail: &mut Mail, due: Option<Duration>) -> Heard
    where
        P: AsyncRead + AsyncWrite + Unpin,
    {
        // What came in first: message upon message would leave it no turn until the storage is full. And all of it, while
        // the report of an uncertain message may be among it: that one must not go out again.
        let is_reading = self.incoming.is_asking() || self.has_unread(line.now());
        let idle = self.current.is_none() && self.call.is_none() && !is_reading;
        let permission = async {
            match self.current.as_mut().and_then(|current| current.permission.as_mut()) {
                Some(permission) => permission.await.unwrap_or(false),
                None => std::future::pending().await,
            }
        };
        let kept = async {
            match self.kept.as_mut() {
                Some(kept) => kept.await.unwrap_or(false),
                None => std::future::pending().await,
            }
        };
        let call = async {
            match &mut self.call {
                Some(call) => call.hear().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            biased;
            heard = call => Heard::Call(heard),
            granted = permission => Heard::Permission(granted),
            kept = kept => Heard::Kept(kept),
            // Before a message: the line may say that the modem has restarted.
            said = line.next(due) => Heard::Said(said),
            Ok(attempt) = self.withdrawals.recv() => Heard::Withdrawn(attempt),
            Some(message) = mail.messages.recv(), if idle => Heard::Message(message),
            Some(ping) = mail.pings.recv() => Heard::Ping(ping),
            () = mail.stop.cancelled(), if !self.stopping => Heard::Stop,
        }
    }
}
