//! A tap on the line between daemon and modem: a TCP port that passes every byte on and remembers what the daemon
//! wrote.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use simverify::simulator::Simulator;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

pub struct Tap {
    address: SocketAddr,
    written: Arc<Mutex<Vec<u8>>>,
}

impl Tap {
    pub async fn start(simulator: Simulator) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let written = Arc::new(Mutex::new(vec![]));
        let record = Arc::clone(&written);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                pass(stream, &simulator, &record).await;
            }
        });
        Self { address, written }
    }

    /// As the configuration writes it.
    pub fn address(&self) -> String {
        format!("tcp://{}", self.address)
    }

    pub fn written(&self) -> String {
        String::from_utf8_lossy(&self.written.lock().expect("a lock")).into_owned()
    }
}

/// Until one side closes.
async fn pass(stream: TcpStream, simulator: &Simulator, record: &Mutex<Vec<u8>>) {
    stream.set_nodelay(true).expect("a socket");
    let Ok(modem) = simulator.open().await else { return };
    let (mut from_daemon, mut to_daemon) = stream.into_split();
    let (mut from_modem, mut to_modem) = tokio::io::split(modem);
    let down = async {
        let mut bytes = vec![0; 4096];
        while let Ok(count @ 1..) = from_daemon.read(&mut bytes).await {
            record.lock().expect("a lock").extend(&bytes[..count]);
            if to_modem.write_all(&bytes[..count]).await.is_err() {
                return;
            }
        }
    };
    tokio::select! {
        () = down => {}
        _ = tokio::io::copy(&mut from_modem, &mut to_daemon) => {}
    }
}
