//! What the next keeper must know: the apps, and which process is which.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write as _;
use std::os::fd::OwnedFd;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::fs::{FlockOperation, flock};
use serde::{Deserialize, Serialize};

use super::listeners::Addresses;
use super::{KeeperError, Shell, processes};
use crate::core::Core;
use crate::home::Home;
use crate::protocol::TlsListen;

/// How often a lock is tried that somebody holds who does not listen.
const LOCK_TRIES: u32 = 100;
const LOCK_PAUSE: Duration = Duration::from_millis(10);

/// The lock that says that a keeper is there. Whoever holds the descriptor holds the lock.
pub(super) struct Lock {
    pub descriptor: OwnedFd,
}

/// Which kinds of change have not been written down or told yet.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Unsaved {
    /// Something to tell.
    pub told: bool,
    /// Something about processes: gone with the machine's next start.
    pub live: bool,
    /// Something that has to outlive a power failure.
    pub durable: bool,
}

impl Unsaved {
    pub(super) fn told(&mut self) {
        self.told = true;
    }

    pub(super) fn live(&mut self) {
        self.told = true;
        self.live = true;
    }

    pub(super) fn durable(&mut self) {
        self.live();
        self.durable = true;
    }
}

/// What is written down.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Saved {
    /// The machine's boot: processes of another one are gone.
    pub boot: String,
    pub since: u64,
    pub upgrades: u32,
    pub starts: u64,
    /// Addresses of the router.
    pub http: Vec<String>,
    pub tls: Vec<TlsListen>,
    pub admin: Option<String>,
    /// By `APP/web.1@3`: when the process with the id that the app's record has was started, in clock ticks.
    pub ticks: BTreeMap<String, u64>,
    pub apps: Core,
}

/// Makes the folders of a home.
pub(super) fn make_folders(home: &Home) -> Result<(), KeeperError> {
    let at = |path: &Path, error| KeeperError::Home { path: path.into(), error };
    for folder in [&home.run, &home.run.join("notify")] {
        passable_folder(folder).map_err(|error| at(folder, error))?;
    }
    for folder in [&home.state, &home.logs, &home.run.join("pipes")] {
        private_folder(folder).map_err(|error| at(folder, error))?;
    }
    Ok(())
}

impl Lock {
    /// Takes the lock of a home, whose folders are there.
    pub(super) fn take(home: &Home) -> Result<Self, KeeperError> {
        let path = home.lock();
        let at = |error| KeeperError::Home { path: path.clone(), error };
        let mut options = fs::OpenOptions::new();
        let file = options.create(true).truncate(false).write(true).mode(0o600).open(&path).map_err(at)?;
        let descriptor = OwnedFd::from(file);
        for _ in 0..LOCK_TRIES {
            match flock(&descriptor, FlockOperation::NonBlockingLockExclusive) {
                Ok(()) => return Ok(Self { descriptor }),
                Err(rustix::io::Errno::WOULDBLOCK) => {}
                Err(errno) => return Err(at(errno.into())),
            }
            if somebody_listens(home) {
                break;
            }
            // Of a keeper that was killed while it started a process, that process has lock and socket until it runs.
            std::thread::sleep(LOCK_PAUSE);
        }
        Err(KeeperError::Runs(path))
    }
}

/// Whether the keeper that opened the control socket is still there.
fn somebody_listens(home: &Home) -> bool {
    let Ok(stream) = UnixStream::connect(home.socket()) else { return false };
    let listener = rustix::net::sockopt::socket_peercred(&stream);
    listener.is_ok_and(|of| processes::start_ticks(of.pid.as_raw_nonzero().get().unsigned_abs()).is_some())
}

impl Saved {
    /// What the last keeper wrote down; nothing when there was none.
    pub(super) fn load(home: &Home) -> Result<Self, KeeperError> {
        let path = home.apps();
        let text = match fs::read(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Self::default()),
            Err(error) => return Err(KeeperError::Home { path, error }),
        };
        Self::read(path, &text)
    }

    /// Reads what is in that file.
    pub(super) fn read(path: PathBuf, text: &[u8]) -> Result<Self, KeeperError> {
        serde_json::from_slice(text).map_err(|error| KeeperError::State { path, why: error.to_string() })
    }
}

impl Shell {
    /// Writes down what has changed. What cannot be written is tried again after the next event; why it cannot is
    /// answered, and known as a trouble.
    pub(super) fn save(&mut self) -> Result<(), String> {
        if !self.unsaved.live {
            return Ok(());
        }
        let durable = self.unsaved.durable;
        if let Err(error) = self.write_down(durable) {
            let why =
                format!("the apps cannot be written down: {}: {error}", self.options.home.apps().display());
            self.trouble(&why);
            return Err(why);
        }
        self.unsaved.live = false;
        self.unsaved.durable = false;
        Ok(())
    }

    fn write_down(&self, durable: bool) -> std::io::Result<()> {
        let key = |app: &str, slot: &crate::core::Slot| format!("{app}/{slot}");
        let leaders = self.leaders.values();
        let ticks = leaders.filter_map(|leader| Some((key(&leader.key.0, &leader.key.1), leader.ticks?)));
        let Addresses { http, tls, admin } = self.listeners.addresses();
        let saved = SavedRef {
            boot: &processes::boot(),
            since: self.since,
            upgrades: self.upgrades,
            starts: self.starts,
            http,
            tls,
            admin,
            ticks: ticks.collect(),
            apps: &self.core,
        };
        write_privately(&self.options.home.apps(), &serde_json::to_vec(&saved)?, durable)
    }
}

/// [`Saved`], without a copy of the apps.
#[derive(Serialize)]
struct SavedRef<'a> {
    boot: &'a str,
    since: u64,
    upgrades: u32,
    starts: u64,
    http: Vec<String>,
    tls: Vec<TlsListen>,
    admin: Option<String>,
    ticks: BTreeMap<String, u64>,
    apps: &'a Core,
}

/// Writes a file that only its owner may read: beside its place, then renamed.
pub(super) fn write_privately(path: &Path, content: &[u8], durable: bool) -> std::io::Result<()> {
    let beside = path.with_extension("new");
    let mut file =
        fs::OpenOptions::new().create(true).truncate(true).write(true).mode(0o600).open(&beside)?;
    file.write_all(content)?;
    if durable {
        file.sync_all()?;
    }
    fs::rename(&beside, path)?;
    if durable && let Some(folder) = path.parent() {
        fs::File::open(folder)?.sync_all()?;
    }
    Ok(())
}

/// Makes a folder, and those above it, through which others may pass and see nothing: a process that runs as another user
/// reaches its notify socket there. Only root starts such processes; of other users the folder is private.
fn passable_folder(path: &Path) -> std::io::Result<()> {
    if !rustix::process::geteuid().is_root() {
        return private_folder(path);
    }
    fs::DirBuilder::new().recursive(true).mode(0o711).create(path)?;
    let mode = fs::metadata(path)?.permissions().mode();
    // An earlier keeper made it private.
    fs::set_permissions(path, fs::Permissions::from_mode(mode & 0o7777 | 0o011))
}

/// Makes a folder, and those above it, that only its owner may enter.
pub(super) fn private_folder(path: &Path) -> std::io::Result<()> {
    fs::DirBuilder::new().recursive(true).mode(0o700).create(path)
}
