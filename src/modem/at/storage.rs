//! Where messages lie and how new ones are announced: `+CPMS` and `+CNMI` (3GPP TS 27.005 §3.2.2, §3.4.1).

use std::fmt;

use super::command::Reply;
use super::fields;

/// How full a storage is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Storage {
    /// `SM`, `ME`, …; the answer to a *set* does not name it.
    pub memory: Option<String>,
    pub used: u16,
    pub total: u16,
}

impl Storage {
    /// At 100 neither messages nor status reports arrive any more.
    pub fn percent_used(&self) -> u8 {
        let percent = u32::from(self.used) * 100 / u32::from(self.total).max(1);
        u8::try_from(percent.min(100)).expect("at most 100")
    }
}

/// Parameters of `AT+CNMI`: mode, messages, broadcasts, status reports, buffer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Routing {
    pub mode: u8,
    pub messages: u8,
    pub broadcasts: u8,
    pub reports: u8,
    pub buffer: u8,
}

impl Routing {
    const fn new(mode: u8, messages: u8, broadcasts: u8, reports: u8, buffer: u8) -> Self {
        Self { mode, messages, broadcasts, reports, buffer }
    }

    /// Whether status reports arrive (stored or direct).
    pub fn reports_arrive(&self) -> bool {
        self.reports != 0
    }
}

impl fmt::Display for Routing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{},{},{},{},{}", self.mode, self.messages, self.broadcasts, self.reports, self.buffer)
    }
}

/// What to try when a modem does not say, or refuses what it says: stored first, because a stored message survives a
/// crash of ours; then direct.
const ROUTINGS: [Routing; 5] = [
    Routing::new(2, 1, 0, 2, 0),
    Routing::new(2, 1, 2, 2, 0),
    Routing::new(2, 1, 0, 1, 0),
    Routing::new(2, 1, 0, 0, 0),
    Routing::new(1, 2, 0, 1, 0),
];

/// The answer to `AT+CPMS?` (memory, used, total, three times) or to a set (used, total, three times): the first
/// storage, from which messages are read, comes first.
pub fn storage_used(reply: &Reply) -> Vec<Storage> {
    let Some(text) = reply.values("+CPMS").last() else { return Vec::new() };
    let fields = fields::split(text);
    let named = fields.first().is_some_and(|first| first.parse::<u16>().is_err());
    let group = if named { 3 } else { 2 };
    fields
        .chunks_exact(group)
        .filter_map(|fields| {
            let (memory, numbers) = if named { (Some(fields[0].clone()), &fields[1..]) } else { (None, fields) };
            Some(Storage { memory, used: numbers[0].parse().ok()?, total: numbers[1].parse().ok()? })
        })
        .collect()
}

/// The answer to `AT+CPMS=?`: the memories for reading, writing and receiving, as far as it names them.
pub fn storages_offered(reply: &Reply) -> Vec<Vec<String>> {
    let Some(text) = reply.values("+CPMS").last() else { return Vec::new() };
    let mut groups = Vec::new();
    let mut open: Option<Vec<String>> = None;
    let mut name = String::new();
    for character in text.chars().chain([',']) {
        if character.is_ascii_alphanumeric() || character == '_' {
            name.push(character);
            continue;
        }
        if !name.is_empty() {
            let name = std::mem::take(&mut name);
            match &mut open {
                Some(group) => group.push(name),
                None => groups.push(vec![name]),
            }
        }
        match character {
            '(' => open = Some(Vec::new()),
            ')' => groups.extend(open.take()),
            _ => {}
        }
    }
    groups
}

/// The answer to `AT+CNMI=?`: what each of the five parameters may be. `None`: it cannot be read.
pub fn routing_ranges(reply: &Reply) -> Option<[Vec<u8>; 5]> {
    let text = reply.values("+CNMI").last()?;
    let mut groups = text.split('(').skip(1).map(|group| numbers(group.split(')').next().unwrap_or_default()));
    let mut next = || groups.next().filter(|numbers| !numbers.is_empty());
    Some([next()?, next()?, next()?, next()?, groups.next().filter(|it| !it.is_empty()).unwrap_or_else(|| vec![0])])
}

/// The values of `AT+CNMI=` to try, best first.
pub fn choose_routing(offered: Option<&[Vec<u8>; 5]>) -> Vec<Routing> {
    let mut chosen = Vec::new();
    if let Some([modes, messages, broadcasts, reports, buffers]) = offered {
        let first_of = |wanted: &[u8], offered: &[u8]| {
            wanted.iter().copied().find(|it| offered.contains(it)).or(offered.first().copied()).unwrap_or(0)
        };
        chosen.push(Routing::new(
            first_of(&[2, 1, 3], modes),
            first_of(&[1, 2, 0], messages),
            first_of(&[0], broadcasts),
            first_of(&[2, 1, 0], reports),
            first_of(&[0, 1], buffers),
        ));
    }
    for routing in ROUTINGS {
        if !chosen.contains(&routing) {
            chosen.push(routing);
        }
    }
    chosen
}

/// `0-2,4` → 0, 1, 2, 4.
fn numbers(text: &str) -> Vec<u8> {
    const VALUE_MAX: u8 = 9;
    let mut numbers = Vec::new();
    for part in text.split(',') {
        let (from, to) = part.split_once('-').unwrap_or((part, part));
        if let (Ok(from), Ok(to)) = (from.trim().parse::<u8>(), to.trim().parse::<u8>()) {
            numbers.extend(from..=to.min(VALUE_MAX));
        }
    }
    numbers
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reply(line: &str) -> Reply {
        Reply { lines: vec![line.to_owned()] }
    }

    #[test]
    fn the_fill_of_the_storage_is_read_from_query_and_set() {
        let query = storage_used(&reply("+CPMS: \"SM\", 40, 50,\"SM\",40,50,\"SM\",40,50"));
        assert_eq!(query.len(), 3);
        assert_eq!(query[0], Storage { memory: Some("SM".into()), used: 40, total: 50 });
        assert_eq!(query[0].percent_used(), 80);
        assert_eq!(storage_used(&reply("+CPMS: 14,50,14,50"))[0], Storage { memory: None, used: 14, total: 50 });
        assert_eq!(storage_used(&reply("+CPMS: ,,,,,,,,")), []);
        assert_eq!(Storage { memory: None, used: 3, total: 0 }.percent_used(), 100);
    }

    #[test]
    fn offered_storages_are_read_in_every_known_form() {
        let cases = [
            ("+CPMS: (\"ME\",\"MT\"),\"ME\",(\"SM\")", "ME MT|ME|SM"),
            ("+CPMS:     (  \"ME\"  ,  \"MT\"  )   ,  \"ME\" ,   (  \"SM\"  )", "ME MT|ME|SM"),
            ("+CPMS: (ME\", \"SR\"), (\"ME\", \"SR\"), (\"ME\")", "ME SR|ME SR|ME"),
            ("+CPMS: ((\"SM\",\"BM\",\"SR\"),(\"SM\"))", "SM BM SR|SM"),
            ("+CPMS: (\"SM\",\"ME\",\"SM_P\")", "SM ME SM_P"),
            ("+CPMS: ", ""),
        ];
        for (line, expected) in cases {
            let shown: Vec<String> = storages_offered(&reply(line)).iter().map(|group| group.join(" ")).collect();
            assert_eq!(shown.join("|"), expected, "{line}");
        }
    }

    #[test]
    fn routing_is_chosen_from_what_is_offered() {
        let cases = [
            ("+CNMI: (2),(0-1,3),(0,2),(0-1),(0)", "2,1,0,1,0"),
            ("+CNMI: (0-2),(0,1,3),(0),(0,1),(0,1)", "2,1,0,1,0"),
            ("+CNMI:(0-3),(0-3),(0-3),(0-2),(0,1)", "2,1,0,2,0"),
            ("+CNMI: (0,1),(0,1),(0,2),(0),(1)", "1,1,0,0,1"),
        ];
        for (line, expected) in cases {
            let ranges = routing_ranges(&reply(line));
            assert_eq!(choose_routing(ranges.as_ref())[0].to_string(), expected, "{line}");
        }
        assert_eq!(routing_ranges(&reply("+CNMI: (),(),()")), None);
        assert_eq!(choose_routing(None)[0].to_string(), "2,1,0,2,0");
    }
}
