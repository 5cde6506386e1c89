//! Syslog over TCP.

use std::time::Duration;

use drains::{Metrics, State};

use crate::support::receiver::{Conduct, Receiver};
use crate::support::{Log, Running, all_in_order, eventually, settings, start};

const MESSAGE: &str = "<14>1 2026-11-28T10:00:00.000000Z host.example.com guestbook web.1 stdout \
                       [origin software=\"guestbook\" swVersion=\"v7\"] 0 xxx";

fn url(receiver: &Receiver, options: &str) -> String {
    format!("syslog://{}{options}", receiver.address)
}

fn everything_sent(count: u64) -> impl Fn(&Metrics) -> bool {
    move |metrics| metrics.sent.events == count && metrics.lag.bytes == 0
}

async fn sent(running: &mut Running, count: u64) -> Metrics {
    running.until(0, "all sent", everything_sent(count)).await
}

#[tokio::test]
async fn everything_arrives_in_order_and_a_stop_leaves_nothing_open() {
    let receiver = Receiver::start(&[]);
    let cursors = tempfile::tempdir().unwrap();
    let log = Log::with(10_000, 3);
    let mut running = start(&[&url(&receiver, "")], settings(cursors.path()), &log);
    sent(&mut running, 10_000).await;
    log.say_numbers(10_000..10_010, 3);
    let [metrics] = &running.stop().await[..] else { panic!("one drain") };
    assert_eq!(all_in_order(&receiver.numbers(), 10_010), 0);
    assert_eq!(receiver.messages()[0], MESSAGE);
    assert!(
        receiver.messages()[9]
            .starts_with("<11>1 2026-11-28T10:00:00.000000Z host.example.com guestbook web.1 stderr ")
    );
    assert_eq!((metrics.sent.events, metrics.retried, metrics.unconfirmed), (10_010, 0, 0));
    assert_eq!((metrics.state, metrics.lag.bytes, &metrics.last_error), (State::Stopped, 0, &None));
    let saved = std::fs::read_to_string(cursors.path().join("drain0.json")).unwrap();
    assert_eq!(saved, "{\"version\":1,\"cursor\":10010}");
}

#[tokio::test]
async fn a_receiver_that_is_down_gets_everything_once_it_is_up() {
    let gone = Receiver::start(&[]).address;
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = nobody.local_addr().unwrap();
    drop(nobody);
    assert_ne!(gone, address);
    let cursors = tempfile::tempdir().unwrap();
    let log = Log::with(500, 100);
    let mut running = start(&[&format!("syslog://{address}")], settings(cursors.path()), &log);
    let metrics = running.until(0, "an error", |metrics| metrics.last_error.is_some()).await;
    let error = metrics.last_error.unwrap().what;
    assert_eq!(error, format!("cannot connect to {address}: Connection refused (os error 111)"));
    running
        .until(0, "waiting", |metrics| metrics.state == State::Waiting && metrics.lag.bytes > 50_000)
        .await;
    log.say_numbers(500..600, 100);
    let receiver = Receiver::start_at(address, &[], None);
    sent(&mut running, 600).await;
    running.stop().await;
    assert_eq!(all_in_order(&receiver.numbers(), 600), 0, "nothing had been sent before");
}

#[tokio::test]
async fn resets_in_the_middle_of_frames_lose_nothing() {
    let resets = [1, 999, 20_000, 333_333, 70_001].map(Conduct::Resets);
    let receiver = Receiver::start(&resets);
    let cursors = tempfile::tempdir().unwrap();
    let log = Log::with(20_000, 100);
    let mut running = start(&[&url(&receiver, "?window=1MiB")], settings(cursors.path()), &log);
    sent(&mut running, 20_000).await;
    let [metrics] = &running.stop().await[..] else { panic!("one drain") };
    let twice = all_in_order(&receiver.numbers(), 20_000);
    // At most the window and two batches are sent again for each reset; so much was on its way.
    let bound = resets.len() * ((1 << 20) + 2 * (64 << 10)) / 100;
    assert!(twice <= bound, "{twice} of at most {bound} came twice");
    assert_eq!(receiver.connections(), 6);
    assert!(metrics.retried as usize >= twice, "{metrics:?}, {twice} twice");
    assert_eq!(metrics.dropped, drains::Dropped::default());
}

#[tokio::test]
async fn a_receiver_that_closes_early_loses_nothing() {
    let closes = [10_000, 50_000].map(Conduct::Closes);
    let receiver = Receiver::start(&closes);
    let cursors = tempfile::tempdir().unwrap();
    let mut running = start(&[&url(&receiver, "")], settings(cursors.path()), &Log::with(5_000, 100));
    eventually("third connection", || receiver.connections() == 3).await;
    sent(&mut running, 5_000).await;
    running.stop().await;
    all_in_order(&receiver.numbers(), 5_000);
}

#[tokio::test]
async fn a_receiver_that_stops_reading_is_left_and_holds_up_nobody() {
    let stuck = Receiver::start(&[Conduct::Stops(5_000)]);
    let healthy = Receiver::start(&[]);
    let cursors = tempfile::tempdir().unwrap();
    let log = Log::with(20_000, 100);
    let urls = [url(&stuck, ""), url(&healthy, "")];
    let mut settings = settings(cursors.path());
    settings.stall_limit = Duration::from_secs(2);
    let begin = std::time::Instant::now();
    let mut running = start(&[&urls[0], &urls[1]], settings, &log);
    running.until(1, "the healthy one has all", everything_sent(20_000)).await;
    assert!(begin.elapsed() < Duration::from_secs(2), "held up for {:?}", begin.elapsed());
    assert_eq!(stuck.connections(), 1);
    assert!(running.now(0).sent.events < 20_000);
    let metrics = running.until(0, "it gives up", |metrics| metrics.last_error.is_some()).await;
    let error = metrics.last_error.unwrap().what;
    assert!(error == "the receiver took nothing within 2 s" || error.contains("timed out"), "{error}");
    sent(&mut running, 20_000).await;
    running.stop().await;
    all_in_order(&stuck.numbers(), 20_000);
    assert_eq!(all_in_order(&healthy.numbers(), 20_000), 0);
}

#[tokio::test]
async fn a_slow_receiver_gets_everything_once() {
    let receiver = Receiver::start(&[Conduct::Slow(4_000)]);
    let cursors = tempfile::tempdir().unwrap();
    let mut running = start(&[&url(&receiver, "")], settings(cursors.path()), &Log::with(10_000, 100));
    sent(&mut running, 10_000).await;
    running.stop().await;
    assert_eq!(all_in_order(&receiver.numbers(), 10_000), 0);
}

#[tokio::test]
async fn a_killed_drain_goes_on_where_it_was() {
    let receiver = Receiver::start(&[]);
    let cursors = tempfile::tempdir().unwrap();
    let log = Log::new(usize::MAX);
    let mut count = 0;
    for round in 0..8 {
        let mut running = start(&[&url(&receiver, "?window=256KiB")], settings(cursors.path()), &log);
        for _ in 0..10 {
            log.say_numbers(count..count + 500, 100);
            count += 500;
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        if round % 4 == 3 {
            // In order: nothing of it comes twice.
            running.until(0, "all sent", |metrics| metrics.sent.events > 0 && metrics.lag.bytes == 0).await;
            running.stop().await;
            let before = receiver.numbers();
            assert_eq!(before.last(), Some(&(count - 1)));
            let saved = std::fs::read_to_string(cursors.path().join("drain0.json")).unwrap();
            assert_eq!(saved, format!("{{\"version\":1,\"cursor\":{count}}}"));
        } else {
            running.kill().await;
        }
    }
    let twice = all_in_order(&receiver.numbers(), count);
    // Each kill: the window, the batches around it, and what was confirmed and not saved yet.
    let bound = 6 * ((256 << 10) + 4 * (64 << 10)) / 100;
    assert!(twice <= bound, "{twice} of at most {bound} came twice");
}

#[tokio::test]
async fn what_rotation_deletes_before_it_was_sent_is_counted() {
    let cursors = tempfile::tempdir().unwrap();
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = nobody.local_addr().unwrap();
    drop(nobody);
    let log = Log::new(1000);
    log.say_numbers(0..100, 10);
    let mut settings = settings(cursors.path());
    settings.batch.events = 100;
    let mut running = start(&[&format!("syslog://{address}")], settings, &log);
    running.until(0, "the first batch is in hand", |metrics| metrics.state == State::Waiting).await;
    log.say_numbers(100..5_000, 10);
    let receiver = Receiver::start_at(address, &[], None);
    sent(&mut running, 1_100).await;
    let [metrics] = &running.stop().await[..] else { panic!("one drain") };
    let expected: Vec<u64> = (0..100).chain(4_000..5_000).collect();
    assert_eq!(receiver.numbers(), expected);
    assert_eq!(metrics.dropped.rotated, drains::Lost { gaps: 1, records: 3_900, bytes: 0 });
}

#[tokio::test]
async fn long_messages_are_whole_unless_a_bound_is_set() {
    let receivers = [Receiver::start(&[]), Receiver::start(&[])];
    let cursors = tempfile::tempdir().unwrap();
    let log = Log::new(usize::MAX);
    let long: String = (0..300_000).map(|n| if n % 1000 == 7 { '\n' } else { 'ä' }).collect();
    log.say(format!("0 {long}"));
    let urls = [url(&receivers[0], ""), url(&receivers[1], "?longest=8KiB")];
    let mut running = start(&[&urls[0], &urls[1]], settings(cursors.path()), &log);
    sent(&mut running, 1).await;
    running.until(1, "all sent", everything_sent(1)).await;
    running.stop().await;
    let whole = receivers[0].messages();
    assert_eq!(whole.len(), 1);
    assert!(whole[0].ends_with(&format!("\u{feff}0 {long}")));
    let parts = receivers[1].messages();
    assert!(parts.iter().all(|part| part.len() <= 8 << 10) && parts.len() > 60);
    let joined: String = parts.iter().map(|part| part.split_once('\u{feff}').unwrap().1).collect();
    assert_eq!(joined, format!("0 {long}"));
}
