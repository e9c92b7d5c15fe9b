//! What the conversation asks the modem, as commands.

use std::time::Duration;

use super::super::at::{self, Command, Priority, Reply, Routing};

/// Memories that hold what was received: SIM, modem, status reports. `MT` is the first two at once.
const MEMORIES: [&str; 3] = ["SM", "ME", "SR"];
const BOTH_MEMORIES: &str = "MT";

#[derive(Debug)]
pub(super) enum Task {
    List { hurry: bool },
    Read { index: u16, again: bool },
    Delete { index: u16 },
}

#[derive(Debug)]
pub(super) enum Question {
    Memories,
    /// The choice of the memory that the task works on.
    Select {
        memory: String,
        task: Task,
    },
    Task(Task),
    /// Whether the acknowledgement said that the message is kept.
    Acknowledge {
        kept: bool,
    },
    Route,
}

impl Question {
    /// `routing` is what a repair asks for.
    pub(super) fn command(&self, routing: Option<Routing>) -> Command {
        let within = |line: &str, seconds| Command::new(line).within(Duration::from_secs(seconds));
        match self {
            Self::Memories => within("AT+CPMS=?", 10).with_optional_final().at_priority(Priority::Poll),
            Self::Select { memory, task } => {
                within(&format!("AT+CPMS=\"{memory}\""), 10).with_optional_final().at_priority(task.priority())
            }
            // A SIM is slow to read: 50 messages take some seconds.
            Self::Task(task @ Task::List { .. }) => within("AT+CMGL=4", 30).at_priority(task.priority()),
            Self::Task(task @ Task::Read { index, .. }) => {
                within(&format!("AT+CMGR={index}"), 10).answered_by("+CMGR").at_priority(task.priority())
            }
            Self::Task(task @ Task::Delete { index }) => {
                within(&format!("AT+CMGD={index}"), 10).at_priority(task.priority())
            }
            Self::Acknowledge { kept: true } => Command::new("AT+CNMA"),
            // RP-ERROR: the network keeps the message (3GPP TS 27.005 §4.7).
            Self::Acknowledge { kept: false } => Command::new("AT+CNMA=2"),
            Self::Route => {
                let routing = routing.map(|routing| routing.to_string()).unwrap_or_default();
                within(&format!("AT+CNMI={routing}"), 10)
            }
        }
    }
}

impl Task {
    fn priority(&self) -> Priority {
        match self {
            Self::List { hurry: false } => Priority::Poll,
            Self::List { hurry: true } | Self::Read { .. } | Self::Delete { .. } => Priority::Sms,
        }
    }
}

/// The memories that hold what was received, as far as the modem offers them for reading.
pub(super) fn memories_to_list(reply: &Reply) -> Vec<String> {
    let offered = at::storages_offered(reply).into_iter().next().unwrap_or_default();
    let known: Vec<String> =
        MEMORIES.iter().filter(|known| offered.iter().any(|it| it == *known)).map(|it| (*it).to_owned()).collect();
    match known.is_empty() && offered.iter().any(|it| it == BOTH_MEMORIES) {
        true => vec![BOTH_MEMORIES.to_owned()],
        false => known,
    }
}
