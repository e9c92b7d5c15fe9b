//! The place of a value in the settings: `modems[0].name`.

use std::fmt;

use config::{Value, ValueKind};

/// Keys and indexes from the root.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct KeyPath(Vec<Segment>);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Segment {
    Key(String),
    Index(usize),
}

impl KeyPath {
    pub(super) fn root() -> Self {
        Self(Vec::new())
    }

    /// The path written as `section.key`.
    pub(super) fn dotted(path: &str) -> Self {
        Self(path.split('.').map(|key| Segment::Key(key.to_owned())).collect())
    }

    pub(super) fn key(&self, key: &str) -> Self {
        self.with(Segment::Key(key.to_owned()))
    }

    pub(super) fn index(&self, index: usize) -> Self {
        self.with(Segment::Index(index))
    }

    fn with(&self, segment: Segment) -> Self {
        let mut path = self.clone();
        path.0.push(segment);
        path
    }

    pub(super) fn parent(&self) -> Self {
        let mut path = self.clone();
        path.0.pop();
        path
    }

    pub(super) fn is_root(&self) -> bool {
        self.0.is_empty()
    }

    /// The last key, if the path ends with one.
    pub(super) fn name(&self) -> Option<&str> {
        match self.0.last()? {
            Segment::Key(key) => Some(key),
            Segment::Index(_) => None,
        }
    }

    pub(super) fn first(&self) -> Option<&str> {
        self.names().next()
    }

    /// The keys on the way, without the indexes.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().filter_map(|segment| match segment {
            Segment::Key(key) => Some(key.as_str()),
            Segment::Index(_) => None,
        })
    }

    /// Puts a key in front, when an error travels outwards.
    pub(super) fn under_key(mut self, key: &str) -> Self {
        self.0.insert(0, Segment::Key(key.to_owned()));
        self
    }

    /// Puts an index in front, when an error travels outwards.
    pub(super) fn under_index(mut self, index: usize) -> Self {
        self.0.insert(0, Segment::Index(index));
        self
    }

    /// The section, or the table of a list, and the key within it as TOML writes it: `argon2.memory_kib`.
    pub(super) fn split_section(&self) -> (Self, String) {
        let length = match self.0.get(1) {
            Some(Segment::Index(_)) => 2,
            Some(Segment::Key(_)) | None => 1,
        };
        let (section, rest) = self.0.split_at(length.min(self.0.len()));
        (Self(section.to_vec()), Self(rest.to_vec()).to_string())
    }

    /// Where the layer `root` determines what stands here: with a value of its own, or with one around it that replaces
    /// whatever lower layers have, as lists do.
    pub(super) fn origin_in<'a>(&self, root: &'a Value) -> Option<&'a str> {
        let mut value = root;
        let mut replaced = false;
        for segment in &self.0 {
            let next = match (segment, &value.kind) {
                (Segment::Key(key), ValueKind::Table(table)) => table.get(key),
                (Segment::Index(index), ValueKind::Array(values)) => values.get(*index),
                _ => None,
            };
            replaced |= !matches!(value.kind, ValueKind::Table(_));
            match next {
                Some(next) => value = next,
                None if replaced => break,
                None => return None,
            }
        }
        value.origin()
    }

    /// What stands here below `root`.
    pub(super) fn find<'a>(&self, root: &'a Value) -> Option<&'a Value> {
        self.0.iter().try_fold(root, |value, segment| match (segment, &value.kind) {
            (Segment::Key(key), ValueKind::Table(table)) => table.get(key),
            (Segment::Index(index), ValueKind::Array(values)) => values.get(*index),
            _ => None,
        })
    }
}

impl fmt::Display for KeyPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, segment) in self.0.iter().enumerate() {
            match segment {
                Segment::Key(key) if place == 0 => write!(f, "{}", KeyName(key))?,
                Segment::Key(key) => write!(f, ".{}", KeyName(key))?,
                Segment::Index(index) => write!(f, "[{index}]")?,
            }
        }
        Ok(())
    }
}

/// A key as TOML writes it: in quotes if it is not bare.
pub(super) struct KeyName<'a>(pub(super) &'a str);

impl fmt::Display for KeyName<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bare = |byte: u8| byte.is_ascii_alphanumeric() || b"_-".contains(&byte);
        if !self.0.is_empty() && self.0.bytes().all(bare) { f.write_str(self.0) } else { write!(f, "{:?}", self.0) }
    }
}
