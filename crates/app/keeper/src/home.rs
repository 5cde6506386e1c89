//! Where a keeper keeps what it keeps.

use std::path::{Path, PathBuf};

/// The folders of one keeper. Everything in them is its own: two keepers never share a home.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Home {
    /// What outlives the machine's next start: the apps with their releases. Holds config vars, so mode 0700.
    pub state: PathBuf,
    /// What the processes said: one folder an app.
    pub logs: PathBuf,
    /// Sockets and pipes. Root's may be passed through by others (mode 0711), so that a process which runs as another user
    /// reaches its own notify socket; nothing else in it may be used by them.
    pub run: PathBuf,
}

/// The longest path of a Unix socket, in bytes, without its terminating zero.
const LONGEST_SOCKET_PATH: usize = 107;

impl Home {
    /// Everything below one folder.
    pub fn below(folder: &Path) -> Self {
        Self { state: folder.join("state"), logs: folder.join("logs"), run: folder.join("run") }
    }

    /// The machine's own: `/var/lib/pinch`, `/var/log/pinch` and `/run/pinch`.
    pub fn of_machine() -> Self {
        Self { state: "/var/lib/pinch".into(), logs: "/var/log/pinch".into(), run: "/run/pinch".into() }
    }

    /// The socket on which the keeper takes commands.
    pub fn socket(&self) -> PathBuf {
        self.run.join("keeper.sock")
    }

    /// The file whose lock says that a keeper is there.
    pub fn lock(&self) -> PathBuf {
        self.run.join("keeper.lock")
    }

    /// Where the standard error of a keeper goes that nobody started on a terminal: why it could not begin. What it says once it
    /// runs is in `pinch/keeper.1.log`.
    pub fn own_log(&self) -> PathBuf {
        self.logs.join("keeper.log")
    }

    /// The apps and their processes.
    pub fn apps(&self) -> PathBuf {
        self.state.join("apps.json")
    }

    /// The pipe of one stream of a process; `slot` is `web.1@3`, `stream` is `out` or `err`.
    pub fn pipe(&self, app: &str, slot: &str, stream: &str) -> PathBuf {
        self.run.join("pipes").join(app).join(format!("{slot}.{stream}"))
    }

    /// The socket on which a process says that it is ready.
    pub fn notify_socket(&self, app: &str, slot: &str) -> PathBuf {
        // Names of apps and process types are longer than a socket's path may be. FNV-1a: the same for every keeper.
        let bytes = app.bytes().chain([b'/']).chain(slot.bytes());
        let mixed = bytes.fold(0xcbf2_9ce4_8422_2325_u64, |mixed, byte| {
            (mixed ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        });
        self.run.join("notify").join(format!("{mixed:016x}"))
    }

    /// Whether sockets fit: answers the longest path that would not.
    pub fn too_long(&self) -> Option<PathBuf> {
        let longest = self.run.join("notify").join("x".repeat(16));
        [self.socket(), longest].into_iter().find(|path| path.as_os_str().len() > LONGEST_SOCKET_PATH)
    }
}
