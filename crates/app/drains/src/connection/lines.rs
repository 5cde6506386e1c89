//! Standard output and files. Writing there can take for ever (a pipe that nobody reads, a file on a network), so a thread
//! of its own does it; one that hangs is left to the end of the process.

use std::fs::{File, OpenOptions};
use std::io::{self, Read as _, Seek as _, SeekFrom, Write};
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::PathBuf;
use std::thread;

use bytes::Bytes;
use tokio::sync::{mpsc, oneshot};

use super::Failure;
use crate::Stdout;
use crate::delivery::Answer;

/// The stack of a writing thread: it calls a handful of functions.
const STACK: usize = 64 << 10;

/// A thread that writes; it ends when this is dropped.
pub(crate) struct Lines {
    what: String,
    orders: mpsc::Sender<Order>,
}

struct Order {
    bytes: Bytes,
    done: oneshot::Sender<io::Result<()>>,
}

impl Lines {
    pub(super) fn stdout(stdout: Stdout) -> Result<Self, Failure> {
        Self::start("standard output".into(), move |bytes| stdout.write(bytes))
    }

    /// Opens the file before it returns.
    pub(super) async fn file(path: PathBuf) -> Result<Self, Failure> {
        let what = path.display().to_string();
        let mut log = LogFile { path, file: None };
        let lines = Self::start(what, move |bytes| log.write(bytes))?;
        lines.order(Bytes::new()).await?;
        Ok(lines)
    }

    fn start(
        what: String,
        mut write: impl FnMut(&[u8]) -> io::Result<()> + Send + 'static,
    ) -> Result<Self, Failure> {
        // One order at a time is all that a drain gives.
        let (orders, mut received) = mpsc::channel::<Order>(1);
        let work = move || {
            while let Some(Order { bytes, done }) = received.blocking_recv() {
                // Nobody may be waiting any more.
                let _ = done.send(write(&bytes));
            }
        };
        match thread::Builder::new().name("drain".into()).stack_size(STACK).spawn(work) {
            Ok(_) => Ok(Self { what, orders }),
            Err(why) => Err(Failure::Write { what, why }),
        }
    }

    pub(super) async fn send(&mut self, bytes: Bytes) -> Result<Answer, Failure> {
        self.order(bytes).await.map(|()| Answer::Accepted)
    }

    async fn order(&self, bytes: Bytes) -> Result<(), Failure> {
        let (done, written) = oneshot::channel();
        let ended = || io::Error::other("its thread ended");
        let result = match self.orders.send(Order { bytes, done }).await {
            Ok(()) => written.await.unwrap_or_else(|_| Err(ended())),
            Err(_) => Err(ended()),
        };
        result.map_err(|why| Failure::Write { what: self.what.clone(), why })
    }
}

/// A file that is appended to, and that somebody else may move away.
struct LogFile {
    path: PathBuf,
    file: Option<File>,
}

impl LogFile {
    /// Appends, and syncs: what has been written survives the machine.
    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        let file = self.current()?;
        let result = file.write_all(bytes).and_then(|()| sync(file));
        if result.is_err() {
            // Opened anew, it is looked at for a line that was cut off.
            self.file = None;
        }
        result
    }

    /// The file that the path names now.
    fn current(&mut self) -> io::Result<&mut File> {
        let file = match self.file.take() {
            Some(file) if self.still(&file) => file,
            _ => self.open()?,
        };
        Ok(self.file.insert(file))
    }

    fn still(&self, file: &File) -> bool {
        match (file.metadata(), std::fs::metadata(&self.path)) {
            (Ok(open), Ok(named)) => (open.dev(), open.ino()) == (named.dev(), named.ino()),
            _ => false,
        }
    }

    fn open(&self) -> io::Result<File> {
        // Reading lets the last octet be looked at; a pipe that is opened for both never waits for its reader.
        let mut file =
            OpenOptions::new().append(true).read(true).create(true).mode(0o640).open(&self.path)?;
        let metadata = file.metadata()?;
        if metadata.file_type().is_fifo() || !metadata.is_file() || metadata.len() == 0 {
            return Ok(file);
        }
        let mut last = [0];
        file.seek(SeekFrom::End(-1))?;
        file.read_exact(&mut last)?;
        if last != *b"\n" {
            // A line was cut off when its writer ended or the disk was full. What follows is a line of its own.
            file.write_all(b"\n")?;
        }
        Ok(file)
    }
}

/// What cannot be synced (a pipe, a device) need not be.
fn sync(file: &File) -> io::Result<()> {
    match file.sync_data() {
        Err(error) if matches!(error.raw_os_error(), Some(code) if code == rustix::io::Errno::INVAL.raw_os_error()) => {
            Ok(())
        }
        result => result,
    }
}
