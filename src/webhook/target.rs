//! The URL of an account's server.

use std::fmt;
use std::net::IpAddr;

use url::{Host, Url};

use super::address::{AddressRules, Scheme};

/// Octets of a URL.
const LENGTH_MAX: usize = 2000;

/// Below it only the ports of HTTP itself: what listens there is seldom a receiver of webhooks.
const PORT_MIN: u16 = 1024;

/// An address that events can be sent to, as far as its text tells. It may hold a token, and so it is shown to the operator
/// alone.
#[derive(Clone, PartialEq, Eq)]
pub struct Target(Url);

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "must be https://HOST/PATH or http://HOST/PATH, at most {LENGTH_MAX} characters, port 80, 443 or from {PORT_MIN} up, \
     without name, password and fragment"
)]
pub struct InvalidTarget;

impl Target {
    /// # Errors
    ///
    /// [`InvalidTarget`].
    pub fn new(text: &str) -> Result<Self, InvalidTarget> {
        let url = Url::parse(text).map_err(|_| InvalidTarget)?;
        let port = url.port_or_known_default().unwrap_or(0);
        let fits = text.len() <= LENGTH_MAX
            && matches!(url.scheme(), "https" | "http")
            && url.host().is_some_and(|host| host != Host::Domain(""))
            && url.username().is_empty()
            && url.password().is_none()
            && url.fragment().is_none()
            && (matches!(port, 80 | 443) || port >= PORT_MIN);
        if fits { Ok(Self(url)) } else { Err(InvalidTarget) }
    }

    pub fn url(&self) -> &Url {
        &self.0
    }

    pub fn scheme(&self) -> Scheme {
        if self.0.scheme() == "https" { Scheme::Https } else { Scheme::Http }
    }

    /// What may stand in a log: no path, no query.
    pub fn place(&self) -> String {
        self.0.origin().ascii_serialization()
    }

    /// Checks a host that is written as an address, in whatever notation; a name is checked when it is looked up.
    ///
    /// # Errors
    ///
    /// Why a request may not go there.
    pub fn check(&self, rules: &AddressRules) -> Result<(), super::address::Refused> {
        let address = match self.0.host() {
            Some(Host::Ipv4(address)) => IpAddr::V4(address),
            Some(Host::Ipv6(address)) => IpAddr::V6(address),
            Some(Host::Domain(_)) | None => return Ok(()),
        };
        rules.check(address, self.scheme())
    }
}

impl fmt::Debug for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Target({}/***)", self.place())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_can_be_a_receiver_is_taken() {
        for text in [
            "https://example.com",
            "https://example.com/hooks?token=x",
            "http://192.168.1.5:8000/hook",
            "https://[2606:4700:4700::1111]:8443/",
            "http://example.com:80/",
        ] {
            assert!(Target::new(text).is_ok(), "{text}");
        }
        let long = format!("https://example.com/{}", "x".repeat(2000));
        for text in [
            "",
            "example.com",
            "ftp://example.com/",
            "file:///etc/passwd",
            "gopher://example.com/",
            "https://",
            "https://user@example.com/",
            "https://user:word@example.com/",
            "https://example.com/#part",
            "https://example.com:22/",
            "https://example.com:25/",
            "http://example.com:0/",
            &long,
        ] {
            assert_eq!(Target::new(text), Err(InvalidTarget), "{text}");
        }
    }

    #[test]
    fn an_address_in_an_odd_notation_is_the_address_that_it_is() {
        let rules = AddressRules::default();
        for text in [
            "https://127.0.0.1/",
            "https://127.1/",
            "https://2130706433/",
            "https://0x7f000001/",
            "https://0177.0.0.1/",
            "https://0x7f.1/",
            "https://①②⑦.0.0.1/",
            "https://[::ffff:127.0.0.1]/",
            "https://[::ffff:7f00:1]/",
            "https://[::]/",
            "https://0/",
            "https://169.254.169.254/latest/",
        ] {
            let target = Target::new(text).unwrap_or_else(|error| panic!("{text}: {error}"));
            assert!(target.check(&rules).is_err(), "{text}");
        }
        assert!(Target::new("https://localhost/").expect("a name").check(&rules).is_ok(), "a name is looked up later");
        assert!(Target::new("https://8.8.8.8/").expect("an address").check(&rules).is_ok());
    }

    #[test]
    fn what_is_shown_has_no_path() {
        let target = Target::new("https://example.com:8443/hooks/geheim?token=geheim").expect("a target");
        assert_eq!(
            (target.place().as_str(), format!("{target:?}").as_str()),
            ("https://example.com:8443", "Target(https://example.com:8443/***)")
        );
    }
}
