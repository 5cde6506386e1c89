//! No request fails while releases, router and keeper change under load.
//!
//! The load is open-loop: requests are sent at their time, whether or not earlier ones have been answered. Among
//! them are slow ones, uploads, event streams and WebSockets. A request fails when the connection breaks, the status
//! is not 200, or the body is not what it has to be. `PINCH_SOAK=1` makes it 100 upgrades and 20 rollbacks.

#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a test starts the binary and talks to it"
)]

#[path = "upgrades/client.rs"]
mod client;

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use client::{Failure, Pool};

/// Requests a second.
const RATE: u64 = 500;

/// An app that runs under a keeper of its own; both end with it.
struct Running {
    home: tempfile::TempDir,
    address: String,
}

impl Running {
    fn start() -> Self {
        let home = tempfile::Builder::new().prefix("pinch-up").tempdir_in("/tmp").unwrap();
        let mut running = Self { home, address: String::new() };
        let address = free_address();
        running.pinch(&["up", "-d", "--listen", &address, "--admin", &free_address(), &app()]);
        running.address = address;
        running
    }

    fn pinch(&self, words: &[&str]) -> String {
        let output = Command::new(env!("CARGO_BIN_EXE_pinch"))
            .args(words)
            .env("PINCH_HOME", self.home.path())
            .output()
            .unwrap();
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        assert!(output.status.success(), "pinch {words:?}: {}{}", text(&output.stdout), text(&output.stderr));
        text(&output.stdout)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let end = Command::new(env!("CARGO_BIN_EXE_pinch"))
            .args(["down", "-a", "upgrades"])
            .env("PINCH_HOME", self.home.path())
            .output();
        if end.is_err() {
            println!("the app under test could not be stopped");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_request_fails_while_everything_changes() {
    let soak = std::env::var_os("PINCH_SOAK").is_some();
    let (upgrades, rollbacks, own) = if soak { (100, 20, 5) } else { (6, 2, 1) };
    let running = Arc::new(Running::start());
    let load = Load::start(&running.address);
    let changed = Arc::clone(&running);
    let begin = Instant::now();
    tokio::task::spawn_blocking(move || {
        for number in 0..upgrades {
            changed.pinch(&["up", "-d", "-e", &format!("VERSION={number}"), &app()]);
            if (number + 1) % (upgrades / own) == 0 {
                changed.pinch(&["upgrade", "-a", "upgrades"]);
            }
        }
        for _ in 0..rollbacks {
            changed.pinch(&["rollback", "-a", "upgrades"]);
        }
    })
    .await
    .unwrap();
    let took = begin.elapsed();
    let (sent, failures, slowest) = load.end().await;
    println!(
        "{upgrades} upgrades, {rollbacks} rollbacks, {own} upgrades of keeper and router in {:.1} s: \
         {sent} requests, {} failed, slowest fast one {slowest:?}",
        took.as_secs_f64(),
        failures.len()
    );
    let told: Vec<String> = failures.iter().take(10).map(ToString::to_string).collect();
    assert!(failures.is_empty(), "{} of {sent} failed:\n{}", failures.len(), told.join("\n"));
    assert!(sent > 1000, "only {sent} requests were sent: that is no load");
    let releases = running.pinch(&["releases", "-a", "upgrades", "--out", "json"]);
    let expected = 1 + upgrades + rollbacks;
    assert!(releases.contains(&format!("\"release\": {expected}")), "{releases}");
}

/// Requests that are sent until it ends.
struct Load {
    ending: Arc<AtomicBool>,
    failures: Arc<std::sync::Mutex<Vec<Failure>>>,
    sent: Arc<AtomicU64>,
    slowest: Arc<AtomicU64>,
    sender: tokio::task::JoinHandle<()>,
}

impl Load {
    fn start(address: &str) -> Self {
        let (ending, sent, slowest) =
            (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)), Arc::new(AtomicU64::new(0)));
        let failures = Arc::new(std::sync::Mutex::new(Vec::new()));
        let pool = Arc::new(Pool::new(address));
        let (stop, count, worst, told) = (ending.clone(), sent.clone(), slowest.clone(), failures.clone());
        let sender = tokio::spawn(async move {
            let begin = tokio::time::Instant::now();
            let mut tasks = tokio::task::JoinSet::new();
            let mut number = 0;
            while !stop.load(Ordering::SeqCst) {
                tokio::time::sleep_until(begin + Duration::from_micros(number * 1_000_000 / RATE)).await;
                let (pool, worst, told) = (pool.clone(), worst.clone(), told.clone());
                count.fetch_add(1, Ordering::SeqCst);
                tasks.spawn(async move {
                    let start = Instant::now();
                    // Of every 500 requests one second brings: 5 slow ones, 5 uploads, 2 streams, 2 WebSockets.
                    let outcome = match number % 500 {
                        3 | 103 | 203 | 303 | 403 => pool.get("/slow").await,
                        7 | 107 | 207 | 307 | 407 => pool.upload(512 * 1024).await,
                        11 | 261 => pool.events().await,
                        13 | 263 => pool.socket().await,
                        _ => {
                            let outcome = pool.get("/").await;
                            let took = u64::try_from(start.elapsed().as_micros()).unwrap();
                            worst.fetch_max(took, Ordering::SeqCst);
                            outcome
                        }
                    };
                    if let Err(failure) = outcome {
                        told.lock().unwrap().push(failure);
                    }
                });
                while tasks.try_join_next().is_some() {}
                number += 1;
            }
            while tasks.join_next().await.is_some() {}
        });
        Self { ending, failures, sent, slowest, sender }
    }

    async fn end(self) -> (u64, Vec<Failure>, Duration) {
        self.ending.store(true, Ordering::SeqCst);
        self.sender.await.unwrap();
        let failures = std::mem::take(&mut *self.failures.lock().unwrap());
        let slowest = Duration::from_micros(self.slowest.load(Ordering::SeqCst));
        (self.sent.load(Ordering::SeqCst), failures, slowest)
    }
}

fn app() -> String {
    let folder: PathBuf = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/upgrades");
    folder.display().to_string()
}

fn free_address() -> String {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().to_string()
}
