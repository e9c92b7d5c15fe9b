use std::time::Duration;

use super::*;
use crate::config::{Configuration, Sources};
use crate::modem::port::UsbInterface;
use crate::simulator::{Control, PROFILES, Settings};

const BY_ID: &str = "/dev/serial/by-id/usb-Maker_Modem_0123456789ABCDEF";

/// A port of the modem at `place`, as the system lists it.
fn listed(place: &str, ids: &str, interface: u8) -> SerialPort {
    let (vendor_id, product_id) = ids.split_once(':').expect("two numbers");
    let usb = UsbInterface {
        place: place.to_owned(),
        vendor_id: vendor_id.to_owned(),
        product_id: product_id.to_owned(),
        manufacturer: None,
        product: None,
        number: Some(interface),
        class: None,
    };
    let path = PathBuf::from(format!("{BY_ID}_{place}-if{interface:02}-port0"));
    SerialPort { device: path.clone(), path, usb: Some(usb) }
}

fn target(address: PortAddress, found: Option<SerialPort>) -> Target {
    Target { address, baud_rate: BAUD_RATE, name: None, found }
}

/// Asks a virtual modem as if it were on that port.
async fn answered(settings: Settings, found: Option<SerialPort>) -> Asked {
    let simulators = Simulators::default();
    simulators.start("modem", settings);
    let path = found.as_ref().map(|port| port.path.clone());
    let mut asked =
        ask(target(PortAddress::Simulator("modem".to_owned()), found), &simulators, &CancellationToken::new()).await;
    if let Some(path) = path {
        asked.target.address = PortAddress::Device(path);
    }
    asked
}

/// A port that was asked in vain.
fn unanswered(found: SerialPort, answer: PortAnswer) -> Asked {
    let usb = found.usb.clone().expect("a port on USB");
    let as_port = AskedPort {
        place: Some(usb.place),
        vendor_id: usb.vendor_id,
        product_id: usb.product_id,
        interface: usb.number,
        class: usb.class,
        answer,
    };
    let failure = match &as_port.answer {
        PortAnswer::Closed(reason) => Exit::Unavailable.because(anyhow::anyhow!(reason.clone())),
        PortAnswer::Commands | PortAnswer::Silent | PortAnswer::Positions => {
            Exit::Unavailable.because(ProbeError::Silent { positions: false })
        }
    };
    Asked { target: target(PortAddress::Device(found.path.clone()), Some(found)), answer: Err(failure), as_port }
}

fn text(asked: &[Asked]) -> String {
    let ports: Vec<AskedPort> = asked.iter().map(|asked| asked.as_port.clone()).collect();
    text_of(asked, &ports, &stick::sticks(&ports), &[]).join("\n")
}

fn json_text(asked: &[Asked]) -> String {
    let ports: Vec<AskedPort> = asked.iter().map(|asked| asked.as_port.clone()).collect();
    format!("{:#}", Value::Array(json_of(asked, &ports, &stick::sticks(&ports), &[])))
}

async fn sim7600() -> Vec<Asked> {
    let ids = "1e0e:9001";
    let make = || Settings::default().with("profile", "sim7600").with("pin", "1234");
    vec![
        unanswered(listed("1-1", ids, 0), PortAnswer::Silent),
        unanswered(listed("1-1", ids, 1), PortAnswer::Positions),
        answered(make(), Some(listed("1-1", ids, 2))).await,
        answered(make(), Some(listed("1-1", ids, 3))).await,
        unanswered(listed("1-1", ids, 4), PortAnswer::Silent),
    ]
}

#[tokio::test(start_paused = true)]
async fn a_pin_that_would_not_be_tried_is_to_be_entered_in_a_phone_before() {
    let advice = "# Enter the PIN in a phone once before: of the tries that are left none is risked.";
    for (tries, is_told) in [("1", true), ("2", false)] {
        let make = Settings::default().with("pin", "1234").with("pin-tries", tries);
        let text = text(&[answered(make, Some(listed("1-1", "1e0e:9001", 2))).await]);
        assert!(text.contains("sim_pin = \"\""), "{text}");
        assert_eq!(text.contains(advice), is_told, "{text}");
    }
}

#[tokio::test(start_paused = true)]
async fn of_a_stick_with_five_ports_one_is_used_and_each_other_explained() {
    let asked = sim7600().await;
    insta::assert_snapshot!(text(&asked), @r#"
    /dev/serial/by-id/usb-Maker_Modem_0123456789ABCDEF_1-1-if02-port0
    maker     SIMCOM INCORPORATED
    model     SIMCOM_SIM7600E-H
    firmware  LE20B04SIM7600M22
    IMEI      ***********4563
    SIM       wants its PIN; 3 PIN tries left
    ICCID     ***************0123
    network   not registered
    signal    -73 dBm (good); LTE reference signal -93 dBm (good)
    SMS       yes; SMS centre not set, or not told
    storage   not told
    calls     yes
    sound     port /dev/serial/by-id/usb-Maker_Modem_0123456789ABCDEF_1-1-if04-port0
    profile   sim7600 (SIMCom SIM7500, SIM7600)

    its other ports, not for commands:
    /dev/serial/by-id/usb-Maker_Modem_0123456789ABCDEF_1-1-if00-port0  for the maker's diagnostics, takes no commands
    /dev/serial/by-id/usb-Maker_Modem_0123456789ABCDEF_1-1-if01-port0  for positions (NMEA), takes no commands
    /dev/serial/by-id/usb-Maker_Modem_0123456789ABCDEF_1-1-if03-port0  for data connections: what comes unasked may go to the other port
    /dev/serial/by-id/usb-Maker_Modem_0123456789ABCDEF_1-1-if04-port0  for the sound of calls, takes no commands

    [[modems]]
    name = "sim1"
    port = "/dev/serial/by-id/usb-Maker_Modem_0123456789ABCDEF_1-1-if02-port0"
    profile = "sim7600"
    sim_pin = ""  # the SIM asks for its PIN: write it here, or name a file with sim_pin_file
    voice = { kind = "serial-pcm", port = "/dev/serial/by-id/usb-Maker_Modem_0123456789ABCDEF_1-1-if04-port0" }
    "#);
    insta::assert_snapshot!(json_text(&asked), @r#"
    [
      {
        "error": "no modem answers: check baud_rate, cable and power supply",
        "modem": 0,
        "port": "/dev/serial/by-id/usb-Maker_Modem_0123456789ABCDEF_1-1-if00-port0",
        "use": false,
        "why": "for the maker's diagnostics, takes no commands"
      },
      {
        "error": "no modem answers: check baud_rate, cable and power supply",
        "modem": 0,
        "port": "/dev/serial/by-id/usb-Maker_Modem_0123456789ABCDEF_1-1-if01-port0",
        "use": false,
        "why": "for positions (NMEA), takes no commands"
      },
      {
        "access": null,
        "audio": {
          "kind": "serial-pcm",
          "port": "/dev/serial/by-id/usb-Maker_Modem_0123456789ABCDEF_1-1-if04-port0"
        },
        "baud_rate": 115200,
        "config": "[[modems]]\nname = \"sim1\"\nport = \"/dev/serial/by-id/usb-Maker_Modem_0123456789ABCDEF_1-1-if02-port0\"\nprofile = \"sim7600\"\nsim_pin = \"\"  # the SIM asks for its PIN: write it here, or name a file with sim_pin_file\nvoice = { kind = \"serial-pcm\", port = \"/dev/serial/by-id/usb-Maker_Modem_0123456789ABCDEF_1-1-if04-port0\" }\n",
        "firmware": "LE20B04SIM7600M22",
        "iccid": "***************0123",
        "imei": "***********4563",
        "maker": "SIMCOM INCORPORATED",
        "model": "SIMCOM_SIM7600E-H",
        "modem": 0,
        "off_command": "AT+CPOF",
        "operator": null,
        "pin_tries": 3,
        "port": "/dev/serial/by-id/usb-Maker_Modem_0123456789ABCDEF_1-1-if02-port0",
        "profile": "sim7600",
        "reference_signal_dbm": -93,
        "registration": "not registered",
        "reset_command": "AT+CRESET",
        "signal": "good",
        "signal_dbm": -73,
        "sim": "wants its PIN",
        "sms": "yes",
        "sms_centre": false,
        "storage": [],
        "use": true,
        "voice": "yes",
        "why": "takes commands, and what comes unasked comes here"
      },
      {
        "access": null,
        "audio": {
          "kind": "serial-pcm",
          "port": "/dev/serial/by-id/usb-Maker_Modem_0123456789ABCDEF_1-1-if04-port0"
        },
        "baud_rate": 115200,
        "firmware": "LE20B04SIM7600M22",
        "iccid": "***************0123",
        "imei": "***********4563",
        "maker": "SIMCOM INCORPORATED",
        "model": "SIMCOM_SIM7600E-H",
        "modem": 0,
        "off_command": "AT+CPOF",
        "operator": null,
        "pin_tries": 3,
        "port": "/dev/serial/by-id/usb-Maker_Modem_0123456789ABCDEF_1-1-if03-port0",
        "profile": "sim7600",
        "reference_signal_dbm": -93,
        "registration": "not registered",
        "reset_command": "AT+CRESET",
        "signal": "good",
        "signal_dbm": -73,
        "sim": "wants its PIN",
        "sms": "yes",
        "sms_centre": false,
        "storage": [],
        "use": false,
        "voice": "yes",
        "why": "for data connections: what comes unasked may go to the other port"
      },
      {
        "error": "no modem answers: check baud_rate, cable and power supply",
        "modem": 0,
        "port": "/dev/serial/by-id/usb-Maker_Modem_0123456789ABCDEF_1-1-if04-port0",
        "use": false,
        "why": "for the sound of calls, takes no commands"
      }
    ]
    "#);
}

#[tokio::test(start_paused = true)]
async fn a_quectel_and_a_huawei_and_a_port_that_is_in_use() {
    let held = format!("{BY_ID}_1-3-if02-port0 is in use by simverify (process 812): close that program");
    let asked = [
        unanswered(listed("1-1", "2c7c:0125", 1), PortAnswer::Silent),
        answered(Settings::default().with("profile", "quectel"), Some(listed("1-1", "2c7c:0125", 2))).await,
        answered(Settings::default().with("profile", "huawei"), Some(listed("1-2", "12d1:1001", 0))).await,
        unanswered(listed("1-2", "12d1:1001", 1), PortAnswer::Silent),
        answered(
            Settings::default().with("profile", "huawei").with("signal", "4"),
            Some(listed("1-2", "12d1:1001", 2)),
        )
        .await,
        unanswered(listed("1-3", "1e0e:9001", 2), PortAnswer::Closed(held)),
    ];
    insta::assert_snapshot!(text(&asked), @r#"
    /dev/serial/by-id/usb-Maker_Modem_0123456789ABCDEF_1-1-if02-port0
    maker     Quectel
    model     EC25
    firmware  EC25EFAR06A03M4G
    IMEI      ***********4562
    SIM       ready; 3 PIN tries left
    ICCID     ***************0123
    network   registered, Simverify, LTE
    signal    -73 dBm (good); LTE reference signal -93 dBm (good)
    SMS       yes; SMS centre set
    storage   ME 0 of 30 (0 %)
    calls     yes
    sound     port /dev/serial/by-id/usb-Maker_Modem_0123456789ABCDEF_1-1-if01-port0
    profile   quectel (Quectel UC, EC, EG, EM, RM)

    its other ports, not for commands:
    /dev/serial/by-id/usb-Maker_Modem_0123456789ABCDEF_1-1-if01-port0  for positions (NMEA), takes no commands

    [[modems]]
    name = "sim1"
    port = "/dev/serial/by-id/usb-Maker_Modem_0123456789ABCDEF_1-1-if02-port0"
    profile = "quectel"
    voice = { kind = "serial-pcm", port = "/dev/serial/by-id/usb-Maker_Modem_0123456789ABCDEF_1-1-if01-port0" }

    /dev/serial/by-id/usb-Maker_Modem_0123456789ABCDEF_1-2-if02-port0
    maker     huawei
    model     E173
    firmware  11.126.85.00.209
    IMEI      ***********4564
    SIM       ready; 3 PIN tries left
    ICCID     ***************0123
    network   registered, Simverify, GSM
    signal    -105 dBm (poor)
    SMS       yes; SMS centre set
    storage   SM 0 of 30 (0 %)
    calls     yes
    sound     port /dev/serial/by-id/usb-Maker_Modem_0123456789ABCDEF_1-2-if01-port0
    profile   huawei (Huawei E1xx, E3xx)

    its other ports, not for commands:
    /dev/serial/by-id/usb-Maker_Modem_0123456789ABCDEF_1-2-if00-port0  for data connections: what comes unasked may go to the other port
    /dev/serial/by-id/usb-Maker_Modem_0123456789ABCDEF_1-2-if01-port0  for the sound of calls, takes no commands

    [[modems]]
    name = "sim2"
    port = "/dev/serial/by-id/usb-Maker_Modem_0123456789ABCDEF_1-2-if02-port0"
    profile = "huawei"
    voice = { kind = "serial-pcm", port = "/dev/serial/by-id/usb-Maker_Modem_0123456789ABCDEF_1-2-if01-port0" }

    /dev/serial/by-id/usb-Maker_Modem_0123456789ABCDEF_1-3-if02-port0 is in use by simverify (process 812): close that program
    "#);
}

#[tokio::test(start_paused = true)]
async fn modems_without_calls_and_without_a_network_say_so() {
    let asked = [
        answered(Settings::default().with("profile", "u-blox-r"), Some(listed("1-1", "1546:1102", 0))).await,
        answered(
            Settings::default().with("profile", "wavecom").with("sim", "missing").with("signal", "99"),
            Some(listed("1-2", "0403:6001", 0)),
        )
        .await,
        answered(
            Settings::default().with("profile", "a7670").with("refuse", "+CREG").with("pin-tries", "1"),
            Some(listed("1-3", "1e0e:9011", 4)),
        )
        .await,
    ];
    insta::assert_snapshot!(text(&asked), @r#"
    /dev/serial/by-id/usb-Maker_Modem_0123456789ABCDEF_1-1-if00-port0
    maker     u-blox
    model     SARA-R410M-02B
    firmware  L0.0.00.00.05.08
    IMEI      ***********4565
    SIM       ready; 3 PIN tries left
    ICCID     ***************0123
    network   registered, Simverify, LTE
    signal    -73 dBm (good); LTE reference signal -93 dBm (good)
    SMS       yes; SMS centre set
    storage   ME 0 of 30 (0 %)
    calls     no
    sound     none
    profile   u-blox-r (u-blox SARA-R4, SARA-R5, SARA-N4)

    [[modems]]
    name = "sim1"
    port = "/dev/serial/by-id/usb-Maker_Modem_0123456789ABCDEF_1-1-if00-port0"
    profile = "u-blox-r"
    channels = ["sms"]

    /dev/serial/by-id/usb-Maker_Modem_0123456789ABCDEF_1-2-if00-port0
    maker     WAVECOM MODEM
    model     MULTIBAND  900E  1800
    firmware  not told
    IMEI      ***********4560
    SIM       none inserted
    ICCID     not told
    network   not registered
    signal    none, or not told
    SMS       yes; SMS centre not set, or not told
    storage   not told
    calls     yes
    sound     wires of the modem, to a sound card
    profile   wavecom (Wavecom Fastrack, Sierra Q26xx, SL60xx)

    [[modems]]
    name = "sim2"
    port = "/dev/serial/by-id/usb-Maker_Modem_0123456789ABCDEF_1-2-if00-port0"
    profile = "wavecom"
    # voice = { kind = "alsa", device = "…" }  # the sound card that its wires lead to

    /dev/serial/by-id/usb-Maker_Modem_0123456789ABCDEF_1-3-if04-port0
    maker     SIMCOM INCORPORATED
    model     A7670E-FASE
    firmware  A011B07A7670M7
    IMEI      ***********4561
    SIM       ready; 1 PIN try left
    ICCID     ***************0123
    network   registered, Simverify, LTE
    signal    -73 dBm (good); LTE reference signal -93 dBm (good)
    SMS       yes; SMS centre set
    storage   SM 0 of 30 (0 %)
    calls     only by VoLTE, if the network grants it: registered on LTE alone
    sound     wires of the modem, to a sound card
    profile   a7670 (SIMCom A7600 to A7680, SIM7670, SIM7672)

    [[modems]]
    name = "sim3"
    port = "/dev/serial/by-id/usb-Maker_Modem_0123456789ABCDEF_1-3-if04-port0"
    profile = "a7670"
    # voice = { kind = "alsa", device = "…" }  # the sound card that its wires lead to
    "#);
}

#[tokio::test(start_paused = true)]
async fn the_printed_blocks_of_all_makes_are_one_valid_configuration() {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let file = directory.path().join("simverify.toml");
    let mut asked = sim7600().await;
    for (number, make) in (2..).zip(&PROFILES) {
        let place = format!("1-{number}");
        let settings = Settings::default().with("profile", make.name);
        asked.push(answered(settings, Some(listed(&place, "1234:5678", 0))).await);
    }
    let report = text(&asked);
    let blocks: String = report
        .split_inclusive('\n')
        .scan(false, |inside, line| {
            *inside = (*inside && line != "\n") || line == "[[modems]]\n";
            Some(if *inside { line } else { "" })
        })
        .collect();
    let blocks = blocks.replace("sim_pin = \"\"", "sim_pin = \"1234\"");
    std::fs::write(&file, &blocks).expect("a written file");
    let read = Configuration::load(&Sources::of_system(Some(file), Vec::new()));
    let settings = read.unwrap_or_else(|error| panic!("{error}\n{blocks}")).settings;
    assert_eq!(settings.modems.len(), 1 + PROFILES.len());
    let names: std::collections::BTreeSet<&str> = settings.modems.iter().map(|modem| modem.name.as_str()).collect();
    assert_eq!(names.len(), settings.modems.len(), "each block has a name of its own");
    let port = settings.modems[0].port.to_string();
    assert_eq!(port, format!("{BY_ID}_1-1-if02-port0"));
}

#[tokio::test(start_paused = true)]
async fn many_dead_ports_cost_no_more_than_one() {
    let simulators = Simulators::default();
    let mut targets = Vec::new();
    for number in 0..8 {
        let name = format!("dead{number}");
        let simulator = simulators.start(&name, Settings::default());
        simulator.control(Control::Hang(Duration::from_secs(3600))).await;
        targets.push(target(PortAddress::Simulator(name), None));
    }
    let living = simulators.start("living", Settings::default());
    targets.push(target(PortAddress::Simulator("living".to_owned()), None));
    let begun = tokio::time::Instant::now();
    let asked = ask_all(targets, &simulators).await.expect("nobody interrupts");
    assert!(begun.elapsed() < Duration::from_secs(8), "{:?}", begun.elapsed());
    assert_eq!(asked.iter().filter(|asked| asked.as_port.answer == PortAnswer::Silent).count(), 8);
    assert!(asked[8].answer.is_ok(), "in the order of the ports");
    drop(living);
}
