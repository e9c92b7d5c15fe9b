//! The contract as a table: each status at each operation, on both faces and in both formats, as whole replies.
//!
//! A cell is a request to a daemon in the condition that its status comes from, never a status that was put there. A
//! fault of ours (5) is told in the tests of `src/api`: here no test makes the daemon log an error.

use crate::harness::{Account, Options, TestApp, spawn_app};

/// Face and format, by the end of their paths.
const FACES: [(&str, &str); 3] = [("nexmo json", "/json"), ("nexmo xml", "/xml"), ("portal", "")];

/// A PIN of the caller's own, so that no phone has to be asked.
const PIN: &str = "a1B2c3";
const UNKNOWN: &str = "00000000000000000000000000000000";

const REQUEST: &str = "/verify";
const PSD2: &str = "/verify/psd2";
const CHECK: &str = "/verify/check";
const SEARCH: &str = "/verify/search";
const CONTROL: &str = "/verify/control";

type Form<'a> = Vec<(&'a str, &'a str)>;

struct Table {
    app: TestApp,
    text: String,
    numbers: u32,
}

impl Table {
    async fn new(options: Options) -> Self {
        Self { app: spawn_app(options).await, text: String::new(), numbers: 0 }
    }

    /// A number that was not used yet.
    fn number(&mut self) -> String {
        self.numbers += 1;
        // From 0100 on, above the endings with which a virtual modem does something else than to send.
        format!("447700900{:03}", 100 + self.numbers)
    }

    /// One cell: sends `form` and writes the whole reply down.
    async fn cell(&mut self, title: &str, face: (&str, &str), operation: &str, form: &[(&str, &str)]) {
        let account = self.app.account.clone();
        self.cell_as(&account, title, face, operation, form).await;
    }

    async fn cell_as(
        &mut self,
        account: &Account,
        title: &str,
        (face, suffix): (&str, &str),
        operation: &str,
        form: &[(&str, &str)],
    ) {
        if operation == PSD2 && suffix.is_empty() {
            return;
        }
        let credentials = [("api_key", account.key.as_str()), ("api_secret", account.secret.as_str())];
        let form: Form = credentials.iter().chain(form).copied().collect();
        let path = format!("{operation}{suffix}");
        let response = self.app.http().post(self.app.url(&path)).form(&form).send().await.expect("a reply");
        let mut head = format!("{} {path}", response.status().as_u16());
        for name in ["content-type", "location", "retry-after", "www-authenticate"] {
            if let Some(value) = response.headers().get(name) {
                head += &format!(" · {name}: {}", value.to_str().expect("ASCII"));
            }
        }
        assert_eq!(response.headers().get("x-trace-id").map(|id| id.len()), Some(16), "{path}");
        let reply = crate::harness::Reply { http: 200, text: response.text().await.expect("a body") };
        let body = reply.to_string().replace("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n", "<?xml …?> ");
        let cell = format!("## {title} ({face})\n{}\n{}\n", masked(&head), body.trim_end());
        self.text += &cell.replace(&account.key, "<key>");
        self.text.push('\n');
    }

    /// The same form at each face.
    async fn row(&mut self, title: &str, operation: &str, form: &[(&str, &str)]) {
        for face in FACES {
            self.cell(title, face, operation, form).await;
        }
    }

    /// A request for a number of its own at each face, as a number's and as a payment's.
    async fn requests(&mut self, title: &str, further: &[(&str, &str)]) {
        for face in FACES {
            for operation in [REQUEST, PSD2] {
                let number = self.number();
                let form: Form = request_form(operation, &number).into_iter().chain(further.iter().copied()).collect();
                self.cell(title, face, operation, &form).await;
            }
        }
    }

    /// A verification with the PIN of the caller's own.
    async fn start(&mut self, further: &[(&str, &str)]) -> String {
        let number = self.number();
        let form: Form = [("pin_code", PIN)].iter().chain(further).copied().collect();
        let request = self.app.start(&number, &form).await;
        // What a reply tells of its SMS must not hang on who is quicker.
        self.app.at_rest().await;
        request
    }

    async fn finish(self) -> String {
        self.app.at_rest().await;
        self.app.finish().await;
        self.text
    }
}

fn request_form<'a>(operation: &str, number: &'a str) -> Form<'a> {
    match operation {
        PSD2 => vec![("number", number), ("payee", "Acme"), ("amount", "12.50"), ("workflow_id", "6")],
        _ => vec![("number", number), ("brand", "Acme"), ("workflow_id", "6")],
    }
}

/// The id in a `Location`.
fn masked(head: &str) -> String {
    match head.split_once("request_id=") {
        Some((before, rest)) => format!("{before}request_id=<request>{}", &rest[32..]),
        None => head.to_owned(),
    }
}

#[tokio::test]
async fn status_0() {
    let mut table = Table::new(Options::one_modem()).await;
    table.requests("accepted", &[]).await;
    for face in FACES {
        let request = table.start(&[]).await;
        table.app.at_rest().await;
        table.cell("the right code", face, CHECK, &[("request_id", &request), ("code", PIN)]).await;
        table.cell("a search for one", face, SEARCH, &[("request_id", &request)]).await;
        table.cell("a search for several", face, SEARCH, &[("request_ids", &request), ("request_ids", UNKNOWN)]).await;
    }
    for face in FACES {
        let request = table.start(&[("workflow_id", "4")]).await;
        table.app.at_rest().await;
        let command = [("request_id", request.as_str()), ("cmd", "trigger_next_event")];
        table.cell("the next event", face, CONTROL, &command).await;
        table.app.at_rest().await;
    }
    for face in FACES {
        let request = table.start(&[]).await;
        table.app.pass(30).await;
        table.cell("a cancel", face, CONTROL, &[("request_id", &request), ("cmd", "cancel")]).await;
    }
    insta::assert_snapshot!(table.finish().await);
}

#[tokio::test]
async fn status_1() {
    // One request a second: the second of two at once is over it.
    let mut table = Table::new(Options::one_modem().rate(1)).await;
    for operation in [REQUEST, PSD2, CHECK, SEARCH, CONTROL] {
        for face in FACES {
            let account = table.app.add_account("another", None).await;
            table.app.post_as(&account, "/verify/search/json", &[("request_id", UNKNOWN)]).await;
            // It comes before what is missing.
            table.cell_as(&account, "throttled", face, operation, &[]).await;
        }
    }
    insta::assert_snapshot!(table.finish().await);
}

#[tokio::test]
async fn status_2() {
    let mut table = Table::new(Options::one_modem()).await;
    table.row("no number", REQUEST, &[("brand", "Acme")]).await;
    table.row("no brand", REQUEST, &[("number", "447700900001"), ("brand", "")]).await;
    table.row("no number", PSD2, &[("payee", "Acme"), ("amount", "1")]).await;
    table.row("no payee", PSD2, &[("number", "447700900001"), ("amount", "1")]).await;
    table.row("no amount", PSD2, &[("number", "447700900001"), ("payee", "Acme")]).await;
    table.row("no request_id", CHECK, &[("code", "1234")]).await;
    table.row("no code", CHECK, &[("request_id", UNKNOWN)]).await;
    table.row("no request_id", SEARCH, &[]).await;
    table.row("no request_id", CONTROL, &[("cmd", "cancel")]).await;
    table.row("no cmd", CONTROL, &[("request_id", UNKNOWN)]).await;
    insta::assert_snapshot!(table.finish().await);
}

#[tokio::test]
async fn status_3() {
    let mut table = Table::new(Options::one_modem()).await;
    for wrong in [
        ("number", "12"),
        ("brand", "nineteen characters"),
        ("country", "XX"),
        ("sender_id", "a sender"),
        ("code_length", "5"),
        ("lg", "tlh-qo"),
        ("lg", "sk-sk"),
        ("pin_expiry", "59"),
        ("next_event_wait", "901"),
        ("workflow_id", "8"),
        ("pin_code", "123"),
    ] {
        let rest = [("number", "447700900001"), ("brand", "Acme")];
        let form: Form = [wrong].into_iter().chain(rest.into_iter().filter(|(name, _)| *name != wrong.0)).collect();
        table.row(&format!("{} = {}", wrong.0, wrong.1), REQUEST, &form).await;
    }
    for wrong in [("payee", "nineteen characters"), ("amount", "0"), ("amount", "1.234"), ("lg", "tlh-qo")] {
        let rest = [("number", "447700900001"), ("payee", "Acme"), ("amount", "1")];
        let form: Form = [wrong].into_iter().chain(rest.into_iter().filter(|(name, _)| *name != wrong.0)).collect();
        table.row(&format!("{} = {}", wrong.0, wrong.1), PSD2, &form).await;
    }
    table.row("code = 12 34", CHECK, &[("request_id", UNKNOWN), ("code", "12 34")]).await;
    table.row("cmd = stop", CONTROL, &[("request_id", UNKNOWN), ("cmd", "stop")]).await;
    insta::assert_snapshot!(table.finish().await);
}

#[tokio::test]
async fn status_4() {
    let mut table = Table::new(Options::one_modem()).await;
    let wrong = Account { key: table.app.account.key.clone(), secret: "wrong".to_owned() };
    let unknown = Account { key: "nobody".to_owned(), secret: table.app.account.secret.clone() };
    for operation in [REQUEST, PSD2, CHECK, SEARCH, CONTROL] {
        for face in FACES {
            // It comes before everything else.
            table.cell_as(&wrong, "a wrong secret", face, operation, &[]).await;
        }
    }
    for face in FACES {
        table.cell_as(&unknown, "an unknown key", face, SEARCH, &[("request_id", UNKNOWN)]).await;
    }
    insta::assert_snapshot!(table.finish().await);
}

#[tokio::test]
async fn status_6() {
    let mut table = Table::new(Options::one_modem()).await;
    table.row("an unknown request", CHECK, &[("request_id", UNKNOWN), ("code", "1234")]).await;
    table.row("an unknown request", CONTROL, &[("request_id", UNKNOWN), ("cmd", "cancel")]).await;
    table.row("no id at all", CONTROL, &[("request_id", "<script>"), ("cmd", "trigger_next_event")]).await;
    let request = table.start(&[]).await;
    table.app.check(&request, PIN).await;
    table.row("a finished request", CHECK, &[("request_id", &request), ("code", PIN)]).await;
    table.row("a finished request", CONTROL, &[("request_id", &request), ("cmd", "cancel")]).await;
    for face in FACES {
        let number = table.number();
        let form = [("number", number.as_str()), ("brand", "Acme"), ("workflow_id", "7")];
        table.cell("calls alone, and no modem that calls", face, REQUEST, &form).await;
    }
    table.app.at_rest().await;
    table.app.modem("sim1", "unplug 3600").await;
    table.app.down("sim1").await;
    table.app.advance(241);
    table.requests("every route down for too long", &[]).await;
    insta::assert_snapshot!(table.finish().await);
}

#[tokio::test]
async fn status_7() {
    let mut table = Table::new(Options::one_modem()).await;
    table.app.block("+44 7700 900*").await;
    table.requests("a blocked prefix", &[]).await;
    insta::assert_snapshot!(table.finish().await);
}

#[tokio::test]
async fn status_8() {
    let mut table = Table::new(Options::one_modem()).await;
    table.app.bar(true).await;
    table.requests("a barred account", &[]).await;
    // It comes before what is missing.
    table.row("a barred account", REQUEST, &[]).await;
    insta::assert_snapshot!(table.finish().await);
}

#[tokio::test]
async fn status_9() {
    let mut table = Table::new(Options::one_modem().credits(1204)).await;
    table.requests("a credit too few", &[]).await;
    insta::assert_snapshot!(table.finish().await);
}

#[tokio::test]
async fn status_10() {
    let mut table = Table::new(Options::one_modem()).await;
    let number = table.number();
    table.app.start(&number, &[]).await;
    for operation in [REQUEST, PSD2] {
        table.row("in progress", operation, &request_form(operation, &number)).await;
    }
    insta::assert_snapshot!(table.finish().await);
}

#[tokio::test]
async fn status_15() {
    let mut table = Table::new(Options::one_modem().toml("numbers.allowed_countries = [\"DE\"]")).await;
    table.requests("another country", &[]).await;
    insta::assert_snapshot!(table.finish().await);
}

#[tokio::test]
async fn status_16_and_17() {
    let mut table = Table::new(Options::one_modem()).await;
    for face in FACES {
        let request = table.start(&[]).await;
        for title in ["the first wrong code", "the second", "the third"] {
            table.cell(title, face, CHECK, &[("request_id", &request), ("code", "000000")]).await;
        }
        table.cell("the right code after it", face, CHECK, &[("request_id", &request), ("code", PIN)]).await;
        table.cell("a search after it", face, SEARCH, &[("request_id", &request)]).await;
    }
    insta::assert_snapshot!(table.finish().await);
}

#[tokio::test]
async fn status_18() {
    let mut table = Table::new(Options::one_modem()).await;
    table.row("eleven ids", SEARCH, &[("request_ids", UNKNOWN); 11]).await;
    insta::assert_snapshot!(table.finish().await);
}

#[tokio::test]
async fn status_19() {
    let mut table = Table::new(Options::one_modem()).await;
    for face in FACES {
        let request = table.start(&[("workflow_id", "4")]).await;
        let cancel = [("request_id", request.as_str()), ("cmd", "cancel")];
        let next = [("request_id", request.as_str()), ("cmd", "trigger_next_event")];
        table.app.at_rest().await;
        table.cell("a cancel too soon", face, CONTROL, &cancel).await;
        assert_eq!(table.app.control(&request, "trigger_next_event").await.field("status"), "0");
        table.app.at_rest().await;
        table.cell("no event left", face, CONTROL, &next).await;
        table.app.pass(30).await;
        table.cell("a cancel too late", face, CONTROL, &cancel).await;
    }
    insta::assert_snapshot!(table.finish().await);
}

#[tokio::test]
async fn status_101() {
    let mut table = Table::new(Options::one_modem()).await;
    table.row("an unknown request", SEARCH, &[("request_id", UNKNOWN)]).await;
    table.row("unknown requests", SEARCH, &[("request_ids", UNKNOWN), ("request_ids", "x")]).await;
    let request = table.start(&[]).await;
    let other = table.app.add_account("other", None).await;
    for face in FACES {
        table.cell_as(&other, "another account's", face, SEARCH, &[("request_id", &request)]).await;
    }
    insta::assert_snapshot!(table.finish().await);
}
