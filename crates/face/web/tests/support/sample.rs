//! A machine as it may be.

use std::time::Duration;

use keeper::core::{Ending, Outcome, Slot, State, Wanted};
use keeper::protocol::{AppStatus, OneOff, ProcessStatus, Status};
use procfile::{CommandLine, ProcessType};
use release::Route;

/// 2026-11-28 10:00:00 UTC.
pub(crate) const NOW: u64 = 1_795_860_000;

/// A value that must never be seen.
pub(crate) const SECRET: &str = "correct-horse-battery-staple";

/// Two apps as they should be, and the router.
pub(crate) fn quiet() -> Status {
    let guestbook = AppStatus {
        route: Some(route("guestbook.localhost", "/")),
        revision: Some("3f1c9a7be04d21".into()),
        processes: vec![
            process("web.1", 3).port(5000),
            process("web.2", 3).port(5001),
            process("worker.1", 3).up(86_400 * 3 + 4000),
        ],
        ..app("guestbook", Some(3))
    };
    let shop = AppStatus {
        route: Some(route("shop.localhost", "/")),
        processes: vec![process("web.1", 12).port(5100).up(420), process("clock.1", 12).up(420)],
        ..app("shop", Some(12))
    };
    let own =
        AppStatus { processes: vec![process("router.1", 1).up(90_000)], ..app(keeper::OWN_APP, Some(1)) };
    Status {
        pid: 812,
        version: "0.1.0".into(),
        since: NOW - 90_000,
        upgrades: 1,
        logs: "/var/log/pinch".into(),
        http: vec!["127.0.0.1:8000".into()],
        tls: Vec::new(),
        admin: Some("127.0.0.1:9000".into()),
        apps: vec![guestbook, own, shop],
        stalled: Vec::new(),
        troubles: Vec::new(),
    }
}

/// The same machine on a worse day: everything that can be shown is there.
pub(crate) fn busy() -> Status {
    let mut status = quiet();
    let guestbook = &mut status.apps[0];
    guestbook.rolling_out = Some(4);
    guestbook.processes.extend([
        process("web.1", 4).port(5002).up(2),
        process("web.2", 4).port(5003).state(State::Starting).up(1),
        process("worker.1", 4).state(State::Waiting).up(2).pid(None),
    ]);
    guestbook.one_offs = vec![OneOff {
        pid: 20_417,
        command: format!("python3 manage.py import --from postgres://app:{SECRET}@db/app"),
        since: NOW - 75,
    }];
    let shop = &mut status.apps[2];
    shop.processes[1] = process("clock.1", 12)
        .state(State::Backoff(Duration::from_secs(9)))
        .up(4)
        .pid(None)
        .restarts(7)
        .last(Ending::Code(1));
    shop.processes.push(
        process("mailer.1", 12)
            .state(State::Failed("nothing answers on port 5102 within 60 s".into()))
            .up(1300)
            .pid(None)
            .port(5102)
            .restarts(3)
            .last(Ending::Signal(9)),
    );
    let intranet = AppStatus {
        wanted: Wanted::Stopped,
        outcome: Some(Outcome::Failed),
        route: Some(route("*.intranet.example", "/wiki")),
        processes: vec![process("web.1", 2).state(State::Stopped).pid(None).up(7200).last(Ending::Code(0))],
        ..app("intranet", Some(2))
    };
    status.apps.push(intranet);
    status
}

/// An app as the keeper reports it, with a secret wherever it could have one.
pub(crate) fn app(name: &str, release: Option<u64>) -> AppStatus {
    AppStatus {
        name: name.into(),
        wanted: Wanted::Running,
        release,
        rolling_out: None,
        outcome: Some(Outcome::Done),
        route: None,
        directory: format!("/srv/{name}").into(),
        revision: None,
        processes: Vec::new(),
        one_offs: Vec::new(),
    }
}

pub(crate) fn route(host: &str, path: &str) -> Route {
    Route { process_type: "web".into(), hosts: vec![host.into()], path: path.into(), drain_seconds: 30 }
}

/// A ready process; its type holds a secret in its command and in its variables.
pub(crate) fn process(name: &str, release: u64) -> Process {
    let (process_type, number) = name.rsplit_once('.').unwrap();
    let slot =
        Slot { generation: release, process_type: process_type.into(), number: number.parse().unwrap() };
    let mut kind = ProcessType::new(
        process_type,
        CommandLine::Shell(format!("TOKEN={SECRET} python3 {process_type}.py")),
    );
    kind.environment = vec![("PASSWORD".into(), SECRET.into())];
    let salt = name.bytes().fold(release as u32, |sum, byte| sum * 31 % 9973 + u32::from(byte));
    ProcessStatus {
        slot,
        process: name.into(),
        release,
        state: State::Ready,
        since: NOW - 7509,
        pid: Some(10_000 + salt),
        port: None,
        restarts: 0,
        last: None,
        trouble: None,
        leaving: false,
        process_type: kind,
    }
}

pub(crate) type Process = ProcessStatus;

/// What makes a process differ from a ready one.
pub(crate) trait Different {
    fn state(self, state: State) -> Self;
    fn up(self, seconds: u64) -> Self;
    fn pid(self, pid: Option<u32>) -> Self;
    fn port(self, port: u16) -> Self;
    fn restarts(self, restarts: u32) -> Self;
    fn last(self, last: Ending) -> Self;
}

impl Different for Process {
    fn state(self, state: State) -> Self {
        Self { state, ..self }
    }
    fn up(self, seconds: u64) -> Self {
        Self { since: NOW - seconds, ..self }
    }
    fn pid(self, pid: Option<u32>) -> Self {
        Self { pid, ..self }
    }
    fn port(self, port: u16) -> Self {
        Self { port: Some(port), ..self }
    }
    fn restarts(self, restarts: u32) -> Self {
        Self { restarts, ..self }
    }
    fn last(self, last: Ending) -> Self {
        Self { last: Some(last), ..self }
    }
}

/// Log lines of the guestbook.
pub(crate) fn talk(served: &super::Served) {
    let traceback = b"Traceback (most recent call last):\n  File \"web.py\", line 41, in sign\n    entry = entries[number]\nIndexError: list index out of range";
    for (second, (process, stream, text)) in (0..).zip([
        ("web.1", "stderr", &b"listening on port 5000, 4 threads"[..]),
        ("web.2", "stderr", b"listening on port 5001, 4 threads"),
        ("worker.1", "stdout", b"waiting for jobs in /srv/guestbook/data/queue"),
        ("web.1", "stdout", b"GET / 200 1843 bytes in 2.1 ms"),
        ("web.2", "stdout", b"GET /style.css 200 612 bytes in 0.4 ms"),
        ("web.1", "stdout", b"POST /sign 303 in 5.9 ms"),
        ("worker.1", "stdout", b"\x1b[32mjob 1182\x1b[0m thumbnail of portrait-of-a-very-long-file-name-that-goes-on-and-on-until-the-line-has-to-break.png: done in 38 ms"),
        ("web.2", "stderr", traceback),
        ("web.2", "stdout", b"POST /sign 500 in 3.3 ms"),
        ("web.1", "stdout", b"GET / 200 1907 bytes in 1.8 ms"),
        ("worker.1", "stdout", b"job 1183 mail to 3 readers: done in 112 ms"),
    ]) {
        let mut lines = text.split(|byte| *byte == b'\n').enumerate();
        for (index, line) in lines.by_ref() {
            let time = logs::Timestamp::from_nanoseconds((NOW - 60 + second * 5) * 1_000_000_000 + second * 91_234_567);
            let tag = if index == 0 { "F" } else { "F:J" };
            served.write("guestbook", process, &[format!("{time} {stream} {tag} ").as_bytes(), line, b"\n"].concat());
        }
    }
}
