//! Reads the logs of an app back: all processes merged by time, rotated and compressed files included.
//!
//! ```text
//! Reader::open(directory: &Path, query: Query) -> Result<Reader, ReadError>
//! Reader::resume(directory: &Path, query: Query, cursor: &Cursor) -> Result<Reader, ReadError>
//! reader.next() -> Result<Option<Item>, ReadError>      // None: nothing now; without `follow`: the end
//! reader.wait(timeout: Duration) -> Result<bool, ReadError>   // blocks until something may have come, or the time is over
//! reader.cursor() -> Cursor                             // after the last item that `next` gave
//! ```

mod cursor;
mod event;
mod query;

pub use cursor::{Cursor, Place, Position};
pub use event::{Event, Gap, GapCause, Item};
pub use query::{Pattern, PatternError, Query};
