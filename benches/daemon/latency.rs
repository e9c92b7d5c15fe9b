//! How long a message takes on its way to the modem.

use std::time::Duration;

use crate::client::{Client, flood};
use crate::modem::{Modem, What};
use crate::service::{CHEAP_HASH, DEFAULT_HASH, Installation};
use crate::table::{Against, Sample, Table, millis};

const MESSAGES: usize = 200;

/// Between one message and the next request: the modem and the daemon are idle again.
const IDLE: Duration = Duration::from_millis(30);

/// The rest that the generic profile keeps between two commands.
const REST_MS: f64 = 5.0;

/// From the reply to an accepted request, as the client has it, to `AT+CMGS` on the line of an idle modem.
pub fn request_to_line(table: &mut Table) -> anyhow::Result<()> {
    let modem = Modem::start_without_reports()?;
    let installation = Installation::new(&modem.path, DEFAULT_HASH)?;
    let service = installation.start()?;
    service.wait_for_modem()?;
    let mut client = Client::connect(service.address)?;
    let (mut to_line, mut to_reply) = (vec![], vec![]);
    for _ in 0..MESSAGES {
        let accepted = client.verify()?;
        let submit = modem.wait(What::Submit)?;
        // Below zero if the line was quicker than the client.
        let after = millis(submit.saturating_duration_since(accepted.answered));
        let before = millis(accepted.answered.saturating_duration_since(submit));
        to_line.push(after - before);
        to_reply.push(millis(accepted.answered - accepted.asked));
        modem.wait(What::Accepted)?;
        std::thread::sleep(IDLE);
    }
    let reply = Against::Word("one argon2 hash and one fsync".to_owned());
    table.sample("request to reply", &Sample::new(to_reply)?, reply);
    table.sample("HTTP reply to `AT+CMGS`, idle modem", &Sample::new(to_line)?, Against::AtMost(5.0));
    Ok(())
}

/// From an accepted message to the next `AT+CMGS` while others wait.
pub fn message_to_message(table: &mut Table) -> anyhow::Result<()> {
    let against = || Against::AtMost(2.0);
    table.sample("`OK` to the next `AT+CMGS`, less 5 ms of rest", &gaps(false)?, against());
    table.sample("the same while delivery reports come in", &gaps(true)?, Against::Word("no target".to_owned()));
    Ok(())
}

fn gaps(reports: bool) -> anyhow::Result<Sample> {
    let modem = if reports { Modem::start(Default::default())? } else { Modem::start_without_reports()? };
    let installation = Installation::new(&modem.path, CHEAP_HASH)?;
    let service = installation.start()?;
    service.wait_for_modem()?;
    // The first ones go out while the others still come in.
    let burst = MESSAGES + MESSAGES / 2;
    flood(service.address, 8, u32::try_from(burst)?)?;
    let seen: Vec<_> = (0..2 * burst).map(|_| modem.next()).collect::<Result<_, _>>()?;
    let waits = seen.windows(2).filter(|pair| pair[0].what == What::Accepted && pair[1].what == What::Submit);
    let waits: Vec<f64> = waits.map(|pair| millis(pair[1].at - pair[0].at) - REST_MS).collect();
    Sample::new(waits[waits.len() - MESSAGES..].to_vec())
}
