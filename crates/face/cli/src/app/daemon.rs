//! The keeper as a process: being it, and making one when none is there.

use std::io::PipeReader;
use std::os::unix::process::CommandExt as _;
use std::path::PathBuf;
use std::process::{Child, Command};
use std::time::{Duration, Instant};

use keeper::client::{ClientError, ask_once, is_there};
use keeper::protocol::Request;
use report::{Exit, Problem};
use rustix::event::{PollFd, PollFlags, Timespec, poll};

use super::place::Place;
use crate::arguments::Keeper;
use crate::terminal::Surroundings;

/// How long a keeper may take to answer after it was started.
const PATIENCE: Duration = Duration::from_secs(10);

/// Between two looks for a keeper that has not told yet that it has begun; one of an earlier version never does.
const UNTOLD: Duration = Duration::from_millis(50);
/// Between two looks for a keeper whose end of the pipe is closed.
const TOLD: Duration = Duration::from_millis(3);

/// The exit code of a keeper that found another one in its place: `EX_TEMPFAIL` of sysexits.h.
const ANOTHER_RUNS: u8 = 75;

/// Bytes of what keepers said that could not begin; with more, the next one starts over.
const MOST_OF_OWN_LOG: u64 = 1 << 20;

/// Is the keeper until it is told to end.
pub(crate) fn keeper(arguments: &Keeper, surroundings: &Surroundings) -> u8 {
    let place = Place::new(&arguments.common, surroundings);
    let program = match own_program() {
        Ok(program) => program,
        Err(problem) => return place.fail(problem),
    };
    let options =
        keeper::Options { home: place.home.clone(), program, version: env!("CARGO_PKG_VERSION").into() };
    match keeper::run(options) {
        Ok(()) => Exit::Done.code(),
        Err(error) => {
            let problem = Problem::error("keeper.start", error.to_string()).exit(Exit::Failed);
            let hint = match &error {
                keeper::KeeperError::Runs(_) => {
                    "`pinch ps` asks the one that runs; another --home makes room for a second"
                }
                keeper::KeeperError::State { .. } => {
                    "move the file away to begin without apps; running processes are then stopped"
                }
                _ => "--home (or PINCH_HOME) names another folder",
            };
            let code = place.fail(problem.hint(hint));
            if matches!(error, keeper::KeeperError::Runs(_)) { ANOTHER_RUNS } else { code }
        }
    }
}

/// Makes sure that a keeper answers; whether it had to be started.
pub(super) fn ensure(place: &Place) -> Result<bool, Problem> {
    let socket = place.home.socket();
    match ask_once(&socket, &Request::Status) {
        Ok(_) => return Ok(false),
        Err(ClientError::NoKeeper(_)) => {}
        Err(error) => return Err(super::failure::of_client(error)),
    }
    let mut starting = Starting::begin(place)?;
    let begin = Instant::now();
    loop {
        starting.wait();
        match is_there(&socket) {
            Ok(()) => return Ok(true),
            Err(ClientError::NoKeeper(_)) => {}
            Err(error) => return Err(super::failure::of_client(error)),
        }
        let ended = starting.keeper.try_wait().ok().flatten();
        if ended.and_then(|ended| ended.code()) == Some(ANOTHER_RUNS.into()) && begin.elapsed() < PATIENCE {
            // One that is ending still holds the place.
            std::thread::sleep(Duration::from_millis(50));
            starting = Starting::begin(place)?;
            continue;
        }
        if ended.is_some() || begin.elapsed() > PATIENCE {
            let problem = Problem::error("keeper.start", "the keeper did not start").exit(Exit::Failed);
            let path = place.home.own_log();
            let said = std::fs::read_to_string(&path).unwrap_or_default();
            let tail: Vec<&str> = said.lines().rev().take(8).collect();
            let problem = tail.into_iter().rev().fold(problem, Problem::why);
            return Err(problem.hint(format!("all it said is in {}", path.display())));
        }
    }
}

/// A keeper that was just started.
struct Starting {
    keeper: Child,
    /// Its standard input: ends once it takes commands, or has ended.
    begun: Option<PipeReader>,
}

impl Starting {
    fn begin(place: &Place) -> Result<Self, Problem> {
        let (begun, theirs) = std::io::pipe().map_err(|error| cannot_start(&error))?;
        let mut command = Command::new(own_program()?);
        command.arg("keeper");
        if let Some(home) = &place.home_folder {
            command.arg("--home").arg(home);
        }
        let log = own_log(place)?;
        let error = log.try_clone().map_err(|error| cannot_start(&error))?;
        // A group of its own: Ctrl-C on this terminal is not for the keeper.
        command.stdin(theirs).stdout(log).stderr(error).process_group(0).current_dir("/");
        // The command goes, and with it this process's own end for writing: the keeper has the only one.
        let keeper = command.spawn().map_err(|error| cannot_start(&error))?;
        Ok(Self { keeper, begun: Some(begun) })
    }

    /// Waits until it has begun or ended, but never long.
    fn wait(&mut self) {
        let Some(begun) = &self.begun else { return std::thread::sleep(TOLD) };
        match poll(&mut [PollFd::new(begun, PollFlags::IN)], Timespec::try_from(UNTOLD).ok().as_ref()) {
            Ok(0) | Err(rustix::io::Errno::INTR) => {}
            Ok(_) | Err(_) => self.begun = None,
        }
    }
}

/// The program this is, also after the file was replaced by another.
pub(super) fn own_program() -> Result<PathBuf, Problem> {
    let program = std::env::current_exe().map_err(|error| {
        Problem::error("keeper.program", format!("the path of this program cannot be found: {error}"))
            .hint("/proc has to be mounted")
    })?;
    let text = program.to_string_lossy();
    Ok(text.strip_suffix(" (deleted)").map_or_else(|| program.clone(), PathBuf::from))
}

fn own_log(place: &Place) -> Result<std::fs::File, Problem> {
    let path = place.home.own_log();
    let at = |error: std::io::Error| {
        Problem::error("keeper.home", format!("{}: {error}", path.display()))
            .hint("--home (or PINCH_HOME) names a folder that you may write to")
            .exit(Exit::Failed)
    };
    std::fs::create_dir_all(&place.home.logs).map_err(at)?;
    let log = std::fs::OpenOptions::new().create(true).append(true).open(&path).map_err(at)?;
    if log.metadata().map_err(at)?.len() > MOST_OF_OWN_LOG {
        log.set_len(0).map_err(at)?;
    }
    Ok(log)
}

fn cannot_start(error: &std::io::Error) -> Problem {
    Problem::error("keeper.start", format!("the keeper cannot be started: {error}")).exit(Exit::Failed)
}
