//! Starting one process.

use std::net::{Ipv4Addr, TcpListener};
use std::os::fd::OwnedFd;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use procfile::{CommandLine, ProcessType};
use release::Variables;

/// Ports that are given to processes: below those that the kernel gives to outgoing connections.
const PORTS: std::ops::Range<u16> = 20_000..30_000;

/// All that a process is started with.
pub(crate) struct Start<'a> {
    pub process_type: &'a ProcessType,
    /// The app's folder.
    pub folder: &'a PathBuf,
    /// The app's config vars.
    pub config: &'a Variables,
    /// What the keeper adds: marks, `PORT`, `PS`.
    pub added: Vec<(&'static str, String)>,
    /// Where its standard output and error go.
    pub output: (OwnedFd, OwnedFd),
}

/// A process, ready to be started as the leader of a new process group: command, folder, variables, user, no input.
/// `added` are variables that win over those of the app. `Err` says what is missing.
pub fn prepare(
    process_type: &ProcessType,
    folder: &Path,
    config: &Variables,
    added: Vec<(&'static str, String)>,
) -> Result<Command, String> {
    let folder = match &process_type.directory {
        Some(directory) => folder.join(directory),
        None => folder.to_path_buf(),
    };
    if !folder.is_dir() {
        return Err(format!("the folder {} is not there", folder.display()));
    }
    let user = process_type.user.as_deref().map(user).transpose()?;
    let plain = command(process_type);
    let mut command = match &user {
        Some(user) => as_user(plain, user),
        None => plain,
    };
    command.current_dir(&folder).process_group(0).stdin(Stdio::null());
    command.env_clear();
    command.envs(config.reveal());
    command.envs(process_type.environment.iter().map(|(name, value)| (name, value)));
    command.envs(added);
    if let Some(user) = &user {
        command.env("HOME", &user.home).env("USER", &user.name).env("LOGNAME", &user.name);
    }
    Ok(command)
}

/// A port to look from, other for each keeper of a machine: between the look and the moment when a process listens, two that
/// look at the same ports give out the same one.
pub(crate) fn somewhere(keeper: u32) -> u16 {
    let places = u32::from(PORTS.end - PORTS.start);
    PORTS.start + u16::try_from(keeper.wrapping_mul(97) % places).unwrap_or(0)
}

/// Starts it as the leader of a new process group and answers its process id.
pub(crate) fn spawn(start: Start<'_>) -> Result<u32, String> {
    let mut command = prepare(start.process_type, start.folder, start.config, start.added)?;
    command.stdout(Stdio::from(start.output.0)).stderr(Stdio::from(start.output.1));
    // Dropping the handle neither stops nor waits for the process; its end comes with SIGCHLD.
    match command.spawn() {
        Ok(child) => Ok(child.id()),
        Err(error) => {
            let program = command.get_program().to_string_lossy().into_owned();
            Err(match error.kind() {
                std::io::ErrorKind::NotFound => format!("the program `{program}` is not there"),
                std::io::ErrorKind::PermissionDenied => {
                    format!("the program `{program}` may not be run: {error}")
                }
                _ => format!("`{program}` cannot be started: {error}"),
            })
        }
    }
}

/// A port that nobody listens on and that is not among those `taken`, looked for from `after` on.
pub(crate) fn free_port(after: u16, taken: impl Fn(u16) -> bool) -> Option<u16> {
    let first = if PORTS.contains(&after) { after + 1 } else { PORTS.start };
    let mut around = (first..PORTS.end).chain(PORTS.start..first);
    around.find(|port| !taken(*port) && is_free(*port))
}

/// Whether a port of the loopback address can be listened on.
pub(crate) fn is_free(port: u16) -> bool {
    TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok()
}

fn command(process_type: &ProcessType) -> Command {
    // `umask` is the shell's: `std` has no way to set it for a child only.
    let umask = process_type.umask.map(|umask| format!("umask {umask:04o}"));
    match (&process_type.command, umask) {
        (CommandLine::Shell(line), None) => shell(line),
        (CommandLine::Shell(line), Some(umask)) => shell(&format!("{umask}; {line}")),
        (CommandLine::Argv(argv), None) => {
            let (program, rest) =
                argv.split_first().map_or(("", &[][..]), |(first, rest)| (first.as_str(), rest));
            let mut command = Command::new(program);
            command.args(rest);
            command
        }
        (CommandLine::Argv(argv), Some(umask)) => {
            let mut command = shell(&format!("{umask} && exec \"$0\" \"$@\""));
            command.args(argv);
            command
        }
    }
}

fn shell(line: &str) -> Command {
    let mut command = Command::new("/bin/sh");
    command.arg("-c").arg(line);
    command
}

/// A user of this machine.
pub(crate) struct User {
    pub name: String,
    pub uid: u32,
    pub gid: u32,
    pub home: String,
}

/// Looks a user up in `/etc/passwd`.
pub(crate) fn user(name: &str) -> Result<User, String> {
    let text = std::fs::read_to_string("/etc/passwd").map_err(|error| format!("/etc/passwd: {error}"))?;
    let entry = text.lines().map(|line| line.split(':').collect::<Vec<_>>()).find(|fields| fields[0] == name);
    let Some([_, _, uid, gid, _, home, ..]) = entry.as_deref() else {
        return Err(format!("there is no user `{name}` on this machine"));
    };
    let number = |text: &str| text.parse::<u32>().map_err(|_| format!("/etc/passwd: `{text}` is no number"));
    Ok(User { name: name.into(), uid: number(uid)?, gid: number(gid)?, home: (*home).to_string() })
}

/// The program of util-linux that gives a process groups: `std` has no stable way.
const SETPRIV: &str = "/usr/bin/setpriv";

/// A command run as another user, with that user's primary group, and the others where there is a [`SETPRIV`].
fn as_user(mut command: Command, user: &User) -> Command {
    if user.uid == rustix::process::getuid().as_raw() {
        return command;
    }
    let others = groups(&std::fs::read_to_string("/etc/group").unwrap_or_default(), user);
    // Of other origins, which have the name too, not every one knows groups.
    let is_util_linux = || std::fs::canonicalize(SETPRIV).is_ok_and(|path| path.ends_with("setpriv"));
    if others.is_empty() || !is_util_linux() {
        command.uid(user.uid).gid(user.gid);
        return command;
    }
    let groups: Vec<String> = [user.gid].iter().chain(&others).map(ToString::to_string).collect();
    let mut setpriv = Command::new(SETPRIV);
    setpriv.arg(format!("--reuid={}", user.uid)).arg(format!("--regid={}", user.gid));
    setpriv.arg(format!("--groups={}", groups.join(","))).arg("--");
    setpriv.arg(command.get_program()).args(command.get_args());
    setpriv
}

/// The groups, besides the primary one, that a text in the form of `/etc/group` names a user in.
fn groups(text: &str, user: &User) -> Vec<u32> {
    let gid = |line: &str| {
        let mut fields = line.split(':');
        let (gid, members) = (fields.nth(2)?.parse().ok()?, fields.next()?);
        members.split(',').any(|member| member == user.name).then_some(gid)
    };
    text.lines().filter_map(gid).filter(|gid| *gid != user.gid).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ports_are_looked_for_round_about() {
        assert_eq!(free_port(20_005, |port| port != 20_003), Some(20_003).filter(|port| is_free(*port)));
        assert_eq!(free_port(20_000, |_| true), None);
    }

    #[test]
    fn a_missing_program_is_named() {
        let process_type = ProcessType::new("web", CommandLine::Argv(vec!["/no/such/program".into()]));
        let null = || OwnedFd::from(std::fs::File::open("/dev/null").unwrap());
        let start = Start {
            process_type: &process_type,
            folder: &"/".into(),
            config: &Variables::new(),
            added: Vec::new(),
            output: (null(), null()),
        };
        assert_eq!(spawn(start), Err("the program `/no/such/program` is not there".into()));
    }

    #[test]
    fn groups_are_those_that_name_the_user() {
        let text = "root:x:0:\nusers:x:100:games,nobody\nnogroup:x:65534:nobody\ndialout:*:20:nobody\nbad\nx:x:-1:nobody\n\
                    y:x:7:nobody2\n";
        let user = User { name: "nobody".into(), uid: 65_534, gid: 65_534, home: "/".into() };
        assert_eq!(groups(text, &user), [100, 20]);
    }
}
