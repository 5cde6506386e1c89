//! The reader: whatever files a log lies in, and whatever happens to them meanwhile, each event comes once.

#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    clippy::unwrap_used,
    reason = "tests make and break the files they read"
)]

mod support;

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use logs::{
    Archiver, Cursor, Event, FileSink, Gap, GapCause, Item, OtherLog, Pattern, Query, Reader, Record,
    Rotation, Sink, Stream, Timestamp,
};
use proptest::prelude::*;
use support::{PATIENCE, eventually};

/// An app with some processes, whose logs rotate often.
struct App {
    folder: tempfile::TempDir,
    archiver: Archiver,
    sinks: Vec<FileSink>,
}

impl App {
    fn new(processes: usize, rotation: &Rotation) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let archiver = Archiver::new();
        let open = |number: usize| {
            FileSink::open(&folder.path().join(format!("web.{number}.log")), rotation.clone(), &archiver)
                .unwrap()
        };
        Self { sinks: (1..=processes).map(open).collect(), folder, archiver }
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }

    fn log(&self, suffix: &str) -> PathBuf {
        self.path().join(format!("web.1.log{suffix}"))
    }

    /// One record of process 1.
    fn say(&mut self, number: u64) {
        self.write(0, Stream::Stdout, number, "F", &format!("line {number}"));
    }

    fn write(&mut self, process: usize, stream: Stream, at: u64, tags: &str, text: &str) {
        let mut bytes = Vec::new();
        let (partial, joined) = (tags.starts_with('P'), tags.ends_with('J'));
        Record { time: time(at), stream, partial, joined, text: text.as_bytes() }.encode(&mut bytes);
        self.sinks[process].write(&bytes, time(at)).unwrap();
    }

    fn read(&self, query: Query) -> Vec<Item> {
        drain(&mut Reader::open(self.path(), query).unwrap())
    }

    fn texts(&self, query: Query) -> Vec<String> {
        texts(&self.read(query))
    }
}

/// Milliseconds of one morning.
fn time(milliseconds: u64) -> Timestamp {
    Timestamp::from_nanoseconds(1_795_860_000_000_000_000 + milliseconds * 1_000_000)
}

fn small(keep: usize) -> Rotation {
    Rotation { file_bytes: 400, keep, ..Rotation::default() }
}

fn drain(reader: &mut Reader) -> Vec<Item> {
    std::iter::from_fn(|| reader.next().unwrap()).collect()
}

fn text(item: &Item) -> String {
    match item {
        Item::Event(event) => event.text.escape_ascii().to_string(),
        Item::Gap(gap) => format!("{gap:?}"),
    }
}

fn texts(items: &[Item]) -> Vec<String> {
    items.iter().map(text).collect()
}

fn lines(numbers: std::ops::Range<u64>) -> Vec<String> {
    numbers.map(|number| format!("line {number}")).collect()
}

fn follow() -> Query {
    Query { follow: true, ..Query::default() }
}

/// Reads until so many items are there.
fn read_some(reader: &mut Reader, count: usize) -> Vec<String> {
    let mut found = Vec::new();
    eventually("everything is read", || {
        found.extend(texts(&drain(reader)));
        if found.len() < count {
            reader.wait(Duration::from_millis(50));
        }
        found.len() >= count
    });
    // And nothing after it.
    reader.wait(Duration::from_millis(30));
    found.extend(texts(&drain(reader)));
    found
}

#[test]
fn all_files_are_read_oldest_first() {
    let mut app = App::new(1, &small(100));
    (0..100).for_each(|number| app.say(number));
    assert_eq!(app.texts(Query::default()), lines(0..100));
    app.archiver.wait_until_idle();
    assert!(app.log(".1.gz").exists() && app.log(".9.gz").exists());
    assert_eq!(app.texts(Query::default()), lines(0..100));
}

#[test]
fn processes_are_merged_by_time() {
    let mut app = App::new(3, &small(100));
    for number in 0..300 {
        app.write(
            (number % 3) as usize,
            Stream::ALL[(number % 2) as usize],
            number,
            "F",
            &format!("line {number}"),
        );
    }
    let items = app.read(Query::default());
    assert_eq!(texts(&items), lines(0..300));
    let Item::Event(event) = &items[4] else { panic!() };
    assert_eq!((&*event.process, event.stream, event.time), ("web.2", Stream::Stdout, time(4)));
}

#[test]
fn queries() {
    let mut app = App::new(2, &small(100));
    for number in 0..100 {
        app.write((number % 2) as usize, Stream::Stdout, number, "F", &format!("line {number}"));
    }
    fs::write(app.path().join("worker.1.log"), "").unwrap();
    fs::write(app.path().join("webhook.1.log"), "2026-11-28T10:00:00Z stdout F other\n").unwrap();
    let all = Query { processes: vec!["web".into()], ..Query::default() };
    assert_eq!(app.texts(all.clone()), lines(0..100));
    let one = Query { processes: vec!["web.2".into()], ..Query::default() };
    assert_eq!(app.texts(one).len(), 50);
    assert_eq!(app.texts(Query { since: Some(time(90)), ..all.clone() }), lines(90..100));
    assert_eq!(app.texts(Query { until: Some(time(5)), ..all.clone() }), lines(0..5));
    let pattern = Some(Pattern::literal(b"e 7"));
    assert_eq!(app.texts(Query { pattern, ..all.clone() }).len(), 11);
    let pattern = Some(Pattern::regex("^line [0-3]$").unwrap());
    assert_eq!(app.texts(Query { pattern: pattern.clone(), ..all.clone() }), lines(0..4));
    assert_eq!(app.texts(Query { pattern, tail: Some(2), ..all.clone() }), lines(2..4));
    assert_eq!(app.texts(Query { tail: Some(7), ..all.clone() }), lines(93..100));
    assert_eq!(app.texts(Query { tail: Some(1000), ..all.clone() }), lines(0..100));
    assert_eq!(app.texts(Query { tail: Some(0), ..all.clone() }), lines(0..0));
    assert_eq!(app.texts(Query { tail: Some(20), since: Some(time(95)), ..all }), lines(95..100));
    assert!(Pattern::regex("(").unwrap_err().to_string().contains("unclosed group"));
}

#[test]
fn a_tail_in_a_large_file_is_found_from_its_end() {
    let mut app = App::new(1, &Rotation { file_bytes: 16 << 20, ..Rotation::default() });
    let filler = "x".repeat(1000);
    for number in 0..3000 {
        app.write(0, Stream::Stdout, number, "F", &filler);
    }
    for number in 3000..3010 {
        app.say(number);
    }
    assert_eq!(app.texts(Query { tail: Some(10), ..Query::default() }), lines(3000..3010));
    assert_eq!(app.read(Query { tail: Some(2000), ..Query::default() }).len(), 2000);
    assert_eq!(app.read(Query { tail: Some(9000), ..Query::default() }).len(), 3010);
}

#[test]
fn lines_of_an_exception_are_one_event() {
    let mut app = App::new(1, &Rotation::default());
    app.write(0, Stream::Stdout, 1, "F", "ready");
    app.write(0, Stream::Stderr, 2, "F", "Traceback (most recent call last):");
    app.write(0, Stream::Stdout, 3, "F", "beside");
    app.write(0, Stream::Stderr, 4, "P:J", "  File \"a.py\"");
    app.write(0, Stream::Stderr, 5, "F", ", line 1, in f");
    app.write(0, Stream::Stderr, 6, "F:J", "ValueError: x");
    app.write(0, Stream::Stdout, 7, "F", "after");
    let items = app.read(Query::default());
    let trace = r#"Traceback (most recent call last):\n  File \"a.py\", line 1, in f\nValueError: x"#;
    assert_eq!(texts(&items), ["ready", trace, "beside", "after"]);
    let Item::Event(event) = &items[1] else { panic!() };
    assert_eq!(
        (event.time, event.lines().count(), event.continues, event.unfinished),
        (time(2), 3, false, false)
    );
    let pattern = Some(Pattern::regex("^ValueError").unwrap());
    assert_eq!(app.texts(Query { pattern, ..Query::default() }), [trace]);
}

#[test]
fn an_event_whose_end_does_not_come_holds_nothing_up_for_ever() {
    let mut app = App::new(1, &Rotation::default());
    app.write(0, Stream::Stderr, 0, "P", "Password: ");
    for number in 1..20 {
        app.write(0, Stream::Stdout, number * 100, "F", &format!("line {number}"));
    }
    app.write(0, Stream::Stderr, 2000, "F", "secret");
    let items = app.read(Query::default());
    let Item::Event(prompt) = &items[0] else { panic!() };
    assert_eq!((text(&items[0]).as_str(), prompt.unfinished, prompt.continues), ("Password: ", true, false));
    let Item::Event(rest) = &items[20] else { panic!() };
    assert_eq!((text(&items[20]).as_str(), rest.unfinished, rest.continues), ("secret", false, true));
}

#[test]
fn a_line_longer_than_the_limit_is_cut_for_reading_only() {
    let mut app = App::new(1, &Rotation::default());
    app.write(0, Stream::Stdout, 0, "F", "before");
    for part in 0..50 {
        app.write(0, Stream::Stdout, 1 + part, "P", &"x".repeat(100));
    }
    app.write(0, Stream::Stdout, 60, "F", "the end");
    app.write(0, Stream::Stdout, 61, "F", &"y".repeat(100_000));
    app.write(0, Stream::Stdout, 62, "F", "after");
    let items = app.read(Query { event_bytes: 1000, ..Query::default() });
    let of = |item: &Item| match item {
        Item::Event(event) => (event.text.len(), event.cut, event.unfinished),
        Item::Gap(gap) => panic!("{gap:?}"),
    };
    let found: Vec<_> = items.iter().map(of).collect();
    assert_eq!(found, [(6, 0, false), (1000, 4007, false), (1000, 99_000, false), (5, 0, false)]);
    assert_eq!(
        app.read(Query::default()).iter().map(|item| of(item).0).collect::<Vec<_>>(),
        [6, 5007, 100_000, 5]
    );
}

#[test]
fn a_line_of_many_megabytes_takes_little_memory() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("web.1.log");
    let mut text = b"2026-11-28T10:00:00Z stdout F ".to_vec();
    text.resize(64 << 20, b'z');
    text.extend(b"\n2026-11-28T10:00:01Z stdout F after\n");
    fs::write(&path, &text).unwrap();
    drop(text);
    let before = support::memory("VmRSS");
    let mut reader = Reader::open(folder.path(), Query::default()).unwrap();
    let Some(Item::Event(event)) = reader.next().unwrap() else { panic!() };
    assert_eq!(event.text.len() as u64 + event.cut, (64 << 20) - 30);
    assert_eq!(event.text.len(), Query::EVENT_BYTES);
    assert_eq!(reader.next().unwrap().as_ref().map(text_of_event), Some("after".to_owned()));
    assert!(support::memory("VmRSS") - before < 8 << 10);
}

fn text_of_event(item: &Item) -> String {
    text(item)
}

#[test]
fn foreign_and_torn_lines_are_told_apart() {
    let folder = tempfile::tempdir().unwrap();
    let whole = "2026-11-28T10:00:00Z stdout F whole\n";
    fs::write(
        folder.path().join("web.1.log"),
        format!("somebody\n{whole}\n2026-11-28T10:00:01Z stderr F to"),
    )
    .unwrap();
    let items = drain(&mut Reader::open(folder.path(), Query::default()).unwrap());
    let found: Vec<_> = items
        .iter()
        .map(|item| match item {
            Item::Event(Event { foreign, unfinished, .. }) => (text(item), *foreign, *unfinished),
            Item::Gap(gap) => panic!("{gap:?}"),
        })
        .collect();
    assert_eq!(
        found,
        [
            ("somebody".to_owned(), true, false),
            ("whole".to_owned(), false, false),
            (String::new(), true, false),
            ("to".to_owned(), false, true),
        ]
    );
    // One that follows waits for the end.
    let mut reader = Reader::open(folder.path(), follow()).unwrap();
    assert_eq!(texts(&drain(&mut reader)), ["somebody", "whole", ""]);
    let mut file = File::options().append(true).open(folder.path().join("web.1.log")).unwrap();
    std::io::Write::write_all(&mut file, b"ld\n").unwrap();
    assert_eq!(read_some(&mut reader, 1), ["told"]);
}

#[test]
fn following_while_files_are_rotated_and_compressed() {
    let mut app = App::new(2, &small(1000));
    let path = app.path().to_owned();
    let archiver = app.archiver.clone();
    const EVENTS: u64 = 1000;
    let reading = std::thread::spawn(move || {
        let mut reader = Reader::open(&path, follow()).unwrap();
        read_some(&mut reader, EVENTS as usize)
    });
    for number in 0..EVENTS {
        app.write((number % 2) as usize, Stream::Stdout, number, "F", &format!("line {number}"));
        if number % 100 == 0 {
            std::thread::sleep(Duration::from_millis(3));
        }
    }
    let mut found = reading.join().unwrap();
    archiver.wait_until_idle();
    found.sort_by_key(|line| line[5..].parse::<u64>().unwrap());
    assert_eq!(found, lines(0..EVENTS));
}

#[test]
fn following_gives_the_order_of_each_process() {
    let mut app = App::new(1, &small(1000));
    let mut reader = Reader::open(app.path(), follow()).unwrap();
    let mut found = Vec::new();
    for number in 0..500 {
        app.say(number);
        if number % 7 == 0 {
            found.extend(texts(&drain(&mut reader)));
        }
    }
    found.extend(read_some(&mut reader, 500 - found.len()));
    assert_eq!(found, lines(0..500));
}

#[test]
fn following_finds_new_processes() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("guestbook");
    let mut reader = Reader::open(&path, Query { follow: true, tail: Some(0), ..Query::default() }).unwrap();
    assert_eq!(texts(&drain(&mut reader)), lines(0..0));
    let mut sink = FileSink::open(&path.join("web.1.log"), Rotation::default(), &Archiver::new()).unwrap();
    let mut bytes = Vec::new();
    Record { time: time(0), stream: Stream::Stdout, partial: false, joined: false, text: b"line 0" }
        .encode(&mut bytes);
    sink.write(&bytes, time(0)).unwrap();
    assert_eq!(read_some(&mut reader, 1), lines(0..1));
    sink.write(&bytes, time(0)).unwrap();
    let start = std::time::Instant::now();
    assert_eq!(read_some(&mut reader, 1), lines(0..1));
    assert!(start.elapsed() < Duration::from_secs(1), "the kernel tells: {:?}", start.elapsed());
}

#[test]
fn following_from_the_end_gives_only_what_comes() {
    let mut app = App::new(1, &small(1000));
    (0..50).for_each(|number| app.say(number));
    let mut reader = Reader::open(app.path(), Query { tail: Some(3), ..follow() }).unwrap();
    assert_eq!(read_some(&mut reader, 3), lines(47..50));
    (50..60).for_each(|number| app.say(number));
    assert_eq!(read_some(&mut reader, 10), lines(50..60));
}

#[test]
fn following_survives_removal_and_repeats_nothing() {
    for what in ["file", "folder"] {
        let mut app = App::new(1, &Rotation::default());
        let mut reader = Reader::open(app.path(), follow()).unwrap();
        (0..5).for_each(|number| app.say(number));
        app.sinks[0].tick(time(5)).unwrap();
        assert_eq!(read_some(&mut reader, 5), lines(0..5));
        if what == "file" {
            fs::remove_file(app.log("")).unwrap();
        } else {
            fs::remove_dir_all(app.path()).unwrap();
        }
        // Written to the removed file, read from there, copied to the new one, and not read again.
        (5..10).for_each(|number| app.say(number));
        assert_eq!(read_some(&mut reader, 5), lines(5..10), "{what}");
        app.sinks[0].tick(time(10)).unwrap();
        (10..15).for_each(|number| app.say(number));
        assert_eq!(read_some(&mut reader, 5), lines(10..15), "{what}");
        assert_eq!(app.texts(Query::default()), lines(5..15), "{what}");
    }
}

#[test]
fn following_survives_truncation_and_says_so() {
    let mut app = App::new(1, &Rotation::default());
    let mut reader = Reader::open(app.path(), follow()).unwrap();
    (0..5).for_each(|number| app.say(number));
    assert_eq!(read_some(&mut reader, 5), lines(0..5));
    File::options().write(true).open(app.log("")).unwrap().set_len(0).unwrap();
    app.say(5);
    let found = read_some(&mut reader, 2);
    assert!(found[0].contains("Removed"), "{found:?}");
    assert_eq!(found[1..], lines(5..6));
}

#[test]
fn a_reader_goes_on_where_another_stopped() {
    let mut app = App::new(2, &small(1000));
    for number in 0..60 {
        app.write(
            (number % 2) as usize,
            Stream::ALL[(number % 3) as usize % 2],
            number,
            "F",
            &format!("line {number}"),
        );
    }
    app.archiver.wait_until_idle();
    for stop in 0..=60 {
        let mut first = Reader::open(app.path(), Query::default()).unwrap();
        let mut found: Vec<_> = (0..stop).map(|_| text(&first.next().unwrap().unwrap())).collect();
        let cursor = serde_json::to_string(&first.cursor()).unwrap();
        let cursor: Cursor = serde_json::from_str(&cursor).unwrap();
        found.extend(texts(&drain(&mut Reader::resume(app.path(), Query::default(), &cursor).unwrap())));
        assert_eq!(found, lines(0..60), "stopped after {stop}");
    }
}

#[test]
fn a_cursor_knows_what_rotation_deleted_before_it_was_read() {
    let mut app = App::new(1, &small(3));
    let mut reader = Reader::open(app.path(), follow()).unwrap();
    (0..20).for_each(|number| app.say(number));
    let found: Vec<_> = (0..10).map(|_| text(&reader.next().unwrap().unwrap())).collect();
    assert_eq!(found, lines(0..10));
    let cursor = reader.cursor();
    drop(reader);
    (20..200).for_each(|number| app.say(number));
    app.archiver.wait_until_idle();
    let mut reader = Reader::resume(app.path(), follow(), &cursor).unwrap();
    let items = drain(&mut reader);
    let Item::Gap(Gap { process, cause, bytes, records }) = &items[0] else { panic!("{:?}", items[0]) };
    let rest = texts(&items[1..]);
    assert_eq!((&**process, cause), ("web.1", &GapCause::Rotated));
    assert_eq!(*records, Some(200 - 10 - rest.len() as u64));
    let size = |number: u64| 40 + format!("line {number}").len() as u64 + 1;
    assert_eq!(*bytes, Some((10..200 - rest.len() as u64).map(size).sum()));
    assert_eq!(rest, lines(200 - rest.len() as u64..200));
    // Nothing is missing for one who was fast enough.
    let cursor = reader.cursor();
    (200..210).for_each(|number| app.say(number));
    let items = drain(&mut Reader::resume(app.path(), follow(), &cursor).unwrap());
    assert_eq!(texts(&items), lines(200..210));
}

#[test]
fn a_cursor_of_a_log_that_was_removed_says_so_and_goes_on() {
    let mut app = App::new(1, &small(1000));
    (0..30).for_each(|number| app.say(number));
    let mut reader = Reader::open(app.path(), Query::default()).unwrap();
    drain(&mut reader);
    let cursor = reader.cursor();
    app.sinks[0].tick(time(30)).unwrap();
    // What is being compressed would put a file into the folder while it is removed.
    app.archiver.wait_until_idle();
    fs::remove_dir_all(app.path()).unwrap();
    app.sinks[0].tick(time(30)).unwrap();
    (30..60).for_each(|number| app.say(number));
    let items = drain(&mut Reader::resume(app.path(), Query::default(), &cursor).unwrap());
    let Item::Gap(gap) = &items[0] else { panic!("{:?}", items[0]) };
    assert_eq!((&gap.cause, gap.bytes), (&GapCause::Removed, None));
    assert_eq!(texts(&items[1..]), lines(30..60));
}

#[test]
fn a_damaged_file_is_read_as_far_as_it_goes() {
    let mut app = App::new(1, &small(1000));
    (0..30).for_each(|number| app.say(number));
    app.archiver.wait_until_idle();
    let path = app.log(".2.gz");
    let whole = fs::read(&path).unwrap();
    fs::write(&path, &whole[..whole.len() - 12]).unwrap();
    let items = app.read(Query::default());
    let gaps: Vec<_> = items.iter().filter(|item| matches!(item, Item::Gap(_))).collect();
    assert!(matches!(&gaps[..], [Item::Gap(Gap { cause: GapCause::Damaged(_), .. })]), "{gaps:?}");
    let found = texts(&items);
    assert_eq!(found.first(), lines(0..1).first());
    assert_eq!(found.last(), lines(29..30).first());
}

#[test]
fn a_reader_may_move_to_another_thread() {
    fn moves<T: Send>() {}
    moves::<Reader>();
    moves::<Item>();
}

#[test]
fn a_folder_that_is_not_there() {
    let error = Reader::open(Path::new("/nonexistent/guestbook"), Query::default()).err().unwrap();
    assert_eq!(
        error.to_string(),
        "the logs in /nonexistent/guestbook cannot be read: No such file or directory (os error 2)"
    );
}

#[test]
fn one_that_does_not_follow_ends_although_others_write() {
    let mut app = App::new(1, &small(1000));
    (0..200).for_each(|number| app.say(number));
    let mut reader = Reader::open(app.path(), Query::default()).unwrap();
    let stop = Arc::new(AtomicBool::new(false));
    let stopped = Arc::clone(&stop);
    let writing = std::thread::spawn(move || {
        let mut number = 200;
        while !stopped.load(Ordering::Relaxed) {
            app.say(number);
            number += 1;
        }
        app
    });
    let start = std::time::Instant::now();
    let found = texts(&drain(&mut reader));
    stop.store(true, Ordering::Relaxed);
    writing.join().unwrap();
    assert!(start.elapsed() < PATIENCE);
    assert_eq!(found, lines(0..200));
}

/// What a process says: stream, tags, text. Joined and partial ones in any order.
fn records() -> impl Strategy<Value = Vec<(bool, bool, bool, String)>> {
    prop::collection::vec(
        (any::<bool>(), prop::bool::weighted(0.2), prop::bool::weighted(0.2), "[a-z]{0,30}"),
        0..60,
    )
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    /// Stopping anywhere and going on with the cursor gives the same bytes in the same order for each stream, whatever
    /// files they lie in by then.
    #[test]
    fn stopping_and_going_on_changes_nothing(records in records(), stops in prop::collection::vec(1..9_usize, 0..20), bytes in 100..2000_u64) {
        let rotation = Rotation { file_bytes: bytes, keep: 1000, ..Rotation::default() };
        let mut app = App::new(1, &rotation);
        let mut expected = [String::new(), String::new()];
        let mut partial = [false; 2];
        for (index, (stderr, part, joined, text)) in records.iter().enumerate() {
            let stream = Stream::ALL[usize::from(*stderr)];
            let tags = match (part, joined) { (true, true) => "P:J", (true, false) => "P", (false, true) => "F:J", _ => "F" };
            app.write(0, stream, index as u64, tags, text);
            let stream = &mut expected[usize::from(*stderr)];
            if !std::mem::replace(&mut partial[usize::from(*stderr)], *part) && index > 0 {
                stream.push('|');
            }
            stream.push_str(text);
        }
        let mut found = [String::new(), String::new()];
        let mut collect = |items: Vec<Item>| {
            for item in items {
                let Item::Event(event) = item else { panic!("{item:?}") };
                let index = usize::from(event.stream == Stream::Stderr);
                found[index].push('|');
                found[index].push_str(&String::from_utf8(event.text).unwrap().replace('\n', "|"));
            }
        };
        let mut cursor = Cursor::default();
        for stop in stops {
            let mut reader = Reader::resume(app.path(), Query::default(), &cursor).unwrap();
            collect((0..stop).map_while(|_| reader.next().unwrap()).collect());
            cursor = reader.cursor();
        }
        collect(drain(&mut Reader::resume(app.path(), Query::default(), &cursor).unwrap()));
        for (found, expected) in found.iter().zip(&expected) {
            prop_assert_eq!(found.trim_start_matches('|'), expected.trim_start_matches('|'));
        }
    }

    #[test]
    fn any_files_are_read_without_panic(files in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..300), 1..5), stop in 0..9_usize) {
        let folder = tempfile::tempdir().unwrap();
        for (number, bytes) in files.iter().enumerate() {
            let name = match number { 0 => "web.1.log".to_owned(), number if number % 2 == 0 => format!("web.1.log.{number}.gz"), number => format!("web.1.log.{number}") };
            fs::write(folder.path().join(name), bytes).unwrap();
        }
        let mut reader = Reader::open(folder.path(), Query::default()).unwrap();
        (0..stop).for_each(|_| drop(reader.next().unwrap()));
        let cursor = reader.cursor();
        drain(&mut Reader::resume(folder.path(), Query::default(), &cursor).unwrap());
        drain(&mut Reader::open(folder.path(), Query { tail: Some(2), ..Query::default() }).unwrap());
    }
}

/// A router's log, of which the lines that begin with `app=shop ` are the app's.
fn of_router(router: &App) -> OtherLog {
    OtherLog {
        directory: router.path().to_owned(),
        process: "web".into(),
        name: "router".into(),
        pattern: Pattern::regex("^app=shop ").unwrap(),
    }
}

#[test]
fn events_of_another_log_come_between_those_of_the_app() {
    let (mut app, mut router) = (App::new(1, &small(8)), App::new(1, &small(8)));
    for number in 0..30 {
        app.say(number * 10);
        let whose = if number % 2 == 0 { "shop" } else { "blog" };
        router.write(
            0,
            Stream::Stdout,
            number * 10 + 5,
            "F",
            &format!("app={whose} path=\"/{number} app=shop \""),
        );
    }
    let asked = Query { others: vec![of_router(&router)], ..Query::default() };
    let line = |number: u64| format!("line {}", number * 10);
    let access = |number: u64| format!("app=shop path=\\\"/{number} app=shop \\\"");
    let all: Vec<String> = (0..30)
        .flat_map(|number| std::iter::once(line(number)).chain((number % 2 == 0).then(|| access(number))))
        .collect();
    assert_eq!(app.texts(asked.clone()), all);
    assert_eq!(app.texts(Query { tail: Some(4), ..asked.clone() }), all[41..]);
    let names = |query: Query| -> Vec<String> {
        let event = |item: &Item| match item {
            Item::Event(event) => event.process.to_string(),
            Item::Gap(gap) => panic!("{gap:?}"),
        };
        let mut names: Vec<String> = app.read(query).iter().map(event).collect();
        names.dedup();
        names
    };
    assert_eq!(names(Query { processes: vec!["web".into()], ..asked.clone() }), ["web.1"]);
    assert_eq!(names(Query { processes: vec!["router".into()], ..asked.clone() }), ["router"]);
    let only = Query { processes: vec!["router".into()], tail: Some(2), ..asked.clone() };
    assert_eq!(app.texts(only), [access(26), access(28)]);
    let found = Query { pattern: Some(Pattern::literal(b"/1")), ..asked };
    assert_eq!(app.texts(found), [access(10), access(12), access(14), access(16), access(18)]);
}

#[test]
fn another_log_is_followed_and_may_come_later() {
    let (mut app, mut router) = (App::new(1, &small(8)), App::new(0, &small(8)));
    app.say(1);
    let mut reader =
        Reader::open(app.path(), Query { others: vec![of_router(&router)], ..follow() }).unwrap();
    assert_eq!(read_some(&mut reader, 1), ["line 1"]);
    router.sinks.push(FileSink::open(&router.path().join("web.1.log"), small(8), &router.archiver).unwrap());
    router.write(0, Stream::Stdout, 2, "F", "app=blog x");
    router.write(0, Stream::Stdout, 3, "F", "app=shop x");
    assert_eq!(read_some(&mut reader, 1), ["app=shop x"]);
    router.write(0, Stream::Stdout, 4, "F", "app=shop y");
    app.say(5);
    let mut both = read_some(&mut reader, 2);
    both.sort();
    assert_eq!(both, ["app=shop y", "line 5"]);
}
