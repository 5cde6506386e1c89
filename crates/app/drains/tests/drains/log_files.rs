//! Drains of real log files: rotated, compressed and deleted while they are read.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use drains::{Drain, Drains, LogSource, Lost, Metrics, Settings, Stdout};
use logs::{Query, Timestamp};
use tokio::sync::watch;

use crate::support::{self, settings};

/// Log files of an app, written as the supervisor does.
struct App {
    directory: PathBuf,
    /// Seconds, and the number of the next event.
    clock: u64,
    rotated: u64,
}

impl App {
    fn new(directory: &Path) -> Self {
        let directory = directory.join("guestbook");
        fs::create_dir_all(&directory).unwrap();
        Self { directory, clock: 0, rotated: 0 }
    }

    fn active(&self) -> PathBuf {
        self.directory.join("web.1.log")
    }

    fn record(&mut self, process: &str, text: &str) {
        let time = Timestamp::from_nanoseconds((1_795_860_000 + self.clock) * 1_000_000_000);
        let path = self.directory.join(format!("{process}.log"));
        let mut log = fs::read(&path).unwrap_or_default();
        log.extend(format!("{time} {text}\n").into_bytes());
        fs::write(path, log).unwrap();
        self.clock += 1;
    }

    fn say(&mut self, count: u64) {
        for _ in 0..count {
            let number = self.clock;
            self.record("web.1", &format!("stdout F {number} xxx"));
        }
    }

    /// The active file becomes the next numbered one.
    fn rotate(&mut self) {
        self.rotated += 1;
        let to = self.directory.join(format!("web.1.log.{}", self.rotated));
        fs::rename(self.active(), to).unwrap();
    }
}

struct Output(Arc<std::sync::Mutex<Vec<u8>>>);

impl std::io::Write for Output {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// Runs a drain to `output` until it has sent so many events in all, then stops it in order.
async fn drain(
    app: &App,
    output: &Arc<std::sync::Mutex<Vec<u8>>>,
    sent: u64,
    cursors: &Path,
    query: Query,
) -> Metrics {
    let settings = Settings { stdout: Stdout::to(Output(Arc::clone(output))), ..settings(cursors) };
    let drain = Drain { name: "web".into(), target: "stdout:#format=json".parse().unwrap() };
    let drains = Drains::new(vec![drain], settings).unwrap();
    let (_, mut metrics): (_, watch::Receiver<Metrics>) = drains.metrics().remove(0);
    let directory = app.directory.clone();
    let open = move |_: &Drain, cursor: Option<&logs::Cursor>| {
        let release = Arc::new(|process: &str, _| (process == "web.1").then_some(7));
        LogSource::open(&directory, "guestbook", query.clone(), release, cursor)
    };
    let done = async move {
        let wait = metrics.wait_for(|metrics| metrics.sent.events >= sent);
        let found =
            tokio::time::timeout(support::PATIENCE, wait).await.expect("sent in time").unwrap().clone();
        drop(found);
    };
    let (_, end) = drains.metrics().remove(0);
    drains.run(open, done).await;
    let end = end.borrow().clone();
    assert_eq!(Metrics::saved(cursors, "web").as_ref(), Some(&end), "what it wrote down at its end");
    end
}

fn messages(output: &std::sync::Mutex<Vec<u8>>) -> Vec<String> {
    let text = String::from_utf8(output.lock().unwrap().clone()).unwrap();
    let line = |line: &str| {
        let value: serde_json::Value = serde_json::from_str(line).unwrap();
        assert_eq!(value["app"], "guestbook");
        value["message"].as_str().unwrap().to_owned()
    };
    text.lines().map(line).collect()
}

fn numbers(output: &std::sync::Mutex<Vec<u8>>) -> Vec<u64> {
    messages(output).iter().map(|message| support::number(message)).collect()
}

#[tokio::test]
async fn log_files_are_drained_through_rotation_restart_and_deletion() {
    let directory = tempfile::tempdir().unwrap();
    let cursors = directory.path().join("cursors");
    let mut app = App::new(directory.path());
    let output = Arc::default();
    app.say(100);
    let metrics = drain(&app, &output, 100, &cursors, Query::default()).await;
    assert_eq!((metrics.sent.events, metrics.lag.bytes, &metrics.last_error), (100, 0, &None));
    assert_eq!(numbers(&output), (0..100).collect::<Vec<_>>());

    app.say(10);
    app.rotate();
    app.say(10);
    app.rotate();
    app.say(10);
    let metrics = drain(&app, &output, 30, &cursors, Query::default()).await;
    assert_eq!(metrics.dropped.rotated, Lost::default());
    assert_eq!(numbers(&output), (0..130).collect::<Vec<_>>(), "nothing twice after a stop in order");

    // Two more files come and go unread.
    app.rotate();
    app.say(25);
    app.rotate();
    app.say(5);
    // What rotation says of all that it has deleted.
    let mut bytes = 0;
    for number in 1..=4 {
        let path = app.directory.join(format!("web.1.log.{number}"));
        bytes += fs::metadata(&path).unwrap().len();
        fs::remove_file(path).unwrap();
    }
    let deleted = serde_json::json!({ "file": 4, "bytes": bytes, "records": 155 });
    fs::write(app.directory.join("web.1.log.deleted"), deleted.to_string()).unwrap();
    let metrics = drain(&app, &output, 5, &cursors, Query::default()).await;
    assert_eq!(numbers(&output), (0..130).chain(155..160).collect::<Vec<_>>());
    let unread = 25 * "2026-11-28T10:00:00.000000000Z stdout F 130 xxx\n".len() as u64;
    assert_eq!(metrics.dropped.rotated, Lost { gaps: 1, records: 25, bytes: unread });

    // Somebody removes everything by hand, and the log begins anew.
    app.rotate();
    for entry in fs::read_dir(&app.directory).unwrap() {
        fs::remove_file(entry.unwrap().path()).unwrap();
    }
    app.say(5);
    drain(&app, &output, 5, &cursors, Query::default()).await;
    assert_eq!(numbers(&output), (0..130).chain(155..165).collect::<Vec<_>>());
}

#[tokio::test]
async fn an_exception_is_one_event_and_a_new_drain_may_begin_at_the_end() {
    let directory = tempfile::tempdir().unwrap();
    let mut app = App::new(directory.path());
    app.say(3);
    let query = Query { tail: Some(0), ..Query::default() };
    let output: Arc<std::sync::Mutex<Vec<u8>>> = Arc::default();
    let cursors = directory.path().join("cursors");
    drain(&app, &output, 0, &cursors, query.clone()).await;
    app.record("web.1", "stderr F Traceback (most recent call last):");
    app.record("web.1", "stderr F:J   File \"app.py\", line 1");
    app.record("web.1", "stderr F:J ValueError: no");
    app.record("worker.1", "stdout P first half,");
    app.record("worker.1", "stdout F  second half");
    drain(&app, &output, 2, &cursors, query).await;
    let expected = [
        "Traceback (most recent call last):\n  File \"app.py\", line 1\nValueError: no",
        "first half, second half",
    ];
    // Of two processes, whichever has a whole event first comes first.
    let mut found = messages(&output);
    found.sort();
    assert_eq!(found, expected);
    let text = String::from_utf8(output.lock().unwrap().clone()).unwrap();
    assert!(text.contains("\"stream\":\"stderr\"") && text.contains("\"release\":7}"));
    assert!(text.contains("\"process\":\"worker.1\"") && text.contains("\"release\":null}"));
}

#[tokio::test]
async fn what_is_longer_than_an_event_may_be_is_left_out_and_said() {
    let directory = tempfile::tempdir().unwrap();
    let mut app = App::new(directory.path());
    app.record("web.1", &format!("stdout F {}", "y".repeat(5_000)));
    let query = Query { event_bytes: 1_000, ..Query::default() };
    let output: Arc<std::sync::Mutex<Vec<u8>>> = Arc::default();
    drain(&app, &output, 1, directory.path(), query).await;
    assert_eq!(messages(&output), [format!("{} [4000 more bytes are in the log]", "y".repeat(1_000))]);
}
