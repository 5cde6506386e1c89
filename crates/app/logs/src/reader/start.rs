//! Where in a log a query begins: files that are too old for it are not opened, nor read twice.

use std::fs::{self, File};
use std::io;
use std::time::Duration;

use super::source::Source;
use super::{Place, Position, Query};
use crate::log_files::{LogFiles, Rotated, Size, end_of_lines};

/// How much later than its last record a file may have been written.
const SLACK: Duration = Duration::from_secs(1);
/// Bytes at the end of a file that are searched first for its newest events.
const WINDOW: u64 = 256 << 10;

/// How often files are listed anew because they were renamed meanwhile.
const ATTEMPTS: usize = 8;

/// A place before which the log has nothing that the query asks for.
pub(super) fn start(name: &str, files: &LogFiles, query: &Query) -> io::Result<Place> {
    for _ in 0..ATTEMPTS {
        match start_once(name, files, query) {
            // Compressed or deleted since the files were listed.
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            place => return place,
        }
    }
    // They change faster than they can be looked at: the beginning is right too, only farther away.
    Ok(Place::default())
}

fn start_once(name: &str, files: &LogFiles, query: &Query) -> io::Result<Place> {
    let rotated = files.list()?;
    let too_old = |file: &&Rotated| query.since.is_some_and(|since| file.modified.after(SLACK) < since);
    let first = rotated.iter().take_while(too_old).count();
    let (skipped, offset) = match query.tail {
        None => (first, 0),
        Some(most) => Search { name, files, query, rotated: &rotated }.newest(first, most)?,
    };
    if (skipped, offset) == (0, 0) {
        return Ok(Place::default());
    }
    let mut place = Place { offset, ..Place::default() };
    let Size { bytes, records } = files.deleted().size;
    (place.bytes, place.records) = (bytes + offset, (offset == 0).then_some(records));
    for file in &rotated[..skipped] {
        let size = file.size()?;
        place.bytes += size.map_or(file.disk_bytes, |size| size.bytes);
        place.records = place.records.zip(size).map(|(before, size)| before + size.records);
    }
    place.file = rotated.get(skipped).map_or_else(|| files.active_number(&rotated), |file| file.number);
    Ok(place)
}

/// Where the log ends at present: the number of its newest file and the bytes in it.
pub(super) fn end(files: &LogFiles) -> io::Result<(u64, u64)> {
    loop {
        let number = files.active_number(&files.list()?);
        let length = match fs::metadata(files.active()) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => 0,
            metadata => metadata?.len(),
        };
        // Not rotated in between?
        if files.active_number(&files.list()?) == number {
            return Ok((number, length));
        }
    }
}

struct Search<'a> {
    name: &'a str,
    files: &'a LogFiles,
    query: &'a Query,
    rotated: &'a [Rotated],
}

impl Search<'_> {
    /// After how many files, and how many bytes of the next, at least the newest `most` events begin. The first `first` files
    /// are left out.
    fn newest(&self, first: usize, most: usize) -> io::Result<(usize, u64)> {
        let active = match File::open(self.files.active()) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            file => Some(file?),
        };
        let mut found = 0;
        if let Some(active) = active {
            let number = self.files.active_number(self.rotated);
            let length = active.metadata()?.len();
            let mut window = if most == 0 { 0 } else { WINDOW };
            loop {
                let start = end_of_lines(&active, length.saturating_sub(window))?;
                found = self.count(number, start, length)?;
                if found >= most {
                    return Ok((self.rotated.len(), start));
                }
                if start == 0 {
                    break;
                }
                window *= 4;
            }
        }
        for (index, file) in self.rotated.iter().enumerate().skip(first).rev() {
            found += self.count(file.number, 0, u64::MAX)?;
            if found >= most {
                return Ok((index, 0));
            }
        }
        Ok((first, 0))
    }

    /// Events between two places of a file that the query asks for.
    fn count(&self, number: u64, start: u64, end: u64) -> io::Result<usize> {
        let query = Query { follow: false, ..self.query.clone() };
        let place = Place { file: number, offset: start, ..Place::default() };
        let end = if end == u64::MAX { (number + 1, 0) } else { (number, end) };
        let mut source =
            Source::new(self.name, self.files.clone(), &Position::at(place), Some(end), query.event_bytes);
        let mut count = 0;
        while source.advance(&query)?.is_some() {
            count += usize::from(source.pop().is_some_and(|item| query.wants(&item)));
        }
        Ok(count)
    }
}
