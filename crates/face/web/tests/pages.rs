//! Every page and every header, over HTTP as it goes through the wire.
#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    clippy::unwrap_used,
    reason = "tests tell the time and keep snapshots"
)]

mod support;

use std::io::{Read as _, Write as _};
use std::net::Shutdown;
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use keeper::core::State;
use keeper::protocol::{OneOff, Status, Trouble};
use sha2::{Digest as _, Sha256};
use support::sample::{self, Different as _, SECRET};
use support::{Reply, Served};

/// Everything there is to get, with its type.
const PAGES: [(&str, u16, &str); 8] = [
    ("/", 200, "text/html; charset=utf-8"),
    ("/apps/guestbook", 200, "text/html; charset=utf-8"),
    ("/apps/pinch", 200, "text/html; charset=utf-8"),
    ("/apps/nobody", 404, "text/html; charset=utf-8"),
    ("/status.json", 200, "application/json"),
    ("/healthz", 200, "text/plain; charset=utf-8"),
    ("/icon.svg", 200, "image/svg+xml"),
    ("/events?app=nobody", 404, "text/plain; charset=utf-8"),
];

#[test]
fn every_answer_says_what_it_is_and_what_may_be_done_with_it() {
    let served = Served::new(sample::busy());
    let refused = "GET / HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n";
    let posted = "POST / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
    let replies = PAGES.map(|(path, status, content_type)| (served.get(path), status, content_type));
    let others = [
        (served.ask(refused), 421, "text/plain; charset=utf-8"),
        (served.ask(posted), 405, "text/plain; charset=utf-8"),
    ];
    for (reply, status, content_type) in replies.into_iter().chain(others) {
        assert_eq!((reply.status, reply.header("content-type")), (status, Some(content_type)), "{reply:?}");
        for (name, value) in [
            ("x-content-type-options", "nosniff"),
            ("x-frame-options", "DENY"),
            ("referrer-policy", "no-referrer"),
            ("cache-control", "no-store"),
            ("cross-origin-resource-policy", "same-origin"),
            ("cross-origin-opener-policy", "same-origin"),
        ] {
            assert_eq!(reply.header(name), Some(value), "{name}");
        }
        let policy = reply.header("content-security-policy").unwrap();
        assert!(policy.starts_with("default-src 'none'; script-src 'sha256-"), "{policy}");
        assert!(!policy.contains("unsafe"), "{policy}");
        assert_eq!(reply.header("content-length"), Some(reply.body.len().to_string().as_str()));
    }
}

#[test]
fn the_policy_knows_the_one_script_and_the_one_style() {
    let served = Served::new(sample::busy());
    for path in ["/", "/apps/guestbook"] {
        let reply = served.get(path);
        let policy = reply.header("content-security-policy").unwrap();
        for (element, directive) in [("script", "script-src"), ("style", "style-src")] {
            let parts: Vec<_> = reply.body.split(&format!("<{element}>")).collect();
            assert_eq!(parts.len(), 2, "one {element} on {path}");
            let content = parts[1].split(&format!("</{element}>")).next().unwrap();
            let hash = BASE64_STANDARD.encode(Sha256::digest(content));
            assert!(policy.contains(&format!("{directive} 'sha256-{hash}';")), "{policy}");
        }
        assert!(!reply.body.contains(" style=") && !reply.body.contains(" onclick="));
    }
}

#[test]
fn the_list_of_apps() {
    let body = Served::new(sample::busy()).get("/").body;
    for text in [
        "<title>5 of 9 processes are ready · Pinch</title>",
        "<h1 class=\"mood bad\">5 of 9 processes are ready.</h1>",
        "In trouble: shop clock.1, shop mailer.1.",
        "<a href=\"/apps/guestbook\">guestbook</a>",
        "<span class=\"release\">release v3</span>",
        "<a href=\"http://guestbook.localhost:8000/\" rel=\"noreferrer\">guestbook.localhost:8000</a>",
        "Release v4 is taking over from v3: 1 of 3 processes ready.",
        "<span>*.intranet.example:8000/wiki</span>",
        "The last change failed; release v2 stays.",
        "<span class=\"state backoff\">backoff</span>",
        "exited with 1",
        "nothing answers on port 5102 within 60 s",
        "killed by signal 9",
        "postgres://app:********@db/app",
        "<dt>Requests</dt><dd>48,213</dd>",
        "<dt>In flight</dt><dd>3</dd>",
        "<dt>Errors 5xx</dt><dd>2</dd>",
        "Keeper 0.1.0, process 812, up for 1 d 01 h, upgraded 1 time meanwhile. Apps answer at 127.0.0.1:8000.",
        "<a id=\"refresh\" href=\"\">Refresh</a>",
        "10:00:00 UTC",
    ] {
        assert!(body.contains(text), "{text}\n{body}");
    }
    let place = |text: &str| body.find(text).unwrap();
    assert!(place("id=\"app-shop\"") < place("id=\"app-pinch\""), "Pinch's own app comes last");
}

#[test]
fn an_app_with_its_log() {
    let served = Served::new(sample::busy());
    let empty = served.get("/apps/guestbook").body;
    assert!(empty.contains("<ol id=\"lines\"></ol>"), "{empty}");
    sample::talk(&served);
    let body = served.get("/apps/guestbook").body;
    for text in [
        "<title>guestbook: rolling out · Pinch</title>",
        "<code>/srv/guestbook</code>",
        "<code title=\"3f1c9a7be04d21\">3f1c9a7be04d</code>",
        "data-events=\"/events?app=guestbook\"",
        "<li class=\"day\"><time datetime=\"2026-11-28\">2026-11-28</time> UTC</li>",
        "<span class=\"text\">job 1182 thumbnail of ",
        "<span class=\"tag\">err</span>",
        "Traceback (most recent call last):\n  File &quot;web.py&quot;, line 41, in sign\n",
    ] {
        assert!(body.contains(text), "{text}\n{body}");
    }
    assert!(!body.contains("shop.localhost"), "{body}");
}

#[test]
fn the_log_is_bounded() {
    let served = Served::new(sample::quiet());
    for number in 0..1000 {
        served.say("guestbook", "web.1", "stdout", format!("line {number}.").as_bytes());
    }
    served.say("guestbook", "web.1", "stdout", &b"x".repeat(100_000));
    let body = served.get("/apps/guestbook").body;
    let items = body.split("<ol id=\"lines\">").nth(1).unwrap().matches("<li").count();
    assert_eq!(items, 1 + 200, "a day, the newest lines");
    assert!(body.contains("line 801.") && body.contains("line 999.") && !body.contains("line 800."));
    assert!(body.contains("(95,904 bytes more)"));
    for number in 0..200 {
        served.say("guestbook", "web.1", "stdout", &format!("{number}.").repeat(1500).into_bytes());
    }
    let body = served.get("/apps/guestbook").body;
    assert!(body.len() < 320 << 10, "{}", body.len());
    assert!(body.contains("199.199.") && !body.contains("100.100."));
}

#[test]
fn a_log_that_cannot_be_read_says_so() {
    let served = Served::new(sample::quiet());
    std::fs::write(served.logs.path().join("shop"), "no folder").unwrap();
    let body = served.get("/apps/shop").body;
    assert!(body.contains("<li class=\"note\">the logs in ") && body.contains("cannot be read"), "{body}");
}

#[test]
fn the_status_as_json() {
    let served = Served::new(sample::busy());
    let found = served.get("/status.json").body;
    let place = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/status.json");
    if std::env::var_os("BLESS").is_some() {
        std::fs::write(place, &found).unwrap();
    }
    assert_eq!(found, std::fs::read_to_string(place).unwrap(), "if that is right, run with BLESS=1");
}

#[test]
fn secrets_are_nowhere() {
    let mut status = sample::busy();
    for app in &mut status.apps {
        app.one_offs.push(OneOff { pid: 1, command: format!("psql password={SECRET}"), since: 0 });
    }
    assert!(serde_json::to_string(&status).unwrap().matches(SECRET).count() > 10);
    let served = Served::new(status);
    for (path, ..) in PAGES {
        let body = served.get(path).body;
        assert!(
            !body.contains(SECRET) && !body.contains("PASSWORD") && !body.contains("TOKEN"),
            "{path}\n{body}"
        );
    }
    for path in ["/events", "/events?app=guestbook"] {
        let (_, update) = served.events(path).next().unwrap();
        assert!(!update.to_string().contains(SECRET), "{update}");
    }
}

/// What breaks out of an element, an attribute, a script, or the order of letters.
const HOSTILE: &str =
    "</li></script><script>alert(1)</script>\"'><img src=x onerror=alert(2)>\u{202e}\x1b]0;x\x07\0&lt;";

/// The status of somebody who may choose every text in it.
fn hostile() -> Status {
    let mut status = sample::busy();
    status.version = HOSTILE.into();
    status.http.push(HOSTILE.into());
    status.stalled.push(HOSTILE.into());
    status.troubles.push(Trouble { at: sample::NOW, text: HOSTILE.into() });
    let app = &mut status.apps[0];
    app.name = HOSTILE.into();
    app.directory = HOSTILE.into();
    app.revision = Some(HOSTILE.into());
    app.route = Some(release::Route {
        hosts: vec![HOSTILE.into(), "javascript:alert(3)".into()],
        ..sample::route("", HOSTILE)
    });
    app.one_offs[0].command = HOSTILE.into();
    let process = &mut app.processes[0];
    process.process = HOSTILE.into();
    process.state = State::Failed(HOSTILE.into());
    status
}

#[test]
fn hostile_texts_stay_texts() {
    let served = Served::new(hostile());
    // The name is not one that a folder of logs can have; its lines are looked for in the next test.
    let index = served.get("/");
    let encoded: String =
        HOSTILE
            .bytes()
            .map(|byte| {
                if byte.is_ascii_alphanumeric() {
                    char::from(byte).to_string()
                } else {
                    format!("%{byte:02X}")
                }
            })
            .collect();
    assert!(index.body.contains(&format!("href=\"/apps/{encoded}\"")), "{}", index.body);
    let app = served.get(&format!("/apps/{encoded}"));
    assert_eq!((index.status, app.status), (200, 200));
    for body in [index.body, app.body] {
        is_harmless(&body);
        assert!(body.contains("&lt;script&gt;alert(1)&lt;/script&gt;&quot;"), "{body}");
    }
    let (_, update) = served.events(&format!("/events?app={encoded}")).next().unwrap();
    for part in update["parts"].as_array().unwrap() {
        is_harmless(part["html"].as_str().unwrap());
    }
}

#[test]
fn hostile_lines_stay_lines() {
    let served = Served::new(sample::quiet());
    let lines = [HOSTILE.as_bytes(), b"\xff\xfe </ol></main>", b"\x1b[31m</span>\x1b[0m"];
    for line in lines {
        served.say("guestbook", "web.1", "stderr", line);
    }
    served.write("guestbook", "web.2", b"</ol><script>not a record</script>\n");
    let body = served.get("/apps/guestbook").body;
    is_harmless(&body);
    assert!(body.contains("&lt;/li&gt;&lt;/script&gt;&lt;script&gt;alert(1)"), "{body}");
    assert!(body.contains("⟨U+202E⟩␀&amp;lt;"), "{body}");
    assert!(body.contains("\u{fffd}\u{fffd} &lt;/ol&gt;"), "{body}");
    assert!(body.contains("<span class=\"tag\">not a record</span>"), "{body}");
}

/// Whether nothing of [`HOSTILE`] has become markup.
fn is_harmless(html: &str) {
    assert!(html.matches("<script>").count() <= 1, "{html}");
    for text in ["<script>alert", "<img", "\"'>", "\u{202e}", "\x1b", "\0", "\x07", "href=\"javascript"] {
        assert!(!html.contains(text), "{text:?} in {html}");
    }
}

#[test]
fn only_names_that_nobody_else_can_own() {
    let served = Served::new(sample::quiet());
    let ask = |lines: &str| served.ask(&format!("GET {lines}\r\nConnection: close\r\n\r\n")).status;
    for (lines, status) in [
        ("/healthz HTTP/1.1\r\nHost: localhost:9000", 200),
        ("/healthz HTTP/1.1\r\nHost: 127.0.0.1", 200),
        ("/healthz HTTP/1.1\r\nHost: [::1]:9000", 200),
        ("/healthz HTTP/1.1\r\nHost: evil.example", 421),
        ("/events HTTP/1.1\r\nHost: evil.example", 421),
        ("/healthz HTTP/1.1\r\nHost: localhost\r\nHost: evil.example", 421),
        ("/healthz HTTP/1.1", 421),
        ("/healthz HTTP/1.0", 421),
        ("/healthz HTTP/1.0\r\nHost: localhost", 200),
        ("http://evil.example/healthz HTTP/1.1\r\nHost: localhost", 421),
        ("http://localhost/healthz HTTP/1.1\r\nHost: localhost", 200),
    ] {
        assert_eq!(ask(lines), status, "{lines}");
    }
}

#[test]
fn links_lead_to_where_the_page_was_found() {
    let mut status = sample::quiet();
    status.http = vec!["0.0.0.0:8000".into()];
    status.apps[0].route.as_mut().unwrap().hosts.clear();
    let served = Served::new(status);
    let found =
        |host: &str| served.ask(&format!("GET / HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n")).body;
    assert!(found("localhost:9000").contains("<a href=\"http://localhost:8000/\""));
    assert!(found("127.0.0.1:9000").contains("<a href=\"http://127.0.0.1:8000/\""));
}

#[test]
fn it_can_only_be_read() {
    let served = Served::new(sample::quiet());
    for method in ["POST", "PUT", "DELETE", "OPTIONS", "PATCH", "TRACE", "CONNECT", "BREW"] {
        let reply =
            served.ask(&format!("{method} / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"));
        assert_eq!((reply.status, reply.header("allow")), (405, Some("GET, HEAD")), "{method}");
    }
    for path in ["/", "/apps/guestbook", "/status.json", "/healthz", "/events", "/events?app=guestbook"] {
        let head =
            served.ask(&format!("HEAD {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"));
        assert_eq!((head.status, head.body.as_str()), (200, ""), "{path}");
        if !path.starts_with("/events") {
            assert_eq!(head.header("content-length"), served.get(path).header("content-length"), "{path}");
        }
    }
}

#[test]
fn one_connection_serves_many_requests() {
    let served = Served::new(sample::quiet());
    let one = "GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n";
    let last = "GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
    let mut stream = served.open(&[one, one, last].concat());
    let mut answers = String::new();
    stream.read_to_string(&mut answers).unwrap();
    assert_eq!(answers.matches("HTTP/1.1 200 OK").count(), 3);
}

#[test]
fn requests_are_bounded() {
    let served = Served::new(sample::quiet());
    let long = format!("GET /{} HTTP/1.1\r\nHost: localhost\r\n\r\n", "x".repeat(20_000));
    let many = format!("GET / HTTP/1.1\r\nHost: localhost\r\n{}\r\n", "A: b\r\n".repeat(100));
    for request in [&long, &many] {
        let mut stream = served.open(request);
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer);
        let answer = String::from_utf8_lossy(&answer);
        assert!(answer.starts_with("HTTP/1.1 431 ") || answer.starts_with("HTTP/1.1 414 "), "{answer}");
    }
    assert_eq!(served.get("/healthz").status, 200);
}

#[test]
fn a_client_that_asks_nothing_is_let_go() {
    let served = Served::new(sample::quiet());
    let start = Instant::now();
    let mut silent = served.open("");
    let mut slow = served.open("GET / HTTP/1.1\r\nHo");
    for stream in [&mut silent, &mut slow] {
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer);
    }
    assert!((10..40).contains(&start.elapsed().as_secs()), "{:?}", start.elapsed());
}

#[test]
fn a_client_that_takes_nothing_is_let_go() {
    let served = Served::new(sample::busy());
    let request = "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n";
    let expected = served.get("/").body.len() * 2000;
    let start = Instant::now();
    let mut stream = served.open("");
    let mut writer = stream.try_clone().unwrap();
    let asking = std::thread::spawn(move || {
        let _ = writer.write_all(request.repeat(2000).as_bytes());
    });
    // Says nothing until the server has given up: a half-closed connection would only hide that.
    asking.join().unwrap();
    std::thread::sleep(web::PATIENCE + Duration::from_secs(2));
    let mut answers = Vec::new();
    let _ = stream.read_to_end(&mut answers);
    assert!(answers.len() < expected, "{} of {expected}", answers.len());
    assert!(start.elapsed() < support::DEADLINE);
    assert_eq!(served.get("/healthz").status, 200);
}

#[test]
fn more_connections_than_there_are_places_wait() {
    let served = Served::new(sample::quiet());
    let held: Vec<_> = (0..web::CONNECTIONS).map(|_| served.open("")).collect();
    let waiting = served.open("GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    waiting.set_read_timeout(Some(Duration::from_millis(300))).unwrap();
    let peeked = waiting.peek(&mut [0]);
    assert!(peeked.is_err(), "answered while all places were taken");
    drop(held);
    waiting.set_read_timeout(Some(support::DEADLINE)).unwrap();
    let mut answer = String::new();
    (&waiting).read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200 OK"), "{answer}");
}

#[test]
fn a_keeper_that_is_gone_is_mentioned() {
    let mut served = Served::new(sample::quiet());
    assert!(!served.get("/").body.contains("The keeper does not answer."));
    served.lose_keeper();
    let body = served.get("/").body;
    assert!(body.contains("The keeper does not answer.") && body.contains("guestbook"), "{body}");
    let json: serde_json::Value = serde_json::from_str(&served.get("/status.json").body).unwrap();
    assert_eq!(json["keeper"]["answers"], false);
    assert_eq!(served.get("/healthz").body, "ok\n");
}

#[test]
fn logs_that_stand_still_are_mentioned() {
    let mut status = sample::quiet();
    status.stalled = vec!["guestbook/web.1 stdout: No space left on device".into()];
    let body = Served::new(status).get("/").body;
    assert!(body.contains("<code>guestbook/web.1 stdout: No space left on device</code>"), "{body}");
}

#[test]
fn what_went_wrong_for_the_keeper_is_mentioned_for_an_hour() {
    let mut status = sample::quiet();
    let trouble = |age, text: &str| Trouble { at: sample::NOW - age, text: text.into() };
    status.troubles = vec![trouble(3600, "long ago"), trouble(60, "/var/lib/pinch/apps.json: no space")];
    let served = Served::new(status);
    let body = served.get("/").body;
    assert!(body.contains(">09:59:00</time> <code>/var/lib/pinch/apps.json: no space</code>"), "{body}");
    assert!(!body.contains("long ago"), "{body}");
    let json: serde_json::Value = serde_json::from_str(&served.get("/status.json").body).unwrap();
    assert_eq!(json["troubles"].as_array().unwrap().len(), 1);
}

#[test]
fn a_machine_without_apps() {
    let body = Served::new(Status::default()).get("/").body;
    assert!(body.contains("No apps yet.") && body.contains("<code>pinch up DIRECTORY</code>"), "{body}");
}

#[test]
fn states_of_all_kinds() {
    let mut status = sample::quiet();
    let mut leaving = sample::process("web.5", 2).state(State::Stopping);
    leaving.leaving = true;
    status.apps[0].processes = vec![
        sample::process("web.1", 3).state(State::Waiting),
        sample::process("web.2", 3).state(State::Starting),
        sample::process("web.3", 3),
        sample::process("web.4", 3).state(State::Stopping),
        leaving,
        sample::process("web.6", 3).state(State::Backoff(Duration::ZERO)),
        sample::process("web.7", 3).state(State::Failed("why".into())),
        sample::process("web.8", 3).state(State::Stopped),
    ];
    let body = Served::new(status).get("/apps/guestbook").body;
    for state in ["waiting", "starting", "ready", "stopping", "backoff", "failed", "stopped"] {
        assert!(body.contains(&format!("<span class=\"state {state}\">{state}</span>")), "{state}\n{body}");
    }
    assert!(body.contains("<span class=\"tag\">leaving</span>"), "{body}");
}

#[test]
fn the_end_breaks_nothing_off() {
    let mut served = Served::new(sample::quiet());
    let mut events = served.events("/events");
    events.next().unwrap();
    let idle = served.open("");
    let start = Instant::now();
    served.end();
    assert!(start.elapsed() < Duration::from_secs(10), "{:?}", start.elapsed());
    while events.next().is_some() {}
    idle.shutdown(Shutdown::Both).ok();
    let refused = std::net::TcpStream::connect(served.address);
    assert!(refused.is_err(), "nobody listens any more");
}

#[test]
fn its_own_address_is_its_own_name() {
    let served = Served::on("0.0.0.0:0", sample::quiet());
    let reply: Reply = served.ask("GET /healthz HTTP/1.1\r\nHost: 0.0.0.0\r\nConnection: close\r\n\r\n");
    assert_eq!(reply.status, 421, "the address of nobody");
    assert_eq!(served.get("/healthz").status, 200);
}
