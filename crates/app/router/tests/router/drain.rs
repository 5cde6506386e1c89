//! Instances that go and routers that go.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use router::{Patience, Table};

use crate::app::{App, Front, PATIENCE, block_on, everything};

const HELLO: &str = "GET /hello HTTP/1.1\r\nHost: a\r\n\r\n";
const LONG: Patience = Patience { requests: PATIENCE, tunnels: PATIENCE };

#[test]
fn a_retired_instance_ends_what_it_has_and_gets_nothing_new() {
    let (one, two) = (App::start("one"), App::start("two"));
    let front = Front::to(everything(&[("web.1", one.address), ("web.2", two.address)]));
    let mut clients: Vec<_> = (0..2).map(|_| front.connect()).collect();
    for client in &mut clients {
        client.send("GET /slow/700 HTTP/1.1\r\nHost: a\r\n\r\n");
    }
    std::thread::sleep(Duration::from_millis(150));
    let start = Instant::now();
    block_on(async {
        let instances = ["web.1".into()];
        let retired = front.router.retire(&instances, LONG);
        let others = tokio::task::spawn_blocking({
            let address = front.address;
            move || {
                std::thread::sleep(Duration::from_millis(50));
                for _ in 0..20 {
                    let mut client = crate::app::Client::connect(address);
                    client.send(HELLO);
                    assert_eq!(client.answer().header("x-app"), "two");
                }
            }
        });
        let (left, others) = tokio::join!(retired, others);
        others.unwrap();
        assert_eq!((left.requests, left.tunnels), (0, 0));
    });
    assert!(
        (Duration::from_millis(300)..Duration::from_secs(5)).contains(&start.elapsed()),
        "{:?}",
        start.elapsed()
    );
    assert!(clients.iter_mut().all(|client| client.answer().status == 200));
    // Nothing to wait for: at once.
    let start = Instant::now();
    block_on(front.router.retire(&["web.1".into(), "unknown".into()], LONG));
    assert!(start.elapsed() < Duration::from_secs(1));
}

#[test]
fn patience_ends() {
    let app = App::start("one");
    let front = Front::to(everything(&[("web.1", app.address)]));
    let mut client = front.connect();
    client.send("GET /slow/3000 HTTP/1.1\r\nHost: a\r\n\r\n");
    std::thread::sleep(Duration::from_millis(200));
    let patience = Patience { requests: Duration::from_millis(200), tunnels: Duration::ZERO };
    let left = block_on(front.router.retire(&["web.1".into()], patience));
    assert_eq!(left.requests, 1);
    assert_eq!(client.answer().status, 200);
}

#[test]
fn an_instance_that_is_back_in_the_table_serves_again() {
    let app = App::start("one");
    let route = everything(&[("web.1", app.address)]);
    let front = Front::to(route.clone());
    block_on(front.router.retire(&["web.1".into()], LONG));
    assert_eq!(front.ask(HELLO).status, 503);
    front.router.set_table(&Table { routes: vec![route] }).unwrap();
    assert_eq!(front.ask(HELLO).status, 200);
}

#[test]
fn a_bad_table_changes_nothing() {
    let app = App::start("one");
    let route = everything(&[("web.1", app.address)]);
    let front = Front::to(route.clone());
    let twice = Table { routes: vec![everything(&[]), route] };
    assert!(front.router.set_table(&twice).is_err());
    assert_eq!(front.ask(HELLO).status, 200);
}

#[test]
fn a_draining_router_accepts_no_more_and_closes_after_the_next_answer() {
    let app = App::start("one");
    let front = Front::with(vec![everything(&[("web.1", app.address)])], |options| {
        options.timeouts.draining = Duration::from_secs(2);
    });
    let mut busy = front.connect();
    busy.send("GET /slow/1000 HTTP/1.1\r\nHost: a\r\n\r\n");
    let mut kept: Vec<_> = (0..10).map(|_| front.connect()).collect();
    for client in &mut kept {
        client.send(HELLO);
        assert_eq!(client.answer().header("connection"), "");
    }
    std::thread::sleep(Duration::from_millis(1300)); // parked, all but one
    busy.send("GET /slow/1000 HTTP/1.1\r\nHost: a\r\n\r\n");
    std::thread::sleep(Duration::from_millis(100));
    let ended = Arc::new(Mutex::new(None));
    let router = front.router;
    let draining = std::thread::spawn({
        let ended = Arc::clone(&ended);
        move || {
            let left = block_on(router.drain(LONG));
            *ended.lock().unwrap() = Some(Instant::now());
            left
        }
    });
    std::thread::sleep(Duration::from_millis(300));
    let silent = kept.pop().unwrap();
    for client in &mut kept {
        client.send(HELLO);
        let answer = client.answer();
        assert_eq!((answer.status, answer.header("connection")), (200, "close"));
        assert!(client.is_closed());
    }
    assert_eq!(busy.answer().status, 200);
    let answer = busy.answer();
    assert_eq!((answer.status, answer.header("connection")), (200, "close"));
    assert!(busy.is_closed());
    let start = Instant::now();
    assert!(crate::app::Client { unread: Vec::new(), ..silent }.is_closed()); // after two seconds
    let left = draining.join().unwrap();
    assert_eq!((left.requests, left.tunnels), (0, 0));
    assert!(start.elapsed() < Duration::from_secs(10));
}
