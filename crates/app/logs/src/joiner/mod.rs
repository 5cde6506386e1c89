//! Exceptions at the source.
use serde::{Deserialize, Serialize};

/// Decides which lines belong to the exception that the line before belongs to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Joiner {}

impl Joiner {
    /// Bytes of a line that are looked at.
    pub const LOOKS_AT: usize = 512;

    /// Whether more lines of the event of the newest line can be expected.
    pub fn expects_more(&self) -> bool {
        false
    }

    /// Whether this line belongs to the event of the one before it. Given without its newline.
    pub fn line(&mut self, _line: &[u8]) -> bool {
        false
    }
}
