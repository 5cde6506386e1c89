//! Streams of events: what has changed on a page, as server-sent events.
//!
//! * `update`: `{"title": …, "parts": [{"id": …, "html": …}]}`: elements that take the place of those with the same id. The first
//!   one is the whole page, so a client that comes back has missed nothing.
//! * `lines`: `{"reset": …, "html": …}`: list items of the log, in place of all (`reset`) or after the last.
//!
//! One event waits for the client, and the next is made when that has gone: a slow client gets fewer of them, never old ones.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use serde_json::json;
use tokio::sync::{OwnedSemaphorePermit, mpsc};
use tokio::time::{Instant, MissedTickBehavior, interval, sleep, sleep_until};

use crate::log_lines::{self, Batch};
use crate::page::Live;
use crate::site::Site;

/// How often times and the router's numbers are looked at.
const TICK: Duration = Duration::from_secs(1);
/// The least time between two updates.
const LULL: Duration = Duration::from_millis(50);
/// After this long without an event a comment tells that the connection lives.
const SILENCE: Duration = Duration::from_secs(15);
/// How soon a client comes back when the connection breaks, in milliseconds.
const RETRY: u64 = 1000;

/// What a stream is about.
#[derive(Clone, Debug)]
pub(crate) enum Subject {
    /// All apps.
    All,
    /// One app, by its name in URLs.
    App(String),
}

/// Starts a stream that ends with its receiver, or with the server.
pub(crate) fn stream(
    site: Arc<Site>,
    subject: Subject,
    reached: String,
    place: OwnedSemaphorePermit,
) -> mpsc::Receiver<Bytes> {
    let (client, events) = mpsc::channel(1);
    tokio::spawn(async move {
        let mut ending = site.ending();
        tokio::select! {
            // Errors say that the other end is gone, which is the end here, too.
            _ = ending.wait_for(|ending| *ending) => {}
            _ = tell(&site, &subject, &reached, Arc::new(place), &client) => {}
            () = client.closed() => {}
        }
    });
    events
}

/// The client is gone.
struct Gone;

async fn tell(
    site: &Site,
    subject: &Subject,
    reached: &str,
    place: Arc<OwnedSemaphorePermit>,
    client: &mpsc::Sender<Bytes>,
) -> Result<(), Gone> {
    let mut status = site.source.status.clone();
    let mut keeper_is_there = true;
    let mut lines = lines(site, subject, reached, &place);
    let mut shown = Live::default();
    let mut tick = interval(TICK);
    tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut last_event = Instant::now();
    send(client, format!("retry: {RETRY}\n\n")).await?;
    loop {
        tokio::select! {
            changed = status.changed(), if keeper_is_there => keeper_is_there = changed.is_ok(),
            _ = tick.tick() => {}
            batch = next_batch(&mut lines) => {
                match batch {
                    Some(Batch { reset, html }) => {
                        send(client, event("lines", &json!({ "reset": reset, "html": html }))).await?;
                        last_event = Instant::now();
                    }
                    None => lines = None,
                }
                continue;
            }
            () = sleep_until(last_event + SILENCE) => {
                send(client, ": still here\n\n".into()).await?;
                last_event = Instant::now();
            }
        }
        if let Some(update) = update(site, subject, reached, &mut shown) {
            send(client, update).await?;
            last_event = Instant::now();
            sleep(LULL).await;
        }
    }
}

/// What has to change in a page that shows `shown`, which then is up to date.
fn update(site: &Site, subject: &Subject, reached: &str, shown: &mut Live) -> Option<String> {
    let view = site.view(reached);
    let live = match subject {
        Subject::All => Live::of_index(&view),
        Subject::App(name) => Live::of_app(&view, view.app(name)),
    };
    if live == *shown {
        return None;
    }
    let parts: Vec<_> =
        live.changes(shown).into_iter().map(|part| json!({ "id": part.id, "html": part.html })).collect();
    let update = event("update", &json!({ "title": live.title, "parts": parts }));
    *shown = live;
    Some(update)
}

fn lines(
    site: &Site,
    subject: &Subject,
    reached: &str,
    place: &Arc<OwnedSemaphorePermit>,
) -> Option<mpsc::Receiver<Batch>> {
    let Subject::App(name) = subject else { return None };
    let view = site.view(reached);
    let folder = site.logs_of(&view.app(name)?.name)?;
    Some(log_lines::follow(folder, Arc::clone(place)))
}

/// The next batch; never comes when there are no lines.
async fn next_batch(lines: &mut Option<mpsc::Receiver<Batch>>) -> Option<Batch> {
    match lines {
        Some(lines) => lines.recv().await,
        None => std::future::pending().await,
    }
}

/// An event; JSON on one line, as the format needs it.
fn event(name: &str, data: &serde_json::Value) -> String {
    format!("event: {name}\ndata: {data}\n\n")
}

async fn send(client: &mpsc::Sender<Bytes>, event: String) -> Result<(), Gone> {
    client.send(event.into()).await.map_err(|_| Gone)
}
