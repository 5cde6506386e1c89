//! [`Commands`] on the real machine: what is started, where, and as whom.
//!
//! A command runs in a process group of its own, so that a timeout ends it with everything it started. To run as
//! somebody else a helper thread takes on that user's numbers (on Linux they belong to a thread) and starts the
//! program, which inherits them: no program is needed for it, and the rest of Pinch stays who it is. Inside a
//! root it is `chroot` that does both.

use std::io::ErrorKind;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};

use rustix::io::Errno;
use rustix::process::{Gid, Uid, getegid, geteuid};

use super::System;
use super::running::hear_out;
use crate::layered::find_program;
use crate::{Action, Command, Commands, FileKind, Files as _, HostError, Outcome, Output, Program, accounts};

impl Commands for System {
    fn probe(&self, command: &Command) -> Result<Output, HostError> {
        self.run(command)
    }

    fn act(&self, action: &Action) -> Result<Outcome, HostError> {
        self.run(&action.command).map(Outcome::Ran)
    }

    fn which(&self, program: &str) -> Option<PathBuf> {
        find_program(self, program)
    }

    fn environment(&self) -> &[(String, String)] {
        &self.environment
    }
}

/// Whom a program runs as.
struct Persona {
    /// Whether these numbers differ from the ones we have already.
    other: bool,
    user: u32,
    group: u32,
    /// All groups, the primary one among them.
    groups: Vec<u32>,
    /// `HOME`, `USER` and the like.
    variables: Vec<(&'static str, String)>,
}

impl System {
    fn run(&self, command: &Command) -> Result<Output, HostError> {
        let persona = self.persona(command)?;
        let mut process = self.prepare(command, persona.as_ref())?;
        let started = match &persona {
            Some(persona) if persona.other && self.inside(command).is_none() => {
                start_as(&mut process, persona)
            }
            _ => process.spawn(),
        };
        let child = started.map_err(|error| self.cannot_run(command, &error))?;
        hear_out(child, command)
    }

    /// The root that a command runs inside of.
    fn inside(&self, command: &Command) -> Option<&Path> {
        self.root.as_deref().filter(|_| !command.outside)
    }

    /// The user and groups that are asked for; `None` when nothing is.
    fn persona(&self, command: &Command) -> Result<Option<Persona>, HostError> {
        let missing = |kind, name: &str| HostError::NoAccount { kind, name: name.into() };
        if command.user.is_none() && command.group.is_none() {
            return Ok(None);
        }
        let own = (geteuid().as_raw(), getegid().as_raw());
        let account = match &command.user {
            Some(name) => Some(accounts::user(self, name)?.ok_or_else(|| missing("user", name))?),
            None => None,
        };
        let user = match &account {
            // An account without a number must never run as number 0.
            Some(account) => account.uid.ok_or_else(|| missing("user", &account.name))?,
            None => own.0,
        };
        let group = match (&command.group, &account) {
            (Some(name), _) => {
                let group = accounts::group(self, name)?.and_then(|group| group.gid);
                group.ok_or_else(|| missing("group", name))?
            }
            (None, Some(account)) => account.gid.ok_or_else(|| missing("user", &account.name))?,
            (None, None) => own.1,
        };
        let mut groups = vec![group];
        let mut variables = Vec::new();
        match account {
            Some(account) => {
                let all = accounts::groups(self)?;
                let member = all.iter().filter(|group| group.members.contains(&account.name));
                groups.extend(member.filter_map(|group| group.gid));
                variables.push(("LOGNAME", account.name.clone()));
                variables.push(("USER", account.name));
                variables.push(("HOME", account.home));
                variables.push(("SHELL", account.shell));
            }
            None => {
                groups.extend(rustix::process::getgroups().unwrap_or_default().into_iter().map(Gid::as_raw));
            }
        }
        groups.sort_unstable();
        groups.dedup();
        Ok(Some(Persona { other: (user, group) != own, user, group, groups, variables }))
    }

    #[expect(clippy::disallowed_types, reason = "this is the room for effects")]
    fn prepare(
        &self,
        command: &Command,
        persona: Option<&Persona>,
    ) -> Result<std::process::Command, HostError> {
        let argv = self.argv(command, persona.filter(|persona| persona.other))?;
        let mut process = std::process::Command::new(argv.first().map_or("", String::as_str));
        process.args(argv.get(1..).unwrap_or_default()).env_clear().process_group(0);
        process.stdin(if command.stdin.is_empty() { Stdio::null() } else { Stdio::piped() });
        process.stdout(Stdio::piped()).stderr(Stdio::piped());
        // Inside a root the working directory is set there.
        let directory = command.directory.as_deref().filter(|_| self.inside(command).is_none());
        process.current_dir(directory.unwrap_or(Path::new("/")));
        for (name, value) in &self.environment {
            if !command.clean_environment || name == "PATH" {
                process.env(name, value);
            }
        }
        for (name, value) in persona.iter().flat_map(|persona| &persona.variables) {
            process.env(name, value);
        }
        for (name, value) in &command.environment {
            match value {
                Some(value) => process.env(name, value),
                None => process.env_remove(name),
            };
        }
        Ok(process)
    }

    /// The words to run, with whatever has to stand before them.
    fn argv(&self, command: &Command, persona: Option<&Persona>) -> Result<Vec<String>, HostError> {
        let fail = |why: String| Err(HostError::CannotRun { program: command.text(), why });
        let mut argv = match &command.program {
            Program::Argv(argv) => argv.clone(),
            Program::Shell { shell, line } => vec![shell.clone(), "-c".into(), line.clone()],
        };
        if argv.iter().any(|word| word.contains('\0')) {
            return fail("a word contains a NUL byte".into());
        }
        let Some(program) = argv.first().filter(|program| !program.is_empty()) else {
            return fail("the command is empty".into());
        };
        let root = self.inside(command);
        if let Some(root) = root {
            if self.which(program).is_none() {
                return fail(format!("there is no such program inside {}", root.display()));
            }
            if !geteuid().is_root() {
                return fail(format!("only root may run programs inside {}", root.display()));
            }
        }
        let directory = command.directory.as_deref().filter(|_| root.is_some());
        if command.umask.is_some() || directory.is_some() {
            argv = in_shell(command.umask, directory, argv);
        }
        Ok(match root {
            Some(root) => in_root(root, persona, argv),
            None => argv,
        })
    }

    fn cannot_run(&self, command: &Command, error: &std::io::Error) -> HostError {
        let directory = command.directory.as_deref().unwrap_or(Path::new("/"));
        let there =
            || matches!(self.metadata(directory), Ok(Some(found)) if found.kind == FileKind::Directory);
        let why = match error.kind() {
            ErrorKind::NotFound | ErrorKind::NotADirectory if !there() => {
                format!("its working directory {} is not there", directory.display())
            }
            ErrorKind::NotFound => "there is no such program".into(),
            _ => error.to_string(),
        };
        HostError::CannotRun { program: command.text(), why }
    }
}

/// Starts a program from a thread that has become that user. The thread ends with it.
#[expect(clippy::disallowed_types, reason = "this is the room for effects")]
fn start_as(process: &mut std::process::Command, persona: &Persona) -> std::io::Result<Child> {
    let become_them = || -> Result<(), Errno> {
        let groups: Vec<Gid> = persona.groups.iter().copied().map(Gid::from_raw).collect();
        let (user, group) = (Uid::from_raw(persona.user), Gid::from_raw(persona.group));
        rustix::thread::set_thread_groups(&groups)?;
        rustix::thread::set_thread_res_gid(group, group, group)?;
        rustix::thread::set_thread_res_uid(user, user, user)
    };
    std::thread::scope(|scope| {
        let starter = scope.spawn(|| {
            become_them()?;
            process.spawn()
        });
        starter.join().unwrap_or_else(|_| Err(std::io::Error::other("the thread that starts it broke off")))
    })
}

/// `chroot ROOT …`, as that user.
fn in_root(root: &Path, persona: Option<&Persona>, argv: Vec<String>) -> Vec<String> {
    let mut words = vec!["chroot".to_string()];
    if let Some(persona) = persona {
        let groups: Vec<String> = persona.groups.iter().map(u32::to_string).collect();
        words.push(format!("--userspec={}:{}", persona.user, persona.group));
        words.push(format!("--groups={}", groups.join(",")));
    }
    words.push(root.display().to_string());
    words.extend(argv);
    words
}

/// A shell that sets the mask, goes to the directory and becomes the program.
fn in_shell(umask: Option<u32>, directory: Option<&Path>, argv: Vec<String>) -> Vec<String> {
    let mut line = String::new();
    if let Some(mask) = umask {
        line.push_str(&format!("umask {:04o} && ", mask & 0o777));
    }
    if directory.is_some() {
        line.push_str("cd \"$0\" && ");
    }
    line.push_str("exec \"$@\"");
    let first = directory.map_or_else(|| "sh".to_string(), |path| path.display().to_string());
    let mut words = vec!["/bin/sh".to_string(), "-c".into(), line, first];
    words.extend(argv);
    words
}
