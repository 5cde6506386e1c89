//! [`Commands`] on the real machine.
//!
//! A command runs in a process group of its own, so that a timeout ends it with everything it started. Another
//! user is taken on by `setpriv`, a root by `chroot`: programs that every distribution has, which spares the
//! unsafe calls between fork and exec.

use std::io::{Read, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use super::System;
use crate::layered::find_program;
use crate::{Action, Command, Commands, HostError, Outcome, Output, Program};

/// More output than this is read and thrown away.
const MOST_OUTPUT: usize = 64 << 20;

/// How long a program that has ended may leave its output open to children that it left behind.
const LINGER: Duration = Duration::from_millis(500);

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

impl System {
    fn run(&self, command: &Command) -> Result<Output, HostError> {
        let fail = |why: String| HostError::CannotRun { program: command.text(), why };
        let (argv, home) = self.argv(command)?;
        let [program, arguments @ ..] = argv.as_slice() else {
            return Err(fail("the command is empty".into()));
        };
        let mut process = self.process(command, program, arguments, home);
        let mut child = process.spawn().map_err(|error| match error.kind() {
            std::io::ErrorKind::NotFound => {
                fail("there is no such program, or its working directory is missing".into())
            }
            _ => fail(error.to_string()),
        })?;
        feed(&mut child, command.stdin.clone());
        let stdout = drain(child.stdout.take());
        let stderr = drain(child.stderr.take());
        let pid = child.id();
        let code = wait(&mut child, command)?;
        Ok(Output { code, stdout: collect(stdout), stderr: collect(stderr), pid })
    }

    #[expect(clippy::disallowed_types, clippy::disallowed_methods, reason = "this is the host")]
    fn process(
        &self,
        command: &Command,
        program: &str,
        arguments: &[String],
        home: Vec<(String, String)>,
    ) -> std::process::Command {
        use std::os::unix::process::CommandExt as _;
        let mut process = std::process::Command::new(program);
        process.args(arguments).env_clear().process_group(0);
        process.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let inherited =
            self.environment.iter().filter(|(name, _)| !command.clean_environment || name == "PATH");
        process.envs(inherited.map(|(name, value)| (name, value)));
        process.envs(home);
        for (name, value) in &command.environment {
            match value {
                Some(value) => process.env(name, value),
                None => process.env_remove(name),
            };
        }
        // Under a root the working directory is set inside, by `argv`.
        let inside = self.root.is_some() && !command.outside;
        process.current_dir(command.directory.as_deref().filter(|_| !inside).unwrap_or(Path::new("/")));
        process
    }

    /// The words to run, with all that changes user, root and mask before them; and the variables that follow
    /// from the user.
    fn argv(&self, command: &Command) -> Result<(Vec<String>, Vec<(String, String)>), HostError> {
        let mut argv = match &command.program {
            Program::Argv(argv) => argv.clone(),
            Program::Shell { shell, line } => vec![shell.clone(), "-c".into(), line.clone()],
        };
        if argv.iter().any(|word| word.contains('\0')) {
            return Err(HostError::CannotRun {
                program: command.text(),
                why: "a word contains a NUL byte".into(),
            });
        }
        let root = self.root.as_deref().filter(|_| !command.outside);
        if let Some(root) = root {
            let program = argv.first().cloned().unwrap_or_default();
            if self.which(&program).is_none() {
                let why = format!("there is no such program inside {}", root.display());
                return Err(HostError::CannotRun { program: command.text(), why });
            }
        }
        let mut wrapper = String::new();
        if let Some(mask) = command.umask {
            wrapper.push_str(&format!("umask {mask:04o} && "));
        }
        let directory =
            command.directory.as_ref().filter(|_| root.is_some()).map(|path| path.display().to_string());
        if directory.is_some() {
            wrapper.push_str("cd \"$0\" && ");
        }
        if !wrapper.is_empty() {
            let first = directory.unwrap_or_else(|| "sh".into());
            let mut wrapped = vec!["/bin/sh".into(), "-c".into(), format!("{wrapper}exec \"$@\""), first];
            wrapped.append(&mut argv);
            argv = wrapped;
        }
        let (mut prefix, variables) = self.identity(command)?;
        prefix.append(&mut argv);
        if let Some(root) = root {
            prefix.splice(0..0, ["chroot".to_string(), root.display().to_string()]);
        }
        Ok((prefix, variables))
    }

    /// The words that take on another user or group, and `HOME`, `USER` and the like for that user.
    fn identity(&self, command: &Command) -> Result<(Vec<String>, Vec<(String, String)>), HostError> {
        let group = command.group.as_ref().map(|name| {
            crate::accounts::group(self, name)?
                .ok_or_else(|| HostError::NoAccount { kind: "group", name: name.clone() })
        });
        let group = group.transpose()?.and_then(|group| group.gid);
        let Some(name) = &command.user else {
            return Ok(match group {
                Some(gid) => {
                    (vec!["setpriv".into(), format!("--regid={gid}"), "--keep-groups".into()], Vec::new())
                }
                None => (Vec::new(), Vec::new()),
            });
        };
        let user = crate::accounts::user(self, name)?
            .ok_or_else(|| HostError::NoAccount { kind: "user", name: name.clone() })?;
        let variables = vec![
            ("HOME".to_string(), user.home.clone()),
            ("USER".to_string(), user.name.clone()),
            ("LOGNAME".to_string(), user.name.clone()),
            ("SHELL".to_string(), user.shell.clone()),
        ];
        if user.uid == Some(rustix::process::geteuid().as_raw()) && group.is_none() {
            return Ok((Vec::new(), variables));
        }
        let uid = user.uid.unwrap_or_default();
        let gid = group.or(user.gid).unwrap_or_default();
        let words = [
            "setpriv".to_string(),
            format!("--reuid={uid}"),
            format!("--regid={gid}"),
            "--init-groups".into(),
        ];
        Ok((words.into(), variables))
    }
}

/// Writes the input on a thread of its own, so that a program that does not read cannot hold us up.
fn feed(child: &mut Child, input: Vec<u8>) {
    if let Some(mut pipe) = child.stdin.take()
        && !input.is_empty()
    {
        // A program that ends without reading everything is no failure of ours.
        std::thread::spawn(move || pipe.write_all(&input));
    }
}

/// Reads a stream to its end on a thread of its own. What came is sent piece by piece.
fn drain<R: Read + Send + 'static>(stream: Option<R>) -> mpsc::Receiver<Vec<u8>> {
    let (sender, receiver) = mpsc::sync_channel(64);
    if let Some(mut stream) = stream {
        std::thread::spawn(move || {
            let mut buffer = vec![0; 64 << 10];
            while let Ok(count @ 1..) = stream.read(&mut buffer) {
                if sender.send(buffer.get(..count).unwrap_or_default().to_vec()).is_err() {
                    break;
                }
            }
        });
    }
    receiver
}

/// What a stream has said. The program has ended; children that it left may keep the stream open.
fn collect(stream: mpsc::Receiver<Vec<u8>>) -> Vec<u8> {
    let mut bytes = Vec::new();
    while let Ok(mut piece) = stream.recv_timeout(LINGER) {
        if bytes.len() + piece.len() <= MOST_OUTPUT {
            bytes.append(&mut piece);
        }
    }
    bytes
}

/// Waits for the end; after the timeout the whole process group is killed.
fn wait(child: &mut Child, command: &Command) -> Result<i32, HostError> {
    use std::os::unix::process::ExitStatusExt as _;
    let fail =
        |error: std::io::Error| HostError::CannotRun { program: command.text(), why: error.to_string() };
    let code = |status: std::process::ExitStatus| {
        status.code().unwrap_or_else(|| 128 + status.signal().unwrap_or_default())
    };
    let Some(timeout) = command.timeout else { return child.wait().map(code).map_err(fail) };
    let mut waited = Duration::ZERO;
    let mut pause = Duration::from_millis(1);
    loop {
        if let Some(status) = child.try_wait().map_err(fail)? {
            return Ok(code(status));
        }
        if waited >= timeout {
            if let Some(group) = i32::try_from(child.id()).ok().and_then(rustix::process::Pid::from_raw) {
                // The group may have ended by itself in the meantime.
                let _ = rustix::process::kill_process_group(group, rustix::process::Signal::KILL);
            }
            let _ = child.wait();
            return Err(HostError::TimedOut { program: command.text(), after: timeout });
        }
        std::thread::sleep(pause);
        waited += pause;
        pause = (pause * 2).min(Duration::from_millis(20));
    }
}
