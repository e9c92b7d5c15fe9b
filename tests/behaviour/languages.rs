//! In which language the phone reads.

use insta::assert_snapshot;

use crate::harness::{NUMBER, Options, TestApp, spawn_app};

/// A German mobile number that belongs to nobody: the Federal Network Agency keeps it for films.
const GERMAN: &str = "4915228817386";

/// The SMS that a request brings, with a PIN that the snapshot can name.
async fn read(app: &mut TestApp, number: &str, further: &[(&str, &str)]) -> String {
    let pin = [("pin_code", "471100")];
    let further: Vec<_> = pin.iter().chain(further).copied().collect();
    let request = app.start(number, &further).await;
    let sms = app.phone.sms().await;
    assert_eq!(app.check(&request, "471100").await.field("status"), "0", "the number is free again");
    sms.text
}

#[tokio::test]
async fn a_number_is_written_to_in_the_language_of_its_country() {
    let mut app = spawn_app(Options::one_modem()).await;
    assert_snapshot!(read(&mut app, GERMAN, &[]).await, @"471100 ist Ihr Acme-Code. Geben Sie ihn nicht weiter.");
    assert_snapshot!(read(&mut app, NUMBER, &[]).await, @"471100 is your Acme code. Do not share it with anyone.");
    app.finish().await;
}

#[tokio::test]
async fn a_request_chooses_its_language_and_every_script_arrives() {
    let mut app = spawn_app(Options::one_modem()).await;
    let mut told = vec![];
    for (lg, brand) in [("ja-jp", "花屋"), ("AR-XA", "Acme"), ("th-th", "Acme"), ("el-gr", "Acme"), ("en-us", "花屋")]
    {
        told.push(read(&mut app, GERMAN, &[("lg", lg), ("brand", brand)]).await);
    }
    assert_snapshot!(told.join("\n"), @"
    471100 は 花屋 の認証コードです。誰にも教えないでください。
    471100 هو رمز Acme الخاص بك. لا تشاركه مع أحد.
    471100 คือรหัส Acme ของคุณ โปรดอย่าบอกผู้อื่น
    471100 είναι ο κωδικός σας Acme. Μην τον κοινοποιείτε.
    471100 is your 花屋 code. Do not share it with anyone.
    ");
    app.finish().await;
}

#[tokio::test]
async fn the_configured_language_wins_over_the_countrys_and_loses_to_the_requests() {
    let mut app = spawn_app(Options::one_modem().toml("verify.default_language = 'fr-fr'")).await;
    assert_snapshot!(read(&mut app, GERMAN, &[]).await, @"471100 est votre code Acme. Ne le partagez avec personne.");
    assert_snapshot!(read(&mut app, GERMAN, &[("lg", "nl-nl")]).await, @"471100 is uw Acme-code. Deel deze met niemand.");
    app.finish().await;
}

#[tokio::test]
async fn texts_of_the_operators_own_are_taken_anew_by_a_reload() {
    let mut app = spawn_app(Options::one_modem()).await;
    app.write_texts("de-de.toml", "sms = '{pin} öffnet die Tür zu {brand}.'");
    assert_snapshot!(read(&mut app, GERMAN, &[]).await, @"471100 ist Ihr Acme-Code. Geben Sie ihn nicht weiter.");
    app.reload().expect("a good file");
    assert_snapshot!(read(&mut app, GERMAN, &[]).await, @"471100 öffnet die Tür zu Acme.");
    app.write_texts("de-de.toml", "sms = 'Kein Code'");
    let refused = app.reload().expect_err("a text without PIN").to_string();
    assert!(refused.ends_with("/messages/de-de.toml:1: sms: must hold {pin}"), "{refused}");
    assert_snapshot!(read(&mut app, GERMAN, &[]).await, @"471100 öffnet die Tür zu Acme.");
    app.finish().await;
}
