//! The home of a keeper, and who may talk to it.
#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    clippy::unwrap_used,
    clippy::unchecked_time_subtraction,
    clippy::print_stdout,
    reason = "tests against the real machine"
)]

mod support;

use std::io::{Read as _, Write as _};
use std::os::unix::net::UnixStream;
use std::process::{Command, Output, Stdio};

use keeper::protocol::Request;
use support::{Keeper, SmallDisk, app, eventually, program, root};

fn run(arguments: &[&std::ffi::OsStr]) -> Output {
    Command::new(program()).args(arguments).stdin(Stdio::null()).output().unwrap()
}

#[test]
fn two_keepers_never_share_a_home() {
    let keeper = Keeper::start();
    let second = run(&[keeper.folder.path().as_os_str()]);
    let said = String::from_utf8_lossy(&second.stderr).into_owned();
    assert!(!second.status.success() && said.contains("Runs("), "{said}");
    keeper.status();
    keeper.shut_down();
}

#[test]
fn the_end_of_its_input_tells_that_a_keeper_takes_commands() {
    let folder = tempfile::tempdir().unwrap();
    let socket = keeper::Home::below(folder.path()).socket();
    let (mut begun, theirs) = std::io::pipe().unwrap();
    // The command ends with its line, so that the keeper has the only other end.
    let mut child = Command::new(program()).arg(folder.path()).stdin(theirs).spawn().unwrap();
    assert_eq!(begun.read(&mut [0]).unwrap(), 0);
    keeper::client::is_there(&socket).unwrap();
    keeper::client::ask_once(&socket, &Request::Shutdown).unwrap();
    assert!(child.wait().unwrap().success());
}

/// Killed in the middle of a start, a keeper leaves lock and socket to a process that has them until it runs its program.
#[test]
fn what_a_killed_keeper_was_starting_keeps_no_other_out() {
    let folder = tempfile::tempdir().unwrap();
    let home = keeper::Home::below(folder.path());
    std::fs::create_dir_all(&home.run).unwrap();
    let code = "import fcntl, os, socket, sys, time
s = socket.socket(socket.AF_UNIX); s.bind(sys.argv[1]); s.listen()
f = open(sys.argv[2], 'w'); fcntl.flock(f, fcntl.LOCK_EX)
if os.fork() == 0: time.sleep(0.4)
os._exit(0)";
    let left = Command::new("python3").args(["-c", code]).arg(home.socket()).arg(home.lock()).status();
    assert!(left.unwrap().success());
    assert!(UnixStream::connect(home.socket()).is_ok(), "nobody holds the socket");
    let keeper = Keeper::start_in(folder);
    keeper.shut_down();
}

#[test]
fn what_cannot_be_read_back_is_one_clear_error_and_stays_as_it_is() {
    let no_process = r#"{"ticks": {}, "apps": {"app": {"history": {"releases": [], "last": 0, "current": null}, "formation": {},
        "wanted": "stopped", "outcome": null, "current": null, "rollout": null, "slots": {"web.0@1": {}}, "last_generation": 0}}}"#;
    let deep = "[".repeat(1 << 20);
    for text in ["", "{", "{\"apps\": 7}", "{\"apps\": {\"app\": {}}}", "\0\u{7f}", no_process, &deep] {
        let folder = tempfile::tempdir().unwrap();
        let home = keeper::Home::below(folder.path());
        std::fs::create_dir_all(&home.state).unwrap();
        std::fs::write(home.apps(), text).unwrap();
        let ended = run(&[folder.path().as_os_str()]);
        let said = String::from_utf8_lossy(&ended.stderr).into_owned();
        assert!(!ended.status.success() && said.contains("apps.json"), "{said}");
        assert!(said.contains("State {") && !said.contains("panicked"), "{said}");
        assert_eq!(std::fs::read_to_string(home.apps()).unwrap(), text);
    }
}

#[test]
fn garbage_is_answered_or_cut_and_never_the_end() {
    let keeper = Keeper::start();
    let say = |bytes: &[u8]| {
        let mut stream = UnixStream::connect(keeper.home.socket()).unwrap();
        stream.set_read_timeout(Some(support::PATIENCE)).unwrap();
        // It may hang up before it has heard everything.
        let _ = stream.write_all(bytes);
        let _ = stream.shutdown(std::net::Shutdown::Write);
        let mut answer = String::new();
        let _ = stream.read_to_string(&mut answer);
        answer
    };
    for garbage in [&b"hello\n"[..], b"{}\n", b"{\"request\":\"nothing\"}\n", b"\xff\xfe\n", b"[[[[[[[[\n"] {
        let answer = say(garbage);
        assert!(answer.contains("refused") && answer.contains("cannot be read"), "{answer}");
    }
    assert_eq!(say(b"{\"request\":\"status\"}"), "", "a line without its end");
    assert_eq!(say(&vec![b'x'; keeper::protocol::LONGEST_LINE + 1]), "");
    let deep = "[".repeat(1 << 20) + "\n";
    assert!(say(deep.as_bytes()).contains("refused"));
    keeper.status();
    keeper.shut_down();
}

#[test]
fn what_goes_wrong_for_the_keeper_is_in_its_log_and_in_the_status() {
    let keeper = Keeper::start();
    keeper.deploy(app("sleep 1000"));
    assert_eq!(keeper.status().troubles, Vec::new());
    // Where the next record of the apps would be written.
    let in_the_way = keeper.home.apps().with_extension("new");
    std::fs::create_dir(&in_the_way).unwrap();
    let mut counts = release::Formation::new();
    counts.set("main", 2);
    let scale = Request::Scale { app: "app".into(), counts };
    let refused = keeper.ask(&scale).unwrap_err().to_string();
    assert!(refused.contains("apps.json"), "{refused}");
    assert_eq!(keeper.status().apps[0].processes.len(), 1, "what was refused has not begun");
    let (before, pid) = (keeper.status().upgrades, keeper.pid());
    assert!(keeper.ask(&Request::Upgrade).unwrap_err().to_string().contains("apps.json"));
    assert_eq!((keeper.status().upgrades, keeper.pid()), (before, pid));
    let troubles = keeper.status().troubles;
    assert_eq!(troubles.len(), 1, "told once, not with every event: {troubles:?}");
    assert!(troubles[0].text.contains("apps.json") && troubles[0].at > 1_700_000_000, "{troubles:?}");
    let said = keeper.said("pinch", "keeper.1");
    assert_eq!(said[0], format!("keeper test begins as process {}", keeper.pid()));
    assert_eq!(said[1..], [troubles[0].text.clone()]);
    std::fs::remove_dir(&in_the_way).unwrap();
    keeper.ask(&scale).unwrap();
    eventually("it is written down after all", || {
        std::fs::read_to_string(keeper.home.apps()).is_ok_and(|text| text.contains("main.2@1"))
    });
    let (logs, stderr) = (keeper.home.logs.clone(), keeper.folder.path().join("stderr"));
    assert_eq!(std::fs::read_to_string(stderr).unwrap(), "");
    let own = std::fs::metadata(logs.join("pinch/keeper.1.log")).unwrap();
    assert_eq!(std::os::unix::fs::PermissionsExt::mode(&own.permissions()) & 0o777, 0o640);
    keeper.shut_down();
}

#[test]
fn a_process_of_another_user_reaches_its_notify_socket_and_nothing_else() {
    if !root() {
        return println!("not root: left out");
    }
    let keeper = Keeper::start();
    Command::new("chmod").arg("0711").arg(keeper.folder.path()).status().unwrap();
    let code = "import os, socket, sys
def attempt(name, act):
    try: act(); print(name, 'done', flush=True)
    except OSError as error: print(name, error.strerror, flush=True)
run = os.path.dirname(os.path.dirname(os.environ['NOTIFY_SOCKET']))
def say(path): socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM).sendto(b'READY=1', path)
attempt('other', lambda: say(sys.argv[1]))
attempt('control', lambda: socket.socket(socket.AF_UNIX).connect(run + '/keeper.sock'))
attempt('lock', lambda: open(run + '/keeper.lock'))
for name in ['', '/notify', '/pipes', '/../state', '/../logs', '/..']: attempt('list ' + name, lambda: os.listdir(run + name))
for name in ['/pipes/app/main.1@1.out', '/../state/apps.json']: attempt('open ' + name, lambda: open(run + name))
attempt('make', lambda: open(run + '/notify/x', 'w'))
attempt('remove', lambda: os.remove(os.environ['NOTIFY_SOCKET']))
attempt('stdout', lambda: open('/dev/stdout', 'w'))
attempt('own', lambda: say(os.environ['NOTIFY_SOCKET']))
import time; time.sleep(1000)";
    // One of root's own, whose socket is beside it.
    let mut other = app("exec sleep 1000");
    other.app = "other".into();
    other.process_types[0].ready = procfile::Readiness::Notify;
    other.process_types[0].ready_timeout = std::time::Duration::from_mins(1);
    let begun = keeper::client::ask(
        &keeper.home.socket(),
        &Request::Deploy {
            definition: Box::new(other),
            formation: release::Formation::new(),
            cause: "test".into(),
        },
    );
    let socket = keeper.home.notify_socket("other", "main.1@1");
    eventually("the other's socket is there", || socket.exists());
    let mut definition = app("");
    let main = &mut definition.process_types[0];
    let words = ["/usr/bin/env", "python3", "-c", code, &socket.display().to_string()].map(String::from);
    main.command = procfile::CommandLine::Argv(words.into());
    main.ready = procfile::Readiness::Notify;
    main.user = Some("nobody".into());
    let answers = keeper.deploy(definition);
    let said = keeper.said("app", "main.1");
    let ready = |answer: &keeper::protocol::Answer| format!("{answer:?}").contains("RolloutDone");
    assert!(answers.iter().any(ready), "{said:?}");
    let done: Vec<&str> = said.iter().filter_map(|line| line.strip_suffix(" done")).collect();
    assert_eq!(done, ["stdout", "own"], "{said:?}");
    assert_eq!(said.iter().filter(|line| line.ends_with(" Permission denied")).count(), 13, "{said:?}");
    assert_eq!(keeper.process("other", "main.1").unwrap().state, keeper::core::State::Starting);
    drop(begun);
    keeper.shut_down();
}

#[test]
fn other_users_are_refused() {
    if !root() {
        return println!("not root: left out");
    }
    let keeper = Keeper::start();
    // Even where the folders would let them in.
    for folder in [keeper.folder.path(), &keeper.home.run] {
        Command::new("chmod").arg("0777").arg(folder).status().unwrap();
    }
    Command::new("chmod").arg("0777").arg(keeper.home.socket()).status().unwrap();
    let code = "import socket, sys
s = socket.socket(socket.AF_UNIX); s.connect(sys.argv[1]); 
try: s.sendall(b'{\"request\":\"status\"}\\n')
except BrokenPipeError: pass  # refused before anything was read
print(s.recv(4096).decode())";
    let said = Command::new("setpriv")
        .args(["--reuid", "65534", "--clear-groups", "/usr/bin/env", "python3", "-c", code])
        .arg(keeper.home.socket())
        .env("PATH", "/usr/bin:/bin")
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&[said.stdout, said.stderr].concat()).into_owned();
    assert!(said.contains("refused") && said.contains("belongs to user 0; you are user 65534"), "{said}");
    keeper.shut_down();
}

#[test]
fn a_full_disk_stops_who_writes_and_loses_nothing() {
    if !root() {
        return println!("not root: left out");
    }
    let keeper = Keeper::start();
    let disk = SmallDisk::mount(&keeper.home.logs, "256k");
    keeper.deploy(app("n=0; while [ $n -lt 20000 ]; do n=$((n+1)); echo line $n; done; sleep 1000"));
    eventually("the keeper says that it cannot write", || !keeper.status().stalled.is_empty());
    println!("{:?}", keeper.status().stalled);
    disk.grow("64m");
    eventually("all is written", || keeper.said("app", "main.1").len() == 20_000);
    let said = support::numbers(&keeper.said("app", "main.1"));
    assert!(said.iter().zip(1..).all(|(number, expected)| *number == expected), "lines are lost");
    keeper.shut_down();
}
