//! A syslog receiver that behaves as it is told, connection by connection.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use rustls::ServerConfig;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio_rustls::TlsAcceptor;

use super::number;

/// How one connection goes.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Conduct {
    /// Reads everything.
    Reads,
    /// Reads so many bytes, then resets the connection, whatever else has come.
    Resets(usize),
    /// Reads so many bytes, then nothing any more.
    Stops(usize),
    /// Reads at most so many bytes each millisecond.
    Slow(usize),
    /// Reads so many bytes, then closes; what is unread makes that a reset.
    Closes(usize),
}

#[derive(Clone)]
pub(crate) struct Receiver {
    pub(crate) address: SocketAddr,
    received: Arc<Mutex<Vec<Vec<u8>>>>,
    connections: Arc<Mutex<usize>>,
}

impl Receiver {
    /// Connections go as `conducts` says, further ones read.
    pub(crate) fn start(conducts: &[Conduct]) -> Self {
        Self::start_at("127.0.0.1:0".parse().unwrap(), conducts, None)
    }

    pub(crate) fn start_at(
        address: SocketAddr,
        conducts: &[Conduct],
        tls: Option<Arc<ServerConfig>>,
    ) -> Self {
        let socket = TcpSocket::new_v4().unwrap();
        socket.set_reuseaddr(true).unwrap();
        // Small, so that tests need not send megabytes to fill it.
        socket.set_recv_buffer_size(16 << 10).unwrap();
        socket.bind(address).unwrap();
        let listener = socket.listen(16).unwrap();
        let receiver = Self {
            address: listener.local_addr().unwrap(),
            received: Arc::default(),
            connections: Arc::default(),
        };
        tokio::spawn(receiver.clone().serve(listener, conducts.to_vec(), tls));
        receiver
    }

    async fn serve(self, listener: TcpListener, conducts: Vec<Conduct>, tls: Option<Arc<ServerConfig>>) {
        let mut conducts = conducts.into_iter();
        while let Ok((tcp, _)) = listener.accept().await {
            *self.connections.lock().unwrap() += 1;
            let conduct = conducts.next().unwrap_or(Conduct::Reads);
            let (receiver, tls) = (self.clone(), tls.clone());
            tokio::spawn(async move {
                match tls {
                    None => receiver.serve_plain(tcp, conduct).await,
                    Some(tls) => {
                        if let Ok(mut stream) = TlsAcceptor::from(tls).accept(tcp).await {
                            receiver.read(&mut stream, conduct).await;
                            // Says goodbye as TLS asks for; the other side may be gone.
                            let _ = stream.shutdown().await;
                        }
                    }
                }
            });
        }
    }

    async fn serve_plain(self, mut tcp: TcpStream, conduct: Conduct) {
        self.read(&mut tcp, conduct).await;
        if let Conduct::Resets(_) = conduct {
            tcp.set_zero_linger().unwrap();
        }
    }

    async fn read(&self, stream: &mut (impl AsyncRead + Unpin), conduct: Conduct) {
        let mut pending: Vec<u8> = Vec::new();
        let mut total = 0;
        let mut buffer = vec![0; 64 << 10];
        loop {
            let most = match conduct {
                Conduct::Reads => buffer.len(),
                Conduct::Slow(bytes) => {
                    tokio::time::sleep(Duration::from_millis(1)).await;
                    bytes
                }
                Conduct::Resets(bytes) | Conduct::Stops(bytes) | Conduct::Closes(bytes) => {
                    (bytes - total).min(buffer.len())
                }
            };
            if most == 0 {
                if let Conduct::Stops(_) = conduct {
                    std::future::pending::<()>().await;
                }
                return;
            }
            let Ok(read @ 1..) = stream.read(&mut buffer[..most]).await else { return };
            total += read;
            pending.extend_from_slice(&buffer[..read]);
            let mut rest = &pending[..];
            loop {
                match frame(rest) {
                    Frame::Whole(frame, behind) => {
                        self.received.lock().unwrap().push(frame.to_vec());
                        rest = behind;
                    }
                    Frame::Begun => break,
                    Frame::Garbage => return,
                }
            }
            pending = rest.to_vec();
        }
    }

    pub(crate) fn connections(&self) -> usize {
        *self.connections.lock().unwrap()
    }

    /// Every message that came, whole.
    pub(crate) fn messages(&self) -> Vec<String> {
        let received = self.received.lock().unwrap();
        received.iter().map(|message| String::from_utf8(message.clone()).unwrap()).collect()
    }

    /// The number in every message that came.
    pub(crate) fn numbers(&self) -> Vec<u64> {
        self.messages().iter().map(|message| number(message.split_once("\"v7\"] ").unwrap().1)).collect()
    }

    /// How many messages came.
    pub(crate) fn count(&self) -> usize {
        self.received.lock().unwrap().len()
    }
}

/// What some bytes begin with.
enum Frame<'a> {
    /// A frame, and what is behind it.
    Whole(&'a [u8], &'a [u8]),
    /// A part of one.
    Begun,
    /// Something else.
    Garbage,
}

fn frame(bytes: &[u8]) -> Frame<'_> {
    let digits = bytes.iter().take_while(|octet| octet.is_ascii_digit()).count();
    match bytes.get(digits) {
        None => Frame::Begun,
        Some(b' ') if digits > 0 => {
            let length = std::str::from_utf8(&bytes[..digits]).unwrap().parse().unwrap();
            let rest = bytes[digits + 1..].split_at_checked(length);
            rest.map_or(Frame::Begun, |(frame, behind)| Frame::Whole(frame, behind))
        }
        Some(_) => Frame::Garbage,
    }
}
