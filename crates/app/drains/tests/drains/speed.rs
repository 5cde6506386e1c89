//! How fast, from log files on disk: `cargo test --release -p drains -- --ignored --nocapture speed`. It prints figures and
//! fails for none.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use drains::{Drain, Drains, LogSource, Settings};
use logs::{Query, Timestamp};
use rustix::time::{ClockId, clock_gettime};

const COUNT: u64 = 1_000_000;

#[test]
#[ignore = "prints figures"]
fn speed() {
    let directory = tempfile::tempdir().unwrap();
    let app = directory.path().join("guestbook");
    write_log(&app);
    let syslog = listen(|mut tcp| {
        let mut buffer = vec![0; 1 << 20];
        while tcp.read(&mut buffer).is_ok_and(|read| read > 0) {}
    });
    let http = listen(serve);
    let urls = [
        format!("syslog://{syslog}"),
        format!("http://{http}/"),
        format!("http://{http}/#gzip"),
        format!("file://{}/app.log", directory.path().display()),
    ];
    for (number, url) in urls.iter().enumerate() {
        let settings = Settings::new(directory.path().join(number.to_string()), "host.example.com");
        let (begin, cpu) = (Instant::now(), cpu(ClockId::ProcessCPUTime));
        let (sent, sending) = drain(url, settings, &app);
        let (wall, cpu) =
            (begin.elapsed().as_secs_f64(), self::cpu(ClockId::ProcessCPUTime).saturating_sub(cpu));
        let million = 1e6 / COUNT as f64;
        println!(
            "{url}: {sent} events of 100 bytes in {wall:.2} s, {:.0} a second; CPU a million: {:.2} s to encode and send, {:.2} s with \
             reading the log and the receiver; peak memory {}",
            sent as f64 / wall,
            sending.as_secs_f64() * million,
            cpu.as_secs_f64() * million,
            peak_memory(),
        );
    }
}

/// A log of one process, in the form that the supervisor writes.
fn write_log(app: &Path) {
    std::fs::create_dir(app).unwrap();
    let mut log = std::io::BufWriter::new(std::fs::File::create(app.join("web.1.log")).unwrap());
    for number in 0..COUNT {
        let time = Timestamp::from_nanoseconds(1_795_860_000_000_000_000 + number * 1000);
        writeln!(log, "{time} stdout F {number:8} {}", "x".repeat(91)).unwrap();
    }
    log.flush().unwrap();
}

/// Drains all of it: how many events, and the CPU time of the thread that sends.
fn drain(url: &str, settings: Settings, app: &Path) -> (u64, Duration) {
    let drain = Drain { name: "web".into(), target: url.parse().unwrap() };
    let drains = Drains::new(vec![drain], settings).unwrap();
    let (_, mut metrics) = drains.metrics().remove(0);
    let (_, end) = drains.metrics().remove(0);
    let done = async move {
        metrics.wait_for(|metrics| metrics.sent.events >= COUNT).await.unwrap();
    };
    let app = app.to_owned();
    let open = move |_: &Drain, cursor: Option<&logs::Cursor>| {
        LogSource::open(&app, "guestbook", Query::default(), Arc::new(|_, _| Some(7)), cursor)
    };
    let before = cpu(ClockId::ThreadCPUTime);
    drains.run_here(open, done).unwrap();
    let sent = end.borrow().sent.events;
    (sent, cpu(ClockId::ThreadCPUTime).saturating_sub(before))
}

fn cpu(clock: ClockId) -> Duration {
    let time = clock_gettime(clock);
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}

fn peak_memory() -> String {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    peak.trim().to_owned()
}

/// Gives each connection to `serve`, one after the other.
fn listen(serve: fn(TcpStream)) -> std::net::SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        while let Ok((tcp, _)) = listener.accept() {
            serve(tcp);
        }
    });
    address
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
