//! The commands about messages (3GPP TS 27.005 §3).

use super::{Command, Failure, Form, Next, Performed, numeric, values};
use crate::simulator::messages::Purpose;
use crate::simulator::pdu::timestamp_text;
use crate::simulator::sim::Lock;
use crate::simulator::storage::{Content, Status, Stored};
use crate::simulator::text;
use crate::simulator::virtual_modem::VirtualModem;

/// Octets of the longest PDU without its service centre (3GPP TS 23.040 §9.2.2.2: 164, and room for a sloppy header).
const PDU_MAX: u16 = 176;
/// What `+CNMI` takes for each of its five values.
const INDICATIONS: [&[u8]; 5] = [&[0, 1, 2], &[0, 1, 2, 3], &[0, 2], &[0, 1, 2], &[0, 1]];

impl VirtualModem {
    pub(super) fn perform_message(&mut self, command: &Command) -> Option<Performed> {
        let form = &command.form;
        Some(match command.name.as_str() {
            "+CMGF" => self.format_command(form),
            "+CSMS" => self.service_command(form),
            "+CPMS" => self.storage_command(form),
            "+CNMI" => self.indication_command(form),
            "+CSCA" => self.centre_command(form),
            "+CSCS" => self.charset_command(form),
            "+CMGS" => self.ready_for_messages().and_then(|()| self.prompt_command(form, true)),
            "+CMGW" => self.ready_for_messages().and_then(|()| self.prompt_command(form, false)),
            "+CMSS" => self.ready_for_messages().and_then(|()| self.send_stored(form)),
            "+CMGL" => self.ready_for_messages().and_then(|()| self.list(form)),
            "+CMGR" => self.ready_for_messages().and_then(|()| self.read(form)),
            "+CMGD" => self.ready_for_messages().and_then(|()| self.delete(form)),
            "+CNMA" => self.acknowledge_command(form),
            _ => return None,
        })
    }

    fn ready_for_messages(&self) -> Result<(), Failure> {
        match (self.sim.present, self.sim.lock()) {
            (false, _) => Err(Failure::Cms(310)),
            (true, Lock::Pin) => Err(Failure::Cms(311)),
            (true, Lock::Puk) => Err(Failure::Cms(316)),
            (true, Lock::Open) => Ok(()),
        }
    }

    fn format_command(&mut self, form: &Form) -> Performed {
        match form {
            Form::Test => self.say("+CMGF: (0,1)"),
            Form::Read => self.say(format!("+CMGF: {}", u8::from(self.messages.text_mode))),
            Form::Run => self.set_format(false),
            Form::Set(value) if value == "0" => self.set_format(false),
            Form::Set(value) if value == "1" => self.set_format(true),
            Form::Set(_) => Err(Failure::Cms(303)),
        }
    }

    fn set_format(&mut self, text_mode: bool) -> Performed {
        self.messages.text_mode = text_mode;
        Ok(Next::Done)
    }

    fn service_command(&mut self, form: &Form) -> Performed {
        match form {
            Form::Test => self.say("+CSMS: (0,1)"),
            Form::Read => self.say(format!("+CSMS: {},1,1,1", self.messages.service)),
            Form::Set(value) if matches!(value.as_str(), "0" | "1") => {
                self.messages.service = u8::from(value == "1");
                self.say("+CSMS: 1,1,1")
            }
            Form::Set(_) | Form::Run => Err(Failure::Cms(302)),
        }
    }

    fn storage_command(&mut self, form: &Form) -> Performed {
        self.ready_for_messages()?;
        let [sm, me] = &self.messages.storages;
        let memories_set = self.settings.profile.memories_set;
        match form {
            Form::Test => {
                let offered = format!("(\"{}\",\"{}\")", sm.name, me.name);
                self.say(format!("+CPMS: {}", vec![offered; memories_set].join(",")))
            }
            Form::Set(text) => {
                let names = values(text);
                let found: Option<Vec<usize>> =
                    names.iter().map(|name| [sm.name, me.name].iter().position(|known| known == name)).collect();
                match found {
                    Some(found) if !found.is_empty() && found.len() <= memories_set => {
                        self.messages.selected[..found.len()].copy_from_slice(&found);
                    }
                    _ => return Err(Failure::Cms(302)),
                }
                let counts = self.storage_counts(false);
                self.say(format!("+CPMS: {counts}"))
            }
            Form::Read => {
                let counts = self.storage_counts(true);
                self.say(format!("+CPMS: {counts}"))
            }
            Form::Run => Err(Failure::Error),
        }
    }

    fn storage_counts(&self, named: bool) -> String {
        let selected = self.messages.selected.iter().take(self.settings.profile.memories_set);
        let counts = selected.map(|&selected| {
            let storage = &self.messages.storages[selected];
            let counts = format!("{},{}", storage.places.len(), self.settings.slots);
            if named { format!("\"{}\",{counts}", storage.name) } else { counts }
        });
        counts.collect::<Vec<_>>().join(",")
    }

    fn indication_command(&mut self, form: &Form) -> Performed {
        match form {
            Form::Test if self.settings.direct_only => self.say("+CNMI: (0,1,2),(0,2),(0,2),(0,1),(0,1)"),
            Form::Test => self.say("+CNMI: (0,1,2),(0,1,2,3),(0,2),(0,1,2),(0,1)"),
            Form::Read => {
                let [mode, message, broadcast, report, buffer] = self.messages.indications;
                self.say(format!("+CNMI: {mode},{message},{broadcast},{report},{buffer}"))
            }
            Form::Run => Err(Failure::Error),
            Form::Set(text) => {
                let values = values(text);
                let mut indications = self.messages.indications;
                for (index, allowed) in INDICATIONS.iter().enumerate() {
                    if let Some(value) = numeric(&values, index).map_err(|_| Failure::Cms(302))? {
                        let value = u8::try_from(value).ok().filter(|value| allowed.contains(value));
                        indications[index] = value.ok_or(Failure::Cms(302))?;
                    }
                }
                let stores = indications[1] & 1 != 0 || indications[3] == 2;
                if self.settings.direct_only && stores {
                    return Err(Failure::Cms(302));
                }
                self.messages.indications = indications;
                self.deliver_waiting();
                Ok(Next::Done)
            }
        }
    }

    fn centre_command(&mut self, form: &Form) -> Performed {
        self.ready_for_messages()?;
        match form {
            Form::Read => self.say(format!("+CSCA: \"{}\",145", self.charset(&self.messages.centre))),
            Form::Set(text) => {
                self.messages.centre = values(text).swap_remove(0);
                Ok(Next::Done)
            }
            Form::Test | Form::Run => Ok(Next::Done),
        }
    }

    fn charset_command(&mut self, form: &Form) -> Performed {
        match form {
            Form::Test => self.say("+CSCS: (\"GSM\",\"IRA\",\"UCS2\")"),
            Form::Read => self.say(format!("+CSCS: \"{}\"", self.messages.charset)),
            Form::Set(text) => match values(text).swap_remove(0).as_str() {
                charset @ ("GSM" | "IRA" | "UCS2") => {
                    self.messages.charset = charset.into();
                    Ok(Next::Done)
                }
                _ => Err(Failure::Cme(50)),
            },
            Form::Run => Ok(Next::Done),
        }
    }

    fn prompt_command(&mut self, form: &Form, send: bool) -> Performed {
        let argument = match form {
            Form::Test => return Ok(Next::Done),
            Form::Set(text) => values(text).swap_remove(0),
            Form::Run if self.messages.text_mode && !send => String::new(),
            Form::Run | Form::Read => return Err(Failure::Cms(304)),
        };
        if send && self.takes_no_prompt() {
            self.answer_never();
            return Ok(Next::Later);
        }
        if self.messages.text_mode {
            let number = self.plain(&argument);
            let is_number = number.trim_start_matches('+').bytes().all(|byte| byte.is_ascii_digit());
            if !is_number || (send && number.is_empty()) {
                return Err(Failure::Cms(305));
            }
            return Ok(Next::Prompt(if send { Purpose::SendText { number } } else { Purpose::StoreText { number } }));
        }
        match argument.parse::<u16>() {
            Ok(length @ 1..=PDU_MAX) => {
                let length = usize::from(length);
                Ok(Next::Prompt(if send { Purpose::SendPdu { length } } else { Purpose::StorePdu { length } }))
            }
            _ => Err(Failure::Cms(304)),
        }
    }

    fn send_stored(&mut self, form: &Form) -> Performed {
        let Form::Set(text) = form else {
            return if *form == Form::Test { Ok(Next::Done) } else { Err(Failure::Error) };
        };
        let values = values(text);
        let stored = self.stored_at(numeric(&values, 0)?)?;
        let Content::Outgoing(mut submit) = stored.content.clone() else { return Err(Failure::Cms(302)) };
        stored.status = Status::Sent;
        if let Some(number) = values.get(1).filter(|number| !number.is_empty()) {
            submit.number = self.plain(number);
        }
        self.submit(submit, "+CMSS");
        Ok(Next::Later)
    }

    fn list(&mut self, form: &Form) -> Performed {
        let wanted = match form {
            Form::Test if self.messages.text_mode => {
                return self.say("+CMGL: (\"REC UNREAD\",\"REC READ\",\"STO UNSENT\",\"STO SENT\",\"ALL\")");
            }
            Form::Test => return self.say("+CMGL: (0-4)"),
            Form::Set(text) => values(text).swap_remove(0),
            Form::Run if self.messages.text_mode => "REC UNREAD".into(),
            Form::Run => "0".into(),
            Form::Read => return Err(Failure::Error),
        };
        let statuses = [Status::Unread, Status::Read, Status::Unsent, Status::Sent];
        let selected: Vec<Status> = match wanted.as_str() {
            "4" | "ALL" => statuses.to_vec(),
            wanted => {
                let is_wanted = |status: &Status| status.forms().0.to_string() == wanted || status.forms().1 == wanted;
                statuses.into_iter().filter(is_wanted).collect()
            }
        };
        if selected.is_empty() {
            return Err(Failure::Cms(302));
        }
        let storage = self.messages.selected[0];
        let found: Vec<(u16, Stored)> = self.messages.storages[storage]
            .places
            .iter()
            .filter(|(_, stored)| selected.contains(&stored.status))
            .map(|(index, stored)| (*index, stored.clone()))
            .collect();
        for (index, stored) in found {
            let line = self.listed(Some(index), &stored);
            self.answer.push(line);
            self.mark_read(index);
        }
        Ok(Next::Done)
    }

    fn read(&mut self, form: &Form) -> Performed {
        let Form::Set(text) = form else {
            return if *form == Form::Test { Ok(Next::Done) } else { Err(Failure::Error) };
        };
        let index = numeric(&values(text), 0)?;
        let stored = self.stored_at(index)?.clone();
        let line = self.listed(None, &stored);
        self.mark_read(index.unwrap_or_default());
        self.say(line)
    }

    fn delete(&mut self, form: &Form) -> Performed {
        if !self.settings.deletes && *form != Form::Test {
            return Err(Failure::Cms(500));
        }
        let storage = self.messages.selected[0];
        let places = &mut self.messages.storages[storage].places;
        let values = match form {
            Form::Test => {
                let taken: Vec<String> = places.keys().map(u16::to_string).collect();
                return self.say(format!("+CMGD: ({}),(0-4)", taken.join(",")));
            }
            Form::Set(text) => values(text),
            Form::Run | Form::Read => return Err(Failure::Error),
        };
        match numeric(&values, 1)?.unwrap_or(0) {
            0 => {
                let index = numeric(&values, 0)?.ok_or(Failure::Cms(321))?;
                places.remove(&index).ok_or(Failure::Cms(321))?;
            }
            1 => places.retain(|_, stored| stored.status != Status::Read),
            2 => places.retain(|_, stored| !matches!(stored.status, Status::Read | Status::Sent)),
            3 => places.retain(|_, stored| stored.status == Status::Unread),
            4 => places.clear(),
            _ => return Err(Failure::Cms(302)),
        }
        self.deliver_waiting();
        Ok(Next::Done)
    }

    fn acknowledge_command(&mut self, form: &Form) -> Performed {
        let values = match form {
            Form::Test => return self.say("+CNMA: (0-2)"),
            Form::Run => Vec::new(),
            Form::Set(text) => values(text),
            Form::Read => return Err(Failure::Error),
        };
        if numeric(&values, 1)?.is_some_and(|length| length > 0) {
            return Ok(Next::Prompt(Purpose::AcknowledgePdu));
        }
        // 2 says that it could not be kept (3GPP TS 27.005 §4.7).
        let kept = numeric(&values, 0)? != Some(2);
        if self.acknowledge(kept) { Ok(Next::Done) } else { Err(Failure::Cms(340)) }
    }

    fn stored_at(&mut self, index: Option<u16>) -> Result<&mut Stored, Failure> {
        let storage = self.messages.selected[0];
        let places = &mut self.messages.storages[storage].places;
        index.and_then(|index| places.get_mut(&index)).ok_or(Failure::Cms(321))
    }

    fn mark_read(&mut self, index: u16) {
        if let Ok(stored) = self.stored_at(Some(index))
            && stored.status == Status::Unread
        {
            stored.status = Status::Read;
        }
    }

    /// A line of `+CMGL` with its index, or of `+CMGR` without.
    fn listed(&self, index: Option<u16>, stored: &Stored) -> String {
        let prefix = index.map_or("+CMGR: ".to_owned(), |index| format!("+CMGL: {index},"));
        let (number, words) = stored.status.forms();
        if !self.messages.text_mode {
            return format!("{prefix}{number},,{}\n{}", stored.pdu.length, stored.pdu.hex());
        }
        match &stored.content {
            Content::Received { number, text, seconds } => {
                let (number, time, text) = (self.charset(number), timestamp_text(*seconds), self.charset(text));
                format!("{prefix}\"{words}\",\"{number}\",,\"{time}\"\n{text}")
            }
            Content::Report { .. } => format!("{prefix}\"{words}\",{}", self.report_fields(&stored.content)),
            Content::Outgoing(submit) => {
                format!("{prefix}\"{words}\",\"{}\",\n{}", self.charset(&submit.number), self.charset(&submit.text))
            }
        }
    }

    /// A parameter that came in the character set of `+CSCS`.
    pub(in crate::simulator) fn plain(&self, parameter: &str) -> String {
        match text::from_hex(parameter.as_bytes()) {
            Some(octets) if self.messages.charset == "UCS2" => text::from_ucs2(&octets),
            _ => parameter.to_owned(),
        }
    }
}
