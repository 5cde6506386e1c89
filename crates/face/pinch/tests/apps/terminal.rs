//! What a person sees: the log of an app in the foreground, and the list of what runs.

use std::io::{BufRead as _, BufReader};
use std::process::Stdio;

use super::home::{Home, ended, run, until};

#[test]
fn columns_are_aligned_from_the_first_line_on() {
    let home = Home::new("a: echo early; exec sleep 1000\nscheduler: sleep 1; echo late; exec sleep 1000\n");
    let mut command = home.command(&["up", "--ready", "a=0.1", "--ready", "scheduler=0.1"]);
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let shown: Vec<String> = lines.take(2).map(|line| line.unwrap()[9..].to_string()).collect();
    run("kill", &["-INT", &child.id().to_string()]);
    let ended = ended(child.wait_with_output().unwrap());
    assert_eq!(ended.code, Some(130), "{ended:?}");
    assert_eq!(shown, ["a.1         | early", "scheduler.1 | late"]);
}

#[test]
fn of_the_keepers_own_apps_only_those_that_run_are_listed() {
    let home = Home::new("worker: exec sleep 1000\n");
    home.done(&[
        "up",
        "-d",
        "--ready",
        "worker=0.1",
        "--drain",
        &format!("file://{}/out", home.path("").display()),
    ]);
    assert!(home.done(&["ps"]).contains("pinch-drain ("));
    home.done(&["stop", "-a", "shop"]);
    until("the drain ends", || !home.done(&["ps"]).contains("pinch-drain"));
    let all = home.done(&["ps"]);
    assert!(
        all.contains("shop (release 1, stopped)") && !all.contains("pinch (") && !all.contains("pinch-drain"),
        "{all}"
    );
    assert!(home.done(&["ps", "-a", "pinch-drain"]).contains("pinch-drain (release 1, stopped)"));
}
