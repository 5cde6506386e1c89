//! Connections that lose their buffers between two requests lose nothing else.

use std::io::Write;
use std::time::{Duration, Instant};

use crate::app::{App, Client, Front, everything};

const HELLO: &[u8] = b"GET /hello HTTP/1.1\r\nHost: a\r\n\r\n";

fn wait_until(what: impl Fn() -> bool) {
    let start = Instant::now();
    while !what() {
        assert!(start.elapsed() < Duration::from_secs(10));
        std::thread::sleep(Duration::from_millis(10));
    }
}

#[test]
fn idle_connections_are_parked_and_serve_again() {
    let app = App::start("one");
    let front = Front::to(everything(&[("web.1", app.address)]));
    let mut clients: Vec<Client> = (0..20).map(|_| front.connect()).collect();
    for _ in 0..2 {
        for client in &mut clients {
            client.send(HELLO);
            assert_eq!(client.answer().text(), "hello from one");
        }
        wait_until(|| front.router.statistics().parked == 20);
    }
    assert_eq!(front.router.statistics().accepted, 20);
}

#[test]
fn a_crowd_is_parked_at_once() {
    let app = App::start("one");
    let front = Front::with(vec![everything(&[("web.1", app.address)])], |options| options.threads = 1);
    let mut clients: Vec<Client> = (0..600).map(|_| front.connect()).collect();
    for _ in 0..3 {
        for client in &mut clients {
            client.send(HELLO);
        }
        for client in &mut clients {
            assert_eq!(client.answer().text(), "hello from one");
        }
        assert!(front.router.statistics().parked >= 300, "{}", front.router.statistics().parked);
    }
}

/// The race between parking and the next request: requests come about as long after the last response as parking takes, whole, cut
/// in two at any byte, and two at once.
#[test]
fn no_byte_is_lost_between_two_forms() {
    const CLIENTS: usize = 64;
    const ROUNDS: usize = 6;
    let app = App::start("one");
    let front = Front::to(everything(&[("web.1", app.address)]));
    let threads: Vec<_> = (0..CLIENTS)
        .map(|number| {
            let mut client = front.connect();
            std::thread::spawn(move || {
                let mut random = number as u64 * 2_654_435_761 + 1;
                let mut next = |below: u64| {
                    random = random
                        .wrapping_mul(6_364_136_223_846_793_005)
                        .wrapping_add(1_442_695_040_888_963_407);
                    (random >> 33) % below
                };
                for round in 0..ROUNDS {
                    let requests = 1 + next(2) as usize;
                    let bytes = HELLO.repeat(requests);
                    let cut = next(bytes.len() as u64) as usize;
                    client.socket.write_all(&bytes[..cut]).unwrap();
                    std::thread::sleep(Duration::from_micros(next(3000)));
                    client.socket.write_all(&bytes[cut..]).unwrap();
                    for _ in 0..requests {
                        let answer = client.try_answer(false);
                        assert_eq!(
                            answer.unwrap().text(),
                            "hello from one",
                            "client {number}, round {round}"
                        );
                    }
                    // Parked after one second, seen at the next of ten looks a second.
                    std::thread::sleep(Duration::from_micros(990_000 + next(130_000)));
                }
            })
        })
        .collect();
    for thread in threads {
        thread.join().unwrap();
    }
    let counted = front.router.statistics();
    assert_eq!((counted.responses[3], counted.responses[4], counted.accepted), (0, 0, CLIENTS as u64));
}

/// The same many thousand times: in a crowd every connection is parked after each response.
#[test]
fn no_byte_is_lost_in_a_crowd() {
    let app = App::start("one");
    let front = Front::with(vec![everything(&[("web.1", app.address)])], |options| options.threads = 1);
    // Enough active connections that all others are parked at once: requests that have begun.
    let mut holding: Vec<Client> = (0..260).map(|_| front.connect()).collect();
    for client in &mut holding {
        client.send("GET /slow/6000 HTTP/1.1\r\nHost: a\r\n\r\n");
    }
    std::thread::sleep(Duration::from_millis(300));
    let threads: Vec<_> = (0..8)
        .map(|number: usize| {
            let mut client = front.connect();
            std::thread::spawn(move || {
                for round in 0..500 {
                    let both = HELLO.repeat(2);
                    let cut = (number * 31 + round * 7) % both.len();
                    client.socket.write_all(&both[..cut]).unwrap();
                    if round % 3 == 0 {
                        std::thread::sleep(Duration::from_micros(300));
                    }
                    client.socket.write_all(&both[cut..]).unwrap();
                    for _ in 0..2 {
                        assert_eq!(
                            client.try_answer(false).unwrap().text(),
                            "hello from one",
                            "{number}, {round}"
                        );
                    }
                }
            })
        })
        .collect();
    for thread in threads {
        thread.join().unwrap();
    }
    assert!(holding.iter_mut().all(|client| client.answer().status == 200));
    let counted = front.router.statistics();
    assert_eq!((counted.requests, counted.responses[1]), (8260, 8260));
}
