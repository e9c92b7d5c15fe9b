//! Where a request comes from: the address that is counted and limited.
//!
//! Behind a reverse proxy every connection has the proxy's address. What such a proxy says of its client is believed if
//! the proxy itself is trusted, hop by hop from the nearest on; anybody can write the rest of the list. Pure.

use std::fmt;
use std::net::{IpAddr, Ipv6Addr};

use ipnet::IpNet;

/// Hops that are looked at: longer lists are somebody's play.
const HOPS_MAX: usize = 32;

/// Who is counted together: an IPv4 address, or an IPv6 network of 64 bits, all of which one customer has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Origin(IpAddr);

impl Origin {
    pub fn of(address: IpAddr) -> Self {
        match address.to_canonical() {
            IpAddr::V4(address) => Self(address.into()),
            IpAddr::V6(address) => {
                let network = u128::from(address) & !u128::from(u64::MAX);
                Self(Ipv6Addr::from(network).into())
            }
        }
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            IpAddr::V4(address) => address.fmt(f),
            IpAddr::V6(network) => write!(f, "{network}/64"),
        }
    }
}

/// The header in which proxies name their client. One of them: what a proxy does not write, it passes on as it came.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ForwardedHeader {
    #[default]
    XForwardedFor,
    /// RFC 7239.
    Forwarded,
}

impl ForwardedHeader {
    /// In lower case.
    pub fn name(self) -> &'static str {
        match self {
            Self::XForwardedFor => "x-forwarded-for",
            Self::Forwarded => "forwarded",
        }
    }
}

/// The proxies that are believed.
#[derive(Clone, Debug, Default)]
pub struct Proxies {
    pub trusted: Vec<IpNet>,
    pub header: ForwardedHeader,
}

impl Proxies {
    pub fn trusts(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        self.trusted.iter().any(|network| network.contains(&address))
    }

    /// The client of a connection from `peer`: the nearest hop that is no trusted proxy. `values` are those of
    /// [`Proxies::header`], in their order; one that is not readable ends the search at the proxy that passed it on.
    pub fn client<'a>(&self, peer: IpAddr, values: impl Iterator<Item = &'a str>) -> IpAddr {
        let mut client = peer.to_canonical();
        if !self.trusts(client) {
            return client;
        }
        let values: Vec<&str> = values.flat_map(|value| value.split(',')).collect();
        for hop in values.iter().rev().take(HOPS_MAX) {
            let address = match self.header {
                ForwardedHeader::XForwardedFor => node(hop.trim()),
                ForwardedHeader::Forwarded => forwarded_for(hop),
            };
            let Some(address) = address else { return client };
            client = address.to_canonical();
            if !self.trusts(client) {
                return client;
            }
        }
        client
    }
}

/// The node of the parameter `for`, quoted or not (RFC 7239 §4).
fn forwarded_for(element: &str) -> Option<IpAddr> {
    let value = element.split(';').find_map(|pair| {
        let (name, value) = pair.split_once('=')?;
        name.trim().eq_ignore_ascii_case("for").then(|| value.trim())
    })?;
    node(value.strip_prefix('"').and_then(|value| value.strip_suffix('"')).unwrap_or(value))
}

/// An address, with or without port; one of IPv6 with or without brackets.
fn node(text: &str) -> Option<IpAddr> {
    if let Ok(address) = text.parse() {
        return Some(address);
    }
    if let Some(rest) = text.strip_prefix('[') {
        return rest.split_once(']')?.0.parse::<Ipv6Addr>().ok().map(IpAddr::V6);
    }
    let (address, port) = text.split_once(':')?;
    port.parse::<u16>().ok()?;
    address.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ip(text: &str) -> IpAddr {
        text.parse().expect("an address")
    }

    fn client(header: ForwardedHeader, peer: &str, values: &[&str]) -> String {
        let trusted = ["10.0.0.0/8", "127.0.0.1/32", "fd00::/8"].map(|network| network.parse().expect("a network"));
        Proxies { trusted: trusted.to_vec(), header }.client(ip(peer), values.iter().copied()).to_string()
    }

    #[test]
    fn ipv4_counts_by_address_and_ipv6_by_64_bits() {
        let origin = |text| Origin::of(ip(text)).to_string();
        assert_eq!(origin("192.0.2.7"), "192.0.2.7");
        assert_eq!(origin("::ffff:192.0.2.7"), "192.0.2.7");
        assert_eq!(origin("2001:db8:1:2:3:4:5:6"), "2001:db8:1:2::/64");
        assert_eq!(Origin::of(ip("2001:db8::1")), Origin::of(ip("2001:db8::ffff:1")));
        assert_ne!(Origin::of(ip("2001:db8::1")), Origin::of(ip("2001:db8:0:1::1")));
    }

    #[test]
    fn a_stranger_cannot_say_who_he_is() {
        let header = ForwardedHeader::XForwardedFor;
        assert_eq!(client(header, "192.0.2.1", &["198.51.100.9"]), "192.0.2.1");
        assert_eq!(client(header, "2001:db8::1", &["127.0.0.1"]), "2001:db8::1");
    }

    #[test]
    fn proxies_are_believed_from_the_nearest_on() {
        let header = ForwardedHeader::XForwardedFor;
        for (values, expected) in [
            (&[][..], "127.0.0.1"),
            (&["198.51.100.9"], "198.51.100.9"),
            (&["1.1.1.1, 198.51.100.9"], "198.51.100.9"),
            (&["1.1.1.1, 198.51.100.9, 10.1.2.3"], "198.51.100.9"),
            (&["1.1.1.1", "198.51.100.9 , 10.1.2.3"], "198.51.100.9"),
            (&["10.1.2.3"], "10.1.2.3"),
            (&["198.51.100.9:4711"], "198.51.100.9"),
            (&["2001:db8::9"], "2001:db8::9"),
            (&["[2001:db8::9]:443"], "2001:db8::9"),
            (&["::ffff:198.51.100.9"], "198.51.100.9"),
            (&["198.51.100.9, garbage"], "127.0.0.1"),
            (&["198.51.100.9, garbage, 10.1.2.3"], "10.1.2.3"),
            (&["198.51.100.9,"], "127.0.0.1"),
        ] {
            assert_eq!(client(header, "127.0.0.1", values), expected, "{values:?}");
        }
    }

    #[test]
    fn the_header_of_rfc_7239_is_read_where_it_is_the_one() {
        let header = ForwardedHeader::Forwarded;
        for (values, expected) in [
            (&["for=198.51.100.9"][..], "198.51.100.9"),
            (&["for=1.1.1.1, For=\"198.51.100.9:4711\";proto=https;by=203.0.113.43"], "198.51.100.9"),
            (&["for=\"[2001:db8::9]:4711\"", "for=10.1.2.3"], "2001:db8::9"),
            (&["for=198.51.100.9, for=_hidden"], "127.0.0.1"),
            (&["for=198.51.100.9, proto=https"], "127.0.0.1"),
        ] {
            assert_eq!(client(header, "127.0.0.1", values), expected, "{values:?}");
        }
    }

    #[test]
    fn a_list_without_end_is_read_to_an_end() {
        let long = "10.0.0.1,".repeat(10_000) + "10.0.0.2";
        assert_eq!(client(ForwardedHeader::XForwardedFor, "127.0.0.1", &[&long]), "10.0.0.1");
    }
}
