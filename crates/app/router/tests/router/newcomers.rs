//! Connections that have just come: most bring their request along, and the event loop hears of few of them.

use std::time::{Duration, Instant};

use router::Route;
use rustix::net::sockopt;

use crate::app::{App, Front, everything, scripted, short};

const CLOSED: &str = "GET /hello HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
const KEPT: &str = "GET /hello HTTP/1.1\r\nHost: a\r\n\r\n";

#[test]
fn one_request_and_the_end() {
    let app = App::start("one");
    let front = Front::to(everything(&[("web.1", app.address)]));
    for _ in 0..50 {
        let mut client = front.connect();
        client.send(CLOSED);
        assert_eq!(client.answer().text(), "hello from one");
        assert!(client.is_closed());
    }
    assert_eq!(front.router.statistics().accepted, 50);
}

#[test]
fn a_head_in_two_pieces_cut_anywhere() {
    let app = App::start("one");
    let front = Front::to(everything(&[("web.1", app.address)]));
    let mut clients: Vec<_> = (1..CLOSED.len()).map(|cut| (front.connect(), cut)).collect();
    for (client, cut) in &mut clients {
        client.send(&CLOSED[..*cut]);
    }
    std::thread::sleep(Duration::from_millis(100));
    for (client, cut) in &mut clients {
        client.send(&CLOSED[*cut..]);
        assert_eq!(client.answer().text(), "hello from one", "cut at {cut}");
    }
}

#[test]
fn a_client_that_is_silent_at_first_is_served() {
    let app = App::start("one");
    let front = Front::to(everything(&[("web.1", app.address)]));
    let mut clients = [front.connect(), front.connect()];
    for client in &mut clients {
        std::thread::sleep(Duration::from_millis(800)); // before and after it is accepted
        client.send(CLOSED);
        assert_eq!(client.answer().text(), "hello from one");
    }
}

#[test]
fn clients_that_go_at_once_leave_nothing() {
    let app = App::start("one");
    let front = Front::to(everything(&[("web.1", app.address)]));
    for _ in 0..50 {
        drop(front.connect());
        let mut client = front.connect();
        client.send(&CLOSED[..10]);
    }
    let start = Instant::now();
    while front.router.statistics().accepted < 100 || front.router.statistics().connections > 0 {
        assert!(start.elapsed() < Duration::from_secs(10), "{:?}", front.router.statistics());
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// What the client sends next is seen at once, though nobody looked for it during the request before.
#[test]
fn requests_that_follow_do_not_wait() {
    let app = App::start("one");
    let front = Front::to(everything(&[("web.1", app.address)]));
    let start = Instant::now();
    let mut client = front.connect();
    for _ in 0..20 {
        client.send(KEPT);
        assert_eq!(client.answer().text(), "hello from one");
    }
    assert!(start.elapsed() < Duration::from_millis(900), "{:?}", start.elapsed());
}

/// The clock of a thread without connections stands still. Who comes then has all the time there is.
#[test]
fn a_head_in_two_pieces_after_a_pause_without_clients() {
    let app = App::start("one");
    let route = everything(&[("web.1", app.address)]);
    let front = Front::with(vec![route], |options| options.timeouts = short());
    std::thread::sleep(short().head * 3);
    let mut client = front.connect();
    client.send(&CLOSED[..10]);
    std::thread::sleep(short().head / 4);
    client.send(&CLOSED[10..]);
    assert_eq!(client.answer().text(), "hello from one");
}

/// Nobody looks whether the client goes when its request has just come, but soon after.
#[test]
fn a_client_that_goes_while_nobody_looks_is_missed_soon() {
    let app = App::start("one");
    let mut front = Front::to(everything(&[("web.1", app.address)]));
    for pause in [0, 20] {
        let mut client = front.connect();
        client.send(KEPT.replace("/hello", "/slow/5000"));
        std::thread::sleep(Duration::from_millis(pause));
        drop(client);
        let event = front.event();
        assert_eq!(event.status, 499);
        assert!(event.duration < Duration::from_secs(1), "{:?}", event.duration);
    }
}

/// A socket that is closed with unread bytes in it resets the connection, and takes back what was sent.
#[test]
fn bytes_that_come_while_nobody_looks_reset_nothing() {
    let app = App::start("one");
    let front = Front::to(everything(&[("web.1", app.address)]));
    let mut client = front.connect();
    client.send(CLOSED.replace("/hello", "/slow/60"));
    std::thread::sleep(Duration::from_millis(20));
    client.send("\r\n");
    assert_eq!(client.answer().text(), "slow but here");
    assert!(client.is_closed());
}

/// An app that reads a request's head and sends so many bytes, as all that a router has.
fn sends(bytes: usize) -> Route {
    let address = scripted(move |_, mut client| {
        while let Ok(1..) = client.read() {
            if client.unread.windows(4).any(|end| end == b"\r\n\r\n") {
                client.unread.clear();
                let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {bytes}\r\n\r\n");
                client.send([head.as_bytes(), &pattern(bytes)].concat());
            }
        }
    });
    everything(&[("web.1", address)])
}

/// Bytes of which none can be missing or doubled unnoticed.
fn pattern(bytes: usize) -> Vec<u8> {
    (0_u32..).flat_map(u32::to_le_bytes).take(bytes).collect()
}

/// The event loop hears of the socket in the middle of a response.
#[test]
fn a_slow_reader_gets_every_byte_and_then_the_end() {
    const BYTES: usize = 24 * 1024 * 1024; // no buffer takes as many
    let front = Front::to(sends(BYTES));
    let mut client = front.connect();
    client.send(CLOSED);
    for _ in 0..30 {
        std::thread::sleep(Duration::from_millis(10));
        client.read().unwrap();
    }
    let answer = client.answer();
    assert!(answer.body == pattern(BYTES), "{} of {BYTES} bytes", answer.body.len());
    assert!(client.is_closed());
}

/// The response is complete, and the rest of the request's body not wanted any more, before the client takes most of the response.
#[test]
fn a_late_reader_gets_every_byte_and_then_the_end() {
    const BYTES: usize = 200 * 1024; // hyper holds as many
    let body = "Content-Length: 100000\r\nConnection: close\r\n\r\n and not much of it";
    let unread = CLOSED.replace("GET", "POST").replace("Connection: close\r\n\r\n", body);
    for request in [CLOSED, &unread] {
        let front = Front::with(vec![sends(BYTES)], |options| {
            // Of the listener, and so of every connection on it.
            sockopt::set_socket_send_buffer_size(&options.listeners[0], 4096).unwrap();
        });
        let mut client = front.connect();
        sockopt::set_socket_recv_buffer_size(&client.socket, 4096).unwrap();
        client.send(request);
        std::thread::sleep(Duration::from_millis(300));
        let answer = client.answer();
        assert!(answer.body == pattern(BYTES), "{} of {BYTES} bytes to {request}", answer.body.len());
        assert!(client.is_closed());
    }
}
