//! From bytes as they come to records: the state of one stream between two reads.

use memchr::memchr_iter;
use serde::{Deserialize, Serialize};

use crate::Joiner;
use crate::record::Headers;

/// What is left of a stream between two reads: enough to go on without a seam.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LineState {
    /// Bytes that were read and are in no record yet.
    pub(super) unread: Vec<u8>,
    /// Records that the sink refused.
    pub(super) unwritten: Vec<u8>,
    /// Whether partial records were written of a line that has not ended.
    pub(super) unfinished: bool,
    /// The start of that line, as much as the joiner looks at.
    head: Vec<u8>,
    /// As it was before that line.
    joiner: Joiner,
    /// Whole lines so far.
    pub(super) lines: u64,
    /// Bytes read so far.
    pub(super) bytes: u64,
}

impl LineState {
    /// A stream whose last record may have been a partial one.
    pub(super) fn resumed(unfinished: bool) -> Self {
        Self { unfinished, ..Self::default() }
    }

    /// Turns whole lines at the start of `data` into records, until none is left or `out` has `enough` bytes.
    /// How many bytes of `data` they were.
    pub(super) fn encode_lines(
        &mut self,
        data: &[u8],
        headers: &Headers,
        out: &mut Vec<u8>,
        enough: usize,
    ) -> usize {
        let mut start = 0;
        for end in memchr_iter(b'\n', data) {
            let joined = self.line(&data[start..end]);
            out.extend_from_slice(headers.of(false, joined));
            out.extend_from_slice(&data[start..=end]);
            start = end + 1;
            if out.len() >= enough {
                break;
            }
        }
        start
    }

    /// Turns the start of a line into a partial record.
    pub(super) fn encode_partial(&mut self, text: &[u8], headers: &Headers, out: &mut Vec<u8>) {
        if text.is_empty() {
            return;
        }
        let first = !std::mem::replace(&mut self.unfinished, true);
        self.extend_head(text);
        let joined = first && self.joiner.clone().line(&self.head);
        out.extend_from_slice(headers.of(true, joined));
        out.extend_from_slice(text);
        out.push(b'\n');
    }

    /// Ends the stream: `text` is all that is left of it, without a newline. Nothing left of a whole line needs no record.
    pub(super) fn encode_end(&mut self, text: &[u8], headers: &Headers, out: &mut Vec<u8>) {
        if text.is_empty() && !self.unfinished {
            return;
        }
        let joined = self.line(text);
        out.extend_from_slice(headers.of(false, joined));
        out.extend_from_slice(text);
        out.push(b'\n');
    }

    /// Another process goes on with the stream: like its end, and what comes belongs to nothing before it.
    pub(super) fn encode_seam(&mut self, text: &[u8], headers: &Headers, out: &mut Vec<u8>) {
        self.encode_end(text, headers, out);
        self.joiner = Joiner::default();
    }

    /// Whether the line that ends with `text` begins here and belongs to the one before it.
    #[inline]
    fn line(&mut self, text: &[u8]) -> bool {
        self.lines += 1;
        if self.unfinished {
            self.extend_head(text);
            self.joiner.line(&self.head);
            self.head = Vec::new();
            self.unfinished = false;
            return false;
        }
        self.joiner.line(text)
    }

    fn extend_head(&mut self, text: &[u8]) {
        let room = Joiner::LOOKS_AT.saturating_sub(self.head.len());
        self.head.extend_from_slice(&text[..text.len().min(room)]);
    }
}
