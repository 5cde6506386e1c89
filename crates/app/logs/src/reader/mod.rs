//! Reads the logs of an app back: all processes merged by time, rotated and compressed files included.
//!
//! ```no_run
//! # fn main() -> Result<(), logs::ReadError> {
//! let query = logs::Query { processes: vec!["web".into()], follow: true, ..Default::default() };
//! let mut reader = logs::Reader::open("/var/lib/pinch/logs/guestbook".as_ref(), query)?;
//! loop {
//!     while let Some(item) = reader.next()? {
//!         // … send it; then save `reader.cursor()`
//!     }
//!     reader.wait(std::time::Duration::from_secs(1));
//! }
//! # }
//! ```
//!
//! Events of one process come in the order in which they began. Those of several are merged by time, as far as they are there: one that
//! follows does not wait for a process that says nothing. Memory is bounded by [`Query::event_bytes`] for each process.
//!
//! Following survives that files are rotated, compressed, removed or truncated, and that the folder is removed and made again.

mod assembly;
mod behind;
mod cursor;
mod event;
mod open_file;
mod query;
mod source;
mod start;
mod tail;
mod watch;

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap, VecDeque};
use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

pub use cursor::{Cursor, Place, Position};
pub use event::{Event, Gap, GapCause, Item};
pub use query::{OtherLog, Pattern, PatternError, Query};

use crate::Timestamp;
use crate::log_files::LogFiles;
use source::Source;
use watch::Watch;

/// Reads the logs of an app.
pub struct Reader {
    directory: PathBuf,
    query: Query,
    /// Where an earlier reader stood, for logs that are not open yet.
    cursor: Cursor,
    names: BTreeMap<String, usize>,
    sources: Vec<Source>,
    /// What is asked of sources that are other logs, by their index.
    others: BTreeMap<usize, Query>,
    /// Sources that have an item ready, by its time.
    ready: BinaryHeap<Reverse<(Timestamp, usize)>>,
    /// The others.
    resting: Vec<usize>,
    looked_at: Option<Instant>,
    searched_at: Instant,
    /// Whether the folder was searched once.
    started: bool,
    watch: Option<Watch>,
    /// How many of the newest events are asked for, until they are found.
    gather: Option<usize>,
    newest: VecDeque<Item>,
}

/// Logs that cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("the logs in {directory} cannot be read: {error}")]
pub struct ReadError {
    /// Where.
    pub directory: PathBuf,
    /// Why.
    #[source]
    pub error: io::Error,
}

/// How often a reader that follows looks at logs that had nothing.
const LOOK_EVERY: Duration = Duration::from_millis(20);
/// How often it looks at logs in other folders.
const OTHERS_EVERY: Duration = Duration::from_millis(100);
/// How often it looks for logs of new processes without being told.
const SEARCH_EVERY: Duration = Duration::from_secs(1);

impl Reader {
    /// Reads the logs in a folder. The folder must exist, unless the reader follows.
    pub fn open(directory: &Path, query: Query) -> Result<Self, ReadError> {
        Self::resume(directory, query, &Cursor::default())
    }

    /// Goes on where an earlier reader stood. Logs that it did not know are read from their beginning.
    pub fn resume(directory: &Path, query: Query, cursor: &Cursor) -> Result<Self, ReadError> {
        let mut reader = Self {
            directory: directory.to_owned(),
            watch: query.follow.then(|| Watch::new(directory)),
            gather: query.tail,
            newest: VecDeque::new(),
            query,
            cursor: cursor.clone(),
            names: BTreeMap::new(),
            sources: Vec::new(),
            others: BTreeMap::new(),
            ready: BinaryHeap::new(),
            resting: Vec::new(),
            looked_at: Some(Instant::now()),
            searched_at: Instant::now(),
            started: false,
        };
        reader.search().map_err(|error| reader.failed(error))?;
        Ok(reader)
    }

    /// The next item. `None`: there is nothing more at present, or, for a reader that does not follow, at all.
    #[expect(clippy::should_implement_trait, reason = "`None` is not always the end, and it can fail")]
    pub fn next(&mut self) -> Result<Option<Item>, ReadError> {
        if let Some(most) = self.gather {
            while let Some(item) = self.merged().map_err(|error| self.failed(error))? {
                self.newest.extend(matches!(item, Item::Event(_)).then_some(item));
                if self.newest.len() > most {
                    self.newest.pop_front();
                }
            }
            self.gather = None;
        }
        if let Some(item) = self.newest.pop_front() {
            return Ok(Some(item));
        }
        self.merged().map_err(|error| self.failed(error))
    }

    /// Blocks until there may be something new, or for at most so long.
    pub fn wait(&mut self, most: Duration) {
        let waiting = self.sources.iter().any(Source::is_waiting);
        let most = most.min(if waiting { source::PATIENCE } else { SEARCH_EVERY });
        // Only the app's own folder is watched.
        let most = if self.query.others.is_empty() { most } else { most.min(OTHERS_EVERY) };
        if let Some(watch) = &mut self.watch {
            watch.wait(most);
        }
        self.looked_at = None;
    }

    /// Where the next reader has to begin to go on after the last item that [`Reader::next`] gave. With [`Query::tail`], the
    /// newest events count as given together.
    pub fn cursor(&self) -> Cursor {
        let mut cursor = self.cursor.clone();
        for (name, &index) in &self.names {
            cursor.processes.insert(name.clone(), self.sources[index].position());
        }
        cursor
    }

    /// The next item of all sources that is asked for.
    fn merged(&mut self) -> io::Result<Option<Item>> {
        loop {
            let look = self.query.follow && self.looked_at.is_none_or(|at| at.elapsed() >= LOOK_EVERY);
            if self.ready.is_empty() || look {
                self.look()?;
            }
            let Some(Reverse((_, index))) = self.ready.pop() else { return Ok(None) };
            let item = self.sources[index].pop();
            // A source that cannot be read now is not forgotten: it rests until the next look.
            self.resting.push(index);
            self.advance_last()?;
            let query = self.others.get(&index).unwrap_or(&self.query);
            if let Some(item) = item.filter(|item| query.wants(item)) {
                return Ok(Some(item));
            }
        }
    }

    /// Looks whether sources that had nothing have something now, and for new ones.
    fn look(&mut self) -> io::Result<()> {
        if self.query.follow && self.searched_at.elapsed() >= SEARCH_EVERY || self.looked_at.is_none() {
            self.search()?;
        }
        self.looked_at = Some(Instant::now());
        for _ in 0..self.resting.len() {
            self.resting.rotate_left(1);
            self.advance_last()?;
        }
        Ok(())
    }

    /// Reads on in the last of the resting sources.
    fn advance_last(&mut self) -> io::Result<()> {
        let Some(&index) = self.resting.last() else { return Ok(()) };
        if let Some(time) = self.sources[index].advance(&self.query)? {
            self.resting.pop();
            self.ready.push(Reverse((time, index)));
        }
        Ok(())
    }

    /// Finds logs that are not read yet.
    fn search(&mut self) -> io::Result<()> {
        self.searched_at = Instant::now();
        let logs = match LogFiles::in_directory(&self.directory) {
            Err(error) if error.kind() == io::ErrorKind::NotFound && self.query.follow => Vec::new(),
            logs => logs?,
        };
        for (name, files) in logs {
            if self.query.wants_process(&name) {
                self.add(&name, &name, files, None)?;
            }
        }
        for other in self.query.others.clone() {
            if !self.query.wants_process(&other.name) {
                continue;
            }
            let logs = match LogFiles::in_directory(&other.directory) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
                logs => logs?,
            };
            for (name, files) in logs.into_iter().filter(|(name, _)| query::is_of(name, &other.process)) {
                let key = other.directory.join(&name).display().to_string();
                self.add(&key, &other.name, files, Some(self.query.of_other(&other)))?;
            }
        }
        self.started = true;
        Ok(())
    }

    /// Reads a log that is not read yet. `key` is what the cursor calls it, `name` what its events say, and `query` what is asked
    /// of it, if that is not the reader's own.
    fn add(&mut self, key: &str, name: &str, files: LogFiles, query: Option<Query>) -> io::Result<()> {
        if self.names.contains_key(key) {
            return Ok(());
        }
        let asked = query.as_ref().unwrap_or(&self.query);
        let position = match self.cursor.processes.get(key) {
            Some(position) => *position,
            // A log that appears later is new as a whole.
            None if self.started => Position::default(),
            None => Position::at(start::start(name, &files, asked)?),
        };
        let end = if asked.follow { None } else { Some(start::end(&files)?) };
        let index = self.sources.len();
        self.names.insert(key.to_owned(), index);
        self.resting.push(index);
        self.sources.push(Source::new(name, files, &position, end, asked.event_bytes));
        self.others.extend(query.map(|query| (index, query)));
        Ok(())
    }

    fn failed(&self, error: io::Error) -> ReadError {
        ReadError { directory: self.directory.clone(), error }
    }
}
