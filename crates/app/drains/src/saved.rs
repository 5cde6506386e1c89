//! Cursors on disk: one file a drain, `NAME.json`, `{"version":1,"cursor":…}`. Beside it `NAME.metrics`: how the drain is doing,
//! for whoever asks.
//!
//! A file is written beside its place, synced and renamed, so at any instant it holds the whole old or the whole new cursor.
//! One that cannot be read is no reason to stop: the drain begins at the beginning of the log, and says so.

use std::fs::{self, File};
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::Metrics;

/// The form of the file.
const VERSION: u32 = 1;

#[derive(Serialize, Deserialize)]
struct Content<C> {
    version: u32,
    cursor: C,
}

/// Why a cursor is not there, or not saved.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SavedError {
    /// It cannot be read or written.
    #[error("cannot {doing} the cursor in {}: {why}", .path.display())]
    Access {
        /// What was tried.
        doing: &'static str,
        /// The file.
        path: PathBuf,
        /// Why.
        why: io::Error,
    },
    /// It holds something else.
    #[error("{} holds no cursor ({why}); the log is sent from its beginning", .path.display())]
    Content {
        /// The file.
        path: PathBuf,
        /// Why.
        why: String,
    },
}

/// The file of one drain.
#[derive(Clone, Debug)]
pub(crate) struct CursorFile {
    directory: PathBuf,
    name: String,
}

impl CursorFile {
    pub(crate) fn new(directory: PathBuf, drain: &str) -> Self {
        Self { directory, name: drain.to_owned() }
    }

    fn path(&self) -> PathBuf {
        self.directory.join(format!("{}.json", self.name))
    }

    fn failed(&self, doing: &'static str) -> impl FnOnce(io::Error) -> SavedError {
        let path = self.path();
        move |why| SavedError::Access { doing, path, why }
    }

    /// The cursor that was saved last; `None` when there never was one.
    pub(crate) fn load<C: DeserializeOwned>(&self) -> Result<Option<C>, SavedError> {
        let bytes = match fs::read(self.path()) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(self.failed("read")(error)),
        };
        let wrong = |why: String| SavedError::Content { path: self.path(), why };
        let content: Content<C> = serde_json::from_slice(&bytes).map_err(|error| wrong(error.to_string()))?;
        if content.version != VERSION {
            return Err(wrong(format!("its form is version {}, this one reads {VERSION}", content.version)));
        }
        Ok(Some(content.cursor))
    }

    /// What [`save`](CursorFile::save) writes for a cursor.
    pub(crate) fn content<C: Serialize>(cursor: &C) -> Result<Vec<u8>, SavedError> {
        serde_json::to_vec(&Content { version: VERSION, cursor })
            .map_err(|error| SavedError::Content { path: PathBuf::new(), why: error.to_string() })
    }

    /// Replaces the file.
    pub(crate) fn save(&self, content: &[u8]) -> Result<(), SavedError> {
        self.replace(content).map_err(self.failed("save"))
    }

    fn replace(&self, content: &[u8]) -> io::Result<()> {
        fs::create_dir_all(&self.directory)?;
        let beside = self.directory.join(format!(".{}.new", self.name));
        write_beside(&beside, content)?.sync_all()?;
        fs::rename(beside, self.path())?;
        File::open(&self.directory)?.sync_all()
    }
}

/// How one drain is doing, on disk. It need not survive the machine.
#[derive(Clone, Debug)]
pub(crate) struct MetricsFile {
    directory: PathBuf,
    name: String,
}

/// The longest such file that is read, in bytes.
const LONGEST_METRICS: u64 = 64 << 10;

impl MetricsFile {
    pub(crate) fn new(directory: PathBuf, drain: &str) -> Self {
        Self { directory, name: drain.to_owned() }
    }

    fn path(&self) -> PathBuf {
        self.directory.join(format!("{}.metrics", self.name))
    }

    pub(crate) fn load(&self) -> Option<Metrics> {
        let mut text = Vec::new();
        File::open(self.path()).ok()?.take(LONGEST_METRICS).read_to_end(&mut text).ok()?;
        serde_json::from_slice(&text).ok()
    }

    pub(crate) fn save(&self, metrics: &Metrics) -> io::Result<()> {
        fs::create_dir_all(&self.directory)?;
        let beside = self.directory.join(format!(".{}.metrics.new", self.name));
        write_beside(&beside, &serde_json::to_vec(metrics)?)?;
        fs::rename(beside, self.path())
    }
}

fn write_beside(path: &Path, content: &[u8]) -> io::Result<File> {
    let mut file = File::create(path)?;
    file.write_all(content)?;
    Ok(file)
}

#[cfg(test)]
mod tests {
    use super::{CursorFile, SavedError, fs};

    #[test]
    fn a_cursor_comes_back() {
        let directory = tempfile::tempdir().unwrap();
        let file = CursorFile::new(directory.path().join("deep/er"), "web");
        assert_eq!(file.load::<u64>().unwrap(), None);
        for cursor in [7_u64, 8] {
            file.save(&CursorFile::content(&cursor).unwrap()).unwrap();
            assert_eq!(file.load::<u64>().unwrap(), Some(cursor));
        }
        let names: Vec<_> = fs::read_dir(directory.path().join("deep/er")).unwrap().collect();
        assert_eq!(names.len(), 1, "{names:?}");
    }

    #[test]
    fn what_is_no_cursor_is_told() {
        let directory = tempfile::tempdir().unwrap();
        let file = CursorFile::new(directory.path().to_owned(), "web");
        for content in ["", "{}", "{\"version\":2,\"cursor\":7}", "{\"version\":1,\"cursor\":\"x\"}"] {
            fs::write(directory.path().join("web.json"), content).unwrap();
            let error = file.load::<u64>().unwrap_err();
            assert!(matches!(error, SavedError::Content { .. }), "{content}: {error}");
        }
    }

    #[test]
    fn a_save_that_fails_leaves_the_old_cursor() {
        let directory = tempfile::tempdir().unwrap();
        let file = CursorFile::new(directory.path().to_owned(), "web");
        file.save(&CursorFile::content(&7_u64).unwrap()).unwrap();
        // Nothing can be written beside it: a directory stands where the new file would.
        fs::create_dir(directory.path().join(".web.new")).unwrap();
        let error = file.save(&CursorFile::content(&8_u64).unwrap()).unwrap_err();
        assert!(error.to_string().starts_with("cannot save the cursor in "), "{error}");
        assert_eq!(file.load::<u64>().unwrap(), Some(7));
    }
}
