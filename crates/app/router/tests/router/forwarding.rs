//! What passes through, and how it is changed.

use std::io::{Read, Write};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use http::StatusCode;
use router::{HostPattern, Route, RouteState};

use crate::app::{App, Client, Front, Mirror, everything, scripted};

#[test]
fn a_connection_serves_many_requests_one_after_the_other() {
    let app = App::start("one");
    let front = Front::to(everything(&[("web.1", app.address)]));
    let mut client = front.connect();
    for _ in 0..50 {
        client.send("GET /hello HTTP/1.1\r\nHost: a\r\n\r\n");
        assert_eq!(client.answer().text(), "hello from one");
    }
    let counted = front.router.statistics();
    assert_eq!((counted.accepted, counted.requests, counted.connected), (1, 50, 1));
    assert_eq!(counted.responses, [0, 50, 0, 0, 0]);
}

#[test]
fn pipelined_requests_are_answered_in_order() {
    let app = App::start("one");
    let front = Front::to(everything(&[("web.1", app.address)]));
    let mut client = front.connect();
    client.send(
        "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nfirst\
         GET /slow/100 HTTP/1.1\r\nHost: a\r\n\r\n\
         POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nthird\r\n0\r\n\r\n\
         GET /hello HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
    );
    for text in ["first", "slow but here", "third", "hello from one"] {
        assert_eq!(client.answer().text(), text);
    }
    assert!(client.is_closed());
}

#[test]
fn the_instance_sees_who_asked_and_nothing_that_concerns_the_connection() {
    let mirror = Mirror::start("\r\n\r\n");
    let front = Front::to(everything(&[("web.1", mirror.address)]));
    let answer = front.ask(
        "GET /path?query=%20 HTTP/1.1\r\nHost: Example.org:81\r\nConnection: keep-alive, X-Private, Host\r\nX-Private: 1\r\n\
         Keep-Alive: timeout=5\r\nProxy-Connection: x\r\nProxy-Authorization: x\r\nProxy: http://evil\r\nTE: gzip\r\nUpgrade: h2c\r\n\
         HTTP2-Settings: AAA\r\nForwarded: for=1.2.3.4\r\nX-Forwarded-For: 1.2.3.4\r\nX_Forwarded_For: 1.2.3.4\r\n\
         X-Forwarded-Port: 1\r\nX-Real-IP: 1.2.3.4\r\nX-Request-Id: mine-1\r\nCookie: a=1\r\nVia: 1.0 other\r\nX-Other: kept\r\n\r\n",
    );
    let mut lines: Vec<_> = answer.text().trim_end().split("\r\n").map(str::to_owned).collect();
    let line = lines.remove(0);
    lines.sort();
    assert_eq!(line, "GET /path?query=%20 HTTP/1.1");
    assert_eq!(
        lines,
        [
            "cookie: a=1",
            "forwarded: for=127.0.0.1;host=\"Example.org:81\";proto=http",
            "host: Example.org:81",
            "via: 1.0 other",
            "via: 1.1 pinch",
            "x-forwarded-for: 127.0.0.1",
            "x-forwarded-host: Example.org:81",
            "x-forwarded-proto: http",
            "x-other: kept",
            "x-request-id: mine-1",
        ]
    );
}

#[test]
fn a_trusted_proxy_in_front_is_believed_and_added_to() {
    let mirror = Mirror::start("\r\n\r\n");
    let front =
        Front::with(vec![everything(&[("web.1", mirror.address)])], |options| options.trust_forwarded = true);
    let answer = front.ask(
        "GET / HTTP/1.1\r\nHost: inner\r\nForwarded: for=1.2.3.4\r\nX-Forwarded-For: 1.2.3.4\r\nX-Forwarded-Proto: https\r\n\
         X-Forwarded-Host: outer\r\nX-Real-IP: 1.2.3.4\r\n\r\n",
    );
    for line in [
        "forwarded: for=1.2.3.4, for=127.0.0.1;host=\"inner\";proto=http",
        "x-forwarded-for: 1.2.3.4, 127.0.0.1",
        "x-forwarded-proto: https",
        "x-forwarded-host: outer",
        "x-real-ip: 1.2.3.4",
    ] {
        assert!(answer.text().contains(line), "{line} in {}", answer.text());
    }
}

#[test]
fn request_ids_are_made_when_there_is_none_that_fits() {
    let mirror = Mirror::start("\r\n\r\n");
    let mut front = Front::to(everything(&[("web.1", mirror.address)]));
    let answer = front.ask("GET / HTTP/1.1\r\nHost: a\r\nX-Request-Id: bad id\r\n\r\n");
    let id = answer.text().lines().find_map(|line| line.strip_prefix("x-request-id: ")).unwrap().to_owned();
    assert_eq!(id.len(), 32);
    let event = front.event();
    assert_eq!(event.request_id, id);
    assert_eq!((event.instance, event.route.as_deref()), (Some("web.1".into()), Some("shop")));
    assert_eq!((event.path.as_str(), event.host.as_str()), ("/", "a"));
    assert_eq!((event.status, event.complete), (StatusCode::OK, true));
    assert_eq!(event.sent, answer.body.len() as u64);
}

#[test]
fn a_prefix_is_stripped_and_told() {
    let mirror = Mirror::start("\r\n\r\n");
    let route = Route { path: "/api".into(), strip: true, ..everything(&[("web.1", mirror.address)]) };
    let front = Front::to(route);
    for (asked, seen) in [("/api", "/"), ("/api/", "/"), ("/api/users?a=b", "/users?a=b"), ("/api?x", "/?x")]
    {
        let answer = front.ask(&format!("GET {asked} HTTP/1.1\r\nHost: a\r\n\r\n"));
        assert!(answer.text().starts_with(&format!("GET {seen} HTTP/1.1\r\n")), "{}", answer.text());
        assert!(answer.text().contains("x-forwarded-prefix: /api\r\n"));
    }
    assert_eq!(front.ask("GET /other HTTP/1.1\r\nHost: a\r\n\r\n").status, 404);
}

#[test]
fn hosts_and_paths_choose_the_app() {
    let (one, two) = (App::start("one"), App::start("two"));
    let exact =
        Route { hosts: vec![HostPattern::Exact("a.org".into())], ..everything(&[("one", one.address)]) };
    let below =
        Route { hosts: vec![HostPattern::Below("a.org".into())], ..everything(&[("two", two.address)]) };
    let front = Front::with(vec![exact, below], |_| {});
    let app = |host: &str| front.ask(&format!("GET /hello HTTP/1.1\r\nHost: {host}\r\n\r\n"));
    assert_eq!(app("A.org:8080").header("x-app"), "one");
    assert_eq!(app("www.a.org").header("x-app"), "two");
    assert_eq!(app("b.org").status, 404);
    // The host in the request line counts more than the field (RFC 9112, 3.2.2).
    let answer = front.ask("GET http://www.a.org/hello HTTP/1.1\r\nHost: a.org\r\n\r\n");
    assert_eq!(answer.header("x-app"), "two");
    assert_eq!(front.ask("GET /hello HTTP/1.1\r\n\r\n").status, 400);
    assert_eq!(front.ask("GET /hello HTTP/1.1\r\nHost: a.org\r\nHost: b.org\r\n\r\n").status, 400);
    assert_eq!(front.ask("GET /hello HTTP/1.1\r\nHost: a.org/b\r\n\r\n").status, 400);
}

#[test]
fn http_1_0_is_served() {
    let app = App::start("one");
    let front = Front::to(everything(&[("web.1", app.address)]));
    let mut client = front.connect();
    client.send("GET /hello HTTP/1.0\r\n\r\n");
    let answer = client.answer();
    assert_eq!((answer.version.as_str(), answer.text()), ("HTTP/1.0", "hello from one"));
    assert!(client.is_closed());
    let mut client = front.connect();
    for _ in 0..2 {
        client.send("GET /hello HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
        assert_eq!(client.answer().text(), "hello from one");
    }
}

#[test]
fn heads_alone_keep_their_length() {
    let app = App::start("one");
    let front = Front::to(everything(&[("web.1", app.address)]));
    let mut client = front.connect();
    for _ in 0..2 {
        client.send("HEAD /hello HTTP/1.1\r\nHost: a\r\n\r\n");
        let answer = client.head();
        assert_eq!((answer.status, answer.header("content-length")), (200, "14"));
    }
    client.send("GET /hello HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_eq!(client.answer().text(), "hello from one");
}

#[test]
fn a_response_without_length_ends_with_its_connection() {
    let address = scripted(|_, mut app| {
        let _ = app.read();
        app.send("HTTP/1.1 200 OK\r\n\r\nuntil the end");
    });
    let front = Front::to(everything(&[("web.1", address)]));
    let mut client = front.connect();
    for _ in 0..2 {
        client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
        let answer = client.answer();
        assert_eq!((answer.text(), answer.header("transfer-encoding")), ("until the end", "chunked"));
    }
}

#[test]
fn a_response_that_breaks_off_is_not_made_whole() {
    let address = scripted(|_, mut app| {
        let _ = app.read();
        app.send("HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nonly this");
    });
    let mut front = Front::to(everything(&[("web.1", address)]));
    let mut client = front.connect();
    client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_eq!(client.try_answer(false).unwrap_err(), "closed after 9 of 100 bytes");
    assert!(!front.event().complete);
}

#[test]
fn trailers_pass_both_ways() {
    let (sender, seen) = mpsc::channel();
    let address = scripted(move |_, mut app| {
        while !app.unread.ends_with(b"x-sum: 1\r\n\r\n") {
            app.read().unwrap();
        }
        sender.send(String::from_utf8(app.unread.clone()).unwrap()).unwrap();
        app.send("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\ntrailer: x-end\r\n\r\n2\r\nok\r\n0\r\nx-end: yes\r\n\r\n");
    });
    let front = Front::to(everything(&[("web.1", address)]));
    let answer = front.ask(
        "POST / HTTP/1.1\r\nHost: a\r\nTE: trailers\r\nTrailer: x-sum\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nx-sum: 1\r\n\r\n",
    );
    let seen = seen.recv().unwrap();
    assert!(
        seen.contains("te: trailers\r\n") && seen.ends_with("3\r\nabc\r\n0\r\nx-sum: 1\r\n\r\n"),
        "{seen}"
    );
    assert_eq!((answer.text(), answer.trailers.get("x-end").unwrap().to_str().unwrap()), ("ok", "yes"));
}

#[test]
fn a_get_may_have_a_body() {
    let app = App::start("one");
    let front = Front::to(everything(&[("web.1", app.address)]));
    for request in [
        "GET /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nbody",
        "GET /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nbody\r\n0\r\n\r\n",
    ] {
        assert_eq!(front.ask(request).text(), "body");
    }
    assert_eq!(front.ask("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n").text(), "");
}

#[test]
fn a_client_that_asks_first_is_told_to_go_on() {
    let app = App::start("one");
    let front = Front::to(everything(&[("web.1", app.address)]));
    let mut client = front.connect();
    client.send("POST /echo HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n");
    assert_eq!(client.answer().status, 100);
    client.send("hello");
    assert_eq!(client.answer().text(), "hello");
    // Nobody is told to go on where the answer is clear already.
    client.send("POST /echo HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n");
    assert_eq!(client.answer().status, 400);
}

#[test]
fn bodies_stream_both_ways_at_once() {
    let app = App::start("one");
    let front = Front::to(everything(&[("web.1", app.address)]));
    let mut client = front.connect();
    client.send("POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n");
    for number in 0..20 {
        client.send(format!("3\r\n{number:03}\r\n"));
        let mark = format!("3\r\n{number:03}\r\n");
        while !client.unread.ends_with(mark.as_bytes()) {
            assert!(client.read().unwrap() > 0);
        }
    }
    client.send("0\r\n\r\n");
    assert_eq!(client.answer().body.len(), 60);
}

#[test]
fn a_large_body_is_never_whole_in_memory() {
    const SIZE: usize = 200 << 20;
    let app = App::start("one");
    let front = Front::to(everything(&[("web.1", app.address)]));
    let mut client = front.connect();
    client.send(format!("POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: {SIZE}\r\n\r\n"));
    let mut sender = client.socket.try_clone().unwrap();
    let before = peak();
    let sending = std::thread::spawn(move || {
        let piece = vec![b'x'; 1 << 20];
        (0..SIZE >> 20).for_each(|_| sender.write_all(&piece).unwrap());
    });
    let mut read = 0;
    let mut buffer = vec![0; 1 << 20];
    while read < SIZE {
        let more = client.socket.read(&mut buffer).unwrap();
        assert!(more > 0, "after {read} bytes");
        read += more;
    }
    sending.join().unwrap();
    let grown = peak() - before;
    assert!(grown < 64 << 10, "{grown} KiB more at the peak");
}

/// The largest resident set of this process so far, in KiB.
fn peak() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}

#[test]
fn events_of_a_stream_come_as_they_are_sent() {
    let app = App::start("one");
    let front = Front::with(vec![everything(&[("web.1", app.address)])], |options| {
        // Shorter than the stream: no clock runs once the head is there.
        options.timeouts.response = Duration::from_millis(300);
        options.timeouts.idle = Duration::from_millis(300);
    });
    let mut client = front.connect();
    client.send("GET /events HTTP/1.1\r\nHost: a\r\n\r\n");
    let start = Instant::now();
    while !String::from_utf8_lossy(&client.unread).contains("data: 60\n\n") {
        assert!(client.read().unwrap() > 0, "{}", String::from_utf8_lossy(&client.unread));
        if start.elapsed() < Duration::from_millis(200) {
            let last = String::from_utf8_lossy(&client.unread);
            assert!(!last.contains("data: 40"), "nothing was held back and sent at once");
        }
    }
    assert!(start.elapsed() >= Duration::from_millis(1100));
}

#[test]
fn an_instance_is_told_when_the_client_has_gone() {
    let (sender, gone) = mpsc::channel();
    let address = scripted(move |_, mut app| {
        let _ = app.read();
        app.unread.clear();
        sender.send(app.read()).unwrap();
    });
    let mut front = Front::to(everything(&[("web.1", address)]));
    let mut client = front.connect();
    client.send("GET /slow HTTP/1.1\r\nHost: a\r\n\r\n");
    std::thread::sleep(Duration::from_millis(200));
    drop(client);
    assert_eq!(gone.recv_timeout(Duration::from_secs(5)).unwrap(), Ok(0));
    assert_eq!(front.event().status.as_u16(), 499);
}

#[test]
fn a_route_may_be_down_or_paused() {
    let app = App::start("one");
    let route = everything(&[("web.1", app.address)]);
    let down = Route { state: RouteState::Maintenance("Back at noon.".into()), ..route.clone() };
    let front = Front::to(down);
    let answer = front.ask("GET /hello HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_eq!((answer.status, answer.header("retry-after")), (503, "1"));
    let id = answer.header("x-request-id");
    assert_eq!(answer.text(), format!("503 Service Unavailable\nBack at noon.\nrequest id: {id}\n"));

    let paused = Route { state: RouteState::Paused, ..route.clone() };
    front.router.set_table(&router::Table { routes: vec![paused] }).unwrap();
    let mut clients: Vec<Client> = (0..10).map(|_| front.connect()).collect();
    for client in &mut clients {
        client.send("GET /hello HTTP/1.1\r\nHost: a\r\n\r\n");
    }
    std::thread::sleep(Duration::from_millis(200));
    assert!(clients.iter().all(|client| client.socket.peek_nothing()));
    front.router.set_table(&router::Table { routes: vec![route] }).unwrap();
    assert!(clients.iter_mut().all(|client| client.answer().text() == "hello from one"));
}

trait PeekNothing {
    fn peek_nothing(&self) -> bool;
}

impl PeekNothing for std::net::TcpStream {
    fn peek_nothing(&self) -> bool {
        self.set_nonblocking(true).unwrap();
        let nothing = self.peek(&mut [0]).is_err();
        self.set_nonblocking(false).unwrap();
        nothing
    }
}

#[test]
fn without_a_ready_instance_or_a_table_there_is_an_answer_at_once() {
    let front = Front::to(everything(&[]));
    let answer = front.ask("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_eq!(answer.status, 503);
    assert!(answer.text().contains("No instance of the app is ready"));
    let front = Front::with(Vec::new(), |_| {});
    assert_eq!(front.ask("GET / HTTP/1.1\r\nHost: a\r\n\r\n").status, 404);
    assert_eq!(front.ask("CONNECT a:80 HTTP/1.1\r\nHost: a:80\r\n\r\n").status, 405);
    assert_eq!(front.ask("TRACE / HTTP/1.1\r\nHost: a\r\n\r\n").status, 405);
}

#[test]
fn a_route_that_leads_back_to_the_router_ends() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let front =
        Front::with(vec![everything(&[("itself", address)])], |options| options.listeners = vec![listener]);
    let mut client = Client::connect(address);
    client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    assert_eq!(client.answer().status, 508);
    assert_eq!(front.router.statistics().requests, 9);
}
