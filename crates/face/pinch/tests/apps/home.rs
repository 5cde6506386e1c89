//! A home for one test's keeper, and an app in a folder of its own.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::{Duration, Instant};

/// How long something may take to come about.
const PATIENCE: Duration = Duration::from_secs(20);

/// A home, and beside it the folder of the app `shop`. The app and its keeper end with it.
pub(crate) struct Home {
    folder: tempfile::TempDir,
}

/// How a command ended.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Home {
    /// An app with this Procfile.
    pub(crate) fn new(procfile: &str) -> Self {
        let home = Self { folder: tempfile::Builder::new().prefix("pinch-app").tempdir_in("/tmp").unwrap() };
        fs::create_dir(home.path("shop")).unwrap();
        home.write("shop/Procfile", procfile);
        home
    }

    /// A path beside the app's folder.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Writes a file there.
    pub(crate) fn write(&self, name: &str, text: &str) -> String {
        let path = self.path(name);
        fs::write(&path, text).unwrap();
        path.display().to_string()
    }

    /// The command, still to be run.
    pub(crate) fn command(&self, words: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_pinch"));
        command.args(words).env("PINCH_HOME", self.path("home")).current_dir(self.path("shop"));
        command
    }

    /// Runs it.
    pub(crate) fn pinch(&self, words: &[&str]) -> Ended {
        ended(self.command(words).output().unwrap())
    }

    /// Runs it; it has to succeed. Its standard output.
    pub(crate) fn done(&self, words: &[&str]) -> String {
        let ended = self.pinch(words);
        assert_eq!(ended.code, Some(0), "pinch {words:?}: {}{}", ended.stderr, ended.stdout);
        ended.stdout
    }

    /// `up`, detached, with a router on ports that nobody else has.
    pub(crate) fn up(&self, words: &[&str]) {
        self.done(&[&["up", "-d", "--listen", "127.0.0.1:0", "--admin", "127.0.0.1:0"], words].concat());
    }

    /// What the keeper says of everything.
    pub(crate) fn status(&self) -> serde_json::Value {
        serde_json::from_str(&self.done(&["ps", "--out", "json"])).unwrap()
    }
}

impl Drop for Home {
    fn drop(&mut self) {
        let _ = self.command(&["down", "-a", "shop"]).output();
    }
}

pub(crate) fn ended(output: Output) -> Ended {
    let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
    Ended { code: output.status.code(), stdout: text(output.stdout), stderr: text(output.stderr) }
}

/// Runs a program that has to be there.
pub(crate) fn run(program: &str, words: &[&str]) -> Ended {
    ended(Command::new(program).args(words).output().unwrap_or_else(|error| panic!("{program}: {error}")))
}

/// Waits until something holds; the test fails when it does not.
pub(crate) fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let begin = Instant::now();
    while !holds() {
        assert!(begin.elapsed() < PATIENCE, "{what}: not within {PATIENCE:?}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// The port of an address.
pub(crate) fn port(address: &str) -> &str {
    address.rsplit_once(':').unwrap().1
}

pub(crate) fn text(path: &Path) -> String {
    path.display().to_string()
}
