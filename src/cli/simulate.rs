//! `simverify simulate`: a virtual modem on a pty, for any program that talks to modems.
//!
//! Prints what the phone behind it receives to standard output and reads control lines from standard input. Each
//! setting of the virtual modem is a flag here by the table that names them all. Never opens a real port.

use std::fmt;
use std::io::{BufRead, Write};
use std::path::{Path, PathBuf};

use super::{Exit, OrExit, Outcome};
use anyhow::Context;
use clap::{ArgMatches, Command, FromArgMatches};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::mpsc;

use crate::simulator::{CONTROL_HELP, Control, KEYS, PhoneEvent, PtyTask, Settings, Simulator, magic};

/// Control lines that wait while one is carried out.
const CONTROLS_MAX: usize = 64;

/// Run a virtual modem on a pty, with a phone behind it
#[derive(Debug, clap::Args)]
#[command(after_help = after_help())]
pub struct Args {
    /// Symbolic link to make for the modem's port; an older link there is replaced
    #[arg(long, value_name = "PATH")]
    link: PathBuf,
    /// Symbolic link to make for a second port, for the sound of calls: 8 kHz, signed 16 bit, little-endian, mono
    #[arg(long, value_name = "PATH")]
    audio_link: Option<PathBuf>,
    /// Write the sound of each answered call into this directory, as call-1.wav, call-2.wav …
    #[arg(long, value_name = "DIR")]
    record: Option<PathBuf>,
    /// Print each event as one JSON object
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    settings: SettingsArgs,
}

/// The flags of [`KEYS`].
struct SettingsArgs(Settings);

impl fmt::Debug for SettingsArgs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("SettingsArgs").field(&self.0.profile.name).finish()
    }
}

impl clap::Args for SettingsArgs {
    fn augment_args(command: Command) -> Command {
        KEYS.iter().fold(command, |command, key| {
            let parse = |value: &str| Settings::default().set(key.name, value).map(|()| value.to_owned());
            command.arg(
                clap::Arg::new(key.name)
                    .long(key.name)
                    .value_name(key.value)
                    .help(key.help)
                    .help_heading("Virtual modem")
                    .action(clap::ArgAction::Append)
                    .value_parser(parse),
            )
        })
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

impl FromArgMatches for SettingsArgs {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let mut settings = Self(Settings::default());
        settings.update_from_arg_matches(matches)?;
        Ok(settings)
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        for key in KEYS {
            for value in matches.get_many::<String>(key.name).into_iter().flatten() {
                let set = self.0.set(key.name, value);
                set.map_err(|error| clap::Error::raw(clap::error::ErrorKind::ValueValidation, error + "\n"))?;
            }
        }
        Ok(())
    }
}

/// Runs until SIGTERM, SIGINT or SIGHUP.
///
/// # Errors
///
/// If the pty or its link cannot be made, or fails later.
pub fn run(args: Args) -> Outcome {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.or_exit(Exit::Io, "cannot start")?;
    runtime.block_on(simulate(args)).map_err(|error| {
        let exit = error.downcast_ref().map_or(Exit::Io, Exit::of_io);
        exit.because(error)
    })
}

async fn simulate(args: Args) -> anyhow::Result<()> {
    let mut terminated = signal(SignalKind::terminate())?;
    let mut hung_up = signal(SignalKind::hangup())?;
    let profile = args.settings.0.profile.name;
    let started = match &args.audio_link {
        Some(sound) => Simulator::start_on_ptys(args.settings.0, &args.link, sound),
        None => Simulator::start_on_pty(args.settings.0, &args.link),
    };
    let (simulator, mut task) = started.context("no virtual modem")?;
    let mut events = simulator.events();
    if let Some(directory) = args.record {
        simulator.record(directory).await.context("no recordings")?;
    }
    let mut controls = read_controls();
    announce(&args.link, args.audio_link.as_deref(), profile, &task, args.json)?;
    loop {
        tokio::select! {
            event = events.recv() => match event {
                Ok(event) => print(&event, args.json)?,
                Err(RecvError::Lagged(missed)) => eprintln!("simulate: {missed} events lost, printing is too slow"),
                Err(RecvError::Closed) => return Ok(task.ended().await?),
            },
            Some(control) = controls.recv() => simulator.control(control).await,
            ended = task.ended() => return Ok(ended?),
            interrupted = tokio::signal::ctrl_c() => {
                interrupted?;
                break;
            }
            _ = terminated.recv() => break,
            _ = hung_up.recv() => break,
        }
    }
    simulator.stop().await;
    let ended = task.ended().await;
    // The end of a call that was cut off, and its recording.
    while let Ok(event) = events.try_recv() {
        print(&event, args.json)?;
    }
    Ok(ended?)
}

/// Reads control lines on a thread of its own: a blocked read of a terminal must not hold up the end.
fn read_controls() -> mpsc::Receiver<Control> {
    let (sender, controls) = mpsc::channel(CONTROLS_MAX);
    std::thread::spawn(move || {
        for line in std::io::stdin().lock().lines().map_while(Result::ok) {
            match line.trim() {
                "" => {}
                "help" => eprintln!("{CONTROL_HELP}"),
                line => match Control::parse(line) {
                    Ok(control) => {
                        if sender.blocking_send(control).is_err() {
                            return;
                        }
                    }
                    Err(error) => eprintln!("simulate: {error}"),
                },
            }
        }
    });
    controls
}

fn announce(link: &Path, sound_link: Option<&Path>, profile: &str, task: &PtyTask, json: bool) -> std::io::Result<()> {
    let mut out = std::io::stdout().lock();
    let sound = sound_link.zip(task.sound_device.as_deref());
    if json {
        let mut ready =
            serde_json::json!({ "event": "ready", "link": link, "device": task.device, "profile": profile });
        if let Some((link, device)) = sound {
            ready["audio_link"] = serde_json::json!(link);
            ready["audio_device"] = serde_json::json!(device);
        }
        writeln!(out, "{ready}")?;
    } else {
        writeln!(out, "ready: {} is a {profile} modem on {}", link.display(), task.device)?;
        if let Some((link, device)) = sound {
            writeln!(out, "ready: {} is its sound on {device}", link.display())?;
        }
    }
    out.flush()
}

fn print(event: &PhoneEvent, json: bool) -> std::io::Result<()> {
    let mut out = std::io::stdout().lock();
    if json {
        writeln!(out, "{}", event.to_json())?;
    } else {
        writeln!(out, "{event}")?;
    }
    out.flush()
}

fn after_help() -> String {
    format!("{}\n\nControl lines on standard input:\n{CONTROL_HELP}", magic::table())
}

#[cfg(test)]
mod tests {
    use clap::{CommandFactory, Parser};

    use super::*;

    #[derive(Parser)]
    struct Root {
        #[command(flatten)]
        args: Args,
    }

    #[test]
    fn each_setting_is_a_flag_and_the_help_names_the_magic_numbers() {
        Root::command().debug_assert();
        let help = Root::command().render_long_help().to_string();
        for key in KEYS {
            assert!(help.contains(&format!("--{} <{}>", key.name, key.value)), "{}", key.name);
        }
        assert!(help.contains("…0001  SMS: delivered; call: busy"));
        assert!(help.contains("incoming NUMBER TEXT"));
    }

    #[test]
    fn flags_set_the_virtual_modem() {
        let line =
            ["simulate", "--link", "/tmp/m", "--profile", "sim800", "--fault", "cms 500 x2", "--fault", "reboot"];
        let settings = Root::parse_from(line).args.settings.0;
        assert_eq!(settings.profile.name, "sim800");
        assert_eq!(settings.submit_faults.len(), 3);
    }

    #[test]
    fn a_wrong_value_is_refused_with_what_is_allowed() {
        let error = Root::try_parse_from(["simulate", "--link", "m", "--echo", "loud"]).err().unwrap();
        let first = error.to_string().lines().next().unwrap().to_owned();
        let expected = "error: invalid value 'loud' for '--echo <HOW>': \
                        echo: unknown value 'loud'; one of commanded, always, never";
        assert_eq!(first, expected);
    }
}
