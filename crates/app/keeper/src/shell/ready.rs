//! Finding out that a process is ready: it answers on its port, or says so.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use procfile::Readiness;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpStream, UnixDatagram};

/// Between the first two looks; doubles up to [`RARELY`].
const OFTEN: Duration = Duration::from_millis(2);
const RARELY: Duration = Duration::from_millis(200);
/// How long one answer may take.
const PATIENCE: Duration = Duration::from_secs(5);
/// How many bytes of a response are read behind its status; a stream has no end.
const MOST_HEARD: usize = 64 << 10;

/// Comes back once a process is ready. Whoever waits sets the limit.
pub(super) async fn wait(
    readiness: Readiness,
    port: Option<u16>,
    notify: Option<std::os::unix::net::UnixDatagram>,
) {
    let notify = notify.and_then(|socket| UnixDatagram::from_std(socket).ok());
    match (readiness, port, notify) {
        (Readiness::Uptime(time), ..) => tokio::time::sleep(time).await,
        (Readiness::Port, Some(port), _) => until(|| accepts(port)).await,
        (Readiness::Http(path), Some(port), _) => until(|| answers(port, &path)).await,
        (Readiness::Notify, _, Some(socket)) => says_ready(&socket).await,
        // A port that was never given, or a socket that could not be made: it will not become ready.
        _ => std::future::pending().await,
    }
}

async fn until<F: Future<Output = bool>>(look: impl Fn() -> F) {
    let mut pause = OFTEN;
    while !look().await {
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(RARELY);
    }
}

async fn accepts(port: u16) -> bool {
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    matches!(tokio::time::timeout(PATIENCE, TcpStream::connect(address)).await, Ok(Ok(_)))
}

async fn answers(port: u16, path: &str) -> bool {
    matches!(tokio::time::timeout(PATIENCE, status(port, path)).await, Ok(Some(200..=399)))
}

/// The status of a GET.
async fn status(port: u16, path: &str) -> Option<u16> {
    let mut stream = TcpStream::connect(SocketAddr::from((Ipv4Addr::LOCALHOST, port))).await.ok()?;
    let request = format!(
        "GET {path} HTTP/1.1\r\nHost: localhost:{port}\r\nUser-Agent: pinch-keeper\r\nAccept: */*\r\nConnection: close\r\n\r\n"
    );
    stream.write_all(request.as_bytes()).await.ok()?;
    let mut head = [0; 64];
    let mut filled = 0;
    while filled < head.len() && !head[..filled].contains(&b'\n') {
        match stream.read(&mut head[filled..]).await.ok()? {
            0 => break,
            more => filled += more,
        }
    }
    tokio::spawn(tokio::time::timeout(PATIENCE, hear_out(stream)));
    let line = head[..filled].split(|byte| *byte == b'\r').next()?;
    let mut words = std::str::from_utf8(line).ok()?.split(' ');
    words.next().filter(|version| version.starts_with("HTTP/1."))?;
    words.next()?.parse().ok()
}

/// Reads what is left of a response: one that is hung up on in the middle of it fails in the app, which then says so in its log.
async fn hear_out(mut stream: TcpStream) {
    let (mut bytes, mut left) = ([0; 1024], MOST_HEARD);
    while left > 0 {
        match stream.read(&mut bytes).await {
            Ok(0) | Err(_) => return,
            Ok(more) => left = left.saturating_sub(more),
        }
    }
}

async fn says_ready(socket: &UnixDatagram) {
    let mut message = [0; 4096];
    loop {
        let Ok(length) = socket.recv(&mut message).await else { return std::future::pending().await };
        if message[..length].split(|byte| *byte == b'\n').any(|line| line == b"READY=1") {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_response_in_two_pieces_is_heard_out() {
        let listener = tokio::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let app = tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            let _ = stream.read(&mut [0; 1024]).await.unwrap();
            stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await.unwrap();
            for _ in 0..3 {
                tokio::time::sleep(Duration::from_millis(30)).await;
                stream.write_all(b"more").await.unwrap();
            }
        });
        assert_eq!(status(port, "/").await, Some(200));
        app.await.unwrap();
    }

    async fn served(answer: &'static [u8]) -> Option<u16> {
        let listener = tokio::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut request = [0; 1024];
            let _ = stream.read(&mut request).await;
            let _ = stream.write_all(answer).await;
        });
        status(port, "/").await
    }

    #[tokio::test]
    async fn a_status_is_read_from_any_http_answer() {
        assert_eq!(served(b"HTTP/1.0 204 No Content\r\n\r\n").await, Some(204));
        assert_eq!(served(b"HTTP/1.1 503\r\n\r\n").await, Some(503));
        assert_eq!(served(b"HTTP/1.1 200 OK").await, Some(200));
        assert_eq!(served(b"SSH-2.0-OpenSSH\r\n").await, None);
        assert_eq!(served(b"").await, None);
    }

    #[tokio::test]
    async fn ready_is_said_among_other_things() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("notify");
        let socket = UnixDatagram::bind(&path).unwrap();
        let sender = UnixDatagram::unbound().unwrap();
        sender.send_to(b"STATUS=loading", &path).await.unwrap();
        sender.send_to(b"STATUS=up\nREADY=1\n", &path).await.unwrap();
        tokio::time::timeout(Duration::from_secs(5), says_ready(&socket)).await.unwrap();
    }
}
