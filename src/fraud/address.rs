//! The address of the person in front of the application, as the application passes it on. Pure.

// The values alone: nothing here connects.
use core::net::{IpAddr, Ipv6Addr};
use std::fmt;
use std::str::FromStr;

/// What one household has: an IPv4 address, or the first 64 bits of an IPv6 address.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct EndUserAddress(IpAddr);

#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("must be an IP address such as \"192.0.2.7\" or \"2001:db8::7\"")]
pub struct InvalidAddress;

impl FromStr for EndUserAddress {
    type Err = InvalidAddress;

    /// With or without brackets and zone.
    fn from_str(text: &str) -> Result<Self, InvalidAddress> {
        let text = text.trim();
        let text = text.strip_prefix('[').and_then(|text| text.strip_suffix(']')).unwrap_or(text);
        let text = text.split_once('%').map_or(text, |(address, _)| address);
        let address: IpAddr = text.parse().map_err(|_| InvalidAddress)?;
        Ok(Self(match address.to_canonical() {
            IpAddr::V6(address) => {
                let [first, second, third, fourth, ..] = address.segments();
                IpAddr::V6(Ipv6Addr::new(first, second, third, fourth, 0, 0, 0, 0))
            }
            address @ IpAddr::V4(_) => address,
        }))
    }
}

/// The whole of it, for hashes and for the operator alone.
impl fmt::Display for EndUserAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            IpAddr::V4(address) => write!(f, "{address}"),
            IpAddr::V6(address) => write!(f, "{address}/64"),
        }
    }
}

impl fmt::Debug for EndUserAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("EndUserAddress(***)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_that_of_a_household() {
        for (text, expected) in [
            ("192.0.2.7", "192.0.2.7"),
            (" ::ffff:192.0.2.7 ", "192.0.2.7"),
            ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
            ("[2001:db8:1:2::9]", "2001:db8:1:2::/64"),
            ("fe80::1%eth0", "fe80::/64"),
        ] {
            assert_eq!(text.parse::<EndUserAddress>().map(|address| address.to_string()), Ok(expected.to_owned()));
        }
        for text in ["", "unknown", "192.0.2.7:80", "192.0.2", "a, b"] {
            assert_eq!(text.parse::<EndUserAddress>(), Err(InvalidAddress), "{text}");
        }
    }
}
