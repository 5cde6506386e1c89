//! How much of the logs is still to be read.

use std::fs;
use std::io;

use super::{ReadError, Reader};
use crate::log_files::LogFiles;

impl Reader {
    /// Bytes of log files, headers included and before compression, between the cursor and the end of the logs at
    /// present. Compressed files of somebody else count with what they take on the disk.
    pub fn behind(&self) -> Result<u64, ReadError> {
        let behind = self.sources.iter().map(|source| {
            let place = source.position().earliest();
            behind(source.files(), place.key())
        });
        behind.sum::<io::Result<u64>>().map_err(|error| self.failed(error))
    }
}

/// Bytes of one log behind a place, given as file and offset.
fn behind(files: &LogFiles, (number, offset): (u64, u64)) -> io::Result<u64> {
    let rotated = files.list()?;
    let active = match fs::metadata(files.active()) {
        Ok(metadata) => metadata.len(),
        Err(error) if error.kind() == io::ErrorKind::NotFound => 0,
        Err(error) => return Err(error),
    };
    let mut bytes = 0;
    let sizes = rotated.iter().map(|file| {
        // A plain file says what is in it by its length; no need to read it through.
        let plain = if file.compressed { file.size().ok().flatten() } else { None };
        (file.number, plain.map_or(file.disk_bytes, |size| size.bytes))
    });
    for (file, size) in sizes.chain([(files.active_number(&rotated), active)]) {
        bytes += match file.cmp(&number) {
            std::cmp::Ordering::Less => 0,
            std::cmp::Ordering::Equal => size.saturating_sub(offset),
            std::cmp::Ordering::Greater => size,
        };
    }
    Ok(bytes)
}
