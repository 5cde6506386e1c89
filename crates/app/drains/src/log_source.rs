//! The log files of an app as a [`Source`].

use std::path::{Path, PathBuf};
use std::sync::Arc;

use logs::{Cursor, Item, Query, Reader, Timestamp};

use crate::{Event, Limits, Lost, Portion, Source, SourceError};

/// The number of the release that a process ran at a time, when that is known. Log files do not say.
pub type ReleaseOf = Arc<dyn Fn(&str, Timestamp) -> Option<u64> + Send + Sync>;

/// The log files of one app: all its processes, merged by time.
pub struct LogSource {
    directory: PathBuf,
    query: Query,
    app: Arc<str>,
    release: ReleaseOf,
    reader: Reader,
}

impl LogSource {
    /// Opens the logs in an app's folder, at a cursor that was saved. Without one, `query` says where it begins: at the beginning
    /// unless `since` or `tail` are set (`tail: Some(0)` is the end). Its `processes` and `event_bytes` count always; what of an
    /// event is longer than those bytes is left out, and the message says so at its end.
    pub fn open(
        directory: &Path,
        app: &str,
        query: Query,
        release: ReleaseOf,
        cursor: Option<&Cursor>,
    ) -> Result<Self, SourceError> {
        let mut query = Query { follow: true, ..query };
        let reader = match cursor {
            None => Reader::open(directory, query.clone()).map_err(failed)?,
            Some(cursor) => {
                // What the cursor does not know appeared while nobody read, and is read from its beginning.
                (query.since, query.tail) = (None, None);
                Reader::resume(directory, query.clone(), cursor).map_err(failed)?
            }
        };
        Ok(Self { directory: directory.to_owned(), query, app: app.into(), release, reader })
    }

    fn event(&self, event: logs::Event) -> Event {
        let mut message = event.text;
        if event.cut > 0 {
            message.extend_from_slice(format!(" [{} more bytes are in the log]", event.cut).as_bytes());
        }
        Event {
            time: event.time,
            app: Arc::clone(&self.app),
            release: (self.release)(&event.process, event.time),
            process: event.process,
            stream: event.stream,
            message,
        }
    }
}

impl Source for LogSource {
    type Cursor = Cursor;

    fn cursor(&self) -> Cursor {
        self.reader.cursor()
    }

    fn seek(&mut self, cursor: &Cursor) -> Result<(), SourceError> {
        (self.query.since, self.query.tail) = (None, None);
        self.reader = Reader::resume(&self.directory, self.query.clone(), cursor).map_err(failed)?;
        Ok(())
    }

    fn read(&mut self, limits: Limits) -> Result<Portion, SourceError> {
        let mut portion = Portion::default();
        let mut bytes = 0;
        while portion.events.len() < limits.events && bytes < limits.bytes {
            match self.reader.next().map_err(failed)? {
                Some(Item::Event(event)) => {
                    let event = self.event(event);
                    bytes += event.weight();
                    portion.events.push(event);
                }
                Some(Item::Gap(gap)) => {
                    portion.lost += Lost {
                        gaps: 1,
                        records: gap.records.unwrap_or_default(),
                        bytes: gap.bytes.unwrap_or_default(),
                    };
                }
                None => {
                    // Lets the next read look again, whenever it comes.
                    self.reader.wait(std::time::Duration::ZERO);
                    break;
                }
            }
        }
        portion.behind = self.reader.behind().map_err(failed)?;
        Ok(portion)
    }
}

fn failed(error: logs::ReadError) -> SourceError {
    SourceError { what: error.directory.display().to_string(), why: error.error.to_string() }
}
