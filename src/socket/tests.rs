use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::UnixStream;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::*;
use crate::channel::Board;
use crate::channel::routing::{Health, RouteKind};
use crate::clock::{Clock, ManualClock, Timestamp};
use crate::modem::at::EngineSettings;
use crate::modem::line::Line;
use crate::modem::tap::Tap;

/// A daemon's socket with one modem, `sim1`, whose line the test speaks on.
struct Served {
    directory: TempDir,
    path: PathBuf,
    stop: CancellationToken,
    task: JoinHandle<()>,
    modem: tokio::io::DuplexStream,
    board: Board,
    line: Line<tokio::io::DuplexStream>,
}

fn served() -> Served {
    let directory = TempDir::new().expect("a directory");
    let path = path(&directory.path().join("simverify.db"));
    let tap = Tap::new(Clock::Manual(ManualClock::at(Timestamp::from_millis(1_500))));
    let socket = Socket::bind(&path).expect("a socket");
    let stop = CancellationToken::new();
    let taps = BTreeMap::from([("sim1".to_owned(), tap.clone())]);
    let board = Board::new(vec![RouteView { sms: true, ..RouteView::new("sim1", RouteKind::Modem) }]);
    let rotations = tokio::sync::mpsc::channel(1).0;
    let doors = Doors { taps, board: board.clone(), rotations, webhooks: Arc::default() };
    let task = tokio::spawn(socket.serve(doors, stop.clone()));
    let (port, modem) = tokio::io::duplex(1024 * 1024);
    let settings = EngineSettings { rest: std::time::Duration::ZERO, restart_lines: &[] };
    let line = Line::new(port, settings, tokio::time::Instant::now()).tapped(tap);
    Served { directory, path, stop, task, modem, board, line }
}

impl Served {
    /// The modem says this, and the line hears it.
    async fn modem_says(&mut self, text: &str) {
        self.modem.write_all(text.as_bytes()).await.expect("room");
        let expected = text.matches("RING").count();
        for _ in 0..expected {
            self.line.next(None).await.expect("the port is there");
        }
    }

    async fn ask(&self, request: &Request) -> Connection {
        Connection::ask(&self.path, request).await.expect("a daemon")
    }

    async fn answers(&self, request: &str) -> Vec<String> {
        let (read, mut write) = UnixStream::connect(&self.path).await.expect("a daemon").into_split();
        write.write_all(request.as_bytes()).await.expect("room");
        let mut lines = BufReader::new(read).lines();
        let mut answers = vec![];
        while let Some(line) = lines.next_line().await.expect("a line") {
            answers.push(line);
        }
        answers
    }
}

fn live(reveal: bool) -> Request {
    Request::Trace { modem: "sim1".to_owned(), reveal }
}

async fn next(connection: &mut Connection) -> Record {
    connection.next().await.expect("it works").expect("a record")
}

#[tokio::test]
async fn a_line_is_followed_and_its_past_is_told() {
    let mut served = served();
    let mut redacted = served.ask(&live(false)).await;
    let mut revealed = served.ask(&live(true)).await;
    assert_eq!((next(&mut redacted).await, next(&mut revealed).await), (Record::Begin, Record::Begin));
    served.modem_says("+CLIP: \"+447700900123\",145\r\nRING\r\n").await;
    let line = |text: &str| Record::Line {
        at: "1970-01-01T00:00:01.500Z".to_owned(),
        direction: Direction::FromModem,
        text: text.to_owned(),
    };
    assert_eq!(next(&mut redacted).await, line("+CLIP: \"<13>\",145"));
    assert_eq!(next(&mut revealed).await, line("+CLIP: \"+447700900123\",145"));
    assert_eq!(next(&mut redacted).await, line("RING"));
    let past = served.answers("{\"request\":\"trace_last\",\"modem\":\"sim1\"}\n").await;
    insta::assert_snapshot!(past.join("\n"), @r#"
    {"record":"begin"}
    {"record":"line","at":"1970-01-01T00:00:01.500Z","direction":"from_modem","text":"+CLIP: \"<13>\",145"}
    {"record":"line","at":"1970-01-01T00:00:01.500Z","direction":"from_modem","text":"RING"}
    {"record":"end"}
    "#);
}

#[tokio::test]
async fn the_board_is_told_with_the_reasons_why_a_route_is_not_ready() {
    let served = served();
    served.board.update("sim1", |route| route.health = Health::Down { since: Timestamp::from_millis(7) });
    served.board.explain("sim1", Some("the SIM is locked"));
    let mut connection = served.ask(&Request::Board).await;
    let Record::Board { routes, reasons, .. } = next(&mut connection).await else { panic!("no board") };
    assert_eq!(routes, served.board.routes());
    assert_eq!(reasons["sim1"], "the SIM is locked");
    assert_eq!(connection.next().await.expect("a plain end"), None);
}

#[tokio::test]
async fn what_is_asked_wrongly_is_told_what_is_there() {
    let served = served();
    let long = "x".repeat(100_000);
    let mut answers = String::new();
    for request in ["{\"request\":\"trace_last\",\"modem\":\"sim9\"}\n", "{\"request\":\"dial\"}\n", "hello\n", "\n"] {
        answers += &format!("{request}    {}\n", served.answers(request).await.join(" | "));
    }
    insta::assert_snapshot!(answers, @r#"
    {"request":"trace_last","modem":"sim9"}
        {"record":"refused","refusal":{"reason":"unknown_modem","modems":["sim1"]}}
    {"request":"dial"}
        {"record":"refused","refusal":{"reason":"unknown_request"}}
    hello
        {"record":"refused","refusal":{"reason":"unknown_request"}}

        {"record":"refused","refusal":{"reason":"unknown_request"}}
    "#);
    // More than a request may have: refused, whether or not the rest can still be written.
    let (mut read, mut write) = UnixStream::connect(&served.path).await.expect("a daemon").into_split();
    let _ = write.write_all(long.as_bytes()).await;
    let mut answer = String::new();
    let _ = read.read_to_string(&mut answer).await;
    assert!(answer.is_empty() || answer.contains("unknown_request"), "{answer}");
}

#[tokio::test]
async fn a_reader_that_is_slow_is_told_how_much_it_missed_and_holds_up_nobody() {
    const RINGS: usize = 20_000;
    let mut served = served();
    let mut slow = served.ask(&live(false)).await;
    assert_eq!(next(&mut slow).await, Record::Begin);
    for _ in 0..RINGS / 100 {
        served.modem_says(&"RING\r\n".repeat(100)).await;
    }
    let (mut shown, mut lost) = (0, 0);
    while shown + lost < RINGS as u64 {
        match next(&mut slow).await {
            Record::Line { .. } => shown += 1,
            Record::Lost { lines } => lost += lines,
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(shown + lost, RINGS as u64);
    assert!(shown > 100 && lost > 100, "{shown} of {RINGS} shown, {lost} lost");
}

#[tokio::test]
async fn connections_are_counted_and_a_reader_that_goes_gives_its_place_away() {
    let served = served();
    let mut connections = vec![];
    loop {
        let mut connection = served.ask(&live(false)).await;
        match next(&mut connection).await {
            Record::Begin => connections.push(connection),
            Record::Refused { refusal } => break assert_eq!(refusal, Refusal::Busy),
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(connections.len(), 8);
    connections.pop();
    // The daemon notices by itself; until then the answer is the same.
    while next(&mut served.ask(&live(false)).await).await != Record::Begin {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn the_daemons_end_is_said_and_leaves_no_file() {
    let served = served();
    let mut connection = served.ask(&live(false)).await;
    assert_eq!(next(&mut connection).await, Record::Begin);
    served.stop.cancel();
    served.task.await.expect("no panic");
    assert_eq!(next(&mut connection).await, Record::Stopping);
    assert_eq!(connection.next().await.expect("a plain end"), None);
    assert!(!served.path.exists());
    let error = Connection::ask(&served.path, &live(false)).await.err().expect("nobody is there");
    assert!(matches!(error, ConnectError::Absent(_)), "{error}");
    drop(served.directory);
}

#[tokio::test]
async fn a_stale_socket_is_replaced_anything_else_is_left_alone_and_nobody_else_may_connect() {
    let directory = TempDir::new().expect("a directory");
    let path = directory.path().join("s");
    drop(std::os::unix::net::UnixListener::bind(&path).expect("a socket"));
    let error = Connection::ask(&path, &live(false)).await.err().expect("nobody listens");
    assert!(matches!(error, ConnectError::Absent(_)), "{error}");
    let socket = Socket::bind(&path).expect("the stale one is replaced");
    assert_eq!(std::fs::metadata(&path).expect("a file").permissions().mode() & 0o777, 0o600);
    drop(socket);
    std::fs::write(&path, "precious").expect("a file");
    let error = Socket::bind(&path).expect_err("no socket").to_string();
    assert!(error.ends_with("is there and no socket: move it away"), "{error}");
    assert_eq!(std::fs::read_to_string(&path).expect("still there"), "precious");
    let long = directory.path().join("x".repeat(PATH_MAX));
    let error = Socket::bind(&long).expect_err("too long").to_string();
    assert!(error.ends_with("octets and a socket's may have 107: choose a shorter storage.path"), "{error}");
    let error = Connection::ask(&long, &live(false)).await.err().expect("nobody listens");
    assert!(matches!(error, ConnectError::Absent(_)), "{error}");
}
