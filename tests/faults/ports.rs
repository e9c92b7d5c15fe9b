//! Ports that vanish, move, hang up and come back.

use std::time::Duration;

use simverify::channel::Outcome;
use simverify::modem::driver::ModemConfig;
use simverify::modem::port::PortAddress;
use simverify::simulator::{Simulator, Simulators};
use tokio::net::{TcpListener, TcpSocket};

use crate::bench::{Bench, NAME, config, quick};

#[tokio::test]
async fn a_modem_whose_device_is_renumbered_is_found_by_its_link() {
    let directory = tempfile::tempdir().expect("a directory");
    let link = directory.path().join("usb-modem-if02-port0");
    let (modem, mut task) = Simulator::start_on_pty(quick(), &link).expect("a pty");
    let first = task.device.clone();
    let at_link = ModemConfig { address: PortAddress::Device(link.clone()), ..config() };
    let mut bench = Bench::with(at_link, modem, Simulators::default());
    bench.ready().await;
    bench.sends().await;
    // Away, and back as another device; a further one has the old number meanwhile.
    bench.modem.stop().await;
    task.ended().await.expect("an orderly end");
    bench.says("the port is gone").await;
    let bystander = directory.path().join("bystander");
    let (_other, _task) = Simulator::start_on_pty(quick(), &bystander).expect("a pty");
    let settings = quick().with("profile", "quectel").with("iccid", "8949001234567890999");
    let (modem, task) = Simulator::start_on_pty(settings, &link).expect("a pty");
    assert_ne!(task.device, first);
    bench.modem = modem;
    // Somebody has plugged another modem into the place of the first.
    bench.says("another modem is on this port than before").await;
    bench.says("another SIM is in the modem than before").await;
    bench.says("the modem is ready").await;
    bench.sends().await;
    bench.finish().await;
}

/// A server that serves a virtual modem raw, until it is told to hang up.
struct Server {
    listener: TcpListener,
    port: u16,
}

const BACKLOG: u32 = 16;

/// A socket of a port that it may share.
fn bound(port: u16) -> TcpSocket {
    let socket = TcpSocket::new_v4().expect("a socket");
    socket.set_reuseport(true).expect("an option");
    socket.bind(([127, 0, 0, 1], port).into()).expect("a port");
    socket
}

impl Server {
    async fn start() -> Self {
        let listener = bound(0).listen(BACKLOG).expect("a port");
        let port = listener.local_addr().expect("an address").port();
        Self { listener, port }
    }

    /// Serves one connection; ends with it, or is given up.
    async fn serve(&self, modem: &Simulator) {
        let (mut stream, _) = self.listener.accept().await.expect("a client");
        let mut port = modem.open().await.expect("a modem");
        // An end on either side is an end.
        let _ = tokio::io::copy_bidirectional(&mut stream, &mut port).await;
    }
}

#[tokio::test]
async fn a_tcp_port_that_hangs_up_is_connected_again_and_its_message_is_uncertain() {
    let server = Server::start().await;
    let modem = Simulator::start(quick());
    let address = PortAddress::Tcp { host: "127.0.0.1".to_owned(), port: server.port };
    let mut bench = Bench::with(ModemConfig { address, ..config() }, modem.clone(), Simulators::default());
    let first = async {
        bench.ready().await;
        bench.sends().await;
        bench.says("message body").await;
        // Its answer never comes; its connection ends.
        bench.control("fault silence").await;
        bench.begin().await;
        bench.says("message body").await;
    };
    tokio::select! {
        () = server.serve(&modem) => panic!("it hung up"),
        () = first => {}
    }
    let again = async {
        let outcome = bench.outcome().await;
        assert!(matches!(outcome, Outcome::Uncertain { .. }), "{outcome:?}");
        bench.says("the port is gone").await;
        bench.says("the modem is ready").await;
        bench.sends().await;
    };
    tokio::select! {
        () = server.serve(&modem) => panic!("it hung up"),
        () = again => {}
    }
    bench.finish().await;
}

#[tokio::test]
async fn a_server_that_is_not_there_is_tried_again_and_hanging_up_at_once_is_no_tight_loop() {
    let server = Server::start().await;
    let address = PortAddress::Tcp { host: "127.0.0.1".to_owned(), port: server.port };
    let modem = Simulator::start(quick());
    let mut bench = Bench::with(ModemConfig { address, ..config() }, modem.clone(), Simulators::default());
    // As a server that has another client does.
    let mut hung_up = 0;
    let begun = tokio::time::Instant::now();
    while hung_up < 3 {
        drop(server.listener.accept().await.expect("a client"));
        hung_up += 1;
    }
    assert!(begun.elapsed() >= Duration::from_secs(1), "pauses of 0 and 1 s: {:?}", begun.elapsed());
    bench.says("check whether another program takes the port from this one").await;
    let Server { listener, port } = server;
    // Whoever connects is refused, and nobody else gets the port.
    let held = bound(port);
    drop(listener);
    bench.says(&format!("tcp://127.0.0.1:{port} cannot be reached")).await;
    assert!(bench.board.reason(NAME).expect("a reason").contains("cannot be reached"));
    let back = Server { listener: held.listen(BACKLOG).expect("the same port"), port };
    tokio::select! {
        () = back.serve(&modem) => panic!("it hung up"),
        () = async { bench.ready().await; bench.sends().await } => {}
    }
    bench.finish().await;
}
