//! What the API replied.

use std::fmt;

use serde_json::Value;

/// A whole reply. Its `Display` shows request ids and event ids as `<request>` and `<event>`, everything else as it is.
pub struct Reply {
    pub http: u16,
    pub text: String,
}

impl Reply {
    pub async fn read(response: reqwest::Response) -> Self {
        let http = response.status().as_u16();
        Self { http, text: response.text().await.expect("a body") }
    }

    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error}: {}", self.text))
    }

    /// A field of the object, which is a string.
    pub fn field(&self, name: &str) -> String {
        let json = self.json();
        json[name].as_str().unwrap_or_else(|| panic!("no text {name} in {}", self.text)).to_owned()
    }
}

impl fmt::Display for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.http != 200 {
            write!(f, "HTTP {} ", self.http)?;
        }
        f.write_str(&masked(&self.text))
    }
}

fn masked(text: &str) -> String {
    let mut masked = String::new();
    let mut rest = text;
    while let Some(start) = rest.find(is_hex) {
        masked.push_str(&rest[..start]);
        let end = rest[start..].find(|c| !is_hex(c)).map_or(rest.len(), |length| start + length);
        masked.push_str(match end - start {
            32 => "<request>",
            16 => "<event>",
            _ => &rest[start..end],
        });
        rest = &rest[end..];
    }
    masked + rest
}

fn is_hex(c: char) -> bool {
    c.is_ascii_digit() || ('a'..='f').contains(&c)
}
