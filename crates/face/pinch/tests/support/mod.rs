//! What the black-box tests share: a place on disk, and runs of the binary in it.

#![allow(dead_code, reason = "each test file uses its part")]
#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "a test prepares the disk and starts the binary"
)]

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// The binary under test.
pub(crate) const PINCH: &str = env!("CARGO_BIN_EXE_pinch");

/// A temporary folder with a state tree, a pillar tree, a configuration and a target.
pub(crate) struct Place {
    folder: tempfile::TempDir,
}

/// How a run ended.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
    pub(crate) time: Duration,
}

impl Ended {
    /// Both streams.
    pub(crate) fn all(&self) -> String {
        format!("{}{}", self.stderr, self.stdout)
    }
}

impl Place {
    /// Empty folders `tree`, `pillar`, `root`, and a minion configuration that names them.
    pub(crate) fn new() -> Self {
        let place = Self { folder: tempfile::tempdir().unwrap() };
        for name in ["tree", "pillar", "conf", "root"] {
            fs::create_dir(place.path(name)).unwrap();
        }
        place.write(
            "conf/minion",
            "id: tested\nfile_client: local\nfile_roots: {base: ['{DIR}/tree']}\npillar_roots: {base: ['{DIR}/pillar']}\n\
             cachedir: '{DIR}/cache'\n",
        );
        place
    }

    /// A path in it.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Replaces `{DIR}` by this place's path.
    pub(crate) fn filled(&self, text: &str) -> String {
        text.replace("{DIR}", &self.folder.path().to_string_lossy())
    }

    /// Writes a file; `{DIR}` in its text is this place.
    pub(crate) fn write(&self, name: &str, text: &str) {
        self.write_bytes(name, self.filled(text).as_bytes());
    }

    /// Writes a file as it is.
    pub(crate) fn write_bytes(&self, name: &str, bytes: &[u8]) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }

    /// A run of the binary with these words, `-c` with this place's configuration among them.
    pub(crate) fn command(&self, words: &[&str]) -> Command {
        let mut command = Command::new(PINCH);
        self.prepare(&mut command, words);
        command
    }

    /// Adds words, configuration and a bare environment to a command that ends up running the binary.
    pub(crate) fn prepare(&self, command: &mut Command, words: &[&str]) {
        let words: Vec<_> = words.iter().map(|word| self.filled(word)).collect();
        if let Some((first, rest)) = words.split_first() {
            command.arg(first);
            if matches!(first.as_str(), "call" | "apply" | "plan" | "show" | "check") {
                command.arg("-c").arg(self.path("conf"));
            }
            command.args(rest);
        }
        command
            .env_clear()
            .env("PATH", "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin")
            .env("LC_ALL", "C.UTF-8");
        command.current_dir(self.folder.path());
    }

    /// Runs to the end.
    pub(crate) fn run(&self, words: &[&str]) -> Ended {
        finish(self.command(words), Duration::from_mins(1))
    }

    /// Everything below `root`.
    pub(crate) fn snapshot(&self) -> BTreeMap<PathBuf, String> {
        let mut seen = BTreeMap::new();
        look(&self.path("root"), &self.path("root"), &mut seen);
        seen
    }
}

/// Runs a command to its end; one that takes longer than `limit` is killed and has no code.
pub(crate) fn finish(mut command: Command, limit: Duration) -> Ended {
    let (out, err) = (tempfile::NamedTempFile::new().unwrap(), tempfile::NamedTempFile::new().unwrap());
    command.stdin(Stdio::null()).stdout(out.reopen().unwrap()).stderr(err.reopen().unwrap());
    let start = Instant::now();
    let mut child = command.spawn().unwrap();
    let code = loop {
        match child.try_wait().unwrap() {
            Some(status) => break status.code(),
            None if start.elapsed() > limit => {
                child.kill().unwrap();
                child.wait().unwrap();
                break None;
            }
            None => std::thread::sleep(Duration::from_millis(2)),
        }
    };
    let text = |file: &tempfile::NamedTempFile| {
        String::from_utf8_lossy(&fs::read(file.path()).unwrap()).into_owned()
    };
    Ended { code, stdout: text(&out), stderr: text(&err), time: start.elapsed() }
}

/// Notes what each path below a folder is: kind, mode, content.
fn look(top: &Path, folder: &Path, seen: &mut BTreeMap<PathBuf, String>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.strip_prefix(top).unwrap().to_path_buf();
        let metadata = fs::symlink_metadata(&path).unwrap();
        let mode = metadata.permissions().mode();
        if metadata.is_dir() {
            seen.insert(name, format!("directory {mode:o}"));
            look(top, &path, seen);
        } else if metadata.is_symlink() {
            seen.insert(name, format!("link to {}", fs::read_link(&path).unwrap().display()));
        } else {
            seen.insert(
                name,
                format!("file {mode:o} {:?}", String::from_utf8_lossy(&fs::read(&path).unwrap())),
            );
        }
    }
}

/// Whether this process is root.
pub(crate) fn is_root() -> bool {
    let output = Command::new("id").arg("-u").output().unwrap();
    output.stdout == b"0\n"
}
