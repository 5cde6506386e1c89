//! Which files make the log of one process.
//!
//! ```text
//! APP/web.1.log           the one that is written to
//! APP/web.1.log.17        written before it; not compressed yet
//! APP/web.1.log.16.gz     written before that one
//! APP/web.1.log.17.gz.new being compressed; worthless when whoever does it was killed
//! APP/web.1.log.deleted   how much rotation has deleted in the life of the log (JSON)
//! ```
//!
//! Files are numbered from 1 in the order in which they were written; the number of the newest is one more than that of
//! the newest numbered one. A file keeps its number for ever.

use std::fs::{self, File};
use std::io::{self, Read};
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::{Path, PathBuf};

use memchr::{memchr, memchr_iter, memrchr};
use serde::{Deserialize, Serialize};

use crate::Timestamp;
use crate::record::Record;

/// The files of one log.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct LogFiles {
    active: PathBuf,
}

/// A file that is no longer written to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Rotated {
    pub(crate) number: u64,
    pub(crate) path: PathBuf,
    pub(crate) compressed: bool,
    /// Bytes that it takes on the disk.
    pub(crate) disk_bytes: u64,
    /// When it was last written to, before it was compressed.
    pub(crate) modified: Timestamp,
}

/// How much of a log rotation has deleted, from its beginning.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Deleted {
    /// The newest file that was deleted; all before it are gone too.
    pub(crate) file: u64,
    #[serde(flatten)]
    pub(crate) size: Size,
}

/// How much is in a part of a log.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Size {
    /// Bytes, headers included, before compression.
    pub(crate) bytes: u64,
    pub(crate) records: u64,
}

impl LogFiles {
    /// What the newest file's name ends in.
    const SUFFIX: &'static str = ".log";

    pub(crate) fn new(active: &Path) -> Self {
        Self { active: active.to_owned() }
    }

    /// The logs in a folder, by the name of their process.
    pub(crate) fn in_directory(directory: &Path) -> io::Result<Vec<(String, Self)>> {
        let mut logs = Vec::new();
        for name in names(directory)? {
            // A log whose newest file was just rotated away is found by the older ones.
            let Some((process, rest)) = name.rsplit_once(Self::SUFFIX) else { continue };
            if !process.is_empty() && (rest.is_empty() || parse_rotated(rest).is_some()) {
                logs.push((
                    process.to_owned(),
                    Self::new(&directory.join(format!("{process}{}", Self::SUFFIX))),
                ));
            }
        }
        logs.sort();
        logs.dedup();
        Ok(logs)
    }

    pub(crate) fn active(&self) -> &Path {
        &self.active
    }

    pub(crate) fn directory(&self) -> &Path {
        self.active.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."))
    }

    pub(crate) fn rotated(&self, number: u64) -> PathBuf {
        self.with(&format!(".{number}"))
    }

    pub(crate) fn compressed(&self, number: u64) -> PathBuf {
        self.with(&format!(".{number}.gz"))
    }

    /// Being compressed.
    pub(crate) fn unfinished(&self, number: u64) -> PathBuf {
        self.with(&format!(".{number}{UNFINISHED}"))
    }

    fn with(&self, suffix: &str) -> PathBuf {
        let mut path = self.active.clone().into_os_string();
        path.push(suffix);
        path.into()
    }

    /// Files that are no longer written to, oldest first. One that is there twice, compressed and not, is listed as compressed.
    pub(crate) fn list(&self) -> io::Result<Vec<Rotated>> {
        let mut files = Vec::new();
        for suffix in self.suffixes()? {
            let Some((number, compressed)) = parse_rotated(&suffix) else { continue };
            let path = self.with(&suffix);
            // Deleted or compressed since the folder was read: the next look shows it.
            let Ok(metadata) = fs::symlink_metadata(&path) else { continue };
            if metadata.is_file() {
                let modified = Timestamp::from_nanoseconds(
                    (metadata.mtime().max(0) as u64) * 1_000_000_000 + metadata.mtime_nsec() as u64,
                );
                files.push(Rotated { number, path, compressed, disk_bytes: metadata.len(), modified });
            }
        }
        files.sort_by_key(|file| (file.number, !file.compressed));
        files.dedup_by_key(|file| file.number);
        Ok(files)
    }

    /// Files that are half compressed.
    pub(crate) fn list_unfinished(&self) -> io::Result<Vec<PathBuf>> {
        let suffixes = self.suffixes()?.into_iter();
        Ok(suffixes.filter(|suffix| suffix.ends_with(UNFINISHED)).map(|suffix| self.with(&suffix)).collect())
    }

    /// What follows the newest file's name in the names of files beside it.
    fn suffixes(&self) -> io::Result<Vec<String>> {
        let Some(name) = self.active.file_name().and_then(|name| name.to_str()) else {
            return Ok(Vec::new());
        };
        let names = match names(self.directory()) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            names => names?,
        };
        Ok(names.iter().filter_map(|other| other.strip_prefix(name)).map(str::to_owned).collect())
    }

    /// What rotation has deleted so far; nothing, where that is not known.
    pub(crate) fn deleted(&self) -> Deleted {
        let text = fs::read(self.with(DELETED)).unwrap_or_default();
        serde_json::from_slice(&text).unwrap_or_default()
    }

    /// Remembers what rotation has deleted.
    pub(crate) fn set_deleted(&self, deleted: Deleted) -> io::Result<()> {
        let unfinished = self.with(&format!("{DELETED}.new"));
        fs::write(&unfinished, serde_json::to_vec(&deleted)?)?;
        fs::rename(&unfinished, self.with(DELETED))
    }

    /// The number of the file that is written to, given those that are not.
    pub(crate) fn active_number(&self, rotated: &[Rotated]) -> u64 {
        rotated.last().map_or(0, |file| file.number).max(self.deleted().file) + 1
    }
}

const UNFINISHED: &str = ".gz.new";
const DELETED: &str = ".deleted";

/// `.17` or `.17.gz` as number and whether it is compressed.
fn parse_rotated(suffix: &str) -> Option<(u64, bool)> {
    let suffix = suffix.strip_prefix('.')?;
    let (number, compressed) = suffix.strip_suffix(".gz").map_or((suffix, false), |number| (number, true));
    // Only names that would be written so: no sign, no leading zero.
    let parsed: u64 = number.parse().ok().filter(|parsed: &u64| *parsed > 0)?;
    (parsed.to_string() == number).then_some((parsed, compressed))
}

fn names(directory: &Path) -> io::Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in fs::read_dir(directory)? {
        names.extend(entry?.file_name().into_string());
    }
    Ok(names)
}

impl Rotated {
    /// How much is in it. A compressed file says so in its header; a plain one is read through.
    pub(crate) fn size(&self) -> io::Result<Option<Size>> {
        let mut file = File::open(&self.path)?;
        if self.compressed { compressed_size(file) } else { count(&mut file).map(Some) }
    }
}

/// Counts what is in a plain file.
pub(crate) fn count(file: &mut File) -> io::Result<Size> {
    let mut size = Size::default();
    let mut chunk = vec![0; 256 << 10];
    loop {
        let length = file.read(&mut chunk)?;
        if length == 0 {
            return Ok(size);
        }
        size.bytes += length as u64;
        size.records += memchr_iter(b'\n', &chunk[..length]).count() as u64;
    }
}

/// The time of the first record of a file, if there is one.
pub(crate) fn first_time(start: &[u8]) -> Option<Timestamp> {
    let end = memchr(b'\n', start).unwrap_or(start.len());
    Record::decode(&start[..end])
        .map(|record| record.time)
        .or_else(|| Timestamp::parse(start.get(..Timestamp::TEXT_BYTES)?))
}

/// Where the last newline among the first `length` bytes of a file ends; 0: there is none.
pub(crate) fn end_of_lines(file: &File, length: u64) -> io::Result<u64> {
    let mut chunk = vec![0; 64 << 10];
    let mut end = length;
    while end > 0 {
        let start = end.saturating_sub(chunk.len() as u64);
        let part = &mut chunk[..(end - start) as usize];
        file.read_exact_at(part, start)?;
        if let Some(newline) = memrchr(b'\n', part) {
            return Ok(start + newline as u64 + 1);
        }
        end = start;
    }
    Ok(0)
}

/// Names our field among the extra fields of a gzip header (RFC 1952, section 2.3.1.1).
const EXTRA: [u8; 2] = *b"Pn";
const EXTRA_BYTES: usize = 4 + 16;

/// The extra field of a gzip header that says how much is in the file.
pub(crate) fn size_field(size: Size) -> Vec<u8> {
    let mut field = EXTRA.to_vec();
    field.extend(16_u16.to_le_bytes());
    field.extend(size.bytes.to_le_bytes());
    field.extend(size.records.to_le_bytes());
    field
}

/// What the header of a compressed file says about its size. `None`: somebody else compressed it.
fn compressed_size(file: File) -> io::Result<Option<Size>> {
    let mut start = Vec::new();
    file.take((12 + EXTRA_BYTES) as u64).read_to_end(&mut start)?;
    let field = start.get(12..).filter(|_| start.starts_with(&[0x1f, 0x8b, 8]) && start[3] & 4 != 0);
    let number = |bytes: &[u8]| bytes.try_into().map_or(0, u64::from_le_bytes);
    Ok(field
        .filter(|field| field.len() == EXTRA_BYTES && field[..2] == EXTRA && field[2..4] == [16, 0])
        .map(|field| Size { bytes: number(&field[4..12]), records: number(&field[12..20]) }))
}
