//! Processes as they come: those that will not end, fork away, say too much, never become ready.
#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    clippy::unwrap_used,
    clippy::unchecked_time_subtraction,
    clippy::print_stdout,
    reason = "tests against the real machine"
)]

mod support;

use std::process::Command;
use std::time::{Duration, Instant};

use keeper::core::{Notice, State};
use keeper::protocol::{Answer, Request};
use procfile::{CommandLine, Readiness};
use support::{Keeper, app, eventually, runs, within};

fn stop(keeper: &Keeper) -> Duration {
    let begin = Instant::now();
    keeper.ask(&Request::Stop { app: "app".into(), process: None }).unwrap();
    begin.elapsed()
}

fn pid(keeper: &Keeper) -> u32 {
    keeper.process("app", "main.1").and_then(|one| one.pid).unwrap()
}

/// How a rollout went: the reason why it failed, if it did.
fn outcome(answers: &[Answer]) -> Result<(), String> {
    let decided = answers.iter().find_map(|answer| match answer {
        Answer::Notice { notice: Notice::RolloutDone { .. } } => Some(Ok(())),
        Answer::Notice { notice: Notice::RolloutFailed { why, .. } } => Some(Err(why.clone())),
        _ => None,
    });
    decided.unwrap_or_else(|| panic!("nothing was decided: {answers:?}"))
}

#[test]
fn who_ignores_the_signal_is_killed_after_the_grace_and_not_before() {
    let keeper = Keeper::start();
    keeper.deploy(app("trap '' TERM; echo up; while :; do sleep 1; done"));
    eventually("it has set its trap", || !keeper.said("app", "main.1").is_empty());
    let main = pid(&keeper);
    let time = stop(&keeper);
    assert!(time >= Duration::from_millis(500) && time < Duration::from_secs(2), "{time:?}");
    assert!(!runs(main));
    keeper.shut_down();
}

#[test]
fn a_stop_ends_as_soon_as_the_last_process_has() {
    let keeper = Keeper::start();
    let mut definition = app("exec sleep 1000");
    definition.process_types[0].stop.grace = Duration::from_mins(1);
    keeper.deploy(definition);
    let time = stop(&keeper);
    assert!(time < Duration::from_secs(1), "{time:?}");
    keeper.shut_down();
}

#[test]
fn what_forks_away_or_daemonises_is_found() {
    let keeper = Keeper::start();
    // One in the group, one in a session of its own whose parent has ended, one of those that ignores the signal.
    keeper.deploy(app(
        "sleep 1000 & (setsid sleep 1001 &) ; (setsid sh -c 'trap \"\" TERM; while :; do sleep 1; done' &) ; exec sleep 1002",
    ));
    eventually("all of them run", || keeper.marked().len() >= 4);
    let time = stop(&keeper);
    assert!(time < Duration::from_secs(3), "{time:?}");
    assert_eq!(keeper.marked(), Vec::<u32>::new());
    eventually("what has ended is reaped", || keeper.zombies() == 0);
    keeper.shut_down();
}

#[test]
fn a_restart_does_not_wait_for_strays_and_leaves_none() {
    let keeper = Keeper::start();
    keeper.deploy(app("(setsid sh -c 'trap \"\" TERM; while :; do sleep 1; done' &) ; exec sleep 1002"));
    eventually("both run", || keeper.marked().len() >= 3);
    let before = pid(&keeper);
    Command::new("kill").args(["-9", &before.to_string()]).status().unwrap();
    let begin = Instant::now();
    eventually("it is started again", || {
        keeper.process("app", "main.1").is_some_and(|one| one.pid.is_some_and(|pid| pid != before))
    });
    assert!(begin.elapsed() < Duration::from_millis(400), "{:?}", begin.elapsed());
    // The new one's three, and nothing of the old one's.
    eventually("the strays are gone", || keeper.marked().len() == 3);
    keeper.shut_down();
}

#[test]
fn ending_at_once_for_ever_burns_nothing() {
    let keeper = Keeper::start();
    let mut definition = app("exit 1");
    definition.process_types[0].restart.longest = Duration::from_millis(200);
    keeper.deploy(definition);
    std::thread::sleep(Duration::from_secs(1));
    let before = (keeper.ticks(), keeper.process("app", "main.1").unwrap().restarts);
    std::thread::sleep(Duration::from_secs(3));
    let used = (keeper.ticks() - before.0) * 10;
    let restarts = keeper.process("app", "main.1").unwrap().restarts - before.1;
    println!("{used} ms of CPU in 3 s for {restarts} restarts");
    assert!((8..=16).contains(&restarts), "{restarts}");
    // A debug build on a busy machine; each restart looks through /proc for strays.
    assert!(used <= 300, "{used} ms of CPU in 3 s");
    keeper.shut_down();
}

#[test]
fn binary_and_silence_are_no_trouble() {
    let keeper = Keeper::start();
    keeper.deploy(app("printf 'a\\000b\\377c\\n'; exec >&- 2>&-; sleep 1000"));
    eventually("it is in the log", || keeper.said("app", "main.1").len() == 1);
    assert_eq!(keeper.said("app", "main.1")[0].as_bytes(), "a\0b\u{fffd}c".as_bytes());
    assert_eq!(keeper.process("app", "main.1").unwrap().state, State::Ready);
    keeper.shut_down();
}

#[test]
fn what_a_process_left_unfinished_is_a_line_of_its_own() {
    let keeper = Keeper::start();
    let mut definition = app("printf begin; exit 1");
    definition.process_types[0].restart.first = Duration::from_millis(1);
    definition.process_types[0].restart.longest = Duration::from_millis(1);
    keeper.deploy(definition);
    eventually("it has been started often", || keeper.said("app", "main.1").len() >= 40);
    let said = keeper.said("app", "main.1");
    assert!(said.iter().all(|line| line == "begin"), "{said:?}");
    keeper.shut_down();
}

#[test]
fn a_line_of_64_mebibytes_costs_no_memory() {
    let keeper = Keeper::start();
    keeper.deploy(app("head -c 67108864 /dev/zero | tr '\\0' x; echo; echo done; exec sleep 1000"));
    let log = keeper.home.logs.join("app");
    let end = || {
        let names: Vec<_> = std::fs::read_dir(&log).into_iter().flatten().flatten().collect();
        names.iter().any(|entry| std::fs::read(entry.path()).is_ok_and(|text| text.ends_with(b" F done\n")))
    };
    eventually("the whole line is in the log", end);
    let peak = keeper.peak_memory();
    println!("peak {peak} KiB");
    assert!(peak < 64 << 10, "{peak} KiB");
    keeper.shut_down();
}

/// Bytes of a record besides its text, where that is no line of an exception.
const RECORD: u64 = "2026-11-28T10:00:00.123456789Z stdout P \n".len() as u64;

#[test]
#[ignore = "writes a gibibyte; the soak runs it"]
fn a_gibibyte_without_a_newline_costs_no_memory_and_no_byte() {
    let keeper = Keeper::start();
    let begin = Instant::now();
    keeper.deploy(app("head -c 1073741824 /dev/zero | tr '\\0' x; echo done >&2; exec sleep 1000"));
    let log = keeper.home.logs.join("app");
    within(Duration::from_mins(10), "all is said", || {
        let newest = std::fs::read(log.join("main.1.log")).unwrap_or_default();
        std::thread::sleep(Duration::from_millis(100));
        newest.windows(15).rev().take(4 << 20).any(|end| end == b" stderr F done\n")
    });
    stop(&keeper);
    let (peak, time) = (keeper.peak_memory(), begin.elapsed());
    // From the first byte there was: what rotation has deleted is told as a gap.
    let first = logs::Place { file: 1, records: Some(0), ..logs::Place::default() };
    let position = logs::Position { stdout: first, stderr: first };
    let cursor = logs::Cursor { processes: [("main.1".to_string(), position)].into() };
    let mut reader = logs::Reader::resume(&log, logs::Query::default(), &cursor).unwrap();
    let mut bytes = 0;
    while let Some(item) = reader.next().unwrap() {
        bytes += match item {
            logs::Item::Event(event) if event.stream == logs::Stream::Stdout => {
                assert!(event.text.iter().all(|byte| *byte == b'x'));
                event.text.len() as u64 + event.cut
            }
            logs::Item::Event(event) => u64::from(event.text != b"done") << 40,
            logs::Item::Gap(gap) => gap.bytes.unwrap() - gap.records.unwrap() * RECORD,
        };
    }
    println!("peak {peak} KiB, {:.0} MB/s", f64::from(1 << 30) / 1e6 / time.as_secs_f64());
    assert_eq!(bytes, 1 << 30);
    assert!(peak < 64 << 10, "{peak} KiB");
    keeper.shut_down();
}

#[test]
fn who_never_becomes_ready_is_stopped_and_the_reason_told() {
    let keeper = Keeper::start();
    let mut definition = app("exec sleep 1000");
    definition.process_types[0].ready = Readiness::Port;
    definition.process_types[0].ready_timeout = Duration::from_millis(300);
    let failed = outcome(&keeper.deploy(definition)).unwrap_err();
    assert_eq!(failed, "was not ready within 0.3 s");
    eventually("nothing of it runs", || keeper.marked().is_empty());
    keeper.shut_down();
}

#[test]
fn ready_by_port_by_http_and_by_word() {
    let keeper = Keeper::start();
    let serve = "import http.server, os
class Answers(http.server.BaseHTTPRequestHandler):
    asked = 0
    def do_GET(self):
        Answers.asked += 1
        self.send_response(503 if Answers.asked < 3 else 200); self.end_headers()
    def log_message(self, *words): pass
http.server.HTTPServer((\"127.0.0.1\", int(os.environ[\"PORT\"])), Answers).serve_forever()";
    let say = "import os, socket, time
time.sleep(0.1)
socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM).sendto(b\"READY=1\", os.environ[\"NOTIFY_SOCKET\"])
time.sleep(1000)";
    for (ready, code) in
        [(Readiness::Port, serve), (Readiness::Http("/up".into()), serve), (Readiness::Notify, say)]
    {
        let mut definition = app("");
        definition.process_types[0].command =
            CommandLine::Argv(vec!["python3".into(), "-c".into(), code.into()]);
        definition.process_types[0].ready = ready.clone();
        assert_eq!(outcome(&keeper.deploy(definition)), Ok(()), "{ready:?}");
        assert_eq!(keeper.process("app", "main.1").unwrap().state, State::Ready);
    }
    keeper.shut_down();
}

#[test]
fn what_cannot_be_started_is_named() {
    let keeper = Keeper::start();
    let mut missing = app("");
    missing.process_types[0].command = CommandLine::Argv(vec!["/no/such/program".into()]);
    assert_eq!(outcome(&keeper.deploy(missing)), Err("the program `/no/such/program` is not there".into()));
    let mut nowhere = app("true");
    nowhere.directory = "/no/such/folder".into();
    assert_eq!(outcome(&keeper.deploy(nowhere)), Err("the folder /no/such/folder is not there".into()));
    let mut nobody = app("true");
    nobody.process_types[0].user = Some("no-such-user".into());
    let why = outcome(&keeper.deploy(nobody)).unwrap_err();
    assert_eq!(why, "there is no user `no-such-user` on this machine");
    let holder = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let mut taken = app("true");
    let port = holder.local_addr().unwrap().port();
    taken.process_types[0].port = Some(port);
    let why = outcome(&keeper.deploy(taken)).unwrap_err();
    assert_eq!(why, format!("port {port} is in use by another program"));
    keeper.shut_down();
}

#[test]
fn umask_user_and_folder_are_as_asked_for() {
    let keeper = Keeper::start();
    let mut definition = app("umask; id -un; pwd; echo $PORT; sleep 1000");
    definition.directory = "/usr".into();
    let main = &mut definition.process_types[0];
    main.umask = Some(0o27);
    main.directory = Some("share".into());
    main.port = Some(23_456);
    let root = support::root();
    let user = if root { "nobody" } else { "" };
    main.user = root.then(|| user.into());
    keeper.deploy(definition);
    eventually("it has said all", || keeper.said("app", "main.1").len() == 4);
    let said = keeper.said("app", "main.1");
    assert_eq!([&said[0], &said[2], &said[3]], ["0027", "/usr/share", "23456"]);
    assert!(!root || said[1] == user, "{said:?}");
    keeper.shut_down();
}

#[test]
fn another_user_has_the_groups_that_the_machine_gives_it() {
    if !support::root() {
        return println!("not root: left out");
    }
    // A machine whose /etc/group is another, for the keeper only.
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(
        file.path(),
        "root:x:0:\nnogroup:x:65534:\nusers:x:100:nobody\ndialout:x:20:games,nobody\n",
    )
    .unwrap();
    let mut command = Command::new("unshare");
    let line = "mount --bind \"$0\" /etc/group; exec \"$@\"";
    command.args(["-m", "sh", "-c", line]).arg(file.path()).arg(support::program());
    let keeper = Keeper::start_by(command);
    let mut definition = app("id -u; id -g; id -G; echo $HOME; umask; exec sleep 1000");
    definition.process_types[0].user = Some("nobody".into());
    definition.process_types[0].umask = Some(0o27);
    keeper.deploy(definition);
    eventually("it has said all", || keeper.said("app", "main.1").len() == 5);
    let said = keeper.said("app", "main.1");
    assert_eq!(said, ["65534", "65534", "65534 20 100", "/nonexistent", "0027"]);
    assert!(stop(&keeper) < Duration::from_secs(1));
    keeper.shut_down();
}

#[test]
fn a_log_folder_that_is_removed_comes_back() {
    let keeper = Keeper::start();
    keeper.deploy(app("n=0; while :; do n=$((n+1)); echo line $n; sleep 0.02; done"));
    eventually("it is in the log", || keeper.said("app", "main.1").len() > 2);
    std::fs::remove_dir_all(keeper.home.logs.join("app")).unwrap();
    eventually("what it says later is in a new one", || keeper.said("app", "main.1").len() > 2);
    keeper.shut_down();
}
