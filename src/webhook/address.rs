//! To which addresses a webhook may go.
//!
//! Whoever may name a URL could make the daemon speak to machines that only it can reach (server-side request forgery).
//! So an address is taken only if it is one of the public internet, or of a network that the operator has named. Pure.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::IpNet;

/// How a request travels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scheme {
    Http,
    Https,
}

/// What the operator allows.
#[derive(Clone, Debug, Default)]
pub struct AddressRules {
    /// Networks that are taken whatever they are, with plain HTTP too.
    pub networks: Vec<IpNet>,
    /// Plain HTTP to public addresses.
    pub http: bool,
}

/// Why an address is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    Kind { address: IpAddr, kind: &'static str },
    Plain { address: IpAddr },
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Kind { address, kind } => {
                write!(f, "{address} is {kind}, and webhooks.allow_networks does not name it")
            }
            Self::Plain { address } => {
                write!(f, "plain HTTP to {address}: neither webhooks.allow_http nor webhooks.allow_networks allows it")
            }
        }
    }
}

impl AddressRules {
    /// # Errors
    ///
    /// Why a request may not go there.
    pub fn check(&self, address: IpAddr, scheme: Scheme) -> Result<(), Refused> {
        let address = address.to_canonical();
        let inner = embedded(address).map(IpAddr::V4);
        if self.names(address) || inner.is_some_and(|inner| self.names(inner)) {
            return Ok(());
        }
        if let Some(kind) = special(inner.unwrap_or(address)) {
            return Err(Refused::Kind { address, kind });
        }
        match scheme {
            Scheme::Http if !self.http => Err(Refused::Plain { address }),
            Scheme::Http | Scheme::Https => Ok(()),
        }
    }

    fn names(&self, address: IpAddr) -> bool {
        self.networks.iter().any(|network| network.contains(&address))
    }
}

/// The IPv4 address that a translator makes of an IPv6 address: NAT64 (RFC 6052) and 6to4 (RFC 3056).
fn embedded(address: IpAddr) -> Option<Ipv4Addr> {
    let IpAddr::V6(address) = address else { return None };
    let [a, b, c, d, e, f, g, h] = address.segments();
    let joined = |high: u16, low: u16| Ipv4Addr::from(u32::from(high) << 16 | u32::from(low));
    match [a, b, c, d, e, f] {
        [0x64, 0xff9b, 0, 0, 0, 0] => Some(joined(g, h)),
        [0x2002, high, low, ..] => Some(joined(high, low)),
        _ => None,
    }
}

/// What an address is that is none of the public internet (IANA's registries of special-purpose addresses).
fn special(address: IpAddr) -> Option<&'static str> {
    match address {
        IpAddr::V4(address) => special_v4(address),
        IpAddr::V6(address) => special_v6(address),
    }
}

fn special_v4(address: Ipv4Addr) -> Option<&'static str> {
    Some(match address.octets() {
        [0, ..] => "an unspecified address",
        [10, ..] | [172, 16..=31, ..] | [192, 168, ..] => "a private address",
        [100, 64..=127, ..] => "an address of a carrier's own network",
        [127, ..] => "a loopback address",
        [169, 254, ..] => "a link-local address",
        [192, 0, 0 | 2, _] | [192, 88, 99, _] | [198, 18 | 19, ..] | [198, 51, 100, _] | [203, 0, 113, _] => {
            "a reserved address"
        }
        [224..=239, ..] => "a multicast address",
        [240..=255, ..] => "a reserved address",
        _ => return None,
    })
}

fn special_v6(address: Ipv6Addr) -> Option<&'static str> {
    if address.is_unspecified() {
        return Some("an unspecified address");
    }
    if address.is_loopback() {
        return Some("a loopback address");
    }
    Some(match address.segments() {
        [0xfc00..=0xfdff, ..] => "a private address",
        [0xfe80..=0xfebf, ..] => "a link-local address",
        [0xfec0..=0xfeff, ..] => "a private address",
        [0xff00..=0xffff, ..] => "a multicast address",
        // Teredo, ORCHID and others of 2001::/23, and documentation.
        [0x2001, 0..=0x1ff, ..] | [0x2001, 0xdb8, ..] | [0x3fff, 0..=0xfff, ..] => "a reserved address",
        [0x2000..=0x3fff, ..] => return None,
        _ => "a reserved address",
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(rules: &AddressRules, address: &str, scheme: Scheme) -> String {
        let address: IpAddr = address.parse().unwrap_or_else(|error| panic!("{address}: {error}"));
        rules.check(address, scheme).map_or_else(|refused| refused.to_string(), |()| "taken".to_owned())
    }

    #[test]
    fn only_the_public_internet_is_taken() {
        let rules = AddressRules::default();
        for address in [
            "0.0.0.0",
            "0.1.2.3",
            "10.0.0.1",
            "100.64.0.1",
            "127.0.0.1",
            "127.255.255.254",
            "169.254.169.254",
            "172.16.0.1",
            "172.31.255.255",
            "192.0.0.8",
            "192.0.2.1",
            "192.168.1.1",
            "198.18.0.1",
            "198.51.100.1",
            "203.0.113.1",
            "224.0.0.1",
            "240.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "::127.0.0.1",
            "::ffff:10.0.0.1",
            "::ffff:127.0.0.1",
            "64:ff9b::10.0.0.1",
            "64:ff9b::a9fe:a9fe",
            "64:ff9b:1::1",
            "100::1",
            "2001::1",
            "2001:db8::1",
            "2002:7f00:1::",
            "2002:c0a8:101::1",
            "3fff::1",
            "4000::1",
            "fc00::1",
            "fd12:3456::1",
            "fe80::1",
            "fec0::1",
            "ff02::1",
        ] {
            let told = told(&rules, address, Scheme::Https);
            assert!(told.contains("allow_networks does not name it"), "{address}: {told}");
        }
        for address in [
            "1.1.1.1",
            "8.8.8.8",
            "100.63.255.255",
            "100.128.0.1",
            "172.15.0.1",
            "172.32.0.1",
            "192.0.1.1",
            "223.255.255.255",
            "2a00:1450:4001:800::200e",
            "2606:4700:4700::1111",
            "64:ff9b::808:808",
            "2002:808:808::1",
            "::ffff:8.8.8.8",
        ] {
            assert_eq!(told(&rules, address, Scheme::Https), "taken", "{address}");
        }
    }

    #[test]
    fn a_network_that_is_named_is_taken_in_every_notation_and_with_plain_http() {
        let networks = ["192.168.0.0/16", "fd00::/8", "::1/128"].map(|network| network.parse().expect("a network"));
        let rules = AddressRules { networks: networks.to_vec(), http: false };
        for address in ["192.168.7.9", "::ffff:192.168.7.9", "64:ff9b::192.168.7.9", "fd12::1", "::1"] {
            assert_eq!(told(&rules, address, Scheme::Http), "taken", "{address}");
        }
        for address in ["10.0.0.1", "127.0.0.1", "fe80::1"] {
            assert_ne!(told(&rules, address, Scheme::Https), "taken", "{address}");
        }
    }

    #[test]
    fn plain_http_to_the_internet_is_for_the_operator_to_allow() {
        let closed = AddressRules::default();
        assert_eq!(
            told(&closed, "8.8.8.8", Scheme::Http),
            "plain HTTP to 8.8.8.8: neither webhooks.allow_http nor webhooks.allow_networks allows it"
        );
        let open = AddressRules { http: true, ..AddressRules::default() };
        assert_eq!(told(&open, "8.8.8.8", Scheme::Http), "taken");
        assert_eq!(
            told(&open, "10.0.0.1", Scheme::Http),
            "10.0.0.1 is a private address, and webhooks.allow_networks does not name it"
        );
    }
}
