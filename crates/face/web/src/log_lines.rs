//! The newest lines of an app's logs, once or as they come, within bounds.
//!
//! Whoever follows gets *batches*. The first one is the newest lines that there are. When more is written than a page can show, lines are
//! left out: the next batch begins anew with the newest ones. So a process that writes millions of lines costs a page, and the router
//! beside it, a look a second.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use logs::{Item, Query, ReadError, Reader};
use maud::PreEscaped;
use tokio::sync::{OwnedSemaphorePermit, mpsc};

use crate::page::{LogWriter, Note};

/// The newest events that a page begins with, and the most of one batch.
pub(crate) const NEWEST: usize = 200;
/// Bytes of text of a batch; those of older events are left out.
const BATCH_BYTES: usize = 256 << 10;
/// Bytes of text of one event; the page says how much is missing.
const EVENT_BYTES: usize = 4 << 10;
/// Batches that wait for one client.
const BATCHES: usize = 1;
/// How often a follower that has nothing to send looks whether its client is still there.
const LOOK: Duration = Duration::from_millis(250);
/// The rest of a follower after a flood or a failure.
const REST: Duration = Duration::from_secs(1);

/// Lines that come together.
#[derive(Debug)]
pub(crate) struct Batch {
    /// Whether they stand in place of all that came before.
    pub(crate) reset: bool,
    /// List items.
    pub(crate) html: String,
}

/// The newest lines that there are, as list items. Blocks while it reads.
pub(crate) fn newest(folder: &Path) -> String {
    let mut writer = LogWriter::default();
    let read = || {
        let mut reader = Reader::open(folder, query(false))?;
        Ok(take(&mut reader)?.items)
    };
    match read() {
        Ok(items) => html(&mut writer, &items, None),
        Err(failure) => html(&mut writer, &[], unreadable(&failure).as_ref()),
    }
}

/// The newest lines, and those that come, until the receiver is dropped. `place` is kept until the follower has noticed that.
pub(crate) fn follow(folder: PathBuf, place: Arc<OwnedSemaphorePermit>) -> mpsc::Receiver<Batch> {
    let (batches, receiver) = mpsc::channel(BATCHES);
    let follower = std::thread::Builder::new().name("log follower".into());
    // Without a thread the receiver is closed at once: a page whose log stands still.
    let _ = follower.spawn(move || {
        while follow_once(&folder, &batches) == Next::Again {
            std::thread::sleep(REST);
        }
        drop(place);
    });
    receiver
}

/// What comes after a follower.
#[derive(Debug, PartialEq, Eq)]
enum Next {
    /// Another one, which begins anew.
    Again,
    /// None: nobody listens any more.
    Nothing,
}

/// Follows until there is too much, something fails, or nobody listens.
fn follow_once(folder: &Path, batches: &mpsc::Sender<Batch>) -> Next {
    let mut writer = LogWriter::default();
    let mut reset = true;
    match try_to_follow(folder, batches, &mut writer, &mut reset) {
        Ok(next) => next,
        Err(failure) => {
            let html = html(&mut writer, &[], unreadable(&failure).as_ref());
            if batches.blocking_send(Batch { reset, html }).is_ok() { Next::Again } else { Next::Nothing }
        }
    }
}

fn try_to_follow(
    folder: &Path,
    batches: &mpsc::Sender<Batch>,
    writer: &mut LogWriter,
    reset: &mut bool,
) -> Result<Next, ReadError> {
    let mut reader = Reader::open(folder, query(true))?;
    loop {
        let Taken { items, more } = take(&mut reader)?;
        if *reset || !items.is_empty() {
            let note = (*reset && more).then_some(Note::Flood);
            let html = html(writer, &items, note.as_ref());
            if batches.blocking_send(Batch { reset: *reset, html }).is_err() {
                return Ok(Next::Nothing);
            }
            *reset = false;
        }
        if more {
            return Ok(Next::Again);
        }
        reader.wait(LOOK);
        if batches.is_closed() {
            return Ok(Next::Nothing);
        }
    }
}

fn query(follow: bool) -> Query {
    Query { tail: Some(NEWEST), follow, event_bytes: EVENT_BYTES, ..Query::default() }
}

struct Taken {
    items: Vec<Item>,
    /// Whether there is more than fits a batch.
    more: bool,
}

/// What the reader has at present, within the bounds of a batch.
fn take(reader: &mut Reader) -> Result<Taken, ReadError> {
    let mut items = Vec::new();
    while let Some(item) = reader.next()? {
        items.push(item);
        if items.len() > NEWEST {
            items.pop();
            return Ok(Taken { items: fitting(items), more: true });
        }
    }
    Ok(Taken { items: fitting(items), more: false })
}

/// The newest of them that fit together.
fn fitting(mut items: Vec<Item>) -> Vec<Item> {
    let mut room = BATCH_BYTES;
    let fits = |item: &&Item| {
        let bytes = if let Item::Event(event) = item { event.text.len() } else { 0 };
        room.checked_sub(bytes).map(|left| room = left).is_some()
    };
    let fitting = items.iter().rev().take_while(fits).count();
    items.split_off(items.len() - fitting)
}

fn html(writer: &mut LogWriter, items: &[Item], note: Option<&Note>) -> String {
    let mut html = note.map(LogWriter::note).map(PreEscaped::into_string).unwrap_or_default();
    html.extend(items.iter().map(|item| writer.item(item).into_string()));
    html
}

/// What to say about a failure: a folder that is not there yet is none.
fn unreadable(failure: &ReadError) -> Option<Note> {
    (failure.error.kind() != std::io::ErrorKind::NotFound).then(|| Note::Unreadable(failure.to_string()))
}
