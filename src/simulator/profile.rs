//! What makes of modems differ in, as data. A new make is a new row here, not a new branch elsewhere.

/// How a make prints the tries that are left for PIN and PUK.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum PinCounter {
    /// `AT+CPINC?` → `+CPINC: pin,pin2,puk,puk2`
    Cpinc,
    /// `AT+SPIC` → `+SPIC: pin,puk,pin2,puk2`
    Spic,
    /// `AT+QPINC="SC"` → `+QPINC: "SC",pin,puk`
    Qpinc,
    /// `AT^CPIN?` → `^CPIN: state,tries,puk,pin,puk2,pin2`
    HuaweiCpin,
}

/// How a make tells the states of a call unasked.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum CallReports {
    Silent,
    /// `+CLCC:` lines after `AT+CLCC=1`, `VOICE CALL: BEGIN` and `END`.
    Simcom,
    /// `^ORIG`, `^CONF`, `^CONN`, `^CEND`.
    Huawei,
}

/// What a make says to a command that it does not know.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Unknown {
    /// `ERROR`, or `+CME ERROR: 4` where `AT+CMEE` asked for it.
    Coded,
    Plain,
    /// `COMMAND NOT SUPPORT`
    Words,
}

pub struct Profile {
    pub name: &'static str,
    pub maker: &'static str,
    pub model: &'static str,
    pub firmware: &'static str,
    pub imei: &'static str,
    /// Lines after power-on, once the modem answers again.
    pub boot: &'static [&'static str],
    /// The line that floods where a flood is asked for.
    pub flood: &'static str,
    pub counter: PinCounter,
    pub unknown: Unknown,
    /// Command and answer's prefix that tell the SIM's number (ICCID).
    pub iccid: (&'static str, &'static str),
    /// Where a storage begins to count.
    pub first_index: u16,
    /// Whether `+CEREG` exists.
    pub lte: bool,
    pub calls: CallReports,
    /// Whether the `OK` to a dialled call waits for the answer while `AT+COLP=1`.
    pub colp_waits: bool,
}

pub const PROFILES: [Profile; 5] = [
    Profile {
        name: "generic",
        maker: "Simverify",
        model: "Virtual Modem",
        firmware: "1.0",
        imei: "490154203237518",
        boot: &["RDY", "+CPIN: READY"],
        flood: "+CSQ: 20,99",
        counter: PinCounter::Cpinc,
        unknown: Unknown::Coded,
        iccid: ("+CCID", "+CCID: "),
        first_index: 1,
        lte: true,
        calls: CallReports::Silent,
        colp_waits: false,
    },
    Profile {
        name: "sim800",
        maker: "SIMCOM_Ltd",
        model: "SIMCOM_SIM800L",
        firmware: "Revision:1418B05SIM800L24",
        imei: "869988012345672",
        boot: &["RDY", "+CFUN: 1", "+CPIN: READY", "Call Ready", "SMS Ready"],
        flood: "UNDER-VOLTAGE WARNNING",
        counter: PinCounter::Spic,
        unknown: Unknown::Plain,
        iccid: ("+CCID", ""),
        first_index: 1,
        lte: false,
        calls: CallReports::Silent,
        colp_waits: true,
    },
    Profile {
        name: "sim7600",
        maker: "SIMCOM INCORPORATED",
        model: "SIMCOM_SIM7600E-H",
        firmware: "+CGMR: LE20B04SIM7600M22",
        imei: "860147051234563",
        boot: &["RDY", "+CPIN: READY", "SMS DONE", "PB DONE"],
        flood: "+CSQ: 20,99",
        counter: PinCounter::Spic,
        unknown: Unknown::Plain,
        iccid: ("+CICCID", "+ICCID: "),
        first_index: 0,
        lte: true,
        calls: CallReports::Simcom,
        colp_waits: false,
    },
    Profile {
        name: "quectel",
        maker: "Quectel",
        model: "EC25",
        firmware: "EC25EFAR06A03M4G",
        imei: "861107031234562",
        boot: &["RDY", "+CPIN: READY", "+QUSIM: 1", "+CFUN: 1", "+QIND: SMS DONE", "+QIND: PB DONE"],
        flood: "+QIND: \"csq\",20,99",
        counter: PinCounter::Qpinc,
        unknown: Unknown::Plain,
        iccid: ("+QCCID", "+QCCID: "),
        first_index: 0,
        lte: true,
        calls: CallReports::Silent,
        colp_waits: false,
    },
    Profile {
        name: "huawei",
        maker: "huawei",
        model: "E173",
        firmware: "11.126.85.00.209",
        imei: "353142041234564",
        boot: &["^BOOT", "^SIMST:1", "^SRVST:2", "^MODE:5,4"],
        flood: "^RSSI:18",
        counter: PinCounter::HuaweiCpin,
        unknown: Unknown::Words,
        iccid: ("^ICCID", "^ICCID: "),
        first_index: 0,
        lte: false,
        calls: CallReports::Huawei,
        colp_waits: false,
    },
];

/// The row of a name as `--profile` takes it.
pub fn profile(name: &str) -> Option<&'static Profile> {
    PROFILES.iter().find(|profile| profile.name == name)
}
