//! One record of a log file: a line of the Kubernetes CRI text format.
//!
//! `2026-11-28T10:00:00.123456789Z stdout F the line` and a newline. The tag after the stream is `F` (the line ends
//! here) or `P` (the next record of the same stream goes on with it). A second tag after a colon, `F:J` or `P:J`, is
//! ours: the line that begins here belongs to the event of the line before it in the same stream, as the frames of a
//! traceback do. The text is the bytes that the process wrote, whatever they are; only its newline is the record's.
//!
//! Form: `pkg/kubelet/kuberuntime/logs` of Kubernetes, which reads tags separated by colons and ignores those it does not know.

use std::fmt;

use memchr::memchr;
use serde::{Deserialize, Serialize};

use crate::Timestamp;

/// Which of its two outputs a process wrote to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Stream {
    /// Standard output.
    Stdout,
    /// Standard error.
    Stderr,
}

impl Stream {
    /// Both of them.
    pub const ALL: [Self; 2] = [Self::Stdout, Self::Stderr];

    /// `stdout` or `stderr`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Stdout => "stdout",
            Self::Stderr => "stderr",
        }
    }

    /// 0 or 1, to keep something for each.
    pub(crate) const fn index(self) -> usize {
        self as usize
    }
}

impl fmt::Display for Stream {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.pad(self.name())
    }
}

/// One record: a line, or a part of one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Record<'a> {
    /// When the supervisor read the end of it.
    pub time: Timestamp,
    /// Which output it was written to.
    pub stream: Stream,
    /// Whether the line goes on in the next record of the same stream.
    pub partial: bool,
    /// Whether the line that begins here belongs to the event of the line before it in the same stream.
    pub joined: bool,
    /// What was written, without the newline.
    pub text: &'a [u8],
}

impl<'a> Record<'a> {
    /// Reads one line of a log file, given without its newline. `None`: it is no record.
    pub fn decode(line: &'a [u8]) -> Option<Self> {
        let (time, rest) = word(line)?;
        let (stream, rest) = word(rest)?;
        let (tags, text) = word(rest)?;
        let stream = match stream {
            b"stdout" => Stream::Stdout,
            b"stderr" => Stream::Stderr,
            _ => return None,
        };
        let mut tags = tags.split(|&byte| byte == b':');
        let partial = match tags.next()? {
            b"F" => false,
            b"P" => true,
            _ => return None,
        };
        Some(Self {
            time: Timestamp::parse(time)?,
            stream,
            partial,
            joined: tags.any(|tag| tag == b"J"),
            text,
        })
    }

    /// Appends the record to `out`, newline included. A newline inside the text would end the record: it must have none.
    pub fn encode(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(Headers::new(self.time, self.stream).of(self.partial, self.joined));
        out.extend_from_slice(self.text);
        out.push(b'\n');
    }
}

/// What a stretch of a log file between two newlines is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Entry<'a> {
    /// A record.
    Record(Record<'a>),
    /// A whole line that is none; somebody else wrote it.
    Foreign(&'a [u8]),
    /// The end of the file without a newline: a record whose writing was cut short, or is still under way.
    Torn(&'a [u8]),
}

/// All entries of some bytes of a log file, in order; together they cover every byte.
pub fn entries(bytes: &[u8]) -> impl Iterator<Item = Entry<'_>> {
    let mut rest = bytes;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let Some(end) = memchr(b'\n', rest) else { return Some(Entry::Torn(std::mem::take(&mut rest))) };
        let line = &rest[..end];
        rest = &rest[end + 1..];
        Some(Record::decode(line).map_or(Entry::Foreign(line), Entry::Record))
    })
}

/// The starts of the records of one time and stream: what a time costs to write is paid once for all of them.
pub(crate) struct Headers {
    /// By tags: `F`, `P`, `F:J`, `P:J`.
    forms: [[u8; JOINED_BYTES]; 4],
}

/// Bytes before the text of a record without a second tag.
pub(crate) const HEADER_BYTES: usize = Timestamp::TEXT_BYTES + " stdout F ".len();
const JOINED_BYTES: usize = HEADER_BYTES + ":J".len();

impl Headers {
    pub(crate) fn new(time: Timestamp, stream: Stream) -> Self {
        const TAG: usize = HEADER_BYTES - 2;
        let mut whole = [b' '; JOINED_BYTES];
        whole[..Timestamp::TEXT_BYTES].copy_from_slice(&time.text());
        whole[Timestamp::TEXT_BYTES + 1..TAG - 1].copy_from_slice(stream.name().as_bytes());
        whole[TAG] = b'F';
        let mut forms = [whole; 4];
        forms[2][TAG + 1..].copy_from_slice(b":J ");
        forms[3] = forms[2];
        forms[1][TAG] = b'P';
        forms[3][TAG] = b'P';
        Self { forms }
    }

    /// What stands before the text.
    #[inline]
    pub(crate) fn of(&self, partial: bool, joined: bool) -> &[u8] {
        let form = &self.forms[usize::from(partial) | usize::from(joined) << 1];
        if joined { form } else { &form[..HEADER_BYTES] }
    }
}

/// The text up to the first space, and what follows the space.
fn word(text: &[u8]) -> Option<(&[u8], &[u8])> {
    // Times are the longest word; a foreign line of any length is given up early.
    let end = text.iter().take(64).position(|&byte| byte == b' ')?;
    Some((&text[..end], &text[end + 1..]))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn any_record() -> impl Strategy<Value = (u64, bool, bool, bool, Vec<u8>)> {
        (
            any::<u64>(),
            any::<bool>(),
            any::<bool>(),
            any::<bool>(),
            prop::collection::vec(any::<u8>(), 0..200),
        )
    }

    fn record((time, stderr, partial, joined, text): &(u64, bool, bool, bool, Vec<u8>)) -> Record<'_> {
        Record {
            time: Timestamp::from_nanoseconds(*time),
            stream: if *stderr { Stream::Stderr } else { Stream::Stdout },
            partial: *partial,
            joined: *joined,
            text,
        }
    }

    #[test]
    fn forms() {
        let time = Timestamp::parse(b"2026-11-28T10:00:00.123456789Z").unwrap();
        let mut out = Vec::new();
        for (stream, partial, joined, text) in [
            (Stream::Stdout, false, false, &b"the line"[..]),
            (Stream::Stderr, true, false, b"a  "),
            (Stream::Stderr, false, true, b""),
            (Stream::Stdout, true, true, b"\xff\0"),
        ] {
            Record { time, stream, partial, joined, text }.encode(&mut out);
        }
        assert_eq!(
            out.escape_ascii().to_string().replace("\\n", "\n"),
            "2026-11-28T10:00:00.123456789Z stdout F the line\n\
             2026-11-28T10:00:00.123456789Z stderr P a  \n\
             2026-11-28T10:00:00.123456789Z stderr F:J \n\
             2026-11-28T10:00:00.123456789Z stdout P:J \\xff\\x00\n"
        );
    }

    #[test]
    fn what_container_runtimes_write_is_read() {
        let record = Record::decode(b"2016-10-06T00:17:09.669794202+02:00 stderr P:X:Y log content").unwrap();
        assert_eq!(record.time.to_string(), "2016-10-05T22:17:09.669794202Z");
        assert_eq!((record.stream, record.partial, record.joined), (Stream::Stderr, true, false));
        assert_eq!(record.text, b"log content");
    }

    #[test]
    fn foreign_lines() {
        for line in [
            "",
            "hello",
            "2026-11-28T10:00:00.123456789Z stdout F",
            "2026-11-28T10:00:00.123456789Z stdin F x",
            "2026-11-28T10:00:00.123456789Z stdout G x",
            "2026-11-28 stdout F x",
        ] {
            assert_eq!(Record::decode(line.as_bytes()), None, "{line}");
        }
    }

    proptest! {
        #[test]
        fn records_round_trip(parts in prop::collection::vec(any_record(), 0..8)) {
            let mut parts = parts;
            let mut out = Vec::new();
            for part in &mut parts {
                part.4.retain(|&byte| byte != b'\n');
                record(part).encode(&mut out);
            }
            let expected: Vec<_> = parts.iter().map(|part| Entry::Record(record(part))).collect();
            prop_assert_eq!(entries(&out).collect::<Vec<_>>(), expected);
        }

        #[test]
        fn entries_cover_every_byte(parts in prop::collection::vec(any_record(), 0..8), noise: Vec<u8>, cut: prop::sample::Index) {
            let mut bytes = noise;
            for part in &parts {
                record(part).encode(&mut bytes);
            }
            bytes.truncate(cut.index(bytes.len() + 1));
            let mut again = Vec::new();
            for entry in entries(&bytes) {
                match entry {
                    Entry::Record(record) => record.encode(&mut again),
                    Entry::Foreign(line) => again.extend([line, b"\n"].concat()),
                    Entry::Torn(rest) => again.extend(rest),
                }
            }
            prop_assert_eq!(again, bytes);
        }

        #[test]
        fn any_bytes_are_read_without_panic(bytes: Vec<u8>) {
            let _ = Record::decode(&bytes);
        }
    }
}
