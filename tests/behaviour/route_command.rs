//! What `simverify route`, `modem list` and `doctor` say beside a running daemon, and without one.

use insta::assert_snapshot;

use crate::harness::{NUMBER, Options, TestApp, spawn_app};

fn one_modem() -> Options {
    Options::one_modem().keys("sim1", "sms_per_day = 50\nsms_price = \"0.02\"\ncountries = [\"GB\"]")
}

async fn lines(app: &TestApp, arguments: &[&str], with: &str) -> String {
    let told = app.command(arguments).await;
    told.lines().filter(|line| line.contains(with)).collect::<Vec<_>>().join("\n")
}

#[tokio::test]
async fn the_route_of_a_number_is_explained_by_the_running_daemon() {
    let app = spawn_app(one_modem()).await;
    app.never_logged(NUMBER);
    assert_snapshot!(app.command(&["route", NUMBER]).await, @"
    exit 0
    SMS to +44…23 (GB)
    messages due before it: 0

    ROUTE  KIND   COUNTRIES  BUDGET LEFT     HEALTH  WAIT   PRICE           VERDICT
    sim1   modem  GB         50 of 50 a day  ready   0.0 s  0.02000000 USD  takes it

    the SMS would go to sim1 at once
    a request with workflow 1 would be accepted
    ");
    assert_snapshot!(app.command(&["route", &format!("+{NUMBER}")]).await, @"
    exit 0
    SMS to +44…23 (GB)
    messages due before it: 0

    ROUTE  KIND   COUNTRIES  BUDGET LEFT     HEALTH  WAIT   PRICE           VERDICT
    sim1   modem  GB         50 of 50 a day  ready   0.0 s  0.02000000 USD  takes it

    the SMS would go to sim1 at once
    a request with workflow 1 would be accepted
    ");
    assert_snapshot!(app.command(&["route", "+4915123456789", "--call"]).await, @"
    exit 0
    call to +49…89 (DE)
    messages due before it: 0

    ROUTE  KIND   COUNTRIES  BUDGET LEFT  HEALTH  WAIT  PRICE           VERDICT
    sim1   modem  GB         no limit     ready   -     0.00000000 USD  makes no calls: channels, voice

    no route takes the call: the event would be skipped
    a request with workflow 1 would be refused with status 6: no route is configured for this number
    ");
    assert_snapshot!(app.command(&["route", &format!("+{NUMBER}"), "--json"]).await, @r#"
    exit 0
    {
      "channel": "sms",
      "choice": "take",
      "country": "GB",
      "currency": "USD",
      "daemon": true,
      "note": null,
      "number": "+44…23",
      "request": {
        "reason": null,
        "status": "0",
        "workflow": 1
      },
      "route": "sim1",
      "routes": [
        {
          "budget": {
            "calls": {
              "alarm_percent": null,
              "left_of_day": null,
              "left_of_minute": null,
              "left_of_month": null,
              "per_day": null,
              "per_minute": null,
              "per_month": null,
              "used_in_24_hours": 0
            },
            "sms": {
              "alarm_percent": null,
              "left_of_day": 50,
              "left_of_minute": null,
              "left_of_month": null,
              "per_day": 50,
              "per_minute": null,
              "per_month": null,
              "used_in_24_hours": 0
            }
          },
          "channels": [
            "sms"
          ],
          "countries": [
            "GB"
          ],
          "expected_wait_seconds": 0.0,
          "held": 0,
          "kind": "modem",
          "name": "sim1",
          "price": "0.02000000",
          "reason": null,
          "state": "ready",
          "state_seconds": null,
          "verdict": "takes it"
        }
      ],
      "waiting": 0
    }
    "#);
    app.finish().await;
}

#[tokio::test]
async fn the_state_of_a_modem_is_the_daemons() {
    let app = spawn_app(one_modem()).await;
    assert_snapshot!(lines(&app, &["modem", "list"], "sim1").await, @"sim1   simulator:sim1  ready  sms       50 of 50 SMS");
    assert_snapshot!(lines(&app, &["doctor"], "modem sim1").await, @"ok    modem sim1     simulator:sim1 is in use by the running daemon: ready; nothing reaches a real phone");
    app.modem("sim1", "register 3").await;
    app.down("sim1").await;
    for arguments in [["route", "+447700900123"].as_slice(), &["modem", "list"], &["doctor"]] {
        let told = lines(&app, arguments, "sim1").await;
        assert!(told.contains("down for ") && told.contains("denies"), "{told}");
    }
    app.finish().await;
}

#[tokio::test]
async fn without_a_daemon_the_route_is_told_by_the_configuration() {
    let mut app = spawn_app(one_modem()).await;
    app.stop().await;
    assert_snapshot!(app.command(&["route", "+447700900123"]).await, @"
    exit 0
    SMS to +44…23 (GB)
    by configuration and database alone, as if every route were ready: no daemon runs
    messages due before it: 0

    ROUTE  KIND   COUNTRIES  BUDGET LEFT     HEALTH   WAIT   PRICE           VERDICT
    sim1   modem  GB         50 of 50 a day  unknown  0.0 s  0.02000000 USD  takes it

    the SMS would go to sim1 at once
    a request with workflow 1 would be accepted
    ");
    app.finish().await;
}
