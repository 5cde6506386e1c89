//! A client that keeps connections and checks every answer.

use std::fmt;
use std::sync::Mutex;

use sha2::{Digest as _, Sha256};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::TcpStream;

type Connection = BufReader<TcpStream>;

/// What went wrong with one request.
#[derive(Debug)]
pub(crate) struct Failure(String);

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Failure {
    fn of(what: &str, error: impl fmt::Display) -> Self {
        Self(format!("{what}: {error}"))
    }
}

/// Connections to one address that are kept alive.
pub(crate) struct Pool {
    address: String,
    idle: Mutex<Vec<Connection>>,
}

impl Pool {
    pub(crate) fn new(address: &str) -> Self {
        Self { address: address.into(), idle: Mutex::default() }
    }

    /// A GET whose body is a release's number.
    pub(crate) async fn get(&self, path: &str) -> Result<(), Failure> {
        let request = format!("GET {path} HTTP/1.1\r\nHost: test\r\n\r\n");
        let body = self.exchange(path, request.as_bytes(), true).await?;
        let number = std::str::from_utf8(&body).ok().and_then(|text| text.parse::<u64>().ok());
        number.map(drop).ok_or_else(|| Failure(format!("{path}: the body is {body:?}")))
    }

    /// A POST whose answer is the body's SHA-256; sent in parts, as over a slow line.
    pub(crate) async fn upload(&self, length: usize) -> Result<(), Failure> {
        let body: Vec<u8> = (0..length).map(|index| u8::try_from(index % 251).unwrap_or(0)).collect();
        let mut connection = self.connect("/upload").await?;
        let head = format!("POST /upload HTTP/1.1\r\nHost: test\r\nContent-Length: {length}\r\n\r\n");
        let told = |error: std::io::Error| Failure::of("upload", error);
        connection.write_all(head.as_bytes()).await.map_err(told)?;
        for part in body.chunks(length / 8) {
            connection.write_all(part).await.map_err(told)?;
            tokio::time::sleep(std::time::Duration::from_millis(100)).await;
        }
        let (answer, _) = read_answer(&mut connection).await.map_err(|error| Failure::of("upload", error))?;
        let expected: String =
            Sha256::digest(&body).iter().fold(String::new(), |text, byte| text + &format!("{byte:02x}"));
        if answer == expected.as_bytes() { Ok(()) } else { Err(Failure("upload: another digest".into())) }
    }

    /// An event stream of twenty events.
    pub(crate) async fn events(&self) -> Result<(), Failure> {
        let body = self.exchange("/events", b"GET /events HTTP/1.1\r\nHost: test\r\n\r\n", false).await?;
        let expected: String =
            (0..20).fold(String::new(), |text, number| text + &format!("data: {number}\n\n"));
        if body == expected.as_bytes() {
            Ok(())
        } else {
            Err(Failure(format!("/events: {} bytes", body.len())))
        }
    }

    /// A WebSocket that lives for two seconds and gets back what it sends.
    pub(crate) async fn socket(&self) -> Result<(), Failure> {
        let told = |error: std::io::Error| Failure::of("/socket", error);
        let mut connection = self.connect("/socket").await?;
        let request = "GET /socket HTTP/1.1\r\nHost: test\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
            Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
        connection.write_all(request.as_bytes()).await.map_err(told)?;
        let (status, _) = read_head(&mut connection).await.map_err(|error| Failure::of("/socket", error))?;
        if status != 101 {
            return Err(Failure(format!("/socket: status {status}")));
        }
        for number in 0..20_u8 {
            // A masked text frame of one letter; the mask is zero.
            connection.write_all(&[0x81, 0x81, 0, 0, 0, 0, b'a' + number]).await.map_err(told)?;
            let mut back = [0; 3];
            connection.read_exact(&mut back).await.map_err(told)?;
            if back != [0x81, 1, b'a' + number] {
                return Err(Failure(format!("/socket: {back:?}")));
            }
            tokio::time::sleep(std::time::Duration::from_millis(100)).await;
        }
        connection.write_all(&[0x88, 0x80, 0, 0, 0, 0]).await.map_err(told)
    }

    /// One request and its answer. A connection that was kept and turns out to be closed before anything of an answer has come is
    /// replaced once, as every client does (RFC 9112, section 9.3.1).
    async fn exchange(&self, path: &str, request: &[u8], keep: bool) -> Result<Vec<u8>, Failure> {
        let kept = self.idle.lock().map_err(|error| Failure::of(path, error))?.pop();
        let mut connection = match kept {
            Some(kept) => kept,
            None => self.connect(path).await?,
        };
        let mut outcome = attempt(&mut connection, request).await;
        if let Err(Attempt::Closed) = outcome {
            connection = self.connect(path).await?;
            outcome = attempt(&mut connection, request).await;
        }
        let (body, open) = outcome.map_err(|failed| match failed {
            Attempt::Closed => Failure(format!("{path}: closed without an answer")),
            Attempt::Broken(why) => Failure::of(path, why),
        })?;
        if keep && open {
            self.idle.lock().map_err(|error| Failure::of(path, error))?.push(connection);
        }
        Ok(body)
    }

    async fn connect(&self, path: &str) -> Result<Connection, Failure> {
        let stream = TcpStream::connect(&self.address).await;
        let stream = stream.map_err(|error| Failure::of(path, format!("cannot connect: {error}")))?;
        stream.set_nodelay(true).map_err(|error| Failure::of(path, error))?;
        Ok(BufReader::new(stream))
    }
}

enum Attempt {
    /// Closed before the first byte of an answer.
    Closed,
    Broken(String),
}

async fn attempt(connection: &mut Connection, request: &[u8]) -> Result<(Vec<u8>, bool), Attempt> {
    if connection.write_all(request).await.is_err() {
        return Err(Attempt::Closed);
    }
    match connection.fill_buf().await {
        Ok([]) => return Err(Attempt::Closed),
        Err(error) if error.kind() == std::io::ErrorKind::ConnectionReset => return Err(Attempt::Closed),
        _ => {}
    }
    read_answer(connection).await.map_err(Attempt::Broken)
}

/// The body of a 200, and whether the connection stays open.
async fn read_answer(connection: &mut Connection) -> Result<(Vec<u8>, bool), String> {
    let (status, fields) = read_head(connection).await?;
    let field = |name: &str| fields.iter().find(|(there, _)| there == name).map(|(_, value)| value.as_str());
    let mut body = Vec::new();
    if field("transfer-encoding").is_some_and(|value| value.contains("chunked")) {
        loop {
            let size = line(connection).await?;
            let size =
                usize::from_str_radix(size.trim(), 16).map_err(|error| format!("chunk `{size}`: {error}"))?;
            let mut part = vec![0; size + 2];
            connection.read_exact(&mut part).await.map_err(|error| error.to_string())?;
            body.extend_from_slice(&part[..size]);
            if size == 0 {
                break;
            }
        }
    } else {
        let length = field("content-length").and_then(|value| value.parse().ok()).unwrap_or(0);
        body.resize(length, 0);
        connection.read_exact(&mut body).await.map_err(|error| error.to_string())?;
    }
    if status != 200 {
        return Err(format!("status {status}: {}", String::from_utf8_lossy(&body)));
    }
    let open = field("connection").is_none_or(|value| !value.eq_ignore_ascii_case("close"));
    Ok((body, open))
}

async fn read_head(connection: &mut Connection) -> Result<(u16, Vec<(String, String)>), String> {
    let first = line(connection).await?;
    let status = first.split(' ').nth(1).and_then(|word| word.parse().ok());
    let status = status.ok_or_else(|| format!("no status in `{first}`"))?;
    let mut fields = Vec::new();
    loop {
        let next = line(connection).await?;
        match next.split_once(':') {
            Some((name, value)) => fields.push((name.to_ascii_lowercase(), value.trim().to_string())),
            None => return Ok((status, fields)),
        }
    }
}

async fn line(connection: &mut Connection) -> Result<String, String> {
    let mut line = String::new();
    match connection.read_line(&mut line).await {
        Ok(0) => Err("the connection ended within an answer".into()),
        Ok(_) => Ok(line.trim_end().to_string()),
        Err(error) => Err(error.to_string()),
    }
}
