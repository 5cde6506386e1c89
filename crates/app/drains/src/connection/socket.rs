//! TCP, with or without TLS.

use std::net::SocketAddr;
use std::time::Duration;

use rustix::net::sockopt;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpSocket, TcpStream, lookup_host};
use tokio::task::spawn_blocking;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

use super::{Failure, tls};
use crate::target::Host;
use crate::{Settings, Tls};

/// What bytes go through.
pub(super) trait Socket: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Socket for T {}

/// Bytes that the kernel keeps of what was written and not acknowledged; it counts its own overhead in, and doubles the
/// number for that. Together with a receiver's buffer this has to stay below a syslog target's window.
const SEND_BUFFER: u32 = 256 << 10;

/// Addresses of one name that are tried.
const MOST_ADDRESSES: usize = 8;

/// Connects to the first address of `host` that takes a connection, and speaks TLS if that is asked for.
pub(super) async fn connect(
    host: &str,
    port: u16,
    tls: Option<&Tls>,
    settings: &Settings,
) -> Result<Box<dyn Socket>, Failure> {
    let limit = settings.connect_limit;
    let place = format!("{}:{port}", Host(host));
    let found = within(limit, || format!("no address of {host}"), lookup_host((host, port))).await?;
    let found = found.map_err(|why| Failure::Resolve { host: host.into(), why })?;
    let mut last = None;
    for address in found.take(MOST_ADDRESSES) {
        let attempt = within(limit, || format!("no connection to {address}"), tcp(address, settings)).await;
        match attempt.and_then(|tcp| tcp.map_err(|why| Failure::Connect { place: address.to_string(), why }))
        {
            Ok(tcp) => {
                return match tls {
                    None => Ok(Box::new(tcp)),
                    Some(tls) => encrypt(tcp, host, place, tls, settings).await,
                };
            }
            Err(failure) => last = Some(failure),
        }
    }
    let nothing = || Failure::Resolve { host: host.into(), why: std::io::ErrorKind::NotFound.into() };
    Err(last.unwrap_or_else(nothing))
}

/// A connection whose death is noticed: what is not acknowledged within the stall limit breaks it, and silence is probed.
async fn tcp(address: SocketAddr, settings: &Settings) -> std::io::Result<TcpStream> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
    socket.set_send_buffer_size(SEND_BUFFER)?;
    socket.set_nodelay(true)?;
    socket.set_keepalive(true)?;
    sockopt::set_tcp_keepidle(&socket, Duration::from_mins(1))?;
    sockopt::set_tcp_keepintvl(&socket, Duration::from_secs(10))?;
    let limit = u32::try_from(settings.stall_limit.as_millis()).unwrap_or(u32::MAX);
    sockopt::set_tcp_user_timeout(&socket, limit)?;
    socket.connect(address).await
}

async fn encrypt(
    tcp: TcpStream,
    host: &str,
    place: String,
    tls: &Tls,
    settings: &Settings,
) -> Result<Box<dyn Socket>, Failure> {
    let (roots, ca) = (settings.roots.clone(), tls.ca.clone());
    let reading = spawn_blocking(move || tls::client(&roots, ca.as_deref()));
    let failed = |why: String| Failure::Tls { place: place.clone(), why };
    let client = reading.await.map_err(|panic| failed(panic.to_string()))??;
    let name = ServerName::try_from(host.to_owned()).map_err(|error| failed(error.to_string()))?;
    let handshake = TlsConnector::from(client).connect(name, tcp);
    let what = || format!("no TLS handshake with {place}");
    let stream = within(settings.connect_limit, what, handshake).await?;
    Ok(Box::new(stream.map_err(|error| failed(error.to_string()))?))
}

/// Waits for something, up to a limit. `what` says what did not happen.
pub(super) async fn within<T>(
    limit: Duration,
    what: impl FnOnce() -> String,
    future: impl Future<Output = T>,
) -> Result<T, Failure> {
    timeout(limit, future).await.map_err(|_| Failure::Slow { what: what(), limit })
}
