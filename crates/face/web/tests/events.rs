//! What a page that listens is told.
#![allow(clippy::disallowed_methods, reason = "tests tell the time")]

mod support;

use std::fmt::Write as _;
use std::sync::atomic::Ordering;
use std::time::Instant;

use keeper::core::{Ending, State};
use support::Served;
use support::sample::{self, Different as _, NOW};

#[test]
fn the_first_update_is_the_whole_page() {
    let served = Served::new(sample::busy());
    let body = served.get("/").body;
    let (name, update) = served.events("/events").next().unwrap();
    assert_eq!((name.as_str(), &update["parts"][0]["id"]), ("update", &"live".into()));
    assert!(body.contains(update["parts"][0]["html"].as_str().unwrap()));
    assert!(body.contains(&format!("<title>{}</title>", update["title"].as_str().unwrap())));
}

#[test]
fn a_change_comes_alone() {
    let served = Served::new(sample::quiet());
    let mut events = served.events("/events");
    events.next().unwrap();
    served.change(|status| {
        status.apps[2].processes[1] = sample::process("clock.1", 12)
            .state(State::Failed("it is late".into()))
            .restarts(4)
            .last(Ending::Code(3));
    });
    let update = events.until("update", |_| true);
    let ids: Vec<_> =
        update["parts"].as_array().unwrap().iter().map(|part| part["id"].as_str().unwrap()).collect();
    assert_eq!(ids, ["summary", "app-shop"]);
    assert_eq!(update["title"], "4 of 5 processes are ready · Pinch");
    let shop = update["parts"][1]["html"].as_str().unwrap();
    assert!(shop.contains("it is late") && shop.contains("exited with 3"), "{shop}");
}

#[test]
fn apps_come_and_go() {
    let served = Served::new(sample::quiet());
    let mut index = served.events("/events");
    let mut shop = served.events("/events?app=shop");
    index.next().unwrap();
    shop.until("update", |_| true);
    served.change(|status| {
        status.apps.pop();
        status.apps.push(sample::app("wiki", Some(1)));
    });
    let live = index.part("live", |_| true);
    assert!(live.contains("id=\"app-wiki\"") && !live.contains("shop"), "{live}");
    assert!(shop.part("live", |_| true).contains("This app is no longer there."));
}

#[test]
fn time_goes_on_by_itself() {
    let served = Served::new(sample::quiet());
    let mut events = served.events("/events");
    events.next().unwrap();
    served.now.store(NOW + 3600, Ordering::Relaxed);
    served.requests.store(1_000_000, Ordering::Relaxed);
    let update = events.until("update", |_| true).to_string();
    assert!(update.contains("3 h 05 min") && update.contains("1,000,000"), "{update}");
}

#[test]
fn lines_come_as_they_are_said() {
    let served = Served::new(sample::quiet());
    served.say("guestbook", "web.1", "stdout", b"before");
    let mut events = served.events("/events?app=guestbook");
    let first = events.until("lines", |_| true);
    assert_eq!(first["reset"], true);
    let html = first["html"].as_str().unwrap();
    assert!(html.starts_with("<li class=\"day\">") && html.contains("before"), "{html}");
    served.say("guestbook", "web.1", "stderr", b"<b>after</b>");
    let next = events.until("lines", |_| true);
    assert_eq!(next["reset"], false);
    let html = next["html"].as_str().unwrap();
    assert!(html.starts_with("<li class=\"stderr\">") && html.contains("&lt;b&gt;after&lt;/b&gt;"), "{html}");
    // Another process, and another app, which is none of this page's business.
    served.say("shop", "web.1", "stdout", b"elsewhere");
    served.say("guestbook", "worker.1", "stdout", b"from a new process");
    let next = events.until("lines", |data| data["html"] != "");
    assert!(next["html"].as_str().unwrap().contains("from a new process"), "{next}");
}

#[test]
fn the_list_of_apps_has_no_lines() {
    let served = Served::new(sample::quiet());
    sample::talk(&served);
    let mut events = served.events("/events");
    for _ in 0..3 {
        served.requests.fetch_add(1, Ordering::Relaxed);
        assert_eq!(events.next().unwrap().0, "update");
    }
}

#[test]
fn a_flood_is_left_out_and_its_end_arrives() {
    let served = Served::new(sample::quiet());
    let mut events = served.events("/events?app=guestbook");
    events.until("lines", |_| true);
    let mut flood = String::new();
    for number in 0..200_000 {
        writeln!(flood, "2026-11-28T10:00:00.123456789Z stdout F line {number}.").unwrap();
    }
    served.write("guestbook", "web.1", flood.as_bytes());
    let start = Instant::now();
    let mut shown = 0;
    let last = events.until("lines", |data| {
        let html = data["html"].as_str().unwrap();
        let lines = html.matches("<li").count();
        assert!(lines <= 202, "{lines} lines at once");
        shown += lines;
        html.contains("line 199999.")
    });
    assert_eq!(last["reset"], true);
    assert!(shown < 2000, "{shown} lines were sent");
    assert!(start.elapsed().as_secs() < 20, "{:?}", start.elapsed());
}

#[test]
fn a_keeper_that_goes_is_told_once() {
    let mut served = Served::new(sample::quiet());
    let mut events = served.events("/events");
    events.next().unwrap();
    served.lose_keeper();
    assert!(events.part("alerts", |_| true).contains("The keeper does not answer."));
    // Nothing more until something changes, and that still arrives.
    served.requests.store(7, Ordering::Relaxed);
    let update = events.until("update", |_| true);
    assert_eq!(update["parts"][0]["id"], "router");
}

#[test]
fn streams_are_bounded_and_their_places_come_back() {
    let served = Served::new(sample::quiet());
    let mut held: Vec<_> = (0..web::STREAMS)
        .map(|number| served.events(if number % 2 == 0 { "/events" } else { "/events?app=shop" }))
        .collect();
    let refused = served.get("/events");
    assert_eq!((refused.status, refused.header("retry-after")), (503, Some("5")));
    assert_eq!(served.get("/").status, 200, "pages are still there");
    for events in &mut held {
        events.until("update", |_| true);
    }
    drop(held);
    let start = Instant::now();
    while served.head("/events").status == 503 {
        assert!(start.elapsed() < support::DEADLINE, "places do not come back");
    }
}

#[test]
fn events_for_oneself_only() {
    let served = Served::new(sample::quiet());
    for path in
        ["/events?app=", "/events?app=../shop", "/events?app=nobody", "/events?other=shop", "/events?"]
    {
        assert_eq!(served.get(path).status, 404, "{path}");
    }
}
