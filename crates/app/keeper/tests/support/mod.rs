//! A keeper in a folder of its own, as a process of its own, and what its tests want to know about the machine.
#![allow(
    dead_code,
    unreachable_pub,
    clippy::unwrap_used,
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "tests against the real machine; each uses some of this"
)]

use std::fs;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use keeper::Home;
use keeper::client::{ClientError, ask, ask_once};
use keeper::protocol::{Answer, ProcessStatus, Request, Status};
use procfile::{CommandLine, ProcessType, Readiness};
use release::{Definition, Formation, Variables};

/// How long anything may take that should take a moment.
pub const PATIENCE: Duration = Duration::from_secs(30);

pub struct Keeper {
    pub home: Home,
    pub folder: tempfile::TempDir,
    child: Child,
}

impl Keeper {
    /// Starts one in a new folder.
    pub fn start() -> Self {
        Self::start_in(tempfile::Builder::new().prefix("keeper").tempdir().unwrap())
    }

    /// Starts one in this folder.
    pub fn start_in(folder: tempfile::TempDir) -> Self {
        let child = spawn(&folder, Command::new(program()));
        Self::of(folder, child)
    }

    /// Starts one in a new folder by another command, which becomes it.
    pub fn start_by(command: Command) -> Self {
        let folder = tempfile::Builder::new().prefix("keeper").tempdir().unwrap();
        let child = spawn(&folder, command);
        Self::of(folder, child)
    }

    fn of(folder: tempfile::TempDir, child: Child) -> Self {
        let home = Home::below(folder.path());
        let mut keeper = Self { home, folder, child };
        keeper.wait_for_it();
        keeper
    }

    /// Kills it as nobody can be killed harder.
    pub fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Starts another one in the same folder.
    pub fn start_again(&mut self) {
        self.child = spawn(&self.folder, Command::new(program()));
        self.wait_for_it();
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    fn wait_for_it(&mut self) {
        let (socket, child) = (self.home.socket(), &mut self.child);
        let log = self.folder.path().join("stderr");
        eventually("the keeper answers", || {
            let said = || fs::read_to_string(&log).unwrap_or_default();
            assert!(child.try_wait().unwrap().is_none(), "it has ended: {}", said());
            ask_once(&socket, &Request::Status).is_ok()
        });
    }

    pub fn status(&self) -> Status {
        match ask_once(&self.home.socket(), &Request::Status).unwrap() {
            Answer::Status(status) => *status,
            other => panic!("no status: {other:?}"),
        }
    }

    pub fn process(&self, app: &str, process: &str) -> Option<ProcessStatus> {
        let apps = self.status().apps.into_iter();
        let mut processes = apps.filter(|one| one.name == app).flat_map(|one| one.processes);
        processes.find(|one| one.process == process && !one.leaving)
    }

    /// Asks, and collects what comes until it is done.
    pub fn ask(&self, request: &Request) -> Result<Vec<Answer>, ClientError> {
        let mut conversation = ask(&self.home.socket(), request)?;
        let mut answers = Vec::new();
        while let Some(answer) = conversation.next()? {
            answers.push(answer);
        }
        Ok(answers)
    }

    pub fn deploy(&self, definition: Definition) -> Vec<Answer> {
        let formation = Formation::new();
        let request = Request::Deploy { definition: Box::new(definition), formation, cause: "test".into() };
        self.ask(&request).unwrap()
    }

    /// What a process has said so far, line by line, as it is in the log; the records of one line put together.
    pub fn said(&self, app: &str, process: &str) -> Vec<String> {
        let path = self.home.logs.join(app).join(format!("{process}.log"));
        let bytes = fs::read(path).unwrap_or_default();
        let mut lines = Vec::new();
        let mut begun = String::new();
        for entry in logs::entries(&bytes) {
            let record = match entry {
                logs::Entry::Record(record) => record,
                // Being written at this moment.
                logs::Entry::Torn(_) => break,
                logs::Entry::Foreign(line) => panic!("no record: {line:?}"),
            };
            begun.push_str(&String::from_utf8_lossy(record.text));
            if !record.partial {
                lines.push(std::mem::take(&mut begun));
            }
        }
        lines
    }

    /// Ends it as a person does, and sees that nothing is left.
    pub fn shut_down(mut self) {
        self.ask(&Request::Shutdown).unwrap();
        let child = &mut self.child;
        eventually("the keeper ends", || child.try_wait().unwrap().is_some());
        assert_eq!(self.marked(), Vec::<u32>::new(), "something outlives its keeper");
    }

    /// Processes that bear the mark of this keeper.
    pub fn marked(&self) -> Vec<u32> {
        let mark = format!("PINCH_KEEPER={}", self.home.run.display());
        let bears = |pid: &u32| {
            let environment = fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
            environment.split(|byte| *byte == 0).any(|one| one == mark.as_bytes())
        };
        processes().filter(bears).collect()
    }

    /// The most memory that it has had at a time, in KiB.
    pub fn peak_memory(&self) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.pid())).unwrap();
        let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
        peak.trim().trim_end_matches(" kB").parse().unwrap()
    }

    /// Children of the keeper that have ended and were not reaped.
    pub fn zombies(&self) -> usize {
        processes()
            .filter(|pid| stat(*pid).is_some_and(|(state, parent)| state == "Z" && parent == self.pid()))
            .count()
    }

    /// Processor time it has used, in ticks of 10 ms.
    pub fn ticks(&self) -> u64 {
        let text = fs::read_to_string(format!("/proc/{}/stat", self.pid())).unwrap();
        let fields: Vec<&str> = text.rsplit_once(')').unwrap().1.split_whitespace().collect();
        fields[11].parse::<u64>().unwrap() + fields[12].parse::<u64>().unwrap()
    }
}

impl Drop for Keeper {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        for pid in self.marked() {
            let _ = Command::new("kill").args(["-9", &pid.to_string()]).status();
        }
    }
}

/// The program under test: an example, which stands beside the tests' folder.
pub fn program() -> PathBuf {
    let this = std::env::current_exe().unwrap();
    this.parent().unwrap().parent().unwrap().join("examples/keeper")
}

fn spawn(folder: &tempfile::TempDir, mut command: Command) -> Child {
    let log = fs::OpenOptions::new().create(true).append(true).open(folder.path().join("stderr")).unwrap();
    command.arg(folder.path()).stdin(Stdio::null()).stderr(log).spawn().unwrap()
}

fn processes() -> impl Iterator<Item = u32> {
    let entries = fs::read_dir("/proc").unwrap().flatten();
    entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok())
}

/// State and parent of a process.
fn stat(pid: u32) -> Option<(String, u32)> {
    let text = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let mut fields = text.rsplit_once(')')?.1.split_whitespace();
    Some((fields.next()?.into(), fields.next()?.parse().ok()?))
}

/// Whether a process runs.
pub fn runs(pid: u32) -> bool {
    stat(pid).is_some_and(|(state, _)| state != "Z")
}

/// Waits until something is so.
pub fn eventually(what: &str, is_so: impl FnMut() -> bool) {
    within(PATIENCE, what, is_so);
}

/// Waits until something is so that takes long.
pub fn within(patience: Duration, what: &str, mut is_so: impl FnMut() -> bool) {
    let begin = Instant::now();
    while !is_so() {
        assert!(begin.elapsed() < patience, "not within {patience:?}: {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// Whether this process is root.
pub fn root() -> bool {
    Command::new("id").arg("-u").output().unwrap().stdout == b"0\n"
}

/// A small disk in place of a folder, for as long as this value lives.
pub struct SmallDisk(PathBuf);

impl SmallDisk {
    pub fn mount(folder: &std::path::Path, size: &str) -> Self {
        let option = format!("size={size}");
        let words = ["-t", "tmpfs", "-o", &option, "tmpfs"];
        assert!(Command::new("mount").args(words).arg(folder).status().unwrap().success());
        Self(folder.into())
    }

    pub fn grow(&self, size: &str) {
        let option = format!("remount,size={size}");
        assert!(Command::new("mount").args(["-o", &option]).arg(&self.0).status().unwrap().success());
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(&self.0).status();
    }
}

/// An app of one process type `main`, ready at once: a line for the shell.
pub fn app(line: &str) -> Definition {
    let mut main = ProcessType::new("main", CommandLine::Shell(line.into()));
    main.ready = Readiness::Uptime(Duration::ZERO);
    main.stop.grace = Duration::from_millis(500);
    Definition {
        app: "app".into(),
        directory: "/".into(),
        revision: None,
        process_types: vec![main],
        config: Variables::from_iter([("PATH", "/usr/local/bin:/usr/bin:/bin")]),
        route: None,
        drains: Vec::new(),
    }
}

/// Says `line 1`, `line 2` … some thousand a second, each in one write.
pub const COUNTS: &str = "exec /usr/bin/env python3 -c 'import os, time
n = 0
while True:
    n += 1
    os.write(1, b\"line %d\\n\" % n)
    if n % 8 == 0: time.sleep(0.001)'";

/// The numbers that [`COUNTS`] said.
pub fn numbers(lines: &[String]) -> Vec<u64> {
    let number = |line: &String| line.strip_prefix("line ").and_then(|text| text.parse().ok());
    lines.iter().map(|line| number(line).unwrap_or_else(|| panic!("a broken line: {line:?}"))).collect()
}
