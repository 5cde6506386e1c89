//! Standard output and files.

use std::io::{self, Write};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use drains::{Settings, State, Stdout};

use crate::support::{Log, Running, all_in_order, eventually, number, settings, start};

fn numbers(text: &str) -> Vec<u64> {
    text.lines()
        .map(|line| number(line.split_once("guestbook[web.1]: ").unwrap_or_else(|| panic!("{line}")).1))
        .collect()
}

async fn sent(running: &mut Running, count: u64) {
    running.until(0, "all sent", |metrics| metrics.sent.events == count).await;
}

#[tokio::test]
async fn a_file_that_is_moved_away_is_made_anew() {
    let directory = tempfile::tempdir().unwrap();
    let (path, old) = (directory.path().join("app.log"), directory.path().join("app.log.1"));
    let log = Log::with(100, 3);
    let url = format!("file://{}", path.display());
    let mut running = start(&[&url], settings(directory.path()), &log);
    sent(&mut running, 100).await;
    std::fs::rename(&path, &old).unwrap();
    log.say_numbers(100..200, 3);
    sent(&mut running, 200).await;
    std::fs::remove_file(&path).unwrap();
    log.say_numbers(200..300, 3);
    sent(&mut running, 300).await;
    // Emptied in place, as `copytruncate` does.
    std::fs::write(&path, "").unwrap();
    log.say_numbers(300..400, 3);
    sent(&mut running, 400).await;
    running.stop().await;
    assert_eq!(numbers(&std::fs::read_to_string(&old).unwrap()), (0..100).collect::<Vec<_>>());
    assert_eq!(numbers(&std::fs::read_to_string(&path).unwrap()), (300..400).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_line_that_was_cut_off_is_ended_and_not_continued() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("app.log");
    std::fs::write(&path, "half a li").unwrap();
    let url = format!("file://{}#format=json", path.display());
    let mut running = start(&[&url], settings(directory.path()), &Log::with(1, 3));
    sent(&mut running, 1).await;
    running.stop().await;
    let text = std::fs::read_to_string(&path).unwrap();
    let (first, second) = text.split_once('\n').unwrap();
    assert_eq!(first, "half a li");
    assert_eq!(serde_json::from_str::<serde_json::Value>(second).unwrap()["message"], "0 xxx");
}

#[tokio::test]
async fn a_file_that_cannot_be_written_is_tried_again() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("later/app.log");
    let urls = [format!("file://{}", path.display()), "file:///dev/full".to_owned()];
    let mut running = start(&[&urls[0], &urls[1]], settings(directory.path()), &Log::with(10, 3));
    for (drain, said) in
        [(0, "No such file or directory (os error 2)"), (1, "No space left on device (os error 28)")]
    {
        let metrics = running.until(drain, "an error", |metrics| metrics.last_error.is_some()).await;
        let error = metrics.last_error.unwrap().what;
        assert!(error.starts_with("cannot write to /") && error.ends_with(said), "{error}");
    }
    std::fs::create_dir(directory.path().join("later")).unwrap();
    sent(&mut running, 10).await;
    let metrics = running.stop().await;
    assert_eq!(all_in_order(&numbers(&std::fs::read_to_string(&path).unwrap()), 10), 0);
    assert_eq!(
        (metrics[1].sent.events, metrics[1].dropped.refused),
        (0, 0),
        "nothing is dropped for a full disk"
    );
    let saved = std::fs::read_to_string(directory.path().join("drain1.json")).unwrap();
    assert_eq!(saved, "{\"version\":1,\"cursor\":0}");
}

/// Takes so many bytes, then hangs as a pipe does that nobody reads.
#[derive(Clone, Default)]
struct Pipe {
    text: Arc<Mutex<Vec<u8>>>,
    hangs: bool,
}

impl Write for Pipe {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.text.lock().unwrap().extend_from_slice(bytes);
        if self.hangs {
            std::thread::sleep(Duration::from_secs(1000));
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn standard_output_gets_lines() {
    let directory = tempfile::tempdir().unwrap();
    let pipe = Pipe::default();
    let settings = Settings { stdout: Stdout::to(pipe.clone()), ..settings(directory.path()) };
    let mut running = start(&["stdout:"], settings, &Log::with(5_000, 100));
    sent(&mut running, 5_000).await;
    running.stop().await;
    let text = String::from_utf8(pipe.text.lock().unwrap().clone()).unwrap();
    assert!(text.starts_with("2026-11-28T10:00:00.000000Z guestbook[web.1]: 0 xxx"));
    assert_eq!(all_in_order(&numbers(&text), 5_000), 0);
}

#[tokio::test]
async fn standard_output_that_nobody_reads_holds_up_nobody_and_ends_with_the_grace() {
    let directory = tempfile::tempdir().unwrap();
    let pipe = Pipe { hangs: true, ..Pipe::default() };
    let settings = Settings {
        stdout: Stdout::to(pipe.clone()),
        grace: Duration::from_millis(500),
        ..settings(directory.path())
    };
    let url = format!("file://{}/app.log", directory.path().display());
    let mut running = start(&["stdout:", &url], settings, &Log::with(5_000, 100));
    running.until(1, "the file has all", |metrics| metrics.sent.events == 5_000).await;
    eventually("the pipe hangs", || !pipe.text.lock().unwrap().is_empty()).await;
    let begin = Instant::now();
    let metrics = running.stop().await;
    assert!(begin.elapsed() < Duration::from_secs(2), "{:?}", begin.elapsed());
    assert_eq!((metrics[0].state, metrics[0].sent.events), (State::Stopped, 0));
    let saved = std::fs::read_to_string(directory.path().join("drain0.json")).unwrap();
    assert_eq!(saved, "{\"version\":1,\"cursor\":0}");
}

#[tokio::test]
async fn a_source_that_cannot_be_opened_is_tried_again_and_bad_names_are_told() {
    use drains::{Drain, Drains, DrainsError, SourceError};
    use std::sync::atomic::{AtomicUsize, Ordering};

    let directory = tempfile::tempdir().unwrap();
    let drain = |name: &str| Drain { name: name.into(), target: "stdout:".parse().unwrap() };
    let made = |names: &[&str]| {
        Drains::new(names.iter().map(|name| drain(name)).collect(), settings(directory.path())).map(|_| ())
    };
    for name in ["", ".", "../x", "a/b", "ä", &"x".repeat(101)] {
        assert_eq!(made(&[name]), Err(DrainsError::Name { name: name.to_owned() }));
    }
    assert_eq!(made(&["a", "b", "a"]), Err(DrainsError::Twice { name: "a".into() }));

    let pipe = Pipe::default();
    let settings = Settings { stdout: Stdout::to(pipe.clone()), ..settings(directory.path()) };
    std::fs::write(directory.path().join("web.json"), "{\"version\":9}").unwrap();
    let drains = Drains::new(vec![drain("web")], settings).unwrap();
    let (_, mut metrics) = drains.metrics().remove(0);
    let (log, tries) = (Log::with(10, 3), AtomicUsize::new(0));
    let open = move |_: &Drain, cursor: Option<&u64>| match tries.fetch_add(1, Ordering::Relaxed) {
        0 => Err(SourceError { what: "/var/log/guestbook".into(), why: "gone".into() }),
        _ => Ok(log.source(cursor)),
    };
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let task = tokio::spawn(drains.run(open, async {
        let _ = stopped.await;
    }));
    let mut errors = Vec::new();
    while metrics.borrow_and_update().sent.events < 10 {
        errors.extend(metrics.borrow().last_error.clone().map(|error| error.what));
        metrics.changed().await.unwrap();
    }
    errors.dedup();
    stop.send(()).unwrap();
    task.await.unwrap();
    assert_eq!(errors[0], "/var/log/guestbook: gone");
    assert!(errors[1].ends_with("the log is sent from its beginning"), "{errors:?}");
    assert_eq!(all_in_order(&numbers(std::str::from_utf8(&pipe.text.lock().unwrap()).unwrap()), 10), 0);
}

#[test]
fn a_runtime_of_its_own_ends_whatever_hangs() {
    use drains::{Drain, Drains};

    let directory = tempfile::tempdir().unwrap();
    let settings = Settings {
        stdout: Stdout::to(Pipe { hangs: true, ..Pipe::default() }),
        grace: Duration::from_millis(300),
        ..settings(directory.path())
    };
    let drain = Drain { name: "web".into(), target: "stdout:".parse().unwrap() };
    let drains = Drains::new(vec![drain], settings).unwrap();
    let log = Log::with(10, 3);
    let begin = Instant::now();
    let shutdown = async { tokio::time::sleep(Duration::from_millis(200)).await };
    drains.run_here(move |_, cursor| Ok(log.source(cursor)), shutdown).unwrap();
    assert!(begin.elapsed() < Duration::from_secs(2), "{:?}", begin.elapsed());
}
