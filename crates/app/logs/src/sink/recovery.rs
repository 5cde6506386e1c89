//! What a log says when it is opened again: where its last whole record ends, and what was going on.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;

use crate::Timestamp;
use crate::log_files::{end_of_lines, first_time};
use crate::record::{Entry, Stream, entries};

/// What was found and mended when a log was opened.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Recovery {
    /// Bytes at the end that were no whole record, and were cut off: the supervisor was killed, or the machine lost power, while
    /// they were written.
    pub cut: u64,
    /// Streams whose last record is a partial one. Seen only when it is within the last MiB of the log.
    pub unfinished: Vec<Stream>,
}

/// Bytes at the end of a log in which the last record of each stream is looked for.
const LOOK_BACK: u64 = 1 << 20;

/// Cuts off a torn record at the end of a log.
pub(super) fn recover(file: &File) -> io::Result<Recovery> {
    let length = file.metadata()?.len();
    let whole = end_of_lines(file, length)?;
    if whole < length {
        file.set_len(whole)?;
    }
    Ok(Recovery { cut: length - whole, unfinished: unfinished(file, whole)? })
}

/// The time of a log's first record.
pub(super) fn first_record(file: &File) -> io::Result<Option<Timestamp>> {
    let mut start = [0; 64];
    let length = file.read_at(&mut start, 0)?;
    Ok(first_time(&start[..length]))
}

fn unfinished(file: &File, length: u64) -> io::Result<Vec<Stream>> {
    // Most logs end in whole lines of both streams: the last few records tell.
    let mut window = 16 << 10;
    loop {
        let start = length.saturating_sub(window);
        let mut bytes = vec![0; (length - start) as usize];
        file.read_exact_at(&mut bytes, start)?;
        let mut last = [None; 2];
        for entry in entries(&bytes) {
            // The first entry may be the end of a record; it then decodes as none.
            if let Entry::Record(record) = entry {
                last[record.stream.index()] = Some(record.partial);
            }
        }
        if last.iter().all(Option::is_some) || start == 0 || window >= LOOK_BACK {
            return Ok(Stream::ALL.into_iter().filter(|stream| last[stream.index()] == Some(true)).collect());
        }
        window = LOOK_BACK;
    }
}
