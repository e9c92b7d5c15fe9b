use super::*;

#[test]
fn a_modem_is_driven_by_the_row_that_knows_it() {
    let cases = [
        ("SIMCOM INCORPORATED", "SIMCOM_SIM7600G-H", "sim7600"),
        ("SIMCOM INCORPORATED", "SIMCOM_SIM7500E", "sim7600"),
        ("", "SIM7600CE", "sim7600"),
        ("SIMCOM_Ltd", "SIMCOM_SIM800L", "simcom"),
        ("SIMCOM_Ltd", "SIMCOM_SIM900", "simcom"),
        ("SIMCOM INCORPORATED", "SIMCOM_SIM7000E", "sim7000"),
        ("SIMCOM INCORPORATED", "SIMCOM_SIM7080", "sim7000"),
        ("SIMCOM INCORPORATED", "A7670E-FASE", "a7670"),
        ("SIMCOM INCORPORATED", "A7672SA-LASE", "a7670"),
        ("SIMCOM INCORPORATED", "SIM7670G", "a7670"),
        ("Quectel", "EC25", "quectel"),
        ("Quectel", "EG25", "quectel"),
        ("Quectel", "UC20", "quectel"),
        ("Quectel_Ltd", "Quectel_M95", "quectel-m"),
        ("Quectel", "BG96", "quectel-bg"),
        ("huawei", "E173", "huawei"),
        ("huawei", "E1752", "huawei"),
        ("huawei", "K3715", "huawei"),
        ("huawei", "E3372", "huawei-lte"),
        ("Huawei Technologies Co., Ltd.", "ME909s-120", "huawei-lte"),
        ("Telit", "LE910", "telit"),
        ("u-blox", "SARA-U201", "u-blox"),
        ("u-blox", "SARA-R410M-02B", "u-blox-r"),
        ("ZTE INCORPORATED", "K3565-Z", "zte"),
        ("ZTE CORPORATION", "MF190", "zte"),
        ("QUALCOMM INCORPORATED", "M6280", "zte"),
        ("WAVECOM MODEM", "MULTIBAND  900E  1800", "wavecom"),
        ("Sierra Wireless, Incorporated", "MC7455", "sierra"),
        ("Sierra Wireless", "Q2687", "wavecom"),
        ("ACME", "X1", "generic"),
        ("ACME", "M95", "generic"),
        ("ACME", "ULTRAZTEX", "generic"),
        ("Nokia", "Nokia N79", "generic"),
        ("", "", "generic"),
    ];
    for (maker, model, name) in cases {
        assert_eq!(Profile::of(maker, model).name, name, "{maker} {model}");
    }
}

#[test]
fn a_virtual_modem_by_a_rows_name_is_driven_by_that_row() {
    for profile in PROFILES {
        let make = crate::simulator::profile(profile.name).expect(profile.name);
        assert_eq!(Profile::of(make.maker, make.model).name, profile.name);
    }
}

#[test]
fn no_row_sends_what_must_never_be_sent() {
    for profile in PROFILES {
        assert_eq!(Profile::named(profile.name), Some(profile));
        for line in profile.startup_lines.iter().chain(profile.calls.prepare).chain(profile.calls.keys.listen) {
            // What turns the radio off, blocks for minutes, changes the SIM's locks, is saved for good, or hides refusals.
            for forbidden in
                ["CFUN=", "COPS=?", "CLCK", "CPWD", "&W", "&F", "ATZ", ";", "U2DIAG", "ZCDRUN", "USBCFG", "QMBN", "IPR"]
            {
                assert!(!line.contains(forbidden), "{}: {line}", profile.name);
            }
        }
    }
}

#[test]
fn the_guide_has_a_row_for_each_profile() {
    let guide = include_str!("../../../docs/modems.md");
    for profile in PROFILES {
        let row = format!("| `{}` | {} | `{}` | ", profile.name, profile.family, profile.reset_line);
        assert!(guide.contains(&row), "docs/modems.md lacks {row}");
    }
    let makes = guide.split("\n## ").find(|section| section.starts_with("Makes")).expect("a section");
    assert_eq!(makes.lines().filter(|line| line.starts_with("| `")).count(), PROFILES.len());
}

#[test]
fn every_row_is_complete_and_has_a_name_of_its_own() {
    for (index, profile) in PROFILES.into_iter().enumerate() {
        assert!(PROFILES[index + 1..].iter().all(|other| other.name != profile.name), "{}", profile.name);
        assert!(profile.storages.iter().any(|storage| storage.starts_with("\"SM\"")), "{}", profile.name);
        assert!(profile.domains.contains(&Domain::Circuit), "{}: what knows calls says so by +CREG", profile.name);
        for line in [profile.iccid_line, profile.reset_line].into_iter().chain(profile.off_line) {
            assert!(line.starts_with("AT") && line.len() > 3, "{}: {line}", profile.name);
        }
        assert_ne!(Some(profile.reset_line), profile.off_line, "{}", profile.name);
        let calls = &profile.calls;
        assert!(calls.ability != VoiceAbility::Unable || calls.sound == Sound::Nowhere, "{}", profile.name);
        assert!(calls.keys.send.contains("{key}"), "{}", profile.name);
        assert_eq!(calls.keys.begins.is_empty(), calls.keys.listen.is_empty(), "{}", profile.name);
    }
}

/// modem.md's table of call lines, one make after the other.
#[test]
fn lines_about_a_call_are_read_by_their_family() {
    use CallProgress::{Answered, Changed, Ended, Ringing};
    let cases: [(&str, &str, Option<CallProgress>); 36] = [
        ("huawei", "^ORIG:1,0", None),
        ("huawei", "^CONF:1", Some(Ringing)),
        ("huawei", "^CONN:1,0", Some(Answered)),
        ("huawei", "^CEND:1,12,104,16", Some(Ended)),
        ("huawei", "^RSSI:17", None),
        ("sim7600", "+CLCC: 1,0,2,0,0,\"+447700900123\",145", None),
        ("sim7600", "+CLCC: 1,0,3,0,0,\"+447700900123\",145", Some(Ringing)),
        ("sim7600", "+CLCC: 1,0,0,0,0,\"+447700900123\",145", Some(Answered)),
        ("sim7600", "+CLCC: 1,0,6,0,0", Some(Ended)),
        ("sim7600", "VOICE CALL: BEGIN", Some(Answered)),
        ("sim7600", "VOICE CALL: END: 000041", Some(Ended)),
        ("sim7600", "VOICE CALL: END", Some(Ended)),
        ("a7670", "VOICE CALL:END", Some(Ended)),
        ("simcom", "NO CARRIER", Some(Ended)),
        ("quectel", "+QIND: \"ccinfo\",1,0,3,0,0,\"447700900123\",129", Some(Ringing)),
        ("quectel", "+QIND: \"ccinfo\",1,0,0,0,0,\"447700900123\",129", Some(Answered)),
        ("quectel", "+QIND: \"ccinfo\",1,0,-1,0,0,\"447700900123\",129", Some(Ended)),
        ("quectel", "+QIND: \"csq\",3,99", None),
        ("quectel-m", "^DSCI: 1,0,7,0,447700900123,129,0", Some(Ringing)),
        ("quectel-m", "^DSCI: 1,0,3,0,447700900123,129,0", Some(Changed)),
        ("quectel-m", "^DSCI: 1,0,6,0,\"447700900123\",129", Some(Ended)),
        ("zte", "CONNECT", Some(Answered)),
        ("zte", "HANGUP: 16", Some(Ended)),
        ("wavecom", "+WIND: 2", Some(Ringing)),
        ("wavecom", "+WIND: 5,1", None),
        ("wavecom", "+WIND: 6,1", Some(Ended)),
        ("u-blox", "+UCALLSTAT: 1,3", Some(Ringing)),
        ("u-blox", "+UCALLSTAT: 1,0", Some(Answered)),
        ("u-blox", "+UCALLSTAT: 1,6", Some(Ended)),
        ("u-blox", "+UCALLSTAT: 3,2", None),
        ("generic", "BUSY", Some(Ended)),
        ("generic", "NO ANSWER", Some(Ended)),
        ("generic", "RING", None),
        ("telit", "NO CARRIER", Some(Ended)),
        ("quectel", "+QIND: \"ccinfo\"", None),
        ("huawei", "", None),
    ];
    for (name, line, state) in cases {
        let profile = Profile::named(name).expect("a row");
        assert_eq!(profile.calls.state_told(line), state, "{name}: {line}");
    }
}

#[test]
fn pressed_keys_are_read_by_their_family() {
    let cases = [
        ("sim7600", "+RXDTMF: *", Some('*')),
        ("simcom", "+DTMF: 5", Some('5')),
        ("simcom", "+RXDTMF: 5", None),
        ("quectel", "+QTONEDET: 53", Some('5')),
        ("quectel", "+QTONEDET: 35", Some('#')),
        ("quectel", "+QTONEDET: 7", None),
        ("quectel", "+QTONEDET: 999", None),
        ("huawei", "^DDTMF: 1", Some('1')),
        ("u-blox", "+UUDTMFD: 9", Some('9')),
        ("telit", "#DTMFEV: A,1", Some('A')),
        ("generic", "+DTMF: 5", None),
        ("sim7600", "+RXDTMF: x", None),
    ];
    for (name, line, key) in cases {
        assert_eq!(Profile::named(name).expect("a row").calls.keys.told(line), key, "{name}: {line}");
    }
}

#[test]
fn ports_of_known_sticks_have_their_roles() {
    let cases = [
        ("1e0e", "9001", 2, None, Some(PortRole::Commands)),
        ("1e0e", "9001", 4, None, Some(PortRole::Sound)),
        ("2c7c", "0125", 1, None, Some(PortRole::Positions)),
        ("2c7c", "0125", 9, None, None),
        ("12d1", "1001", 1, None, Some(PortRole::Sound)),
        ("12d1", "1506", 0, Some((0xff, 1, 1)), Some(PortRole::Modem)),
        ("12d1", "1506", 2, Some((0xff, 1, 2)), Some(PortRole::Commands)),
        ("12d1", "1506", 2, None, None),
        ("0403", "6001", 0, Some((0xff, 0xff, 0xff)), None),
    ];
    for (vendor, product, interface, class, role) in cases {
        assert_eq!(role_of(vendor, product, interface, class), role, "{vendor}:{product} {interface}");
    }
    assert_eq!(known_vendor("2c7c"), Some("Quectel"));
    assert_eq!(known_vendor("0403"), None);
}

/// What the virtual modem of each make writes during a call, in the eyes of the family's row.
#[test]
fn a_call_of_each_virtual_make_is_followed_by_its_familys_lines() {
    use crate::simulator::{CallReports, Settings, testing::Bench};

    for make in crate::simulator::PROFILES.iter().filter(|make| make.calls != CallReports::Silent) {
        let profile = Profile::of(make.maker, make.model);
        let mut bench = Bench::new(Settings::default().with("profile", make.name));
        for line in ["ATE0"].iter().chain(profile.startup_lines).chain(profile.calls.prepare) {
            bench.send(format!("{line}\r").as_bytes());
        }
        let mut told = Vec::new();
        let mut hear = |written: &str| {
            let lines = written.lines().map(|line| line.trim().trim_start_matches("< "));
            told.extend(lines.filter_map(|line| profile.calls.state_told(line)));
        };
        hear(&bench.send(b"ATD+491701234567;\r"));
        for _ in 0..2 {
            bench.play("+ 2000");
            hear(&bench.take_dialogue());
        }
        hear(&bench.send(format!("{}\r", profile.calls.hang_up[0]).as_bytes()));
        told.dedup();
        let expected: &[CallProgress] = match make.calls {
            // Its answer is the OK, or a line; nothing tells that it rings.
            CallReports::Zte => &[CallProgress::Answered, CallProgress::Ended],
            CallReports::Wavecom => &[CallProgress::Ringing, CallProgress::Ended],
            // Its other numbers mean different things to different firmware.
            CallReports::Dsci => &[CallProgress::Changed, CallProgress::Ended],
            CallReports::Silent
            | CallReports::Simcom
            | CallReports::Huawei
            | CallReports::Quectel
            | CallReports::Ublox => &[CallProgress::Ringing, CallProgress::Answered, CallProgress::Ended],
        };
        assert_eq!(told, expected, "{}", make.name);
        let waits = profile.calls.dialled == Dialled::Answered;
        // `COLP` is switched off before a call.
        assert_eq!(waits, make.dial_ok == crate::simulator::DialOk::Answered, "{}", make.name);
    }
}
