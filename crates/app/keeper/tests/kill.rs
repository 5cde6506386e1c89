//! A keeper that is killed at any moment, and one that becomes another program.
#![allow(
    clippy::disallowed_methods,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "tests against the real machine"
)]

mod support;

use std::time::Duration;

use keeper::core::State;
use keeper::protocol::Request;
use release::Definition;
use support::{COUNTS, Keeper, SmallDisk, app, eventually, numbers, root, runs, within};

/// The most that is lost by one kill: what was read from the pipe and not yet written. In lines of 12 bytes.
const IN_FLIGHT: u64 = (512 << 10) / 7;

/// Chance, from a seed (splitmix64).
struct Random(u64);

impl Random {
    fn millis(&mut self, end: u64) -> Duration {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        Duration::from_millis((mixed ^ (mixed >> 31)) % end)
    }
}

fn kill_again_and_again(times: usize) {
    let seed = std::env::var("KEEPER_SEED").ok().and_then(|text| text.parse().ok());
    let seed = seed.unwrap_or_else(|| u64::from(std::process::id()));
    println!("KEEPER_SEED={seed}");
    let mut random = Random(seed);
    let mut keeper = Keeper::start();
    let mut definition = app(COUNTS);
    // Beside it one that ends all the time: the keeper is often killed in the middle of a start.
    let mut ends = definition.process_types[0].clone();
    ends.name = "ends".into();
    ends.command = procfile::CommandLine::Shell("sleep 0.02".into());
    ends.restart.first = Duration::from_millis(1);
    ends.restart.longest = Duration::from_millis(10);
    definition.process_types.push(ends);
    keeper.deploy(definition);
    let writer = keeper.process("app", "main.1").and_then(|one| one.pid).unwrap();
    for _ in 0..times {
        std::thread::sleep(random.millis(120));
        keeper.kill();
        std::thread::sleep(random.millis(60));
        assert!(runs(writer), "it has to outlive its keeper");
        keeper.start_again();
        let found = keeper.process("app", "main.1").and_then(|one| one.pid);
        let said = std::fs::read_to_string(keeper.folder.path().join("stderr")).unwrap_or_default();
        assert_eq!(found, Some(writer), "{said}");
        // One of each: the writer, the other's shell and what that runs.
        assert!(keeper.marked().len() <= 3, "{:?}", keeper.marked());
        eventually("what has ended is reaped", || keeper.zombies() == 0);
    }
    let before = keeper.process("app", "ends.1").unwrap();
    eventually("it goes on being started", || {
        keeper.process("app", "ends.1").unwrap().restarts > before.restarts
    });
    keeper.ask(&Request::Stop { app: "app".into(), process: None }).unwrap();
    assert!(!runs(writer));
    said_but_for_what_was_in_flight(&keeper, times);
    keeper.shut_down();
}

/// Nothing is missing in the log but what so many kills may lose.
fn said_but_for_what_was_in_flight(keeper: &Keeper, kills: usize) {
    // What is lost may begin within a line: its end is then a line of its own.
    let (whole, torn): (Vec<String>, Vec<String>) =
        keeper.said("app", "main.1").into_iter().partition(|line| line.starts_with("line "));
    let ends_a_line = |line: &String| line.is_empty() || "line 0123456789".contains(&line[..1]);
    assert!(torn.len() <= kills && torn.iter().all(ends_a_line), "{torn:?}");
    let said = numbers(&whole);
    let gaps: Vec<u64> =
        said.windows(2).filter(|pair| pair[1] != pair[0] + 1).map(|pair| pair[1] - pair[0] - 1).collect();
    println!("{} lines, lost: {gaps:?}", said.len());
    assert!(said.len() > 100 && said[0] == 1, "{} lines", said.len());
    assert!(said.windows(2).all(|pair| pair[1] > pair[0]), "a line came twice or too late");
    assert!(gaps.len() <= kills && gaps.iter().all(|gap| *gap <= IN_FLIGHT), "{gaps:?}");
}

#[test]
fn nothing_but_what_was_in_flight_is_lost_when_the_keeper_is_killed() {
    kill_again_and_again(20);
}

#[test]
#[ignore = "takes a minute; the soak runs it"]
fn killed_two_hundred_times() {
    kill_again_and_again(200);
}

#[test]
fn killed_while_the_disk_is_full_it_goes_on_once_there_is_room() {
    if !root() {
        return println!("not root: left out");
    }
    let mut keeper = Keeper::start();
    let disk = SmallDisk::mount(&keeper.home.logs, "256k");
    let last = 150_000;
    keeper.deploy(app(&format!(
        "exec /usr/bin/env python3 -c 'import os, time
for n in range(1, {last} + 1): os.write(1, b\"line %d\\n\" % n)
time.sleep(1000)'"
    )));
    let writer = keeper.process("app", "main.1").and_then(|one| one.pid).unwrap();
    for _ in 0..3 {
        eventually("the keeper says that it cannot write", || !keeper.status().stalled.is_empty());
        keeper.kill();
        keeper.start_again();
        assert_eq!(keeper.process("app", "main.1").and_then(|one| one.pid), Some(writer));
    }
    // What is asked for is done meanwhile.
    let other = Definition { app: "other".into(), ..app("echo up; exec sleep 1000") };
    keeper.deploy(other);
    assert_eq!(keeper.process("other", "main.1").map(|one| one.state), Some(State::Ready));
    disk.grow("64m");
    let end = format!("line {last}");
    within(Duration::from_mins(2), "the rest is written", || {
        std::thread::sleep(Duration::from_millis(100));
        keeper.said("app", "main.1").last() == Some(&end)
    });
    said_but_for_what_was_in_flight(&keeper, 3);
    eventually("the other is heard", || keeper.said("other", "main.1") == ["up"]);
    eventually("nothing waits any more", || keeper.status().stalled.is_empty());
    assert!(runs(writer));
    keeper.shut_down();
}

#[test]
fn becoming_another_program_loses_and_repeats_nothing() {
    let keeper = Keeper::start();
    keeper.deploy(app(COUNTS));
    let writer = keeper.process("app", "main.1").and_then(|one| one.pid);
    for round in 1..=50 {
        keeper.ask(&Request::Upgrade).unwrap();
        eventually("the new program answers", || {
            keeper::client::ask_once(&keeper.home.socket(), &Request::Status).is_ok_and(|answer| {
                matches!(answer, keeper::protocol::Answer::Status(status) if status.upgrades == round)
            })
        });
        let status = keeper.status();
        assert_eq!(status.pid, keeper.pid());
        assert_eq!(keeper.process("app", "main.1").and_then(|one| one.pid), writer);
    }
    keeper.ask(&Request::Stop { app: "app".into(), process: None }).unwrap();
    let said = numbers(&keeper.said("app", "main.1"));
    let expected: Vec<u64> = (1..=said.len() as u64).collect();
    assert!(said == expected, "lines are lost or come twice");
    println!("{} lines over 50 upgrades", said.len());
    keeper.shut_down();
}
