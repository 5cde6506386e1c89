//! How fast: `cargo test --release -p drains -- --ignored --nocapture speed`. It prints figures and fails for none.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::time::Instant;

use drains::Settings;

use crate::support::{Log, start};

const COUNT: u64 = 500_000;

#[tokio::test]
#[ignore = "prints figures"]
async fn speed() {
    let log = Log::with(COUNT, 93);
    let sink = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = sink.local_addr().unwrap();
    std::thread::spawn(move || {
        while let Ok((mut tcp, _)) = sink.accept() {
            let mut buffer = vec![0; 1 << 20];
            while tcp.read(&mut buffer).is_ok_and(|read| read > 0) {}
        }
    });
    let directory = tempfile::tempdir().unwrap();
    let services = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let service = services.local_addr().unwrap();
    std::thread::spawn(move || {
        while let Ok((tcp, _)) = services.accept() {
            serve(tcp);
        }
    });
    let urls = [
        format!("syslog://{address}"),
        format!("http://{service}/"),
        format!("http://{service}/#gzip"),
        format!("file://{}/app.log", directory.path().display()),
    ];
    for (number, url) in urls.iter().enumerate() {
        let settings = Settings::new(directory.path().join(number.to_string()), "host.example.com");
        let begin = Instant::now();
        let mut running = start(&[url], settings, &log);
        running.until(0, "all sent", |metrics| metrics.sent.events == COUNT).await;
        let wall = begin.elapsed();
        let (_, cpu) = running.stop_timed().await;
        // The thread that encodes and sends; threads of the pool read the log.
        println!(
            "{url}: {COUNT} events of 100 bytes in {wall:.2?}, {:.0} a second, {:.2} s of CPU a million",
            COUNT as f64 / wall.as_secs_f64(),
            cpu.as_secs_f64() * 1e6 / COUNT as f64,
        );
    }
}

/// An HTTP service that reads bodies, looks at nothing and says yes.
fn serve(tcp: TcpStream) {
    let mut reader = BufReader::new(tcp);
    let mut body = Vec::new();
    loop {
        let mut length = 0;
        loop {
            let mut line = String::new();
            if reader.read_line(&mut line).unwrap_or(0) == 0 {
                return;
            }
            if let Some((name, value)) = line.split_once(':')
                && name.eq_ignore_ascii_case("content-length")
            {
                length = value.trim().parse().unwrap();
            }
            if line == "\r\n" {
                break;
            }
        }
        body.resize(length, 0);
        reader.read_exact(&mut body).unwrap();
        reader.get_mut().write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").unwrap();
    }
}
