//! Lines of 100 bytes from a process through a FIFO into a log: how fast, at what cost, and whether all arrive.
//!
//! `cargo run --release -p logs --example throughput [-- --lines N --rounds N --json]`
//!
//! In each round, on the same input: the collector with and without compression, `svlogd` (runit) and `s6-log` (s6) where they are
//! installed, and the floor: a program that only reads and writes the bytes. The writer is a process that writes 64 KiB at
//! once (`blocks`) or each line by itself (`lines`). CPU is that of the process that collects, in seconds for a
//! million lines; the collector's own thread is given beside it. The best round counts.

#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a measurement: it runs programs and prints figures"
)]

use std::error::Error;
use std::fs::{self, File, OpenOptions};
use std::io::{self, BufRead, BufReader, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::mpsc::channel;
use std::time::{Duration, Instant};

use logs::{
    Archiver, Collector, FileSink, History, Item, ProcessKey, Query, Reader, Rotation, Source, Stream,
};
use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::TimeValLike;
use rustix::fs::{CWD, FileType, Mode, OFlags, mknodat};

type Outcome<T> = Result<T, Box<dyn Error>>;

/// Bytes of a line, newline included.
const LINE: usize = 100;

fn main() -> Outcome<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["write", lines, how] => write_lines(lines.parse()?, *how == "lines"),
        ["copy", fifo, file] => copy(Path::new(fifo), Path::new(file)),
        ["collect", fifo, directory, compress] => {
            collect(Path::new(fifo), Path::new(directory), *compress == "gzip")
        }
        _ => compare(&words),
    }
}

/// One who takes lines from a FIFO to the disk.
#[derive(Clone, Copy)]
enum Contestant {
    Floor,
    Pinch,
    PinchCompressed,
    Svlogd,
    S6Log,
}

/// What one run took.
#[derive(Clone, Copy)]
struct Figures {
    wall: f64,
    cpu: f64,
    /// CPU of the collecting thread alone, where it says.
    thread: Option<f64>,
    lost: u64,
    /// Proportional memory of the whole process after the run and two seconds later, KiB.
    pss: Option<(u64, u64)>,
    /// Events a second when the log is read back.
    read_back: Option<f64>,
}

const CONTESTANTS: [(Contestant, &str); 5] = [
    (Contestant::Floor, "floor: read and write"),
    (Contestant::Pinch, "pinch"),
    (Contestant::PinchCompressed, "pinch, compressing"),
    (Contestant::Svlogd, "svlogd -ttt"),
    (Contestant::S6Log, "s6-log T"),
];

fn compare(words: &[&str]) -> Outcome<()> {
    let option = |name: &str| words.iter().position(|word| *word == name).and_then(|at| words.get(at + 1));
    let lines: u64 = option("--lines").map_or(Ok(1_000_000), |text| text.parse())?;
    let rounds: u32 = option("--rounds").map_or(Ok(3), |text| text.parse())?;
    let directory = option("--directory").map_or_else(std::env::temp_dir, PathBuf::from);
    let json = words.contains(&"--json");
    for how in ["blocks", "lines"] {
        let mut best: Vec<Option<Figures>> = vec![None; CONTESTANTS.len()];
        for _ in 0..rounds {
            for (index, (contestant, _)) in CONTESTANTS.iter().enumerate() {
                let Some(figures) = run(*contestant, lines, how, &directory)? else { continue };
                let old = best[index].get_or_insert(figures);
                old.lost = old.lost.max(figures.lost);
                if figures.wall < old.wall {
                    *old = Figures { lost: old.lost, ..figures };
                }
            }
        }
        if !json {
            println!("{lines} lines of {LINE} bytes, written in {how}:");
            println!(
                "{:<24}{:>12}{:>16}{:>10}{:>8}{:>20}{:>14}",
                "", "lines/s", "cpu s/million", "thread", "lost", "PSS KiB, then idle", "read back/s"
            );
        }
        for (figures, (_, name)) in best.iter().zip(CONTESTANTS) {
            print_figures(json, name, how, lines, figures.as_ref());
        }
    }
    Ok(())
}

fn print_figures(json: bool, name: &str, how: &str, lines: u64, figures: Option<&Figures>) {
    let Some(figures) = figures else { return };
    let million = lines as f64 / 1e6;
    let (speed, cpu) = (lines as f64 / figures.wall, figures.cpu / million);
    let thread = figures.thread.map(|thread| thread / million);
    if json {
        let figures = serde_json::json!({
            "name": name, "writer": how, "lines": lines, "lines_per_second": speed, "cpu_seconds_per_million": cpu,
            "thread_cpu_seconds_per_million": thread, "lost": figures.lost, "pss_kib": figures.pss,
            "read_back_per_second": figures.read_back,
        });
        println!("{figures}");
        return;
    }
    let or_nothing = |text: Option<String>| text.unwrap_or_default();
    println!(
        "{name:<24}{speed:>12.0}{cpu:>16.3}{:>10}{:>8}{:>20}{:>14}",
        or_nothing(thread.map(|thread| format!("{thread:.3}"))),
        figures.lost,
        or_nothing(figures.pss.map(|(busy, idle)| format!("{busy} {idle}"))),
        or_nothing(figures.read_back.map(|speed| format!("{speed:.0}"))),
    );
}

fn run(contestant: Contestant, lines: u64, how: &str, below: &Path) -> Outcome<Option<Figures>> {
    let folder = tempfile::Builder::new().prefix("pinch-throughput").tempdir_in(below)?;
    let fifo = folder.path().join("fifo");
    let log = folder.path().join("log");
    fs::create_dir(&log)?;
    mknodat(CWD, &fifo, FileType::Fifo, Mode::from_raw_mode(0o600), 0)?;
    // Held open both ways, so that nobody waits for the other side and none gets to see an end too early.
    let held = OpenOptions::new().read(true).write(true).open(&fifo)?;
    let this = std::env::current_exe()?;
    let mut command = match contestant {
        Contestant::Floor => arguments(&this, &["copy".as_ref(), fifo.as_ref(), log.join("bytes").as_ref()]),
        Contestant::Pinch => {
            arguments(&this, &["collect".as_ref(), fifo.as_ref(), log.as_ref(), "plain".as_ref()])
        }
        Contestant::PinchCompressed => {
            arguments(&this, &["collect".as_ref(), fifo.as_ref(), log.as_ref(), "gzip".as_ref()])
        }
        Contestant::Svlogd => {
            fs::write(log.join("config"), "s67108864\nn1000\n")?;
            arguments(Path::new("svlogd"), &["-ttt".as_ref(), log.as_ref()])
        }
        Contestant::S6Log => arguments(
            Path::new("s6-log"),
            &["n1000".as_ref(), "s67108864".as_ref(), "T".as_ref(), log.as_ref()],
        ),
    };
    command.stdin(File::open(&fifo)?).stdout(Stdio::piped());
    let Ok(mut collector) = command.spawn() else { return Ok(None) };
    std::thread::sleep(Duration::from_millis(100));
    let start = Instant::now();
    let mut writer = arguments(&this, &["write".as_ref(), lines.to_string().as_ref(), how.as_ref()])
        .stdout(OpenOptions::new().write(true).open(&fifo)?)
        .spawn()?;
    drop(held);
    if !writer.wait()?.success() {
        return Err("the writer failed".into());
    }
    let before = cpu_of_children()?;
    // The collector says when all is written; compressing goes on after that. Others just end.
    let mut said = String::new();
    let mut output = BufReader::new(collector.stdout.take().ok_or("no output")?);
    output.fill_buf()?;
    let told = start.elapsed().as_secs_f64();
    output.read_line(&mut said)?;
    let status = collector.wait()?;
    if !status.success() {
        return Err(format!("the collector failed: {status}").into());
    }
    let wall = if said.is_empty() { start.elapsed().as_secs_f64() } else { told };
    let cpu = cpu_of_children()? - before;
    let mut numbers = said.split_whitespace();
    let thread = numbers.next().and_then(|text| text.parse().ok());
    let pss = numbers.next().and_then(|text| text.parse().ok());
    let idle = numbers.next().and_then(|text| text.parse().ok());
    let own = matches!(contestant, Contestant::Pinch | Contestant::PinchCompressed);
    let read_back = if own { Some(read_back(&log, lines)?) } else { None };
    let lost = lines.saturating_sub(arrived(&log)?);
    Ok(Some(Figures { wall, cpu, thread, lost, pss: pss.zip(idle), read_back }))
}

fn arguments(program: &Path, arguments: &[&std::ffi::OsStr]) -> Command {
    let mut command = Command::new(program);
    command.args(arguments);
    command
}

/// Seconds of CPU of all children that have ended.
fn cpu_of_children() -> Outcome<f64> {
    let usage = getrusage(UsageWho::RUSAGE_CHILDREN)?;
    Ok((usage.user_time().num_microseconds() + usage.system_time().num_microseconds()) as f64 / 1e6)
}

/// Reads a log back, makes sure that its lines are the ones that were written, and says how many it gave in a second.
fn read_back(log: &Path, lines: u64) -> Outcome<f64> {
    let start = Instant::now();
    let mut reader = Reader::open(log, Query::default())?;
    let mut number = 0;
    while let Some(item) = reader.next()? {
        let Item::Event(event) = item else { return Err(format!("a part is missing: {item:?}").into()) };
        if event.text.len() != LINE - 1 || std::str::from_utf8(&event.text[..10])?.parse() != Ok(number) {
            return Err(format!("not line {number}: {event:?}").into());
        }
        number += 1;
    }
    if number == lines {
        Ok(lines as f64 / start.elapsed().as_secs_f64())
    } else {
        Err("lines are missing".into())
    }
}

/// Lines in all files of a log, whoever wrote it.
fn arrived(log: &Path) -> Outcome<u64> {
    let mut lines = 0;
    for entry in fs::read_dir(log)? {
        let path = entry?.path();
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        if ["config", "lock", "state"].contains(&name) {
            continue;
        }
        let file = File::open(&path)?;
        let mut text: Box<dyn Read> = if path.extension().is_some_and(|extension| extension == "gz") {
            Box::new(flate2::read::GzDecoder::new(file))
        } else {
            Box::new(file)
        };
        let mut chunk = vec![0; 1 << 20];
        loop {
            match text.read(&mut chunk)? {
                0 => break,
                length if name == "bytes" => lines += length as u64,
                length => lines += memchr::memchr_iter(b'\n', &chunk[..length]).count() as u64,
            }
        }
        if name == "bytes" {
            lines /= LINE as u64;
        }
    }
    Ok(lines)
}

// --- the processes that are measured ---

/// Writes numbered lines to standard output. Only the numbers are made while it writes: the writer must not be what is measured.
fn write_lines(lines: u64, each: bool) -> Outcome<()> {
    let mut block = Vec::new();
    let mut random = 1_u64;
    for _ in 0..BLOCK_LINES {
        let start = block.len();
        write!(block, "0000000000 GET /guestbook/{:x} 200", random % 4096)?;
        while block.len() < start + LINE - 1 {
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            block.extend_from_slice(WORDS[(random >> 60) as usize % WORDS.len()]);
        }
        block.truncate(start + LINE - 1);
        block.push(b'\n');
    }
    let mut number = 0;
    let mut out = io::stdout().lock();
    while number < lines {
        let count = BLOCK_LINES.min((lines - number) as usize);
        for line in block.chunks_exact_mut(LINE).take(count) {
            let mut rest = number;
            line[..10].iter_mut().rev().for_each(|digit| {
                *digit = b'0' + (rest % 10) as u8;
                rest /= 10;
            });
            number += 1;
        }
        let step = if each { LINE } else { LINE * count };
        block[..LINE * count].chunks(step).try_for_each(|piece| write_whole(&mut out, piece))?;
    }
    Ok(())
}

/// Past the buffer of standard output.
fn write_whole(out: &mut io::StdoutLock<'_>, mut piece: &[u8]) -> Outcome<()> {
    while !piece.is_empty() {
        let length = rustix::io::write(&mut *out, piece)?;
        piece = &piece[length..];
    }
    Ok(())
}

/// Lines that are written at once: a little less than 64 KiB.
const BLOCK_LINES: usize = 655;
const WORDS: [&[u8]; 5] = [b" entry", b" user=", b" 12ms ", b" ok", b" cache"];

/// Collects the FIFO until its other end is closed; says what its thread took and how much memory it has.
fn collect(fifo: &Path, directory: &Path, compress: bool) -> Outcome<()> {
    let output = rustix::fs::open(fifo, OFlags::RDONLY | OFlags::NONBLOCK | OFlags::CLOEXEC, Mode::empty())?;
    let archiver = Archiver::new();
    let rotation = Rotation { compress, keep: 1000, ..Rotation::default() };
    let collector = Collector::start()?;
    let sink =
        collector.attach(Box::new(FileSink::open(&directory.join("web.1.log"), rotation, &archiver)?))?;
    let process = ProcessKey(1);
    let (name, history) = ("web.1".to_owned(), History::Fresh);
    collector.add([Source { process, name, stream: Stream::Stdout, output, sink, history }])?;
    // Standard input is the FIFO too: at its end the writer is gone.
    loop {
        std::thread::sleep(Duration::from_millis(1));
        let (reply, answer) = channel();
        collector.stats(move |stats| drop(reply.send(stats)))?;
        if answer.recv()?.streams.iter().all(|stream| stream.ended) {
            break;
        }
    }
    let (reply, answer) = channel();
    collector.finish(process, None, move |finished| drop(reply.send(finished)))?;
    answer.recv()?;
    // What is said first ends the measurement of time; the rest of the line is read later.
    print!("{} {} ", cpu_of_thread("log-collector")?, pss()?);
    io::stdout().flush()?;
    std::thread::sleep(Duration::from_millis(2200));
    println!("{}", pss()?);
    drop(collector);
    archiver.wait_until_idle();
    Ok(())
}

/// Proportional memory of this process, KiB.
fn pss() -> Outcome<u64> {
    let rollup = fs::read_to_string("/proc/self/smaps_rollup")?;
    let pss = rollup.lines().find_map(|line| line.strip_prefix("Pss:")?.split_whitespace().next());
    Ok(pss.ok_or("no PSS")?.parse()?)
}

/// Seconds of CPU of a thread of this process.
fn cpu_of_thread(name: &str) -> Outcome<f64> {
    for task in fs::read_dir("/proc/self/task")? {
        let task = task?.path();
        if fs::read_to_string(task.join("comm"))?.trim() == name {
            let schedstat = fs::read_to_string(task.join("schedstat"))?;
            let nanoseconds: u64 = schedstat.split_whitespace().next().unwrap_or_default().parse()?;
            return Ok(nanoseconds as f64 / 1e9);
        }
    }
    Err("no such thread".into())
}

/// What cannot be done without: the bytes are read and written.
fn copy(fifo: &Path, file: &Path) -> Outcome<()> {
    let mut input = File::open(fifo)?;
    let _ = rustix::pipe::fcntl_setpipe_size(&input, 1 << 20);
    let mut out = OpenOptions::new().append(true).create(true).mode(0o640).open(file)?;
    let mut chunk = vec![0; 512 << 10];
    loop {
        let length = input.read(&mut chunk)?;
        if length == 0 {
            return Ok(());
        }
        out.write_all(&chunk[..length])?;
    }
}
