//! Drains: each is known by where it sends to, tells how it is doing, and ends with the app.

use std::fs;
use std::process::Command;
use std::time::Duration;

use super::home::{Home, run, text, until};

const PROCFILE: &str =
    "worker: n=0; while [ $n -lt 100000 ]; do n=$((n+1)); echo r$PINCH_RELEASE line $n; sleep 0.02; done\n";

fn up(home: &Home, drains: &[&str]) {
    let options: Vec<&str> = drains.iter().flat_map(|drain| ["--drain", drain]).collect();
    home.done(&[&["up", "-d", "--ready", "worker=0.1"], &options[..]].concat());
}

/// Messages and releases in a file of JSON lines.
fn received(file: &std::path::Path) -> Vec<(String, Option<u64>)> {
    let text = fs::read_to_string(file).unwrap_or_default();
    let read = |line: &str| {
        let line: serde_json::Value = serde_json::from_str(line).unwrap();
        (line["message"].as_str().unwrap().to_string(), line["release"].as_u64())
    };
    text.lines().map(read).collect()
}

#[test]
fn one_that_is_removed_does_not_move_the_others() {
    let home = Home::new(PROCFILE);
    let (first, second) = (home.path("first"), home.path("second"));
    let url = |path: &std::path::Path| format!("file://{}#format=json", text(path));
    up(&home, &[&url(&first), &url(&second)]);
    let has = |end: &str| received(&second).iter().any(|(message, _)| message.starts_with(end));
    until("both are sent to", || has("r1 line 60") && first.exists());
    let table = home.done(&["ps", "-a", "shop"]);
    assert!(table.contains("DRAIN ") && table.contains(&format!("  {}  ", url(&second))), "{table}");

    up(&home, &[&url(&second)]);
    until("the second goes on", || has("r2 line 60"));
    home.done(&["stop", "-a", "shop"]);
    until("the drain has ended", || !home.done(&["ps"]).contains("pinch-drain"));

    let mut all = received(&second);
    let said: Vec<_> =
        home.done(&["logs", "-a", "shop"]).lines().map(|line| line[20..].to_string()).collect();
    assert_eq!(all.len(), said.len(), "all that was said, and nothing twice");
    let known = all.iter().filter(|(_, release)| release.is_some()).count();
    assert!(known > 60, "the release is known of most: {known} of {}", all.len());
    all.retain(|(message, release)| {
        release.is_some_and(|release| !message.starts_with(&format!("r{release} ")))
    });
    assert_eq!(all, [], "no event bears another release's number");
}

#[test]
fn how_each_is_doing_is_shown() {
    let home = Home::new(PROCFILE);
    let away = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let (target, file) = (format!("syslog://{away}"), format!("file://{}", text(&home.path("there"))));
    up(&home, &[&target, &file]);
    let drains = || {
        home.status()["apps"].as_array().unwrap().iter().find(|app| app["name"] == "shop").unwrap()["drains"]
            .clone()
    };
    until("the one that is away waits, the other delivers", || {
        let drains = drains();
        drains[0]["metrics"]["state"] == "waiting"
            && drains[1]["metrics"]["sent"]["events"].as_u64() > Some(20)
    });
    let told = drains();
    assert_eq!(
        (&told[0]["target"], &told[0]["metrics"]["sent"]["events"]),
        (&target.as_str().into(), &0.into())
    );
    assert!(told[0]["metrics"]["lag"]["bytes"].as_u64() > Some(0), "{told}");
    let table = home.done(&["ps"]);
    let row = table.lines().find(|line| line.contains(&target)).unwrap();
    assert!(row.contains("refused"), "{row}");
    home.done(&["stop", "-a", "shop"]);
    until("a drain that has ended is shown as stopped", || {
        home.done(&["ps"]).lines().any(|line| line.contains(&file) && line.contains(" stopped "))
    });
}

#[test]
fn a_target_that_takes_nothing_does_not_hold_up_the_end() {
    let home = Home::new("worker: seq 100000; exec sleep 1000\n");
    let pipe = text(&home.path("pipe"));
    assert_eq!(run("mkfifo", &[&pipe]).code, Some(0));
    let file = home.path("file");
    up(&home, &[&format!("file://{pipe}"), &format!("file://{}", text(&file))]);
    until("one is done, the other stuck", || {
        fs::read_to_string(&file).is_ok_and(|text| text.ends_with(": 100000\n"))
    });
    let ended = home.pinch(&["down", "-a", "shop"]);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let left = |extension: &str| -> Vec<String> {
        let files = fs::read_dir(home.path("home/state/drains")).unwrap().map(|entry| entry.unwrap().path());
        let files = files.filter(|path| path.extension().is_some_and(|one| one == extension));
        files.map(|path| fs::read_to_string(path).unwrap()).collect()
    };
    assert_eq!(left("json").len(), 2, "both cursors are saved");
    // One that had to be killed could not have written this.
    let told = left("metrics");
    assert!(told.len() == 2 && told.iter().all(|text| text.contains(r#""state":"stopped""#)), "{told:?}");
    // What begins again has nothing to send twice.
    let size = fs::metadata(&file).unwrap().len();
    let mut again: Command =
        home.command(&["up", "-d", "--ready", "worker=0.1", "--process", "worker=sleep 1000"]);
    again.args(["--drain", &format!("file://{}", text(&file))]);
    assert!(again.output().unwrap().status.success());
    std::thread::sleep(Duration::from_secs(2));
    assert_eq!(fs::metadata(&file).unwrap().len(), size);
}

#[test]
fn what_is_no_target_is_told_before_anything_is_started() {
    let home = Home::new(PROCFILE);
    let ended = home.pinch(&["up", "-d", "--drain", "sysblog://user:secret@logs:514"]);
    assert_eq!(ended.code, Some(1), "{ended:?}");
    assert!(ended.stderr.contains("sysblog") && ended.stderr.contains("syslog"), "{}", ended.stderr);
    assert!(!ended.stderr.contains("secret"), "{}", ended.stderr);
    assert!(!home.path("home").exists(), "no keeper was started");
}
