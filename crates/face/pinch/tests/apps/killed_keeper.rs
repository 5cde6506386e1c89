//! A keeper that was killed: its router goes on, and the next keeper listens where it did.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use super::home::{Home, run, until};

const PROCFILE: &str = "web: exec python3 -m http.server $PORT --bind 127.0.0.1\n";

/// Whether the app answers.
fn answers(address: &str) -> bool {
    let ask = || -> std::io::Result<String> {
        let mut stream = TcpStream::connect(address)?;
        stream.set_read_timeout(Some(Duration::from_secs(10)))?;
        stream.write_all(b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        Ok(answer)
    };
    ask().is_ok_and(|answer| answer.starts_with("HTTP/1.1 200 "))
}

/// The process ids of the routers that are ready, by the keeper's status.
fn routers(home: &Home) -> Vec<u64> {
    let status = home.status();
    let apps = status["apps"].as_array().unwrap().iter();
    let own = apps.filter(|app| app["name"] == "pinch").flat_map(|app| app["processes"].as_array().unwrap());
    let ready = own.filter(|process| process["state"] == "ready");
    ready.map(|process| process["pid"].as_u64().unwrap()).collect()
}

/// Ends the clients, whatever happens to the test.
struct End<'a>(&'a AtomicBool);

impl Drop for End<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

#[test]
fn clients_see_neither_its_end_nor_the_next_one() {
    let home = Home::new(PROCFILE);
    home.up(&[]);
    let before = home.status();
    let address = before["http"][0].as_str().unwrap().to_string();
    assert!(answers(&address));
    let first = routers(&home);
    assert_eq!(first.len(), 1);

    let over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let end = End(&over);
        let asked = scope.spawn(|| {
            let mut outcomes = Vec::new();
            while !over.load(Ordering::Relaxed) {
                outcomes.push(answers(&address));
                std::thread::sleep(Duration::from_millis(5));
            }
            outcomes
        });
        assert_eq!(run("kill", &["-9", &before["pid"].to_string()]).code, Some(0));
        until("the keeper is gone", || home.pinch(&["ps"]).code == Some(2));
        home.done(&["up", "-d"]);
        let status = home.status();
        assert_eq!(status["http"][0], address.as_str(), "the next keeper listens there");
        assert_eq!(status["admin"], before["admin"], "and there");
        until("a router with its sockets takes over", || {
            routers(&home).iter().all(|one| !first.contains(one))
        });
        drop(end);
        let outcomes = asked.join().unwrap();
        let failed = outcomes.iter().filter(|answered| !**answered).count();
        assert!(failed == 0 && outcomes.len() > 10, "{failed} of {} requests failed", outcomes.len());
    });
    assert!(answers(&address));
}

#[test]
fn an_address_that_another_keeper_has_is_not_shared() {
    let (home, other) = (Home::new(PROCFILE), Home::new(PROCFILE));
    home.up(&[]);
    let address = home.status()["http"][0].as_str().unwrap().to_string();
    let refused = other.pinch(&["up", "-d", "--listen", &address]);
    assert_eq!(refused.code, Some(2), "{refused:?}");
    assert!(refused.stderr.contains(&address), "{refused:?}");
}
