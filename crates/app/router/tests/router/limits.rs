//! Bounds on what clients send and on how long they take.

use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use router::{Route, RouteSettings};

use crate::app::{App, Client, Front, Mirror, everything, short};

const HELLO: &str = "GET /hello HTTP/1.1\r\nHost: a\r\n\r\n";

#[test]
fn large_heads_are_refused() {
    let app = App::start("one");
    let front =
        Front::with(vec![everything(&[("web.1", app.address)])], |options| options.limits.head = 16 * 1024);
    let field = |size: usize| format!("GET /hello HTTP/1.1\r\nHost: a\r\nX: {}\r\n\r\n", "x".repeat(size));
    assert_eq!(front.ask(&field(15_000)).status, 200);
    let answer = front.ask(&field(17_000));
    assert_eq!(answer.status, 431);
    assert!(answer.text().contains("head is too large") && answer.text().contains("request id: "));
    let fields = |count: usize| format!("GET /hello HTTP/1.1\r\nHost: a\r\n{}\r\n", "X: x\r\n".repeat(count));
    assert_eq!(front.ask(&fields(80)).status, 200);
    assert_eq!(front.ask(&fields(100)).status, 431);
    // An endless head is not read to its end.
    let mut client = front.connect();
    client.send("GET / HTTP/1.1\r\nX: ");
    client.send(vec![b'x'; 100_000]);
    assert_eq!(client.answer().status, 431);
}

#[test]
fn large_bodies_are_refused() {
    let app = App::start("one");
    let settings = RouteSettings { max_body: Some(1000), ..RouteSettings::default() };
    let mut front = Front::to(Route { settings, ..everything(&[("web.1", app.address)]) });
    let mut client = front.connect();
    client
        .send(format!("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\n{}", "x".repeat(1000)));
    assert_eq!(client.answer().body.len(), 1000);
    client
        .send(format!("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 1001\r\n\r\n{}", "x".repeat(1001)));
    let answer = client.answer();
    assert_eq!((answer.status, answer.header("connection")), (413, "close"));
    assert!(answer.text().contains("1000 bytes at most"));
    assert!(client.is_closed());
    // One that does not say how long it is.
    let mut client = front.connect();
    client.send("POST /count HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n");
    for _ in 0..3 {
        client.send(format!("1f4\r\n{}\r\n", "x".repeat(500)));
    }
    assert_eq!(client.answer().status, 413);
    // Two connections, maybe on two threads: their events come in any order.
    let mut statuses: Vec<_> = std::iter::repeat_with(|| front.event().status.as_u16()).take(3).collect();
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 413, 413]);
}

#[test]
fn an_answer_before_the_end_of_a_large_body_arrives() {
    // Nothing of the body is read; the client sends all of it nevertheless and must see the answer, not a reset.
    let front = Front::to(everything(&[]));
    for _ in 0..5 {
        let mut client = front.connect();
        client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 900000\r\n\r\n");
        client.send(vec![b'x'; 900_000]);
        assert_eq!(client.answer().status, 503);
    }
}

#[test]
fn a_head_that_comes_drop_by_drop_is_cut() {
    let app = App::start("one");
    let mut front =
        Front::with(vec![everything(&[("web.1", app.address)])], |options| options.timeouts = short());
    for before in ["", HELLO] {
        let mut client = front.connect();
        client.send(before);
        if !before.is_empty() {
            assert_eq!(client.answer().status, 200);
            front.event();
        }
        let start = Instant::now();
        let mut drops = "GET /hello HTTP/1.1\r\nHost: a\r\nX: ".bytes().chain(std::iter::repeat(b'x'));
        client.socket.set_read_timeout(Some(Duration::from_millis(50))).unwrap();
        while client.unread.is_empty() && client.read().is_err() {
            client.send([drops.next().unwrap()]);
        }
        assert_eq!(client.answer().status, 408);
        assert!((Duration::from_millis(350)..Duration::from_secs(5)).contains(&start.elapsed()));
        assert_eq!(front.event().status.as_u16(), 408);
    }
}

#[test]
fn a_body_that_does_not_come_is_cut() {
    let app = App::start("one");
    let front = Front::with(vec![everything(&[("web.1", app.address)])], |options| {
        options.timeouts = short();
        options.timeouts.response = Duration::from_mins(1);
    });
    let mut client = front.connect();
    client.send("POST /count HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nonly");
    let answer = client.answer();
    assert_eq!(answer.status, 408);
    assert!(client.is_closed());
}

#[test]
fn a_slow_upload_is_no_slow_app() {
    let app = App::start("one");
    let front =
        Front::with(vec![everything(&[("web.1", app.address)])], |options| options.timeouts = short());
    let mut client = front.connect();
    client.send("POST /count HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n");
    for _ in 0..10 {
        std::thread::sleep(Duration::from_millis(150));
        client.send("x");
    }
    assert_eq!(client.answer().text(), "10");
}

#[test]
fn a_client_that_takes_nothing_is_cut() {
    let app = App::start("one");
    let mut front = Front::with(vec![everything(&[("web.1", app.address)])], |options| {
        options.timeouts = short();
        options.timeouts.response = Duration::from_mins(1);
    });
    let mut client = front.connect();
    client.send("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 100000000\r\n\r\n");
    let piece = vec![b'x'; 100_000];
    client.socket.set_write_timeout(Some(Duration::from_secs(10))).unwrap();
    while std::io::Write::write(&mut client.socket, &piece).is_ok_and(|written| written > 0) {}
    assert!(!front.event().complete);
}

#[test]
fn idle_connections_are_closed() {
    let app = App::start("one");
    let front = Front::with(vec![everything(&[("web.1", app.address)])], |options| {
        options.timeouts.idle = Duration::from_millis(400);
    });
    let mut silent = front.connect();
    let mut client = front.connect();
    client.send(HELLO);
    assert_eq!(client.answer().status, 200);
    let start = Instant::now();
    assert!(client.is_closed() && silent.is_closed());
    assert!(
        (Duration::from_millis(250)..Duration::from_secs(4)).contains(&start.elapsed()),
        "{:?}",
        start.elapsed()
    );
}

#[test]
fn more_connections_than_allowed_wait() {
    let app = App::start("one");
    let front = Front::with(vec![everything(&[("web.1", app.address)])], |options| {
        options.threads = 1;
        options.limits.connections = 5;
    });
    let mut clients: Vec<Client> = (0..10).map(|_| front.connect()).collect();
    for client in &mut clients {
        client.send(HELLO);
    }
    assert!(clients[..5].iter_mut().all(|client| client.answer().status == 200));
    std::thread::sleep(Duration::from_millis(200));
    assert_eq!(front.router.statistics().accepted, 5);
    clients.drain(..5);
    assert!(clients.iter_mut().all(|client| client.answer().status == 200));
}

#[test]
fn kept_connections_to_an_instance_are_bounded_and_do_not_stay_for_ever() {
    let mirror = Mirror::start("\r\n\r\n");
    let front = Front::with(vec![everything(&[("web.1", mirror.address)])], |options| {
        options.timeouts.kept = Duration::from_millis(300);
    });
    for _ in 0..3 {
        front.ask("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    }
    std::thread::sleep(Duration::from_millis(900));
    front.ask("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    assert!((2..=4).contains(&mirror.connections.load(Ordering::SeqCst)));
}
