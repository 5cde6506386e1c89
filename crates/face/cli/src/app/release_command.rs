//! The Procfile's `release`: run once, with the code and the config vars of a release, before any of its processes starts.
//!
//! What it says is shown as it comes, on standard error. When it fails, nothing is rolled out.

use std::collections::VecDeque;
use std::io::{BufRead as _, BufReader, PipeReader, Read as _, Write as _};
use std::process::{Child, ExitStatus};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use keeper::protocol::{Answer, Request};
use keeper::{client, core::Wanted};
use logs::Timestamp;
use procfile::{ProcessType, RELEASE};
use release::Definition;
use report::{Exit, Problem};
use rustix::process::{Pid, Signal, kill_process_group};

use super::lines::Lines;
use super::place::Place;
use super::terminal_log::clock;
use crate::output::harmless;
use crate::terminal::Interrupts;

/// Between two looks at the command.
const LOOK: Duration = Duration::from_millis(20);
/// How long its last words are waited for: something that it left behind may hold its output open.
const LAST_WORDS: Duration = Duration::from_secs(1);
/// Lines that are shown again when it fails.
const SHOWN: usize = 20;
/// The longest piece of a line, in bytes.
const LONGEST: u64 = 64 << 10;

/// What it said last.
type Said = Arc<Mutex<VecDeque<String>>>;

/// Runs it to its end. `Err`: it failed, and what to do about it.
pub(super) fn run(
    command: &ProcessType,
    definition: &Definition,
    place: &Place,
    interrupts: &Interrupts,
) -> Result<(), Problem> {
    let app = &definition.app;
    let process = format!("{RELEASE}.1");
    let release = next_release(definition, place);
    let added = vec![
        ("PINCH_APP", app.clone()),
        ("PINCH_PROCESS", process.clone()),
        ("PINCH_RELEASE", release.to_string()),
        ("PS", process.clone()),
    ];
    let begun =
        keeper::prepare(command, &definition.directory, &definition.config, added).and_then(|mut command| {
            let (reader, writer) = std::io::pipe().map_err(|error| error.to_string())?;
            let other = writer.try_clone().map_err(|error| error.to_string())?;
            let child = command.stdout(writer).stderr(other).spawn().map_err(|error| error.to_string())?;
            // The command's ends of the pipe go with it.
            Ok((child, reader))
        });
    let (child, reader) =
        begun.map_err(|why| failed(place, app, &format!("cannot be started: {why}"), Vec::new()))?;
    let said = Said::default();
    let showing = show(reader, &process, place, Arc::clone(&said));
    let ended = wait(child, interrupts);
    let begin = std::time::Instant::now();
    while !showing.is_finished() && begin.elapsed() < LAST_WORDS {
        std::thread::sleep(LOOK);
    }
    match ended {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(failed(place, app, &how(status), words(&said))),
        Err(Stopped::Interrupted) => {
            Err(failed(place, app, "was interrupted", Vec::new()).exit(Exit::Interrupted))
        }
        Err(Stopped::Lost(error)) => Err(failed(place, app, &format!("was lost: {error}"), words(&said))),
    }
}

/// Why the end of the command is not known.
enum Stopped {
    Interrupted,
    Lost(std::io::Error),
}

/// Waits for its end. The first interrupt asks its group to stop, the second kills it.
fn wait(mut child: Child, interrupts: &Interrupts) -> Result<ExitStatus, Stopped> {
    let mut heard = 0;
    loop {
        if let Some(status) = child.try_wait().map_err(Stopped::Lost)? {
            return if heard > 0 { Err(Stopped::Interrupted) } else { Ok(status) };
        }
        let asked = interrupts.count();
        if asked > heard {
            let signal = if heard == 0 && asked == 1 { Signal::TERM } else { Signal::KILL };
            heard = asked;
            if let Some(group) = i32::try_from(child.id()).ok().and_then(Pid::from_raw) {
                let _ = kill_process_group(group, signal);
            }
        }
        std::thread::sleep(LOOK);
    }
}

/// Shows what it says, on a thread of its own.
fn show(reader: PipeReader, process: &str, place: &Place, said: Said) -> std::thread::JoinHandle<()> {
    let mut lines = Lines::new(place.talk.error, false, [process]);
    let process = process.to_string();
    std::thread::spawn(move || {
        let mut reader = BufReader::new(reader);
        let mut line = Vec::new();
        while reader.by_ref().take(LONGEST).read_until(b'\n', &mut line).is_ok_and(|length| length > 0) {
            let text = line.strip_suffix(b"\n").unwrap_or(&line);
            let shown = lines.line(&clock(Timestamp::now()), &process, text);
            let _ = std::io::stderr().lock().write_all(&shown);
            if let Ok(mut said) = said.lock() {
                said.push_back(String::from_utf8_lossy(text).into_owned());
                if said.len() > SHOWN {
                    said.pop_front();
                }
            }
            line.clear();
        }
    })
}

fn words(said: &Said) -> Vec<String> {
    said.lock().map(|mut said| std::mem::take(&mut *said).into()).unwrap_or_default()
}

fn how(status: ExitStatus) -> String {
    use std::os::unix::process::ExitStatusExt as _;
    match (status.code(), status.signal()) {
        (Some(code), _) => format!("exited with {code}"),
        (None, Some(signal)) => format!("was ended by signal {signal}"),
        (None, None) => "ended".into(),
    }
}

fn failed(place: &Place, app: &str, how: &str, words: Vec<String>) -> Problem {
    let what = format!("the release command of {app} {how}; nothing is rolled out");
    let problem = Problem::error("app.release", what).on(format!("{app}/{RELEASE}")).exit(Exit::Failed);
    let problem = words.iter().fold(problem, |problem, line| problem.why(harmless(line)));
    let problem = match stays(place, app) {
        Some(release) => problem.hint(format!("release {release} goes on as before")),
        None => problem,
    };
    problem.hint("--skip-release-command rolls out without it")
}

/// The release that runs.
fn stays(place: &Place, app: &str) -> Option<u64> {
    let status = place.status().ok()?;
    let app = status.apps.iter().find(|one| one.name == app && one.wanted == Wanted::Running)?;
    app.release
}

/// The number that the release will have.
fn next_release(definition: &Definition, place: &Place) -> u64 {
    let request = Request::Releases { app: definition.app.clone() };
    let Ok(Answer::Releases { releases, .. }) = client::ask_once(&place.home.socket(), &request) else {
        return 1;
    };
    match releases.last() {
        Some(newest) if newest.definition == *definition => newest.number,
        Some(newest) => newest.number + 1,
        None => 1,
    }
}
