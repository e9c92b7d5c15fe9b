//! The start-up of a session: from an open port to a modem that is known, or to why it is not at work.

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::oneshot;
use zeroize::Zeroizing;

use super::calling::Voice;
use super::driver::{Driver, Mail, SessionEnd};
use super::line::{Line, Said};
use super::startup::{Ended, Identity, Startup, StartupStep};
use crate::channel::Notice;

impl Driver {
    pub(super) async fn start_up<P>(&mut self, line: &mut Line<P>, mail: &mut Mail) -> Result<Box<Identity>, SessionEnd>
    where
        P: AsyncRead + AsyncWrite + Unpin,
    {
        let mut startup = Startup::new(self.config.profile, self.sim_pin());
        if self.config.voice != Voice::None {
            // A process before this one may have died in a call.
            startup.hang_up_first();
        }
        // What an earlier session left in the queue is answered too, and answers nothing here.
        let mut awaited = None;
        loop {
            match startup.poll() {
                StartupStep::Submit(command) => awaited = Some(line.submit(command)),
                StartupStep::AskPinPermission { sim, tries_left } => {
                    let allowed = self.ask_for_pin(mail, sim, tries_left).await.ok_or(SessionEnd::Stopped)?;
                    startup.permit_pin(allowed);
                }
                StartupStep::PinAccepted { sim } => {
                    let pin = self.config.sim_pin.clone().unwrap_or_default();
                    // Without a reader the process is ending; the PIN then counts as tried.
                    let _ = self.surroundings.notices.send(Notice::SimPinDone { sim, pin }).await;
                }
                StartupStep::Wait(until) => {
                    let said = mail.meanwhile(self, line.next(until)).await.ok_or(SessionEnd::Stopped)?;
                    match said.map_err(SessionEnd::PortLost)? {
                        Said::Reply { id, result } if Some(id) == awaited => startup.replied(result, line.now()),
                        Said::Reply { .. } => {}
                        Said::Time => startup.handle_timeout(line.now()),
                        Said::Unsolicited(said) => self.take_directly(&said).await,
                        Said::Prompt { .. } => {}
                    }
                }
                StartupStep::Done(Ended::Ready(identity)) => return Ok(identity),
                StartupStep::Done(Ended::Blocked(blocked)) => {
                    self.tell_sim(Some(blocked.to_string()));
                    self.complain(&format!("the modem cannot send: {blocked}"));
                    return Err(SessionEnd::Blocked);
                }
                StartupStep::Done(Ended::Dead) => {
                    self.tell_sim(None);
                    return Err(SessionEnd::Silent);
                }
            }
        }
    }

    async fn ask_for_pin(&self, mail: &mut Mail, sim: String, tries_left: Option<u8>) -> Option<bool> {
        let (go, answer) = oneshot::channel();
        let pin: Zeroizing<String> = self.config.sim_pin.clone().unwrap_or_default();
        let asked = async {
            let notice = Notice::TrySimPin { sim, pin, tries_left, go };
            self.surroundings.notices.send(notice).await.is_ok() && answer.await.unwrap_or(false)
        };
        mail.meanwhile(self, asked).await
    }
}
