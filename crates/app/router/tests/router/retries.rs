//! Instances that refuse, close and die.

use std::net::TcpListener;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use crate::app::{App, Client, Front, everything, scripted, short};

/// An address where nobody listens.
fn nobody() -> std::net::SocketAddr {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
}

/// Reads one request without body.
fn request(app: &mut Client) -> bool {
    loop {
        if let Some(end) = app.unread.windows(4).position(|window| window == b"\r\n\r\n") {
            app.unread.drain(..end + 4);
            return true;
        }
        if !matches!(app.read(), Ok(1..)) {
            return false;
        }
    }
}

#[test]
fn another_instance_is_tried_when_one_refuses() {
    let app = App::start("two");
    let front = Front::to(everything(&[("gone.1", nobody()), ("gone.2", nobody()), ("web", app.address)]));
    for _ in 0..20 {
        let answer = front.ask("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nbody");
        assert_eq!((answer.status, answer.text()), (200, "body"));
    }
    let counted = front.router.statistics();
    assert_eq!(counted.responses[1], 20);
    // Those that refused were left alone for a moment: not every request tried them.
    assert!((2..20).contains(&counted.retried), "{counted:?}");
    assert!(counted.instances.iter().all(|one| one.requests == 0));
}

#[test]
fn when_all_refuse_the_client_is_told() {
    let mut front = Front::to(everything(&[("gone.1", nobody()), ("gone.2", nobody())]));
    let answer = front.ask("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_eq!(answer.status, 502);
    assert!(answer.text().contains("No instance of the app could be reached"));
    assert!(answer.text().contains(answer.header("x-request-id")));
    assert_eq!(front.event().instance, None);
}

/// An app that closes every connection right after its answer, without having said so.
fn closes_after_each() -> (std::net::SocketAddr, Arc<AtomicUsize>) {
    let count = Arc::new(AtomicUsize::new(0));
    let served = Arc::clone(&count);
    let address = scripted(move |_, mut app| {
        if request(&mut app) {
            served.fetch_add(1, Ordering::SeqCst);
            app.send("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok");
        }
    });
    (address, count)
}

#[test]
fn a_kept_connection_that_was_closed_fails_no_request() {
    let (address, served) = closes_after_each();
    let front = Front::to(everything(&[("web.1", address)]));
    let threads: Vec<_> = (0..4)
        .map(|_| {
            let mut client = front.connect();
            std::thread::spawn(move || {
                for number in 0..250 {
                    let method = ["GET", "POST", "DELETE", "PATCH"][number % 4];
                    client.send(format!("{method} / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n"));
                    assert_eq!(client.answer().status, 200, "request {number}");
                }
            })
        })
        .collect();
    for thread in threads {
        thread.join().unwrap();
    }
    assert_eq!(served.load(Ordering::SeqCst), 1000, "nothing was done twice");
}

#[test]
fn what_may_not_be_repeated_is_sent_once() {
    // Reads a second request on the same connection and closes without an answer.
    let count = Arc::new(AtomicUsize::new(0));
    let served = Arc::clone(&count);
    let address = scripted(move |_, mut app| {
        if request(&mut app) {
            served.fetch_add(1, Ordering::SeqCst);
            app.send("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok");
        }
        if request(&mut app) {
            served.fetch_add(1, Ordering::SeqCst);
        }
    });
    let front = Front::to(everything(&[("web.1", address)]));
    let mut client = front.connect();
    let mut ask = |method: &str| {
        client.send(format!("{method} / HTTP/1.1\r\nHost: a\r\n\r\n"));
        client.answer().status
    };
    assert_eq!(ask("GET"), 200);
    assert_eq!(ask("GET"), 200); // closed on the kept connection, asked once more on a new one
    assert_eq!(count.load(Ordering::SeqCst), 3);
    assert_eq!(ask("POST"), 200); // never on a kept one
    assert_eq!(count.load(Ordering::SeqCst), 4);
    assert_eq!(front.router.statistics().retried, 1);
}

#[test]
fn an_instance_that_dies_over_a_request_is_told_as_it_is() {
    let address = scripted(|_, mut app| {
        request(&mut app);
    });
    let front = Front::to(everything(&[("web.1", address)]));
    let answer = front.ask("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_eq!(answer.status, 502);
    assert!(answer.text().contains("The app ended the connection or did not answer with HTTP"));
    let address = scripted(|_, mut app| {
        request(&mut app);
        app.send("SSH-2.0-OpenSSH\r\n");
    });
    let front = Front::to(everything(&[("web.1", address)]));
    assert_eq!(front.ask("GET / HTTP/1.1\r\nHost: a\r\n\r\n").status, 502);
}

#[test]
fn a_kept_connection_on_which_something_came_unasked_is_not_used() {
    let address = scripted(|number, mut app| {
        while request(&mut app) {
            app.send(format!("HTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\n{number}"));
            if number == 0 {
                app.send("HTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\npoison");
            }
        }
    });
    let front = Front::to(everything(&[("web.1", address)]));
    let mut client = front.connect();
    for _ in 0..5 {
        client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
        let answer = client.answer();
        assert_eq!((answer.status, answer.body.len()), (200, 1));
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn an_app_that_takes_too_long_is_given_up() {
    let app = App::start("one");
    let front =
        Front::with(vec![everything(&[("web.1", app.address)])], |options| options.timeouts = short());
    let start = Instant::now();
    let mut client = front.connect();
    client.send("GET /slow/30000 HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_eq!(client.answer().status, 504);
    assert!(start.elapsed() < Duration::from_secs(5));
    client.send("GET /hello HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_eq!(client.answer().status, 200);
}

#[test]
fn the_least_busy_instance_gets_the_request() {
    let (one, two) = (App::start("one"), App::start("two"));
    let front = Front::to(everything(&[("web.1", one.address), ("web.2", two.address)]));
    let mut slow = front.connect();
    slow.send("GET /slow/1500 HTTP/1.1\r\nHost: a\r\n\r\n");
    std::thread::sleep(Duration::from_millis(200));
    let busy = front.router.statistics().instances.iter().find(|one| one.requests == 1).unwrap().id.0.clone();
    let other = if busy == "web.1" { "two" } else { "one" };
    for _ in 0..10 {
        assert_eq!(front.ask("GET /hello HTTP/1.1\r\nHost: a\r\n\r\n").header("x-app"), other);
    }
    assert_eq!(slow.answer().status, 200);
}
