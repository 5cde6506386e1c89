//! The keeper beside supervisord, honcho, runit and s6, in turns in one run: programs up, restarts, memory, log lines.
//!
//! All of them run the same little shell scripts, which say that they run (name and process id) into one FIFO. So what is
//! measured includes the start of a shell, the same for all. Memory and CPU are those of the supervisor and whatever it
//! needs beside the programs, such as one logger a program.

mod ground;
mod supervisors;

use std::fs;
use std::path::Path;
use std::thread::sleep;
use std::time::{Duration, Instant};

use super::Options;
use super::measure::{median, middle};
use super::scenarios::Figure;
use crate::Failure;
use ground::{Ground, Program};
use supervisors::{Running, SUPERVISORS, Supervisor};

/// The bytes of each line that a program prints, with its newline.
const LINE_BYTES: usize = 100;
/// How long programs run before one is killed: by then none of the supervisors makes it wait.
const STABLE: Duration = Duration::from_millis(1500);
/// How long a supervisor rests before its memory is looked at.
const REST: Duration = Duration::from_secs(2);

/// Measures.
pub(super) fn run(folder: &Path, options: &Options) -> Result<Vec<Figure>, Failure> {
    let (ground, quick) = (Ground::new(folder, options.pinch()?)?, options.quick);
    let there: Vec<&Supervisor> = SUPERVISORS.iter().filter(|one| one.is_there(&ground)).collect();
    for missing in SUPERVISORS.iter().filter(|one| !one.is_there(&ground)) {
        eprintln!("{} is left out: {} is missing", missing.name, missing.program);
    }
    let mut figures = Vec::new();
    figures.extend(start_all(&ground, &there, 10, if quick { 2 } else { 11 })?);
    figures.extend(start_all(&ground, &there, 100, if quick { 1 } else { 3 })?);
    figures.extend(restart(&ground, &there, if quick { 2 } else { 10 })?);
    figures.extend(lines(&ground, &there, if quick { 1 } else { 3 })?);
    Ok(figures)
}

/// From nothing to so many programs that run; then the memory that takes.
fn start_all(
    ground: &Ground,
    supervisors: &[&Supervisor],
    count: usize,
    rounds: usize,
) -> Result<Vec<Figure>, Failure> {
    let programs: Vec<Program> = (0..count).map(Program::that_waits).collect();
    let mut times = vec![Vec::new(); supervisors.len()];
    let mut memory = vec![Vec::new(); supervisors.len()];
    for round in 0..rounds {
        for (place, supervisor) in supervisors.iter().enumerate() {
            eprintln!("  {count} programs: {}", supervisor.name);
            let prepared = supervisor.prepare(ground, &programs)?;
            let begun = Instant::now();
            let running = supervisor.start(ground, prepared)?;
            ground.heard(count)?;
            times[place].push(begun.elapsed());
            // Memory does not depend on the round.
            if round == 0 {
                sleep(REST);
                memory[place].push(running.memory()?);
            }
            running.stop()?;
        }
    }
    let mut figures = Vec::new();
    for (place, supervisor) in supervisors.iter().enumerate() {
        let name = |what: &str| format!("{count} programs: {}, {what}", supervisor.name);
        let time = Figure::new(name("all up"), milliseconds(median(times[place].clone())), "ms");
        let bytes = Figure::new(name("memory (PSS)"), memory[place][0] / 1e6, "MB");
        let goal = supervisor.is_pinch() && count == 10;
        figures.push(if goal { time.at_most(30.0) } else { time });
        figures.push(if goal { bytes.at_most(4.0) } else { bytes });
    }
    Ok(figures)
}

/// From SIGKILL of a program to its next start.
fn restart(ground: &Ground, supervisors: &[&Supervisor], rounds: usize) -> Result<Vec<Figure>, Failure> {
    let programs: Vec<Program> = (0..10).map(Program::that_waits).collect();
    let mut figures = Vec::new();
    // Each waits long between two restarts, so turns would only make it longer; nothing runs beside it.
    for supervisor in supervisors.iter().filter(|one| one.restarts) {
        eprintln!("  restarts: {}", supervisor.name);
        let running = supervisor.start(ground, supervisor.prepare(ground, &programs)?)?;
        let mut last = ground.heard(programs.len())?;
        let mut times = Vec::new();
        for round in 0..rounds {
            sleep(STABLE);
            let victim = last.remove(round % last.len());
            let begun = Instant::now();
            nix::sys::signal::kill(
                nix::unistd::Pid::from_raw(victim.process),
                nix::sys::signal::Signal::SIGKILL,
            )?;
            let again = ground.heard(1)?;
            times.push(begun.elapsed());
            last.extend(again);
        }
        running.stop()?;
        let figure = Figure::new(
            format!("restart after SIGKILL: {}", supervisor.name),
            milliseconds(median(times)),
            "ms",
        );
        figures.push(if supervisor.is_pinch() { figure.at_most(2.5) } else { figure });
    }
    Ok(figures)
}

/// Lines from a program into the log.
fn lines(ground: &Ground, supervisors: &[&Supervisor], rounds: usize) -> Result<Vec<Figure>, Failure> {
    let text = ground.folder.join("lines");
    let mut taken: Vec<Vec<Written>> = supervisors.iter().map(|_| Vec::new()).collect();
    for _ in 0..rounds {
        for (place, supervisor) in supervisors.iter().enumerate() {
            eprintln!("  lines: {}", supervisor.name);
            fs::write(&text, log_text(supervisor.lines))?;
            let programs = [Program::that_prints(&text)];
            let prepared = supervisor.prepare(ground, &programs)?;
            let running = supervisor.start(ground, prepared)?;
            ground.heard(1)?;
            taken[place].push(until_written(ground, &running)?);
            running.stop()?;
        }
    }
    fs::remove_file(text)?;
    let mut figures = Vec::new();
    for (supervisor, runs) in supervisors.iter().zip(&taken) {
        let millions = supervisor.lines as f64 / 1e6;
        let name = |what: &str| format!("{millions} million lines: {}, {what}", supervisor.name);
        let of = |value: fn(&Written) -> f64| middle(runs.iter().map(value).collect());
        let rate = Figure::new(name("lines"), millions / of(|run| run.wall), "million/s");
        let cpu = Figure::new(name("CPU a million"), of(|run| run.cpu) / millions, "s");
        let lost = Figure::new(name("lost"), of(|run| run.lost), "lines");
        if supervisor.is_pinch() {
            figures.extend([rate.at_least(1.5), cpu.at_most(0.3), lost.at_most(0.0)]);
            figures.push(Figure::new(
                name("CPU with compression"),
                of(|run| run.cpu_at_rest) / millions,
                "s",
            ));
        } else {
            figures.extend([rate, cpu, lost]);
        }
    }
    Ok(figures)
}

/// What it took to get the lines into the log.
struct Written {
    /// Seconds until the last line was there.
    wall: f64,
    /// CPU seconds of the supervisor until then.
    cpu: f64,
    /// The same once nothing goes on any more: compression, if any, is done.
    cpu_at_rest: f64,
    /// Lines that are not in the log.
    lost: f64,
}

/// From now until the last line is in the log. The program begins when it is told to.
fn until_written(ground: &Ground, running: &Running<'_>) -> Result<Written, Failure> {
    sleep(Duration::from_millis(500));
    let (before, begun) = (running.cpu()?, Instant::now());
    ground.begin()?;
    let last = line(running.lines());
    while !running.log_ends_with(&last) {
        if begun.elapsed() > Duration::from_mins(2) {
            return Err(format!("{}: the last line never came", running.name()).into());
        }
        sleep(Duration::from_millis(1));
    }
    let (wall, cpu) = (begun.elapsed().as_secs_f64(), running.cpu()? - before);
    let mut at_rest = running.cpu()?;
    // Some look around all the time; that is no work.
    while running.cpu()? - at_rest > 0.003 || begun.elapsed().as_secs_f64() < wall + 0.3 {
        at_rest = running.cpu()?;
        sleep(Duration::from_millis(300));
    }
    let lost = running.lines() as f64 - running.count_lines()? as f64;
    Ok(Written { wall, cpu, cpu_at_rest: at_rest - before, lost })
}

fn log_text(lines: u64) -> Vec<u8> {
    (1..=lines).flat_map(|number| (line(number) + "\n").into_bytes()).collect()
}

/// A line that looks like an access log's, and says its number.
fn line(number: u64) -> String {
    let start = format!(
        "10.1.{}.{} - - \"GET /items/{} HTTP/1.1\" 200 ",
        number % 256,
        number % 251,
        number * 7919 % 100_003
    );
    let end = format!(" line {number}");
    let fill = LINE_BYTES - 1 - start.len() - end.len();
    start + &"0123456789abcdef".repeat(7)[..fill] + &end
}

fn milliseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_have_their_length() {
        for number in [1, 999, 1_000_000] {
            assert_eq!(line(number).len() + 1, LINE_BYTES);
        }
    }
}
