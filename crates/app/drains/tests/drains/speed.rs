//! How fast: `cargo test --release -p drains -- --ignored --nocapture speed`. It prints figures and fails for none.

use std::io::Read as _;
use std::time::Instant;

use drains::Settings;

use crate::support::service::{OK, Service};
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
    let (services, served) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            services.send(Service::start(|_, _| OK).await.address).unwrap();
            std::future::pending::<()>().await;
        });
    });
    let service = served.recv().unwrap();
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
