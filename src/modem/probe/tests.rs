use std::collections::BTreeMap;

use super::*;
use crate::modem::profile::VoiceAbility;
use crate::simulator::{PROFILES, Settings, Simulator};

/// A stop that never comes.
fn never() -> CancellationToken {
    CancellationToken::new()
}

/// Says these lines to the modem and waits until each is answered, or a second.
async fn say(simulator: &Simulator, lines: &[&str]) {
    let mut line = Line::new(simulator.open().await.expect("a port"), GENERIC.engine_settings(), Instant::now());
    for text in lines {
        let asked = line.submit(within(text, 1));
        while !matches!(line.next(None).await.expect("a port"), Said::Reply { id, .. } if id == asked) {}
    }
}

/// The settings before and after the probe, and what it told.
async fn probed(
    settings: Settings,
    before: &[&str],
) -> (BTreeMap<String, String>, BTreeMap<String, String>, Result<Probed, ProbeError>) {
    let simulator = Simulator::start(settings);
    say(&simulator, before).await;
    let was = simulator.settings_in_force().await;
    let probed = probe(simulator.open().await.expect("a port"), &never()).await;
    (was, simulator.settings_in_force().await, probed)
}

#[tokio::test(start_paused = true)]
async fn each_make_is_known_and_keeps_every_setting() {
    /// What an earlier program may have set.
    const SET: [&[&str]; 4] = [
        &[],
        &["AT+CMEE=2", "AT+CSCS=\"UCS2\"", "AT+CMGF=1", "AT+COPS=3,2", "AT+CREG=1"],
        &["ATE0", "AT+CMEE=1", "AT+CSMS=1", "AT+CNMI=2,1,0,1,0", "AT+CPMS=\"ME\",\"ME\"", "AT+CLIP=1", "AT+CRC=1"],
        &["AT+CFUN=4", "AT+CLCC=1", "AT+CSCA=\"+10000000000\",145"],
    ];
    let mut shown = String::new();
    for make in &PROFILES {
        for before in SET {
            let (was, is, probed) = probed(Settings::default().with("profile", make.name), before).await;
            assert_eq!(was, is, "{} after {before:?}", make.name);
            let probed = probed.expect("a modem");
            if !before.is_empty() {
                continue;
            }
            let Probed { profile, sim, pin_tries, sms, voice, registration, signal, reference_power, .. } = &probed;
            assert_eq!(*sim, SimState::Ready, "{}", make.name);
            assert!(registration.is_some_and(|registration| registration.state.is_ready()), "{}", make.name);
            assert!(probed.imei.is_some() && probed.iccid.is_some() && probed.operator.is_some(), "{}", make.name);
            let dbm = |signal: &Option<Signal>| signal.map_or("-".to_owned(), |signal| signal.dbm.to_string());
            shown += &format!(
                "{:<11} {:<11} {pin_tries:?} {} {} sms {sms:?} voice {voice:?} {:?}\n",
                make.name,
                profile.name,
                dbm(signal),
                dbm(reference_power),
                probed.storages.iter().map(|storage| storage.memory.as_deref().unwrap_or("-")).collect::<Vec<_>>(),
            );
            assert_eq!(*voice == Ability::Unable, profile.calls.ability == VoiceAbility::Unable, "{}", make.name);
        }
    }
    insta::assert_snapshot!(shown, @r#"
    generic     generic     Some(3) -73 -93 sms Able voice Able ["SM"]
    sim800      simcom      Some(3) -73 - sms Able voice Able ["SM"]
    sim7600     sim7600     Some(3) -73 -93 sms Able voice Able ["SM"]
    sim7000     sim7000     Some(3) -73 -93 sms Able voice Unable ["SM"]
    a7670       a7670       Some(3) -73 -93 sms Able voice Able ["SM"]
    quectel     quectel     Some(3) -73 -93 sms Able voice Able ["ME"]
    quectel-ec200 quectel     Some(3) -73 -93 sms Able voice Able ["ME"]
    quectel-m   quectel-m   Some(3) -73 - sms Able voice Able ["SM"]
    quectel-bg  quectel-bg  Some(3) -73 -93 sms Able voice Unable ["ME"]
    huawei      huawei      Some(3) -73 - sms Able voice Able ["SM"]
    huawei-lte  huawei-lte  Some(3) -73 -93 sms Able voice Unable ["SM"]
    u-blox      u-blox      Some(3) -73 - sms Able voice Able ["ME"]
    u-blox-r    u-blox-r    Some(3) -73 -93 sms Able voice Unable ["ME"]
    telit       telit       Some(3) -73 -93 sms Able voice Able ["SM"]
    zte         zte         Some(3) -73 - sms Able voice Able ["SM"]
    wavecom     wavecom     Some(3) -73 - sms Able voice Able ["SM"]
    sierra      sierra      Some(3) -73 -93 sms Able voice Unable ["SM"]
    "#);
}

#[tokio::test(start_paused = true)]
async fn a_sim_that_is_missing_or_locked_is_told_without_a_pin_tried() {
    for make in &PROFILES {
        for (key, value, state) in [("sim", "missing", SimState::Missing), ("pin", "1234", SimState::Pin)] {
            let settings = Settings::default().with("profile", make.name).with(key, value);
            let (was, is, probed) = probed(settings, &[]).await;
            assert_eq!(was, is, "{}", make.name);
            assert_eq!(probed.expect("a modem").sim, state, "{}", make.name);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_modem_that_gives_no_results_is_found_and_left_as_it_was() {
    for before in [["ATQ1"], ["ATV0"]] {
        let (was, is, probed) = probed(Settings::default(), &before).await;
        assert_eq!(was, is, "{before:?}");
        assert_eq!(probed.expect("a modem").model.as_deref(), Some("Virtual Modem"), "{before:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn whenever_it_is_interrupted_the_settings_are_put_back() {
    let (mut interrupted, mut changed) = (0, 0);
    for tenths in 0..40 {
        // Without a SIM and without error numbers, which it must switch on.
        let settings = Settings::default().with("sim", "missing").with("latency", "100ms");
        let simulator = Simulator::start(settings);
        say(&simulator, &["ATQ1"]).await;
        let was = simulator.settings_in_force().await;
        let stop = CancellationToken::new();
        let port = simulator.open().await.expect("a port");
        let probing = probe(port, &stop);
        tokio::pin!(probing);
        let in_time = tokio::time::timeout(Duration::from_millis(100 * tenths + 4000), &mut probing).await;
        changed += usize::from(simulator.settings_in_force().await != was);
        stop.cancel();
        let ended = match in_time {
            Ok(ended) => ended,
            Err(_) => probing.await,
        };
        interrupted += usize::from(matches!(ended, Err(ProbeError::Interrupted)));
        assert_eq!(simulator.settings_in_force().await, was, "{tenths}");
    }
    assert!(interrupted > 10 && changed > 5, "{interrupted} interrupted, {changed} while something was changed");
}

#[tokio::test(start_paused = true)]
async fn what_does_not_answer_costs_seconds() {
    let begun = Instant::now();
    let (port, _other) = tokio::io::duplex(1024);
    assert!(matches!(probe(port, &never()).await, Err(ProbeError::Silent { positions: false })));
    assert!(begun.elapsed() < Duration::from_secs(8), "{:?}", begun.elapsed());

    let begun = Instant::now();
    let others = std::cell::RefCell::new(Vec::new());
    let open = async |rate| {
        let (port, other) = tokio::io::duplex(1024);
        others.borrow_mut().push((rate, other));
        Ok::<_, ProbeError>(port)
    };
    assert!(matches!(at_any_rate(9600, open, &never()).await, Err(ProbeError::Silent { .. })));
    let rates: Vec<u32> = others.borrow().iter().map(|(rate, _)| *rate).collect();
    assert_eq!(rates, [9_600, 115_200, 57_600, 38_400, 19_200, 230_400, 460_800, 921_600]);
    assert!(begun.elapsed() < Duration::from_secs(30), "{:?}", begun.elapsed());
}

#[tokio::test(start_paused = true)]
async fn a_uart_is_asked_at_other_speeds_until_one_is_answered() {
    let simulator = Simulator::start(Settings::default().with("profile", "sim800"));
    let silent = std::cell::RefCell::new(Vec::new());
    let open = async |rate| {
        if rate == 38_400 {
            return Ok::<_, ProbeError>(simulator.open().await?);
        }
        let (port, other) = tokio::io::duplex(1024);
        silent.borrow_mut().push(other);
        Ok(port)
    };
    let (rate, probed) = at_any_rate(115_200, open, &never()).await.expect("a modem");
    assert_eq!((rate, probed.profile.name), (38_400, "simcom"));
}

#[tokio::test(start_paused = true)]
async fn a_port_that_tells_positions_is_told_from_a_silent_one() {
    use tokio::io::AsyncWriteExt;
    let (port, mut receiver) = tokio::io::duplex(64 * 1024);
    receiver.write_all(b"$GPRMC,,V,,,,,,,,,,N*53\r\n$GPGSV,1,1,00*79\r\n").await.expect("room");
    assert!(matches!(probe(port, &never()).await, Err(ProbeError::Silent { positions: true })));
}

#[tokio::test(start_paused = true)]
async fn a_port_that_goes_away_is_lost() {
    let (port, other) = tokio::io::duplex(1024);
    drop(other);
    assert!(matches!(probe(port, &never()).await, Err(ProbeError::PortLost(_))));
}

#[tokio::test(start_paused = true)]
async fn a_modem_that_stops_in_the_middle_costs_less_than_a_minute() {
    for lines in [3, 8, 15] {
        let begun = Instant::now();
        let settings = Settings::default().with("hang-after", &lines.to_string()).with("hang-for", "0");
        let simulator = Simulator::start(settings);
        let ended = probe(simulator.open().await.expect("a port"), &never()).await;
        assert!(matches!(ended, Err(ProbeError::FellSilent)), "{lines}: {ended:?}");
        assert!(begun.elapsed() < Duration::from_secs(60), "{lines}: {:?}", begun.elapsed());
    }
}

#[tokio::test(start_paused = true)]
async fn a_boot_line_that_a_huawei_repeats_costs_no_answer() {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    for before in 1..8 {
        let simulator = Simulator::start(Settings::default().with("profile", "huawei").with("latency", "20ms"));
        let mut modem = simulator.open().await.expect("a port");
        let (port, mut between) = tokio::io::duplex(4096);
        tokio::spawn(async move {
            let (mut said, mut answered) = ([0; 256], [0; 256]);
            let mut commands = 0;
            loop {
                tokio::select! {
                    Ok(count) = between.read(&mut said) => {
                        if count == 0 {
                            return;
                        }
                        modem.write_all(&said[..count]).await.expect("room");
                        commands += 1;
                        if commands == before {
                            between.write_all(b"\r\n^BOOT:35323129,0,0,0,26\r\n").await.expect("room");
                        }
                    }
                    Ok(count) = modem.read(&mut answered) => {
                        between.write_all(&answered[..count]).await.expect("room");
                    }
                }
            }
        });
        let probed = probe(port, &never()).await.expect("a modem");
        assert_eq!(probed.profile.name, "huawei", "before command {before}");
        assert!(probed.model.is_some() && probed.firmware.is_some() && probed.imei.is_some(), "{before}");
        assert_eq!(probed.sim, SimState::Ready, "{before}");
    }
}
