//! How each supervisor is set up, started, looked at and stopped.

use std::cell::OnceCell;
use std::fs::{self, File};
use std::io::{Read, Seek, SeekFrom};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use super::super::system;
use super::ground::{Ground, Program};
use crate::{Failure, process};

pub(super) struct Supervisor {
    pub(super) name: &'static str,
    pub(super) program: &'static str,
    /// Whether a program that was killed is started again.
    pub(super) restarts: bool,
    /// How many lines it is given: as many as it takes some seconds for.
    pub(super) lines: u64,
    prepare: fn(&Ground, &Path, &[Program]) -> Result<Command, Failure>,
}

pub(super) const SUPERVISORS: &[Supervisor] = &[
    Supervisor { name: "pinch", program: "pinch", restarts: true, lines: 1_000_000, prepare: pinch },
    Supervisor {
        name: "supervisord",
        program: "supervisord",
        restarts: true,
        lines: 200_000,
        prepare: supervisord,
    },
    Supervisor { name: "honcho", program: "honcho", restarts: false, lines: 20_000, prepare: honcho },
    Supervisor { name: "runit", program: "runsvdir", restarts: true, lines: 200_000, prepare: runit },
    Supervisor { name: "s6", program: "s6-svscan", restarts: true, lines: 200_000, prepare: s6 },
];

/// A supervisor that is set up: what starts it, and its folder.
pub(super) struct Prepared {
    command: Command,
    folder: PathBuf,
}

/// A supervisor that runs.
pub(super) struct Running<'a> {
    supervisor: &'a Supervisor,
    ground: &'a Ground,
    folder: PathBuf,
    child: Child,
    /// The supervisor's process, once it was asked for.
    process: OnceCell<u32>,
}

impl Supervisor {
    pub(super) fn is_pinch(&self) -> bool {
        self.name == "pinch"
    }

    pub(super) fn is_there(&self, _ground: &Ground) -> bool {
        self.is_pinch() || process::installed(self.program)
    }

    pub(super) fn prepare(&self, ground: &Ground, programs: &[Program]) -> Result<Prepared, Failure> {
        let folder = ground.empty(self.name)?;
        fs::create_dir_all(folder.join("logs"))?;
        let mut command = (self.prepare)(ground, &folder, programs)?;
        command.current_dir(&folder).stdin(Stdio::null()).stderr(Stdio::null());
        Ok(Prepared { command, folder })
    }

    pub(super) fn start<'a>(
        &'a self,
        ground: &'a Ground,
        mut prepared: Prepared,
    ) -> Result<Running<'a>, Failure> {
        let log = if self.name == "honcho" {
            Stdio::from(File::create(prepared.folder.join("logs/honcho.log"))?)
        } else {
            Stdio::null()
        };
        let child = prepared.command.stdout(log).spawn()?;
        Ok(Running { supervisor: self, ground, folder: prepared.folder, process: OnceCell::new(), child })
    }
}

impl Running<'_> {
    pub(super) fn name(&self) -> &'static str {
        self.supervisor.name
    }

    pub(super) fn lines(&self) -> u64 {
        self.supervisor.lines
    }

    /// The supervisor's process. Pinch's command hands over to a keeper and ends; the keeper is looked for only when somebody
    /// asks, not while it starts programs: looking through all processes takes the CPU from what is measured.
    fn process(&self) -> Result<u32, Failure> {
        if let Some(process) = self.process.get() {
            return Ok(*process);
        }
        let found =
            if self.supervisor.is_pinch() { keeper(self.ground, &self.folder)? } else { self.child.id() };
        Ok(*self.process.get_or_init(|| found))
    }

    /// Proportional set size of the supervisor and what it needs beside the programs, in bytes.
    pub(super) fn memory(&self) -> Result<f64, Failure> {
        self.helpers()?.into_iter().try_fold(0.0, |sum, one| Ok(sum + system::proportional_size(one)?))
    }

    /// CPU seconds of the same.
    pub(super) fn cpu(&self) -> Result<f64, Failure> {
        Ok(self.helpers()?.into_iter().map(system::cpu).sum())
    }

    /// The supervisor and every process below it that is no program, nor started by one.
    fn helpers(&self) -> Result<Vec<u32>, Failure> {
        self.below(|name| !["sh", "sleep", "cat"].contains(&name))
    }

    fn tree(&self) -> Result<Vec<u32>, Failure> {
        self.below(|_| true)
    }

    /// The supervisor and the processes below it, of those whose name is wanted.
    fn below(&self, wanted: impl Fn(&str) -> bool) -> Result<Vec<u32>, Failure> {
        let mut found = vec![self.process()?];
        let mut next = 0;
        while let Some(&one) = found.get(next) {
            let is_wanted = |child: &u32| {
                let name = fs::read_to_string(format!("/proc/{child}/comm")).unwrap_or_default();
                wanted(name.trim())
            };
            found.extend(system::children(one).into_iter().filter(is_wanted));
            next += 1;
        }
        Ok(found)
    }

    /// Whether the newest log file ends with a line.
    pub(super) fn log_ends_with(&self, line: &str) -> bool {
        let ends = |path: &PathBuf| -> std::io::Result<bool> {
            let mut file = File::open(path)?;
            let length = file.metadata()?.len();
            file.seek(SeekFrom::Start(length.saturating_sub(200)))?;
            let mut end = Vec::new();
            file.read_to_end(&mut end)?;
            Ok(String::from_utf8_lossy(&end).trim_end().ends_with(line))
        };
        self.log_files().iter().any(|path| ends(path).unwrap_or(false))
    }

    /// Lines of the program in all log files.
    pub(super) fn count_lines(&self) -> Result<u64, Failure> {
        let mut count = 0;
        for path in self.log_files() {
            let zipped = path.extension().is_some_and(|end| end == "gz");
            let mut command = Command::new(if zipped { "zgrep" } else { "grep" });
            let text = command.args(["-a", "-c", " line [0-9]*$"]).arg(&path).output()?;
            count += String::from_utf8_lossy(&text.stdout).trim().parse::<u64>()?;
        }
        Ok(count)
    }

    fn log_files(&self) -> Vec<PathBuf> {
        let mut folders = vec![self.folder.join("logs")];
        let mut files = Vec::new();
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
                let path = entry.path();
                let name = entry.file_name().to_string_lossy().into_owned();
                if path.is_dir() {
                    folders.push(path);
                } else if !["lock", "state", "config", "supervisord.log"].contains(&name.as_str()) {
                    files.push(path);
                }
            }
        }
        files
    }

    pub(super) fn stop(mut self) -> Result<(), Failure> {
        let process = self.process()?;
        if self.supervisor.is_pinch() {
            let mut down = Command::new(&self.ground.pinch);
            down.arg("down").current_dir(&self.folder).env("PINCH_HOME", self.folder.join("home"));
            down.output()?;
        } else {
            // runsvdir takes its services along on SIGHUP, s6-svscan and the others on SIGTERM.
            let signal = if self.supervisor.name == "runit" { "-HUP" } else { "-TERM" };
            Command::new("kill").args([signal, &process.to_string()]).status()?;
        }
        // Nothing is measured beside what is still ending; one that does not end by itself is ended.
        let begun = Instant::now();
        let exists = |process: u32| Path::new(&format!("/proc/{process}")).exists();
        while self.child.try_wait()?.is_none() || (self.supervisor.is_pinch() && exists(process)) {
            if begun.elapsed() > Duration::from_secs(5) {
                eprintln!("{} does not end by itself", self.name());
                for one in self.tree()? {
                    Command::new("kill").args(["-9", &one.to_string()]).status()?;
                }
            }
            sleep(Duration::from_millis(10));
        }
        sleep(Duration::from_millis(200));
        Ok(())
    }
}

fn pinch(ground: &Ground, folder: &Path, programs: &[Program]) -> Result<Command, Failure> {
    let line = |one: &Program| format!("{}: {}\n", one.name, ground.command(one));
    fs::write(folder.join("Procfile"), programs.iter().map(line).collect::<String>())?;
    let mut command = Command::new(&ground.pinch);
    command.args(["up", "--detach"]).env("PINCH_HOME", folder.join("home"));
    // Where the bench looks for logs of all.
    fs::remove_dir(folder.join("logs"))?;
    fs::create_dir_all(folder.join("home/logs"))?;
    std::os::unix::fs::symlink("home/logs", folder.join("logs"))?;
    Ok(command)
}

/// The process id of the keeper that a command started.
fn keeper(ground: &Ground, folder: &Path) -> Result<u32, Failure> {
    let home = folder.join("home").display().to_string();
    let begun = Instant::now();
    loop {
        for entry in fs::read_dir("/proc")?.flatten() {
            let Ok(process) = entry.file_name().to_string_lossy().parse() else { continue };
            let words = fs::read_to_string(entry.path().join("cmdline")).unwrap_or_default();
            let words: Vec<&str> = words.split('\0').collect();
            if words[0] == ground.pinch.display().to_string()
                && words.contains(&"keeper")
                && words.contains(&home.as_str())
            {
                return Ok(process);
            }
        }
        if begun.elapsed() > Duration::from_secs(10) {
            return Err("no keeper was started".into());
        }
        sleep(Duration::from_millis(1));
    }
}

fn supervisord(ground: &Ground, folder: &Path, programs: &[Program]) -> Result<Command, Failure> {
    let logs = folder.join("logs");
    let mut text = format!(
        "[supervisord]\nnodaemon=true\nuser=root\nlogfile={}\npidfile={}\n",
        logs.join("supervisord.log").display(),
        folder.join("pid").display()
    );
    for one in programs {
        text += &format!(
            "[program:{0}]\ncommand=/bin/sh {1}\nredirect_stderr=true\nstdout_logfile={2}/{0}.log\nstdout_logfile_maxbytes=0\n",
            one.name,
            script(ground, folder, one)?.display(),
            logs.display()
        );
    }
    let path = folder.join("supervisord.conf");
    fs::write(&path, text)?;
    let mut command = Command::new("supervisord");
    command.arg("-c").arg(path);
    Ok(command)
}

fn honcho(ground: &Ground, folder: &Path, programs: &[Program]) -> Result<Command, Failure> {
    let line = |one: &Program| format!("{}: {}\n", one.name, ground.command(one));
    fs::write(folder.join("Procfile"), programs.iter().map(line).collect::<String>())?;
    let mut command = Command::new("honcho");
    command.arg("start");
    Ok(command)
}

fn runit(ground: &Ground, folder: &Path, programs: &[Program]) -> Result<Command, Failure> {
    let services = services(ground, folder, programs, "svlogd -tt")?;
    let mut command = Command::new("runsvdir");
    command.arg(services);
    Ok(command)
}

fn s6(ground: &Ground, folder: &Path, programs: &[Program]) -> Result<Command, Failure> {
    let services = services(ground, folder, programs, "s6-log -b n20 s100000000 T")?;
    let mut command = Command::new("s6-svscan");
    command.arg(services);
    Ok(command)
}

/// A folder of services as runit and s6 read them, each with its logger.
fn services(ground: &Ground, folder: &Path, programs: &[Program], logger: &str) -> Result<PathBuf, Failure> {
    let services = folder.join("services");
    for one in programs {
        let service = services.join(&one.name);
        fs::create_dir_all(service.join("log"))?;
        let logs = folder.join("logs").join(&one.name);
        fs::create_dir_all(&logs)?;
        // svlogd's: files as large as s6-log's.
        fs::write(logs.join("config"), "s100000000\nn20\n")?;
        executable(&service.join("run"), &format!("exec 2>&1; {}", ground.command(one)))?;
        executable(&service.join("log/run"), &format!("exec {logger} {}", logs.display()))?;
    }
    Ok(services)
}

fn script(ground: &Ground, folder: &Path, program: &Program) -> Result<PathBuf, Failure> {
    let path = folder.join(format!("{}.sh", program.name));
    executable(&path, &ground.command(program))?;
    Ok(path)
}

fn executable(path: &Path, commands: &str) -> Result<(), Failure> {
    fs::write(path, format!("#!/bin/sh\n{commands}\n"))?;
    Ok(fs::set_permissions(path, fs::Permissions::from_mode(0o755))?)
}
