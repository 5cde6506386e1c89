//! `release:` in a Procfile: run once before a release, which it can hold back.

use std::process::Stdio;

use super::home::{Ended, Home, ended, run, text, until};

const PROCFILE: &str = r#"
release: echo "migrating to $VERSION, release $PINCH_RELEASE" && eval "${MIGRATE:-true}" && echo $VERSION > migrated
worker: echo "working on $(cat migrated)" && exec sleep 1000
"#;

fn shop() -> Home {
    Home::new(PROCFILE)
}

fn up(home: &Home, words: &[&str]) -> Ended {
    home.pinch(&[&["up", "-d", "--ready", "worker=0.1"], words].concat())
}

/// The release that runs, and how many there are.
fn releases(home: &Home) -> (u64, usize) {
    let releases: serde_json::Value =
        serde_json::from_str(&home.done(&["releases", "-a", "shop", "--out", "json"])).unwrap();
    let releases = releases.as_array().unwrap();
    let current = releases.iter().find(|one| one["current"] == true).unwrap();
    (current["release"].as_u64().unwrap(), releases.len())
}

#[test]
fn it_runs_before_the_processes_and_can_hold_the_release_back() {
    let home = shop();
    let first = up(&home, &["-e", "VERSION=one"]);
    assert_eq!(first.code, Some(0), "{first:?}");
    let said =
        first.stderr.find(" release.1 | migrating to one, release 1\n").expect("what it says is shown");
    assert!(said < first.stderr.find("worker.1     starting").unwrap(), "{}", first.stderr);
    until("the worker sees what it did", || home.done(&["logs"]).contains("working on one\n"));

    let plan = home.done(&["up", "--dry-run", "-e", "VERSION=two", "-e", "MIGRATE=exit 3"]);
    assert!(plan.contains("before that, once: echo \"migrating to"), "{plan}");

    let held = up(&home, &["-e", "VERSION=two", "-e", "MIGRATE=exit 3"]);
    assert_eq!(held.code, Some(2), "{held:?}");
    let error = &held.stderr[held.stderr.find("error: ").unwrap()..];
    for told in [
        "the release command of shop exited with 3; nothing is rolled out",
        "migrating to two, release 2",
        "release 1 goes on as before",
        "--skip-release-command",
    ] {
        assert!(error.contains(told), "{told}: {error}");
    }
    assert!(!held.stderr.contains("starting"), "{}", held.stderr);
    assert_eq!(releases(&home), (1, 1));
    let killed = up(&home, &["-e", "VERSION=two", "-e", "MIGRATE=kill -9 $$"]);
    assert!(killed.stderr.contains("was ended by signal 9"), "{killed:?}");

    let skipped = up(&home, &["-e", "VERSION=two", "-e", "MIGRATE=exit 3", "--skip-release-command"]);
    assert_eq!(skipped.code, Some(0), "{skipped:?}");
    assert!(!skipped.stderr.contains("release.1"), "{}", skipped.stderr);
    assert_eq!(releases(&home), (2, 2));
}

#[test]
fn a_first_release_that_it_holds_back_leaves_nothing_behind() {
    let home = shop();
    let held = home.pinch(&["up", "-e", "VERSION=one", "-e", "MIGRATE=false"]);
    assert_eq!(held.code, Some(2), "{held:?}");
    assert!(held.stderr.contains("exited with 1; nothing is rolled out"), "{}", held.stderr);
    assert!(home.pinch(&["ps"]).stderr.contains("there is no keeper"));
}

#[test]
fn an_interrupt_ends_it() {
    let home = shop();
    let mut command = home.command(&["up", "-e", "VERSION=one", "-e", "MIGRATE=touch begun; sleep 1234"]);
    let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    until("it runs", || home.path("shop/begun").exists());
    run("kill", &["-INT", &child.id().to_string()]);
    let ended = ended(child.wait_with_output().unwrap());
    assert_eq!(ended.code, Some(130), "{ended:?}");
    assert!(ended.stderr.contains("was interrupted; nothing is rolled out"), "{}", ended.stderr);
}

#[test]
fn a_state_fails_when_it_does() {
    let home = shop();
    let (source, keeper) = (text(&home.path("shop")), text(&home.path("home")));
    let config = |migrate: &str| format!("config={{VERSION: one, MIGRATE: '{migrate}'}}");
    let state = |migrate: &str| {
        let words = [
            "call",
            "--local",
            "state.single",
            "app.running",
            "name=shop",
            &format!("source={source}"),
            &format!("home={keeper}"),
            &config(migrate),
        ];
        home.pinch(&words)
    };
    let held = state("echo error of its own && exit 3");
    assert_ne!(held.code, Some(0), "{held:?}");
    assert!(held.stdout.contains("the release command of shop exited with 3"), "{held:?}");
    let done = state("true");
    assert_eq!(done.code, Some(0), "{done:?}");
    assert!(
        done.stdout.contains("App shop was started") || done.stdout.contains("App shop was updated"),
        "{done:?}"
    );
}
