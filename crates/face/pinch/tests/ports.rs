//! Ports that another program holds: whole conversations, with one message that says what, why and what to do.

#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    clippy::unwrap_used,
    reason = "a test prepares the disk and starts the binary"
)]

mod support;

use std::net::TcpListener;
use std::process::Command;

use support::{Ended, Place};

/// A place with an app in `app`, and a port that somebody listens on.
struct Taken {
    place: Place,
    holder: TcpListener,
}

impl Taken {
    fn new(procfile: &str, env: &str) -> Self {
        let taken = Self { place: Place::new(), holder: TcpListener::bind("127.0.0.1:0").unwrap() };
        taken.place.write("app/Procfile", &taken.with_port(procfile));
        taken.place.write("app/.env", &taken.with_port(env));
        taken
    }

    fn with_port(&self, text: &str) -> String {
        text.replace("TAKEN", &self.holder.local_addr().unwrap().port().to_string())
    }

    /// Runs `pinch` with these words and a home of its own.
    fn pinch(&self, words: &str) -> Ended {
        let words = self.with_port(words);
        let mut words: Vec<_> = words.split(' ').collect();
        words.extend(["--home", "{DIR}/home"]);
        self.place.run(&words)
    }

    /// What was said, with what differs from run to run replaced.
    fn told(&self, ended: &Ended) -> String {
        let port = self.holder.local_addr().unwrap().port().to_string();
        let text = ended.all().replace(&port, "TAKEN");
        text.replace(self.place.path("").to_string_lossy().trim_end_matches('/'), "{DIR}")
    }
}

impl Drop for Taken {
    fn drop(&mut self) {
        // What a failed test left.
        let mut left: Command = self.place.command(&["down", "-a", "app", "--home", "{DIR}/home"]);
        let _ = left.output();
    }
}

const SLEEPS: &str = "web: exec sleep 1000\n";

#[test]
fn a_router_that_cannot_listen() {
    for detach in ["-d ", ""] {
        let taken = Taken::new(SLEEPS, "");
        let ended = taken.pinch(&format!("up {detach}app --listen 127.0.0.1:TAKEN --admin 127.0.0.1:0"));
        assert_eq!(
            taken.told(&ended),
            "error: cannot listen on 127.0.0.1:TAKEN: Address already in use (os error 98)\n |\n \
             = help: another program listens there; choose another address\n\n"
        );
        assert_eq!(ended.code, Some(2));
        // Nothing was started for nothing.
        assert!(taken.pinch("ps").stderr.contains("there is no keeper"));
    }
}

#[test]
fn addresses_that_are_none() {
    let taken = Taken::new(SLEEPS, "");
    for (address, why, help) in [
        (
            "nonsense",
            "that is no socket address",
            "write ADDRESS:PORT with an IP address, such as 127.0.0.1:8080",
        ),
        (
            "example.org:80",
            "that is no socket address",
            "write ADDRESS:PORT with an IP address, such as 127.0.0.1:8080",
        ),
        (
            "203.0.113.7:8080",
            "Cannot assign requested address (os error 99)",
            "this machine has no such address; 0.0.0.0 means all that it has",
        ),
    ] {
        let ended = taken.pinch(&format!("up -d app --admin 127.0.0.1:0 --listen {address}"));
        let expected = format!("error: cannot listen on {address}: {why}\n |\n = help: {help}\n\n");
        assert_eq!((taken.told(&ended), ended.code), (expected, Some(2)));
    }
}

#[test]
fn a_process_that_wants_a_port_of_its_own_choice() {
    let says = "web: echo 'OSError: [Errno 98] Address already in use: TAKEN' >&2; exit 1\n";
    let taken = Taken::new(says, "");
    let ended = taken.pinch("up app --listen 127.0.0.1:0 --admin 127.0.0.1:0");
    let told = taken.told(&ended);
    let (_, problem) = told.split_once("error: ").unwrap();
    let words = " = note: OSError: [Errno 98] Address already in use: TAKEN\n".repeat(3);
    assert_eq!(
        problem,
        format!(
            "release 1 of app did not come up: web.1 exited with 1, 3 times in a row\n |\n = note: at app/web.1\n{words} \
             = help: another program holds a port that it wants (`ss -ltnp` tells which); the one in the variable PORT is free\n\n"
        )
    );
    assert_eq!(ended.code, Some(2));
}

/// Under `up` every process gets a port that is free, whatever `.env` says.
#[test]
fn a_port_in_the_config_vars_is_nothing_to_up() {
    let taken = Taken::new("web: exec python3 -m http.server --bind 127.0.0.1 $PORT\n", "PORT=TAKEN\n");
    let ended = taken.pinch("up -d app --listen 127.0.0.1:0 --admin 127.0.0.1:0");
    assert_eq!(ended.code, Some(0), "{}", ended.all());
    assert!(ended.stderr.contains("release 1 is up\n"), "{}", ended.all());
    assert_eq!(taken.pinch("down -a app").code, Some(0));
}

/// Under `start` it is the first port.
#[test]
fn a_port_that_start_was_told_to_begin_with() {
    let taken = Taken::new(SLEEPS, "PORT=TAKEN\n");
    let ended = taken.place.run(&["start", "--root", "{DIR}/app"]);
    let told: Vec<String> = taken.told(&ended).lines().map(|line| line[9..].to_string()).collect();
    assert_eq!(
        told,
        [
            "system | web.1 started",
            "system | web.1 port TAKEN is in use by another program",
            "system | web.1 port TAKEN is in use by another program: stopping all processes; -p NUMBER begins at other ports",
            "system | sending SIGTERM to all processes",
        ]
    );
    assert_eq!(ended.code, Some(2));
}
