use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::time::Duration;

use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::*;
use crate::simulator::{Control, PtyTask, Settings, Simulator};

const BAUD: u32 = 115_200;

async fn open_device(path: &Path) -> Result<Port, PortError> {
    open(&PortAddress::Device(path.to_owned()), BAUD, &Simulators::default()).await
}

async fn ask(port: &mut Port, command: &str) -> String {
    port.write_all(command.as_bytes()).await.expect("written");
    port.flush().await.expect("flushed");
    let mut read = Vec::new();
    while !read.ends_with(b"OK\r\n") {
        read.push(port.read_u8().await.expect("a byte"));
    }
    String::from_utf8(read).expect("text")
}

async fn read_to_end(port: &mut Port) {
    let mut rest = Vec::new();
    port.read_to_end(&mut rest).await.expect("an end");
}

fn quiet() -> Settings {
    Settings::default().with("echo", "never").with("boot", "0")
}

/// Another program: a shell that has done `script`, and ends with this value, however that ends.
pub(super) struct Bystander(std::process::Child);

impl Bystander {
    /// `$0` in the script is `argument`.
    pub(super) fn start(script: &str, argument: &Path) -> Self {
        let mut child = std::process::Command::new("sh")
            .args(["-c", &format!("{script}; echo ready; read line")])
            .arg(argument)
            .stdin(std::process::Stdio::piped())
            .stdout(std::process::Stdio::piped())
            .spawn()
            .expect("a shell");
        let mut line = String::new();
        let output = child.stdout.as_mut().expect("a pipe");
        std::io::BufRead::read_line(&mut std::io::BufReader::new(output), &mut line).expect("a line");
        assert_eq!(line, "ready\n");
        Self(child)
    }

    pub(super) fn id(&self) -> u32 {
        self.0.id()
    }
}

impl Drop for Bystander {
    fn drop(&mut self) {
        // Its standard input ends, and with it the shell.
        drop(self.0.stdin.take());
        let _ = self.0.wait();
    }
}

/// A virtual modem on a pty, with the link that names it.
struct OnPty {
    simulator: Simulator,
    task: PtyTask,
    directory: TempDir,
}

impl OnPty {
    fn start() -> Self {
        let directory = TempDir::new().expect("a temporary directory");
        let (simulator, task) =
            Simulator::start_on_pty(quiet(), &directory.path().join("modem")).expect("a virtual modem");
        Self { simulator, task, directory }
    }

    fn link(&self) -> std::path::PathBuf {
        self.directory.path().join("modem")
    }

    async fn stop(mut self) {
        self.simulator.stop().await;
        self.task.ended().await.expect("an orderly end");
    }
}

#[tokio::test]
async fn a_modem_on_a_device_answers_at_any_speed_and_again_after_a_reopening() {
    let modem = OnPty::start();
    for baud_rate in [300, BAUD, 250_000] {
        let address = PortAddress::Device(modem.link());
        let mut port = open(&address, baud_rate, &Simulators::default()).await.expect("a port");
        assert_eq!(ask(&mut port, "AT+CSQ\r").await, "\r\n+CSQ: 20,99\r\n\r\nOK\r\n");
    }
    modem.stop().await;
}

#[tokio::test]
async fn a_device_that_is_unplugged_reads_as_its_end_and_returns() {
    let modem = OnPty::start();
    let mut port = open_device(&modem.link()).await.expect("a port");
    ask(&mut port, "AT\r").await;
    modem.simulator.control(Control::Unplug(Duration::from_secs(3600))).await;
    read_to_end(&mut port).await;
    drop(port);
    let absent = open_device(&modem.link()).await.expect_err("no device");
    assert!(matches!(absent, PortError::NotFound { .. }), "{absent}");
    let link = modem.link();
    let waiting = tokio::spawn(async move { returned(&link).await });
    modem.simulator.control(Control::Unplug(Duration::ZERO)).await;
    tokio::time::timeout(Duration::from_secs(20), waiting).await.expect("told by an event").expect("no panic");
    ask(&mut open_device(&modem.link()).await.expect("a port"), "AT\r").await;
    modem.stop().await;
}

#[tokio::test]
async fn a_device_is_held_whichever_link_names_it() {
    let modem = OnPty::start();
    let first = open_device(&modem.link()).await.expect("a port");
    let other = modem.directory.path().join("other");
    symlink(modem.link(), &other).expect("a link");
    let error = open_device(&other).await.expect_err("held");
    assert!(matches!(error, PortError::Held { .. }), "{error}");
    drop(first);
    open_device(&other).await.expect("free again");
    modem.stop().await;
}

#[tokio::test]
async fn the_holder_of_a_flock_is_named() {
    let modem = OnPty::start();
    let holder = Bystander::start("exec 3<>\"$0\"; flock --exclusive 3", Path::new(&modem.task.device));
    let error = open_device(&modem.link()).await.expect_err("held");
    let PortError::Held { holder: Some(name), .. } = &error else { panic!("{error}") };
    assert!(name.contains(&format!("sh (process {})", holder.id())), "{name}");
    let text = error.to_string();
    assert!(text.contains(" is in use by ") && text.contains("close that program"), "{text}");
    drop(holder);
    open_device(&modem.link()).await.expect("free again");
    modem.stop().await;
}

#[tokio::test]
async fn the_lock_file_of_another_program_keeps_us_away() {
    let modem = OnPty::start();
    let lock = device::lock_file_of(Path::new(&modem.task.device));
    let other = Bystander::start("true", &lock);
    // Machines without a place for lock files have none.
    if fs::write(&lock, format!("{:>10}\n", other.id())).is_ok() {
        let error = open_device(&modem.link()).await.expect_err("held").to_string();
        assert!(error.contains(&format!("is in use by sh (process {}): close", other.id())), "{error}");
    }
    drop(other);
    let port = open_device(&modem.link()).await.expect("a stale lock file is replaced");
    drop(port);
    assert!(!lock.exists());
    modem.stop().await;
}

#[tokio::test]
async fn what_is_no_port_is_refused_with_advice() {
    let directory = TempDir::new().expect("a temporary directory");
    let file = directory.path().join("file");
    fs::write(&file, "precious").expect("a file");
    let mut said = String::new();
    for path in [Path::new("/dev/null"), &file, directory.path(), &directory.path().join("none"), &file.join("below")] {
        let error = open_device(path).await.expect_err("no port").to_string();
        said += &format!("{}\n", error.replace(&directory.path().display().to_string(), "/dir"));
    }
    insta::assert_snapshot!(said, @r"
    /dev/null is no serial port, or no hardware is behind it: choose one that `simverify modem list` shows
    /dir/file is no serial port, or no hardware is behind it: choose one that `simverify modem list` shows
    /dir is no serial port, or no hardware is behind it: choose one that `simverify modem list` shows
    /dir/none does not exist: plug the modem in, or choose one of the ports that `simverify modem list` shows
    /dir/file/below does not exist: plug the modem in, or choose one of the ports that `simverify modem list` shows
    ");
    assert_eq!(fs::read_to_string(&file).expect("the file"), "precious");
}

#[tokio::test]
async fn a_tcp_port_carries_bytes_and_ends_with_the_connection() {
    let server = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a server");
    let port_number = server.local_addr().expect("an address").port();
    let address = PortAddress::Tcp { host: "127.0.0.1".to_owned(), port: port_number };
    let mut port = open(&address, BAUD, &Simulators::default()).await.expect("a connection");
    let (mut served, _) = server.accept().await.expect("a client");
    served.write_all(b"\r\nOK\r\n").await.expect("written");
    assert_eq!(ask(&mut port, "AT\r").await, "\r\nOK\r\n");
    let mut heard = [0; 3];
    served.read_exact(&mut heard).await.expect("a command");
    assert_eq!(&heard, b"AT\r");
    // An abrupt end: unread bytes make it a reset.
    port.write_all(b"AT\r").await.expect("written");
    served.readable().await.expect("unread bytes");
    drop(served);
    read_to_end(&mut port).await;
    drop(server);
    let error = open(&address, BAUD, &Simulators::default()).await.expect_err("nobody listens").to_string();
    assert!(error.starts_with(&format!("tcp://127.0.0.1:{port_number} cannot be reached (")), "{error}");
}

async fn server() -> (tokio::net::TcpListener, u16) {
    let server = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a server");
    let port = server.local_addr().expect("an address").port();
    (server, port)
}

async fn expects(served: &mut tokio::net::TcpStream, bytes: &[u8]) {
    let mut heard = vec![0; bytes.len()];
    served.read_exact(&mut heard).await.expect("bytes");
    assert_eq!(heard, bytes);
}

#[tokio::test]
async fn a_port_of_rfc_2217_is_set_up_and_carries_every_byte() {
    let (server, port) = server().await;
    let serve = async {
        let (mut served, _) = server.accept().await.expect("a client");
        expects(&mut served, &[255, 251, 0, 255, 253, 0, 255, 251, 44]).await;
        // The modem babbles before anything is agreed.
        served.write_all(&[255, 253, 0, 255, 251, 0, b'R', 255, 253, 44]).await.expect("written");
        expects(&mut served, &[255, 250, 44, 1, 0, 1, 194, 0, 255, 240]).await;
        served.write_all(&[255, 250, 44, 101, 0, 1, 194, 0, 255, 240]).await.expect("written");
        let mut rest = [0; 56];
        served.read_exact(&mut rest).await.expect("the other settings");
        expects(&mut served, b"\xff\xffAT\r").await;
        served.write_all(b"\xff\xff\r\nO").await.expect("written");
        served.write_all(&[255, 250, 44, 107, 0, 255, 240, b'K', b'\r', b'\n']).await.expect("written");
        served
    };
    let address = PortAddress::Rfc2217 { host: "127.0.0.1".to_owned(), port };
    let use_it = async {
        let simulators = Simulators::default();
        let mut port = open(&address, BAUD, &simulators).await.expect("a port");
        port.write_all(b"\xffAT\r").await.expect("written");
        let mut read = [0; 7];
        port.read_exact(&mut read).await.expect("bytes");
        assert_eq!(&read, b"R\xff\r\nOK\r");
        port
    };
    let (served, mut port) = tokio::join!(serve, use_it);
    drop(served);
    read_to_end(&mut port).await;
}

#[tokio::test]
async fn a_server_that_refuses_every_option_serves_all_the_same() {
    let (server, port) = server().await;
    let serve = async {
        let (mut served, _) = server.accept().await.expect("a client");
        expects(&mut served, &[255, 251, 0, 255, 253, 0, 255, 251, 44]).await;
        served.write_all(&[255, 254, 0, 255, 252, 0, 255, 254, 44]).await.expect("written");
        expects(&mut served, b"AT\r\0").await;
        served.write_all(b"\r\0\nOK\r\n").await.expect("written");
        served
    };
    let address = PortAddress::Rfc2217 { host: "127.0.0.1".to_owned(), port };
    let use_it = async {
        let mut port = open(&address, BAUD, &Simulators::default()).await.expect("a port");
        assert_eq!(ask(&mut port, "AT\r").await, "\r\nOK\r\n");
    };
    tokio::join!(serve, use_it);
}

#[tokio::test]
async fn a_raw_port_is_told_from_one_of_rfc_2217() {
    let (server, port) = server().await;
    let address = PortAddress::Rfc2217 { host: "127.0.0.1".to_owned(), port };
    let silent = tokio::spawn(async move {
        let (mut served, _) = server.accept().await.expect("a client");
        let mut everything = vec![];
        // Until the client gives up.
        let _ = served.read_to_end(&mut everything).await;
    });
    let error = open(&address, BAUD, &Simulators::default()).await.expect_err("no telnet").to_string();
    assert!(
        error.ends_with("does not speak Telnet: write tcp:// for a raw port, or have it served as telnet(rfc2217)")
    );
    silent.await.expect("no panic");
}

#[tokio::test]
async fn the_server_of_a_living_program_is_left_alone_and_it_is_named() {
    let (server, port) = server().await;
    let place = server.local_addr().expect("an address");
    let lock = lock::path(Path::new(lock::DIRECTORY), Path::new(&format!("tcp_{}_{}", place.ip(), place.port())));
    let other = Bystander::start("true", &lock);
    // Machines without a place for lock files have none.
    if fs::write(&lock, format!("{:>10}\n", other.id())).is_err() {
        return;
    }
    for address in [
        PortAddress::Tcp { host: "127.0.0.1".to_owned(), port },
        PortAddress::Tcp { host: "localhost".to_owned(), port },
        PortAddress::Rfc2217 { host: "127.0.0.1".to_owned(), port },
    ] {
        let error = open(&address, BAUD, &Simulators::default()).await.expect_err("taken").to_string();
        let expected = format!("{address} is in use by sh (process {}): a modem has one owner", other.id());
        assert!(error.starts_with(&expected), "{error}");
    }
    drop(other);
    let address = PortAddress::Tcp { host: "127.0.0.1".to_owned(), port };
    let opened = open(&address, BAUD, &Simulators::default()).await.expect("a stale lock file is replaced");
    let owner = fs::read_to_string(&lock).expect("our lock file");
    assert_eq!(owner.trim(), std::process::id().to_string());
    drop(opened);
    assert!(!lock.exists());
}

#[tokio::test]
async fn a_name_without_an_address_is_said_to_be_unreachable() {
    let address = PortAddress::Tcp { host: "modem.invalid".to_owned(), port: 2000 };
    let error = open(&address, BAUD, &Simulators::default()).await.expect_err("no such host");
    assert!(error.is_absent());
    assert!(error.to_string().starts_with("tcp://modem.invalid:2000 cannot be reached ("), "{error}");
}

#[tokio::test]
async fn a_name_stands_for_a_virtual_modem_of_this_process() {
    let simulators = Simulators::default();
    let simulator = simulators.start("sim1", quiet());
    let address = PortAddress::Simulator("sim1".to_owned());
    let mut port = open(&address, BAUD, &simulators).await.expect("a port");
    ask(&mut port, "AT\r").await;
    simulator.control(Control::Unplug(Duration::from_secs(3600))).await;
    read_to_end(&mut port).await;
    let error = open(&address, BAUD, &simulators).await.expect_err("unplugged").to_string();
    assert_eq!(error, "simulator:sim1 cannot be opened: the virtual modem is unplugged");
}

#[test]
fn an_address_is_written_as_in_the_configuration() {
    let addresses = [
        (PortAddress::Device("/dev/modem".into()), "/dev/modem"),
        (PortAddress::Tcp { host: "cabinet.example".into(), port: 2000 }, "tcp://cabinet.example:2000"),
        (PortAddress::Tcp { host: "2001:db8::1".into(), port: 2000 }, "tcp://[2001:db8::1]:2000"),
        (PortAddress::Rfc2217 { host: "2001:db8::1".into(), port: 2000 }, "rfc2217://[2001:db8::1]:2000"),
        (PortAddress::Simulator("sim1".into()), "simulator:sim1"),
    ];
    for (address, text) in addresses {
        assert_eq!(address.to_string(), text);
    }
}
