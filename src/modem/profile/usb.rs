//! What the ports of modems on USB are for, by vendor, product and interface. Tells which of several takes commands, and
//! why the others do not. A port that no row knows is judged by its answers.

/// What a port is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PortRole {
    /// Commands, and the lines that come unasked.
    Commands,
    /// Commands and data connections; what comes unasked may go elsewhere.
    Modem,
    /// The maker's own protocol.
    Diagnostics,
    /// Positions (NMEA 0183).
    Positions,
    /// The sound of calls.
    Sound,
}

use PortRole::{Commands, Diagnostics, Modem, Positions, Sound};

struct Layout {
    vendor: &'static str,
    products: &'static [&'static str],
    /// By interface number.
    interfaces: &'static [(u8, PortRole)],
}

const QUALCOMM: &[(u8, PortRole)] = &[(0, Diagnostics), (1, Positions), (2, Commands), (3, Modem)];

const LAYOUTS: [Layout; 13] = [
    Layout {
        vendor: "1e0e",
        products: &["9001"],
        interfaces: &[(0, Diagnostics), (1, Positions), (2, Commands), (3, Modem), (4, Sound)],
    },
    Layout { vendor: "1e0e", products: &["9205"], interfaces: QUALCOMM },
    Layout {
        vendor: "1e0e",
        products: &["9206"],
        interfaces: &[(0, Diagnostics), (1, Positions), (2, Commands), (5, Modem)],
    },
    // EC25, EC21, EG91, EG95, EP06, BG96, EM12, RM500.
    Layout {
        vendor: "2c7c",
        products: &["0125", "0121", "0191", "0195", "0306", "0296", "0512", "0800"],
        interfaces: QUALCOMM,
    },
    // The voice sticks of before 2010.
    Layout { vendor: "12d1", products: &["1001", "1003"], interfaces: &[(0, Modem), (1, Sound), (2, Commands)] },
    // What else takes commands is the second choice.
    Layout { vendor: "1bc7", products: &["0021", "1003", "1006"], interfaces: &[(0, Commands)] },
    Layout { vendor: "1bc7", products: &["1004", "1005"], interfaces: &[(0, Commands), (2, Positions)] },
    Layout { vendor: "1bc7", products: &["1201"], interfaces: &[(3, Positions), (4, Commands)] },
    Layout { vendor: "1bc7", products: &["1040"], interfaces: &[(4, Commands)] },
    Layout { vendor: "1bc7", products: &["1101", "110a"], interfaces: &[(1, Commands)] },
    Layout {
        vendor: "1546",
        products: &["1102", "1107", "110a"],
        interfaces: &[(0, Commands), (6, Positions), (10, Diagnostics)],
    },
    Layout { vendor: "1546", products: &["1010"], interfaces: &[(4, Diagnostics), (6, Commands)] },
    Layout {
        vendor: "19d2",
        products: &["0031", "0037", "0039", "0052", "0057", "0063", "0104", "0108", "2002", "2003"],
        interfaces: &[(0, Diagnostics), (1, Commands), (3, Modem)],
    },
];

/// Makers of modems, by the number that USB gives them.
const VENDORS: [(&str, &str); 8] = [
    ("1e0e", "SIMCom"),
    ("2c7c", "Quectel"),
    ("12d1", "Huawei"),
    ("3566", "Brovi"),
    ("1bc7", "Telit"),
    ("1546", "u-blox"),
    ("19d2", "ZTE"),
    ("1199", "Sierra Wireless"),
];

/// The maker whose USB devices have this vendor number, if it is a maker of modems.
pub fn known_vendor(vendor: &str) -> Option<&'static str> {
    VENDORS.iter().find(|(number, _)| *number == vendor).map(|(_, name)| *name)
}

/// What an interface is for. `class`: class, subclass and protocol, where Huawei tells it.
pub fn role_of(vendor: &str, product: &str, interface: u8, class: Option<(u8, u8, u8)>) -> Option<PortRole> {
    let is_of = |layout: &&Layout| layout.vendor == vendor && layout.products.contains(&product);
    if let Some(layout) = LAYOUTS.iter().find(is_of) {
        return layout.interfaces.iter().find(|(number, _)| *number == interface).map(|(_, role)| *role);
    }
    match class {
        Some((0xff, 1 | 2, protocol)) if vendor == "12d1" => match protocol {
            0x01 => Some(Modem),
            0x02 => Some(Commands),
            0x05 | 0x14 => Some(Positions),
            _ => None,
        },
        Some(_) | None => None,
    }
}
