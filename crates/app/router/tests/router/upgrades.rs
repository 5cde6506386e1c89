//! WebSockets, and whatever else changes its protocol.

use std::time::{Duration, Instant};

use crate::app::{App, Client, Front, Mirror, block_on, everything, scripted};
use router::Patience;

const UPGRADE: &str = "GET /ws HTTP/1.1\r\nHost: a\r\nConnection: keep-alive, Upgrade\r\nUpgrade: websocket\r\n\
     Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n";

fn open(front: &Front) -> Client {
    let mut client = front.connect();
    client.send(UPGRADE);
    let answer = client.head();
    assert_eq!(
        (answer.status, answer.header("connection"), answer.header("upgrade")),
        (101, "upgrade", "echo")
    );
    client
}

fn echo(client: &mut Client, text: &[u8]) {
    client.send(text);
    while client.unread.len() < text.len() {
        assert!(client.read().unwrap() > 0);
    }
    assert_eq!(client.unread.drain(..text.len()).collect::<Vec<_>>(), text);
}

#[test]
fn bytes_go_both_ways_until_both_have_ended() {
    let app = App::start("one");
    let mut front = Front::to(everything(&[("web.1", app.address)]));
    let mut client = open(&front);
    for size in [1, 100, 70_000] {
        echo(&mut client, &vec![b'x'; size]);
    }
    let counted = front.router.statistics();
    assert_eq!((counted.tunnels, counted.instances[0].tunnels, counted.instances[0].requests), (1, 1, 0));
    client.socket.shutdown(std::net::Shutdown::Write).unwrap();
    assert!(client.is_closed());
    let event = front.event();
    assert_eq!((event.status.as_u16(), event.received, event.sent), (101, 70_101, 70_101));
    assert!(event.complete);
}

#[test]
fn bytes_that_come_with_the_request_or_with_the_answer_are_not_lost() {
    let address = scripted(|_, mut app| {
        while !app.unread.ends_with(b"early") {
            app.read().unwrap();
        }
        app.send(
            "HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: echo\r\n\r\nfrom the app",
        );
        let _ = app.read();
    });
    let front = Front::to(everything(&[("web.1", address)]));
    let mut client = front.connect();
    // An app gets early bytes after its 101 only: they wait in the router. This one gets them from another write.
    client.send(UPGRADE);
    std::thread::sleep(Duration::from_millis(100));
    drop(client);
    let address = scripted(|_, mut app| {
        while !app.unread.ends_with(b"\r\n\r\n") {
            app.read().unwrap();
        }
        app.unread.clear();
        app.send(
            "HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: echo\r\n\r\nfrom the app ",
        );
        app.read().unwrap();
        let all = std::mem::take(&mut app.unread);
        app.send(all);
    });
    let front = Front::to(everything(&[("web.1", address)]));
    let mut client = front.connect();
    client.send(format!("{UPGRADE}early"));
    assert_eq!(client.head().status, 101);
    while client.unread != b"from the app early" {
        assert!(client.read().unwrap() > 0, "{:?}", client.unread);
    }
}

#[test]
fn an_app_may_say_no() {
    let app = App::start("one");
    let front = Front::to(everything(&[("web.1", app.address)]));
    let mut client = front.connect();
    for _ in 0..2 {
        client.send(UPGRADE.replace("/ws", "/hello"));
        assert_eq!(client.answer().text(), "hello from one");
    }
}

#[test]
fn a_change_to_http_2_is_not_passed_on() {
    let mirror = Mirror::start("\r\n\r\n");
    let front = Front::to(everything(&[("web.1", mirror.address)]));
    for protocol in ["h2c", "H2C, websocket", "HTTP/2.0"] {
        let request = UPGRADE.replace("Upgrade: websocket", &format!("Upgrade: {protocol}"));
        let answer = front.ask(&request);
        assert_eq!(answer.status, 200);
        assert!(!answer.text().to_lowercase().contains("\r\nupgrade"), "{}", answer.text());
    }
}

#[test]
fn an_app_that_changes_protocol_unasked_is_no_tunnel() {
    let address = scripted(|_, mut app| {
        let _ = app.read();
        app.send("HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: echo\r\n\r\nx");
        let _ = app.read();
    });
    let front = Front::to(everything(&[("web.1", address)]));
    assert_eq!(front.ask("GET / HTTP/1.1\r\nHost: a\r\n\r\n").status, 502);
}

#[test]
fn a_retired_instance_keeps_its_tunnels_for_as_long_as_they_are_waited_for() {
    let app = App::start("one");
    let front = Front::to(everything(&[("web.1", app.address)]));
    let mut client = open(&front);
    let patience = Patience { requests: Duration::from_secs(20), tunnels: Duration::from_millis(300) };
    let start = Instant::now();
    let left = block_on(front.router.retire(&["web.1".into()], patience));
    assert_eq!((left.requests, left.tunnels), (0, 1));
    assert!((Duration::from_millis(290)..Duration::from_secs(5)).contains(&start.elapsed()));
    echo(&mut client, b"still here");
    assert_eq!(front.ask("GET /hello HTTP/1.1\r\nHost: a\r\n\r\n").status, 503);
    drop(client);
    let patience = Patience { tunnels: Duration::from_secs(20), ..patience };
    assert_eq!(block_on(front.router.retire(&["web.1".into()], patience)).tunnels, 0);
}
