//! The words for what a modem tells.

use crate::modem::at::SimState;
use crate::modem::probe::Ability;

pub fn ability(ability: Ability) -> &'static str {
    match ability {
        Ability::Able => "yes",
        Ability::Unable => "no",
        Ability::ByNetwork => "by-network",
        Ability::NotTold => "not told",
    }
}

pub fn sim(state: &SimState) -> String {
    match state {
        SimState::Ready => "ready",
        SimState::Pin => "wants its PIN",
        SimState::Puk => "locked: wants its PUK",
        SimState::Locked(lock) => return format!("locked ({lock})"),
        SimState::Missing => "none inserted",
        SimState::Failure => "does not answer",
        SimState::Busy => "not ready yet",
        SimState::NotTold => "not told",
    }
    .to_owned()
}

/// LTE's reference signal is one of many carriers: some 20 dB below the band.
pub fn reference_signal(dbm: i16) -> &'static str {
    match dbm {
        ..-115 => "poor",
        -115..-105 => "fair",
        -105..-90 => "good",
        -90.. => "excellent",
    }
}

/// A modem that is plugged in and shows no port.
pub fn hidden(vendor_id: &str, product_id: &str) -> String {
    let advice = match (vendor_id, product_id) {
        ("12d1", "14db" | "14dc" | "1f02") => {
            "HiLink firmware, which speaks HTTP only: stick firmware (21.x) is needed for a serial port"
        }
        ("12d1", "1f01" | "1446" | "14fe" | "1505") | ("19d2", "2000" | "0083" | "1225") => {
            "still a CD drive: install usb-modeswitch, then plug it in again"
        }
        _ => "no driver has made ports of it: look at `dmesg`; `modprobe option` or usb-modeswitch may help",
    };
    let maker = crate::modem::profile::known_vendor(vendor_id).unwrap_or("unknown");
    format!("{maker} device {vendor_id}:{product_id} without a serial port: {advice}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_power_of_a_reference_signal_has_a_word() {
        let words = ["poor", "fair", "good", "excellent", "excellent"];
        assert_eq!([-130, -115, -105, -90, -60].map(reference_signal), words);
    }

    #[test]
    fn a_modem_that_shows_no_port_is_told_what_it_needs() {
        insta::assert_snapshot!(hidden("12d1", "14dc"), @"Huawei device 12d1:14dc without a serial port: HiLink firmware, which speaks HTTP only: stick firmware (21.x) is needed for a serial port");
        insta::assert_snapshot!(hidden("12d1", "1f01"), @"Huawei device 12d1:1f01 without a serial port: still a CD drive: install usb-modeswitch, then plug it in again");
        insta::assert_snapshot!(hidden("2c7c", "0125"), @"Quectel device 2c7c:0125 without a serial port: no driver has made ports of it: look at `dmesg`; `modprobe option` or usb-modeswitch may help");
    }
}
