//! The collector, fed through real pipes: every byte comes back, whatever it is and however sinks behave.

#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    clippy::unwrap_used,
    reason = "tests make the files they read"
)]

mod support;

use std::os::fd::{AsFd as _, OwnedFd};
use std::time::{Duration, Instant};

use logs::{Collector, Entry, Finished, History, LineSink, Stream, Timestamp, entries};
use proptest::prelude::*;
use support::{
    Memory, add, ended, eventually, fifo, finish, finish_within, memory, pipe, reassembled, stats, write_all,
};

/// Bytes with many newlines, long runs without, and traces now and then.
fn output() -> impl Strategy<Value = Vec<Vec<u8>>> {
    let chunk = prop_oneof![
        prop::collection::vec(any::<u8>(), 0..200),
        prop::collection::vec(prop_oneof![Just(b'\n'), any::<u8>()], 0..200),
        "(line [a-z]{0,20}\n){0,9}(rest)?".prop_map(String::into_bytes),
        Just(
            b"Traceback (most recent call last):\n  File 'a.py', line 1, in f\n    x\nValueError\n".to_vec()
        ),
        (1..60_000_usize).prop_map(|length| vec![b'x'; length]),
    ];
    prop::collection::vec(chunk, 0..12)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn what_is_written_comes_back(stdout in output(), stderr in output(), pauses: u64) {
        let memory = Memory::default();
        let collector = Collector::start().unwrap();
        let sink = collector.attach(Box::new(memory.clone())).unwrap();
        let (read_out, write_out) = pipe();
        let (read_err, write_err) = pipe();
        add(&collector, 1, Stream::Stdout, read_out, sink, History::Fresh);
        add(&collector, 1, Stream::Stderr, read_err, sink, History::Fresh);
        for index in 0..stdout.len().max(stderr.len()) {
            stdout.get(index).iter().for_each(|chunk| write_all(&write_out, chunk));
            stderr.get(index).iter().for_each(|chunk| write_all(&write_err, chunk));
            if pauses >> index & 1 == 1 {
                std::thread::sleep(Duration::from_millis(1));
            }
        }
        let finished = finish(&collector, 1);
        let streams = reassembled(&memory.bytes());
        let all = |stream: &Vec<Vec<u8>>| ended(&stream.concat());
        prop_assert_eq!(streams.get(&Stream::Stdout).cloned().unwrap_or_default(), all(&stdout));
        prop_assert_eq!(streams.get(&Stream::Stderr).cloned().unwrap_or_default(), all(&stderr));
        let lines = [&stdout, &stderr].map(|stream| memchr::memchr_iter(b'\n', &all(stream)).count());
        prop_assert_eq!(finished.lines, lines.iter().sum::<usize>() as u64);
        prop_assert_eq!(finished.bytes, (stdout.concat().len() + stderr.concat().len()) as u64);
        prop_assert_eq!(finished.lost, 0);
    }

    #[test]
    fn a_sink_that_refuses_gets_everything_once(chunks in output(), takes in prop::collection::vec(0..5_usize, 0..20)) {
        let memory = Memory::default();
        memory.behaviour.lock().unwrap().takes = takes;
        let collector = Collector::start().unwrap();
        let sink = collector.attach(Box::new(memory.clone())).unwrap();
        let (reader, writer) = pipe();
        let (other_reader, other_writer) = pipe();
        add(&collector, 1, Stream::Stdout, reader, sink, History::Fresh);
        add(&collector, 1, Stream::Stderr, other_reader, sink, History::Fresh);
        for chunk in &chunks {
            write_all(&other_writer, b"beside\n");
            write_all(&writer, chunk);
        }
        finish(&collector, 1);
        let streams = reassembled(&memory.bytes());
        prop_assert_eq!(streams.get(&Stream::Stdout).cloned().unwrap_or_default(), ended(&chunks.concat()));
        let beside = streams.get(&Stream::Stderr).map_or(0, |bytes| bytes.len() / b"beside\n".len());
        prop_assert_eq!(beside, chunks.len());
    }

    #[test]
    fn lines_of_two_processes_never_run_together(
        lives in prop::collection::vec(output(), 0..6),
        takes in prop::collection::vec(0..5_usize, 0..20),
        refusing: bool,
    ) {
        let memory = Memory::default();
        memory.behaviour.lock().unwrap().takes = takes;
        memory.refuse(refusing);
        let collector = Collector::start().unwrap();
        let sink = collector.attach(Box::new(memory.clone())).unwrap();
        let (reader, writer) = pipe();
        rustix::pipe::fcntl_setpipe_size(&writer, 1 << 20).unwrap();
        add(&collector, 1, Stream::Stdout, reader, sink, History::Fresh);
        // As much as fits into the pipe, so that a sink that refuses holds nobody up.
        let lives: Vec<Vec<u8>> = lives.iter().map(|chunks| chunks.concat()).scan(0, |sum, life| {
            *sum += life.len();
            Some(if *sum < 600_000 { life } else { b"short".to_vec() })
        }).collect();
        for life in &lives {
            write_all(&writer, life);
            // Nothing waits for the collector to obey.
            collector.end_line(logs::ProcessKey(1), &[(Stream::Stdout, writer.as_fd())]).unwrap();
        }
        memory.refuse(false);
        let finished = finish(&collector, 1);
        let all: Vec<u8> = lives.iter().flat_map(|life| ended(life)).collect();
        prop_assert_eq!(reassembled(&memory.bytes()).remove(&Stream::Stdout).unwrap_or_default(), all);
        prop_assert_eq!(finished.lost, 0);
    }

    #[test]
    fn a_collector_that_is_replaced_leaves_no_seam(chunks in output(), waits: u64, refusing: bool) {
        let memory = Memory::default();
        let (mut reader, writer) = pipe();
        let mut history = History::Fresh;
        for (index, chunk) in chunks.iter().enumerate() {
            let collector = Collector::start().unwrap();
            let sink = collector.attach(Box::new(memory.clone())).unwrap();
            memory.refuse(refusing && index % 3 == 1);
            add(&collector, 1, Stream::Stdout, reader, sink, history);
            write_all(&writer, chunk);
            if waits >> index & 1 == 1 {
                std::thread::sleep(Duration::from_millis(1));
            }
            let suspended = collector.suspend().unwrap().pop().unwrap();
            // The state survives the way to another process.
            let state = serde_json::to_vec(&suspended.state).unwrap();
            history = History::Suspended(serde_json::from_slice(&state).unwrap());
            reader = suspended.output;
        }
        memory.refuse(false);
        let collector = Collector::start().unwrap();
        let sink = collector.attach(Box::new(memory.clone())).unwrap();
        add(&collector, 1, Stream::Stdout, reader, sink, history);
        let finished = finish(&collector, 1);
        prop_assert_eq!(reassembled(&memory.bytes()).remove(&Stream::Stdout).unwrap_or_default(), ended(&chunks.concat()));
        prop_assert_eq!(finished.bytes, chunks.concat().len() as u64);
    }
}

/// A collector with one sink and one stream of process 1.
fn one_stream() -> (Collector, Memory, OwnedFd) {
    let memory = Memory::default();
    let collector = Collector::start().unwrap();
    let sink = collector.attach(Box::new(memory.clone())).unwrap();
    let (reader, writer) = pipe();
    add(&collector, 1, Stream::Stdout, reader, sink, History::Fresh);
    (collector, memory, writer)
}

/// Tags and texts of records.
fn tagged(records: &[u8]) -> Vec<String> {
    let record = |entry| match entry {
        Entry::Record(record) => record,
        entry => panic!("no record: {entry:?}"),
    };
    let text = |record: logs::Record<'_>| {
        let tag = if record.partial { "P" } else { "F" };
        format!("{tag}{} {}", if record.joined { ":J" } else { "" }, record.text.escape_ascii())
    };
    entries(records).map(record).map(text).collect()
}

#[test]
fn the_start_of_a_line_does_not_wait_for_ever() {
    let (collector, memory, writer) = one_stream();
    let start = Instant::now();
    write_all(&writer, b"one\nPassword: ");
    eventually("the prompt is written", || tagged(&memory.bytes()).len() == 2);
    assert!(
        start.elapsed() >= Duration::from_millis(190),
        "it had time to become a line: {:?}",
        start.elapsed()
    );
    assert!(start.elapsed() < Duration::from_secs(2), "{:?}", start.elapsed());
    write_all(&writer, b"secret\ntwo\n");
    finish(&collector, 1);
    assert_eq!(tagged(&memory.bytes()), ["F one", "P Password: ", "F secret", "F two"]);
}

#[test]
fn a_line_that_its_process_left_unfinished_ends_with_it() {
    let (collector, memory, writer) = one_stream();
    let next = |text: &[u8], pause| {
        write_all(&writer, text);
        std::thread::sleep(Duration::from_millis(pause));
        collector.end_line(logs::ProcessKey(1), &[(Stream::Stdout, writer.as_fd())]).unwrap();
    };
    next(b"one", 0);
    next(b"", 0);
    next(b"two\n", 0);
    // This one was written in part before its process ended.
    next(b"three", 300);
    // A trace that its process did not end, either.
    next(b"Traceback (most recent call last):\n  File 'a.py', line 1, in f\n", 0);
    next(b"  of another\n", 0);
    finish(&collector, 1);
    assert_eq!(
        tagged(&memory.bytes()),
        [
            "F one",
            "F two",
            "P three",
            "F ",
            "F Traceback (most recent call last):",
            "F:J   File \\'a.py\\', line 1, in f",
            "F   of another",
        ]
    );
}

#[test]
fn a_line_that_is_unfinished_is_ended_by_a_wake_and_nothing_else() {
    let (collector, memory, writer) = one_stream();
    write_all(&writer, b"one");
    collector.end_line(logs::ProcessKey(1), &[(Stream::Stdout, writer.as_fd())]).unwrap();
    collector.wake();
    eventually("the line is there", || {
        tagged(&memory.bytes()).last().is_some_and(|line| line.starts_with("F "))
    });
}

#[test]
fn a_line_that_was_begun_before_its_trace_was_known_is_joined_as_a_whole() {
    let (collector, memory, writer) = one_stream();
    for piece in [
        &b"Trace"[..],
        b"back (most recent call last):\n",
        b"  Fi",
        b"le 'a.py', line 1, in f\nValue",
        b"Error: x\nnext\n",
    ] {
        write_all(&writer, piece);
        std::thread::sleep(Duration::from_millis(300));
    }
    finish(&collector, 1);
    assert_eq!(
        tagged(&memory.bytes()),
        [
            "P Trace",
            "F back (most recent call last):",
            "P:J   Fi",
            "F le \\'a.py\\', line 1, in f",
            "P:J Value",
            "F Error: x",
            "F next",
        ]
    );
}

#[test]
fn lines_longer_than_the_memory_for_them_become_parts() {
    let (collector, memory, writer) = one_stream();
    let text = vec![b'x'; 3_000_000];
    write_all(&writer, &text);
    write_all(&writer, b"\nshort\n");
    let finished = finish(&collector, 1);
    assert_eq!(finished, Finished { lines: 2, bytes: 3_000_007, lost: 0 });
    let bytes = memory.bytes();
    let lines = tagged(&bytes);
    assert!(lines.len() > 3, "{}", lines.len());
    assert!(lines[..lines.len() - 2].iter().all(|line| line.starts_with("P ")));
    assert_eq!(lines.last().unwrap(), "F short");
    assert_eq!(reassembled(&bytes)[&Stream::Stdout], [&text[..], b"\nshort\n"].concat());
}

#[test]
fn memory_is_bounded_without_newlines() {
    const MEGABYTES: usize = 64;
    let collector = Collector::start().unwrap();
    let sink = collector.attach(Box::new(LineSink::new(|record| record.text.len() <= 1 << 20))).unwrap();
    let (reader, writer) = pipe();
    add(&collector, 1, Stream::Stdout, reader, sink, History::Fresh);
    let chunk = vec![b'y'; 1 << 20];
    let before = memory("VmHWM");
    for _ in 0..MEGABYTES {
        write_all(&writer, &chunk);
    }
    let finished = finish(&collector, 1);
    assert_eq!(finished.bytes, (MEGABYTES << 20) as u64);
    assert!(memory("VmHWM") - before < 8 << 10, "{} KiB before, {} KiB after", before, memory("VmHWM"));
}

#[test]
fn a_fifo_that_its_process_holds_open_both_ways_is_finished() {
    let folder = tempfile::tempdir().unwrap();
    let memory = Memory::default();
    let collector = Collector::start().unwrap();
    let sink = collector.attach(Box::new(memory.clone())).unwrap();
    let (reader, writer) = fifo(&folder.path().join("stdout"));
    add(&collector, 1, Stream::Stdout, reader, sink, History::Fresh);
    write_all(&writer, b"held\nopen");
    assert_eq!(finish(&collector, 1), Finished { lines: 2, bytes: 9, lost: 0 });
    assert_eq!(tagged(&memory.bytes()), ["F held", "F open"]);
    drop(writer);
}

#[test]
fn a_fifo_whose_other_end_is_closed_and_opened_again_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let memory = Memory::default();
    let collector = Collector::start().unwrap();
    let sink = collector.attach(Box::new(memory.clone())).unwrap();
    let path = folder.path().join("stdout");
    let (reader, writer) = fifo(&path);
    add(&collector, 1, Stream::Stdout, reader, sink, History::Fresh);
    write_all(&writer, b"first\n");
    drop(writer);
    eventually("the end is seen", || stats(&collector).streams[0].ended);
    // Other tests run in the same process; a collector that is kept busy would let no window be quiet.
    eventually("an end that lasts does not keep the collector busy", || {
        let before = cpu();
        std::thread::sleep(Duration::from_millis(100));
        cpu().saturating_sub(before) < Duration::from_millis(30)
    });
    let (_, writer) = fifo(&path);
    write_all(&writer, b"second\n");
    eventually("it goes on", || tagged(&memory.bytes()) == ["F first", "F second"]);
    assert!(!stats(&collector).streams[0].ended);
    finish(&collector, 1);
}

/// Processor time of this process.
fn cpu() -> Duration {
    let usage = nix::sys::resource::getrusage(nix::sys::resource::UsageWho::RUSAGE_SELF).unwrap();
    let time = |time: nix::sys::time::TimeVal| {
        Duration::from_secs(time.tv_sec() as u64) + Duration::from_micros(time.tv_usec() as u64)
    };
    time(usage.user_time()) + time(usage.system_time())
}

#[test]
fn a_process_that_is_finished_while_somebody_still_writes_is_finished() {
    let (collector, memory, writer) = one_stream();
    let endless = std::thread::spawn(move || {
        // Ends when the read end is closed. Rust programs ignore SIGPIPE.
        while rustix::io::write(&writer, b"again\n").is_ok() {}
    });
    eventually("something is written", || !memory.bytes().is_empty());
    finish(&collector, 1);
    endless.join().unwrap();
}

#[test]
fn a_sink_in_trouble_holds_up_only_its_own_streams() {
    let collector = Collector::start().unwrap();
    let (broken, whole) = (Memory::default(), Memory::default());
    broken.refuse(true);
    let (mut writers, names) = (Vec::new(), [&broken, &whole]);
    for (process, memory) in names.iter().enumerate() {
        let sink = collector.attach(Box::new((*memory).clone())).unwrap();
        let (reader, writer) = pipe();
        add(&collector, process as u64, Stream::Stdout, reader, sink, History::Fresh);
        writers.push(writer);
    }
    let blocked = writers.remove(0);
    let writer = std::thread::spawn(move || write_all(&blocked, &b"never lost\n".repeat(30_000)));
    eventually("the stall is seen", || stats(&collector).streams[0].waiting.is_some());
    let waiting = stats(&collector).streams[0].waiting.clone().unwrap();
    assert_eq!(waiting.reason, "not now");
    for _ in 0..50 {
        write_all(&writers[0], &b"passes\n".repeat(1000));
    }
    eventually("the other one gets everything", || whole.bytes().len() > 50_000 * b"passes\n".len());
    assert!(!writer.is_finished(), "a child that writes into a sink that refuses is blocked");
    assert!(broken.bytes().is_empty());
    assert_eq!(stats(&collector).streams[0].waiting.as_ref().map(|now| now.since), Some(waiting.since));
    assert!(stats(&collector).sinks[0].refusals > 1);

    broken.refuse(false);
    writer.join().unwrap();
    assert_eq!(finish(&collector, 0).lost, 0);
    assert_eq!(reassembled(&broken.bytes())[&Stream::Stdout], b"never lost\n".repeat(30_000));
    assert_eq!(reassembled(&whole.bytes())[&Stream::Stdout], b"passes\n".repeat(50_000));
}

#[test]
fn one_that_floods_does_not_drown_another() {
    let collector = Collector::start().unwrap();
    let (flood, quiet) = (Memory::default(), Memory::default());
    let mut writers = Vec::new();
    for (process, memory) in [&flood, &quiet].iter().enumerate() {
        let sink = collector.attach(Box::new((*memory).clone())).unwrap();
        let (reader, writer) = pipe();
        add(&collector, process as u64, Stream::Stdout, reader, sink, History::Fresh);
        writers.push(writer);
    }
    let (quiet_writer, flood_writer) = (writers.pop().unwrap(), writers.pop().unwrap());
    let stop = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(false));
    let stopped = std::sync::Arc::clone(&stop);
    let flooding = std::thread::spawn(move || {
        let block = b"flood\n".repeat(10_000);
        while !stopped.load(std::sync::atomic::Ordering::Relaxed) {
            write_all(&flood_writer, &block);
        }
    });
    eventually("the flood comes", || flood.bytes().len() > 1 << 20);
    for number in 1..=20 {
        write_all(&quiet_writer, b"a line\n");
        eventually("a line comes through", || tagged(&quiet.bytes()).len() == number);
    }
    assert!(!flooding.is_finished());
    stop.store(true, std::sync::atomic::Ordering::Relaxed);
    flooding.join().unwrap();
    finish(&collector, 0);
}

#[test]
fn patience_with_a_sink_ends_and_what_is_lost_is_counted() {
    let (collector, memory, writer) = one_stream();
    memory.refuse(true);
    write_all(&writer, b"first\n");
    eventually("the stall is seen", || stats(&collector).streams[0].waiting.is_some());
    write_all(&writer, b"second\n");
    let answer = finish_within(&collector, 1, Some(Duration::from_millis(200)));
    let finished = answer.recv_timeout(Duration::from_secs(5)).unwrap();
    assert_eq!(finished.lost, 13);
    assert!(stats(&collector).streams.is_empty());
}

#[test]
fn a_new_process_ends_the_line_that_an_old_one_left() {
    struct Unfinished(Memory);
    impl logs::Sink for Unfinished {
        fn write(&mut self, records: &[u8], now: Timestamp) -> Result<(), logs::Refused> {
            self.0.write(records, now)
        }
        fn unfinished(&self, stream: Stream) -> bool {
            stream == Stream::Stdout
        }
    }
    for (history, expected) in [
        (History::Fresh, vec!["F ", "F one", "F two", "F three"]),
        (History::Adopted, vec!["F one", "F two", "F three"]),
    ] {
        let memory = Memory::default();
        let collector = Collector::start().unwrap();
        let sink = collector.attach(Box::new(Unfinished(memory.clone()))).unwrap();
        let (reader, writer) = pipe();
        add(&collector, 1, Stream::Stdout, reader, sink, history.clone());
        write_all(&writer, b"one\ntwo\n");
        assert_eq!(finish(&collector, 1).lines, 2);
        // The next process of the same sink finds nothing to end.
        let (reader, writer) = pipe();
        add(&collector, 2, Stream::Stdout, reader, sink, History::Fresh);
        write_all(&writer, b"three\n");
        finish(&collector, 2);
        assert_eq!(tagged(&memory.bytes()), expected, "{history:?}");
    }
}

#[test]
fn a_receiver_of_lines_that_is_busy_gets_each_once() {
    let lines = std::sync::Arc::new(std::sync::Mutex::new((0_u32, Vec::new())));
    let shared = std::sync::Arc::clone(&lines);
    let collector = Collector::start().unwrap();
    let sink = collector.attach(Box::new(LineSink::new(move |record| {
        let mut state = shared.lock().unwrap();
        state.0 += 1;
        let busy = state.0 % 3 == 0;
        if !busy {
            state.1.push(String::from_utf8(record.text.to_vec()).unwrap());
        }
        !busy
    })));
    let (reader, writer) = pipe();
    add(&collector, 1, Stream::Stdout, reader, sink.unwrap(), History::Fresh);
    let text: Vec<String> = (0..20).map(|number| format!("line {number}")).collect();
    write_all(&writer, format!("{}\n", text.join("\n")).as_bytes());
    finish(&collector, 1);
    assert_eq!(lines.lock().unwrap().1, text);
}

#[test]
fn dropping_a_collector_writes_what_was_read() {
    let (collector, memory, writer) = one_stream();
    write_all(&writer, b"whole\npart");
    eventually("it was read", || stats(&collector).streams[0].bytes == 10);
    drop(collector);
    assert_eq!(tagged(&memory.bytes()), ["F whole", "P part"]);
}

#[test]
fn two_hundred_thousand_lines_arrive() {
    const LINES: usize = 200_000;
    let (collector, memory, writer) = one_stream();
    let start = Instant::now();
    let write = std::thread::spawn(move || {
        let mut block = Vec::new();
        for number in 0..LINES {
            block.extend(format!("{number:099}\n").as_bytes());
            if block.len() > 60_000 {
                write_all(&writer, &block);
                block.clear();
            }
        }
        write_all(&writer, &block);
    });
    write.join().unwrap();
    assert_eq!(finish(&collector, 1).lines, LINES as u64);
    println!("{:.0} lines/s", LINES as f64 / start.elapsed().as_secs_f64());
    // On a busy machine a line may have been written in parts.
    let text = reassembled(&memory.bytes()).remove(&Stream::Stdout).unwrap();
    for (number, line) in text.split_inclusive(|&byte| byte == b'\n').enumerate() {
        assert_eq!(line, format!("{number:099}\n").as_bytes());
    }
    assert_eq!(text.len(), LINES * 100);
}
