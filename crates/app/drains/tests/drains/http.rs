//! HTTP services.

use std::time::{Duration, Instant};

use drains::{Dropped, State};

use crate::support::service::{OK, Reply, Service};
use crate::support::{Log, all_in_order, settings, start};

fn url(service: &Service, rest: &str) -> String {
    format!("http://{}{rest}", service.address)
}

#[tokio::test]
async fn a_request_is_what_services_expect() {
    let service = Service::start(|_, _| OK).await;
    let cursors = tempfile::tempdir().unwrap();
    let log = Log::with(12, 3);
    let address = service.address;
    let url = format!("http://al%40ice:s3cret@{address}/in?token=hunter2#gzip");
    let mut running = start(&[&url], settings(cursors.path()), &log);
    running.until(0, "all sent", |metrics| metrics.sent.events == 12).await;
    running.stop().await;
    let requests = service.requests();
    assert_eq!(requests.len(), 1, "one batch");
    let header = |name: &str| requests[0].headers[name].to_str().unwrap();
    assert_eq!(requests[0].path, "/in?token=hunter2");
    assert_eq!(header("host"), address.to_string());
    assert_eq!(header("content-type"), "application/x-ndjson");
    assert_eq!(header("content-encoding"), "gzip");
    // al@ice:s3cret in base 64.
    assert_eq!(header("authorization"), "Basic YWxAaWNlOnMzY3JldA==");
    assert!(header("user-agent").starts_with("pinch/"));
    let expected = serde_json::json!({
        "time": "2026-11-28T10:00:00.000000009Z", "app": "guestbook", "process": "web.1",
        "stream": "stderr", "message": "9 xxx", "release": 7,
    });
    assert_eq!(requests[0].lines[9], expected);
    assert_eq!(all_in_order(&service.numbers(), 12), 0);
}

#[tokio::test]
async fn batches_are_bounded_and_one_connection_carries_them() {
    let service = Service::start(|_, _| OK).await;
    let cursors = tempfile::tempdir().unwrap();
    let mut running = start(&[&url(&service, "/")], settings(cursors.path()), &Log::with(10_000, 100));
    running.until(0, "all sent", |metrics| metrics.sent.events == 10_000).await;
    running.stop().await;
    assert_eq!(all_in_order(&service.numbers(), 10_000), 0);
    assert_eq!(service.connections(), 1);
    let sizes: Vec<_> = service.requests().iter().map(|got| got.lines.len()).collect();
    // 64 KiB of events that count for 128 bytes and their message of 102 to 105.
    assert!(sizes.iter().all(|size| *size <= 285) && sizes.len() <= 37, "{sizes:?}");
}

#[tokio::test]
async fn a_service_that_is_busy_gets_it_again_later() {
    let service = Service::start(|number, _| match number {
        0 => Reply::Status(503, None, "restarting\n"),
        1 => Reply::Status(429, Some(("retry-after", "1")), ""),
        2 => Reply::HangUp,
        3 => Reply::Silence,
        _ => OK,
    });
    let service = service.await;
    let cursors = tempfile::tempdir().unwrap();
    let begin = Instant::now();
    let mut running = start(&[&url(&service, "/")], settings(cursors.path()), &Log::with(20, 10));
    let metrics = running.until(0, "an error", |metrics| metrics.last_error.is_some()).await;
    assert_eq!(metrics.last_error.unwrap().what, "the service answered 503 Service Unavailable: restarting");
    let metrics = running.until(0, "all sent", |metrics| metrics.sent.events == 20).await;
    assert!(begin.elapsed() >= Duration::from_secs(2), "a second asked for, a second without an answer");
    assert_eq!(metrics.last_error.unwrap().what, "no answer within 1 s");
    assert_eq!((metrics.retried, metrics.dropped), (80, Dropped::default()));
    running.stop().await;
    // It took the events twice without saying so.
    assert_eq!(all_in_order(&service.numbers(), 20), 40);
}

#[tokio::test]
async fn what_is_too_large_is_split_and_what_stays_too_large_is_dropped() {
    let service = Service::start(|_, got| {
        let bytes: usize = got.lines.iter().map(|line| line["message"].as_str().unwrap().len()).sum();
        if bytes > 3_000 { Reply::Status(413, None, "") } else { OK }
    });
    let service = service.await;
    let cursors = tempfile::tempdir().unwrap();
    let log = Log::with(30, 500);
    log.say(format!("30 {}", "x".repeat(5_000)));
    log.say_numbers(31..60, 500);
    let mut running = start(&[&url(&service, "/")], settings(cursors.path()), &log);
    let metrics = running.until(0, "all sent", |metrics| metrics.sent.events == 59).await;
    assert_eq!((metrics.dropped.refused, metrics.retried), (1, 0));
    assert_eq!(metrics.lag.bytes, 0);
    running.stop().await;
    assert_eq!(service.numbers(), (0..60).filter(|number| *number != 30).collect::<Vec<_>>());
}

#[tokio::test]
async fn an_event_that_is_refused_is_dropped_with_the_reason_and_the_rest_arrives() {
    for status in [400, 403, 422] {
        let service = Service::start(move |_, got| {
            let bad = got.lines.iter().any(|line| line["message"].as_str().unwrap().starts_with("13 "));
            if bad { Reply::Status(status, None, "bad words") } else { OK }
        });
        let service = service.await;
        let cursors = tempfile::tempdir().unwrap();
        let mut running = start(&[&url(&service, "/")], settings(cursors.path()), &Log::with(50, 10));
        let metrics = running.until(0, "all sent", |metrics| metrics.sent.events == 49).await;
        assert_eq!(metrics.dropped.refused, 1);
        let error = metrics.last_error.unwrap().what;
        assert!(
            error.starts_with(&format!("the service answered {status} ")) && error.ends_with(": bad words")
        );
        running.stop().await;
        assert_eq!(service.numbers(), (0..50).filter(|number| *number != 13).collect::<Vec<_>>());
    }
}

#[tokio::test]
async fn a_service_that_refuses_everything_for_a_while_gets_everything_afterwards() {
    for (status, advice) in [(401, "check user and password"), (404, "check the path"), (301, "final URL")] {
        let service =
            Service::start(move |number, _| if number < 3 { Reply::Status(status, None, "") } else { OK })
                .await;
        let cursors = tempfile::tempdir().unwrap();
        let url = format!("http://user:hunter2@{}/", service.address);
        let mut running = start(&[&url], settings(cursors.path()), &Log::with(50, 10));
        let metrics = running.until(0, "waiting", |metrics| metrics.state == State::Waiting).await;
        let error = metrics.last_error.clone().unwrap().what;
        assert!(error.contains(advice) && !format!("{metrics:?}").contains("hunter2"), "{error}");
        let metrics = running.until(0, "all sent", |metrics| metrics.sent.events == 50).await;
        assert_eq!(metrics.dropped, Dropped::default());
        running.stop().await;
        assert_eq!(all_in_order(&service.numbers(), 50), 0);
    }
}

#[tokio::test]
async fn a_service_that_closes_after_each_answer_is_no_trouble() {
    let service = Service::start(|_, _| Reply::Status(200, Some(("connection", "close")), "")).await;
    let cursors = tempfile::tempdir().unwrap();
    let mut running = start(&[&url(&service, "/")], settings(cursors.path()), &Log::with(5_000, 100));
    let metrics = running.until(0, "all sent", |metrics| metrics.sent.events == 5_000).await;
    assert_eq!((metrics.last_error, metrics.retried), (None, 0));
    running.stop().await;
    assert_eq!(all_in_order(&service.numbers(), 5_000), 0);
    assert!(service.connections() > 10);
}

#[tokio::test]
async fn a_restart_goes_on_where_it_was() {
    let service = Service::start(|_, _| OK).await;
    let cursors = tempfile::tempdir().unwrap();
    let log = Log::new(usize::MAX);
    for round in 0..10 {
        let running = start(&[&url(&service, "/")], settings(cursors.path()), &log);
        log.say_numbers(round * 100..round * 100 + 100, 10);
        if round % 2 == 0 {
            tokio::time::sleep(Duration::from_millis(round * 17)).await;
            running.kill().await;
        } else {
            let [metrics] = &running.stop().await[..] else { panic!("one drain") };
            assert_eq!((metrics.lag.bytes, &metrics.last_error), (0, &None));
        }
    }
    let twice = all_in_order(&service.numbers(), 1_000);
    // What is answered is confirmed; a kill can only come between the answer and the next save.
    assert!(twice <= 5 * 100, "{twice}");
}

#[tokio::test]
async fn an_endless_answer_is_not_read_to_its_end() {
    let long: &'static str = Box::leak("x".repeat(1 << 20).into_boxed_str());
    let service = Service::start(move |number, _| {
        if number == 0 { Reply::Status(500, None, long) } else { Reply::Status(200, None, long) }
    });
    let service = service.await;
    let cursors = tempfile::tempdir().unwrap();
    let mut running = start(&[&url(&service, "/")], settings(cursors.path()), &Log::with(5, 10));
    let metrics = running.until(0, "all sent", |metrics| metrics.sent.events == 5).await;
    assert_eq!(metrics.last_error.unwrap().what, "the service answered 500 Internal Server Error");
    running.stop().await;
    assert_eq!(all_in_order(&service.numbers(), 5), 0);
}
