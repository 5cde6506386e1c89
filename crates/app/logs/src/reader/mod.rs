//! Reads the logs of an app back.

mod cursor;
mod event;
mod query;

pub use cursor::{Cursor, Place, Position};
pub use event::{Event, Gap, GapCause, Item};
pub use query::{Pattern, PatternError, Query};
