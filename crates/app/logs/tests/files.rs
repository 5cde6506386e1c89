//! Log files: rotation, recovery, and what can happen to a disk.

#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    clippy::unwrap_used,
    reason = "tests make and break the files they read"
)]

mod support;

use std::fs::{self, File};
use std::io::Read;
use std::os::unix::fs::{FileExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use logs::{
    Archiver, Collector, Entry, FileSink, History, Record, Rotation, Sink, Stream, Timestamp, entries,
};
use support::{add, eventually, finish, pipe, stats, write_all};

/// The records `first..last`, one millisecond apart.
fn records(numbers: std::ops::Range<u64>) -> Vec<u8> {
    let mut bytes = Vec::new();
    numbers.for_each(|number| bytes.extend(record(number)));
    bytes
}

fn record(number: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    let text = format!("line {number}").into_bytes();
    let stream = if number.is_multiple_of(5) { Stream::Stderr } else { Stream::Stdout };
    Record { time: time(number), stream, partial: false, joined: false, text: &text }.encode(&mut bytes);
    bytes
}

fn time(number: u64) -> Timestamp {
    Timestamp::from_nanoseconds(1_795_860_000_000_000_000 + number * 1_000_000)
}

/// A log in a folder that does not exist yet.
struct Log {
    folder: tempfile::TempDir,
    archiver: Archiver,
}

impl Log {
    fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap(), archiver: Archiver::new() }
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("guestbook/web.1.log")
    }

    fn named(&self, suffix: &str) -> PathBuf {
        self.path().with_file_name(format!("web.1.log{suffix}"))
    }

    fn open(&self, rotation: Rotation) -> FileSink {
        FileSink::open(&self.path(), rotation, &self.archiver).unwrap()
    }

    /// Names beside the newest file, once nothing is left to do.
    fn names(&self) -> Vec<String> {
        self.archiver.wait_until_idle();
        let entries = fs::read_dir(self.path().parent().unwrap()).unwrap();
        let mut names: Vec<_> =
            entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    /// The text of all files, oldest first.
    fn text(&self) -> Vec<u8> {
        let mut files: Vec<(u64, PathBuf)> = Vec::new();
        for name in self.names() {
            let number =
                name.strip_prefix("web.1.log.").and_then(|rest| rest.trim_end_matches(".gz").parse().ok());
            files.extend(number.map(|number| (number, self.path().with_file_name(name))));
        }
        files.sort();
        let mut text = Vec::new();
        for (_, path) in files {
            let file = File::open(&path).unwrap();
            if path.extension().is_some_and(|extension| extension == "gz") {
                flate2::read::GzDecoder::new(file).read_to_end(&mut text).unwrap();
            } else {
                text.extend(fs::read(path).unwrap());
            }
        }
        text.extend(fs::read(self.path()).unwrap_or_default());
        text
    }
}

fn small() -> Rotation {
    Rotation { file_bytes: 1000, keep: 1000, ..Rotation::default() }
}

#[test]
fn a_full_file_is_rotated_and_compressed() {
    let log = Log::new();
    let mut sink = log.open(small());
    for number in 0..100 {
        sink.write(&record(number), time(number)).unwrap();
    }
    let expected = ["web.1.log", "web.1.log.1.gz", "web.1.log.2.gz", "web.1.log.3.gz", "web.1.log.4.gz"];
    assert_eq!(log.names(), expected);
    assert_eq!(log.text(), records(0..100));
    for name in expected {
        let mode = fs::metadata(log.path().with_file_name(name)).unwrap().permissions().mode();
        assert_eq!(mode & 0o7777, 0o640, "{name}");
    }
    let folder = log.path().parent().unwrap().to_owned();
    assert_eq!(fs::metadata(folder).unwrap().permissions().mode() & 0o7777, 0o750);
    // Others read them too.
    let gunzip = std::process::Command::new("gzip").arg("-dc").arg(log.named(".1.gz")).output().unwrap();
    assert!(gunzip.status.success() && gunzip.stdout.starts_with(&record(0)));
}

#[test]
fn a_batch_is_spread_over_files_at_records() {
    let log = Log::new();
    let mut sink = log.open(small());
    sink.write(&records(0..100), time(100)).unwrap();
    assert_eq!(log.text(), records(0..100));
    assert_eq!(log.names().len(), 5);
    assert!(fs::metadata(log.path()).unwrap().len() <= 1000);
}

#[test]
fn a_record_that_is_longer_than_a_file_has_one_of_its_own() {
    let log = Log::new();
    let mut sink = log.open(small());
    let mut long = Vec::new();
    let text = vec![b'x'; 5000];
    Record { time: time(1), stream: Stream::Stdout, partial: false, joined: false, text: &text }
        .encode(&mut long);
    let all = [record(0), long, record(2)].concat();
    sink.write(&all, time(2)).unwrap();
    assert_eq!(log.names(), ["web.1.log", "web.1.log.1.gz", "web.1.log.2.gz"]);
    assert_eq!(log.text(), all);
}

#[test]
fn files_are_kept_within_bounds_and_deleted_ones_are_counted() {
    let log = Log::new();
    let mut sink = log.open(Rotation { file_bytes: 1000, keep: 3, ..Rotation::default() });
    for number in 0..200 {
        sink.write(&record(number), time(number)).unwrap();
    }
    let names = log.names();
    assert_eq!(
        names,
        ["web.1.log", "web.1.log.7.gz", "web.1.log.8.gz", "web.1.log.9.gz", "web.1.log.deleted"]
    );
    let kept = log.text();
    assert!(records(0..200).ends_with(&kept));
    let deleted: serde_json::Value =
        serde_json::from_slice(&fs::read(log.named(".deleted")).unwrap()).unwrap();
    let kept_records = entries(&kept).count() as u64;
    assert_eq!(deleted["file"], 6);
    assert_eq!(deleted["records"], 200 - kept_records);
    assert_eq!(deleted["bytes"], (records(0..200).len() - kept.len()) as u64);
}

#[test]
fn the_total_is_bounded_too() {
    let log = Log::new();
    let rotation =
        Rotation { file_bytes: 1000, total_bytes: Some(3500), compress: false, ..Rotation::default() };
    let mut sink = log.open(rotation);
    for number in 0..200 {
        sink.write(&record(number), time(number)).unwrap();
        let folder = log.path().parent().unwrap().to_owned();
        let sizes = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().metadata().unwrap().len());
        assert!(sizes.sum::<u64>() <= 3500 + 100, "with the file that counts what is gone");
    }
    assert!(records(0..200).ends_with(&log.text()));
}

#[test]
fn files_are_rotated_by_age_also_when_nothing_is_written() {
    let log = Log::new();
    let mut sink = log.open(Rotation { age: Some(Duration::from_millis(50)), ..Rotation::default() });
    sink.write(&records(0..10), time(10)).unwrap();
    sink.tick(time(59)).unwrap();
    assert_eq!(log.names(), ["web.1.log"]);
    sink.tick(time(60)).unwrap();
    assert_eq!(log.names(), ["web.1.log", "web.1.log.1.gz"]);
    sink.tick(time(500)).unwrap();
    assert_eq!(log.names(), ["web.1.log", "web.1.log.1.gz"], "an empty file has no age");
    sink.write(&record(500), time(500)).unwrap();
    sink.write(&record(600), time(600)).unwrap();
    assert_eq!(log.names(), ["web.1.log", "web.1.log.1.gz", "web.1.log.2.gz"]);
}

#[test]
fn rotation_on_demand() {
    let log = Log::new();
    let mut sink = log.open(Rotation::default());
    sink.rotate(time(0)).unwrap();
    assert_eq!(log.names(), ["web.1.log"], "there was nothing to rotate");
    sink.write(&records(0..3), time(3)).unwrap();
    sink.rotate(time(3)).unwrap();
    sink.write(&records(3..4), time(4)).unwrap();
    assert_eq!(log.names(), ["web.1.log", "web.1.log.1.gz"]);
    assert_eq!(log.text(), records(0..4));
}

#[test]
fn a_log_that_is_cut_anywhere_opens_as_a_prefix_of_its_records() {
    let whole = records(0..6);
    let ends: Vec<usize> = (0..=6).map(|number| records(0..number).len()).collect();
    for length in 0..=whole.len() {
        let log = Log::new();
        fs::create_dir_all(log.path().parent().unwrap()).unwrap();
        fs::write(log.path(), &whole[..length]).unwrap();
        let mut sink = log.open(Rotation::default());
        let kept = *ends.iter().rfind(|&&end| end <= length).unwrap();
        assert_eq!(sink.recovery().cut, (length - kept) as u64);
        sink.write(&record(9), time(9)).unwrap();
        let text = fs::read(log.path()).unwrap();
        assert_eq!(text, [&whole[..kept], &record(9)].concat(), "cut at {length}");
        assert!(entries(&text).all(|entry| matches!(entry, Entry::Record(_))));
    }
}

#[test]
fn a_long_torn_record_is_cut_off_whole() {
    let log = Log::new();
    fs::create_dir_all(log.path().parent().unwrap()).unwrap();
    let torn = [&record(1)[..40], &vec![0; 300_000]].concat();
    fs::write(log.path(), [record(0), torn.clone()].concat()).unwrap();
    let sink = log.open(Rotation::default());
    assert_eq!(sink.recovery().cut, torn.len() as u64);
    assert_eq!(fs::read(log.path()).unwrap(), record(0));
}

#[test]
fn lines_of_others_are_left_where_they_are() {
    let log = Log::new();
    fs::create_dir_all(log.path().parent().unwrap()).unwrap();
    let text = [b"somebody was here\n\n".to_vec(), record(0), b"and here\n".to_vec()].concat();
    fs::write(log.path(), &text).unwrap();
    let mut sink = log.open(Rotation::default());
    sink.write(&record(1), time(1)).unwrap();
    assert_eq!(fs::read(log.path()).unwrap(), [text, record(1)].concat());
}

#[test]
fn streams_that_were_in_the_middle_of_a_line_are_known() {
    let part = |stream, partial, text: &[u8]| {
        let mut bytes = Vec::new();
        Record { time: time(0), stream, partial, joined: false, text }.encode(&mut bytes);
        bytes
    };
    let filler = part(Stream::Stderr, false, &[b'x'; 1000]).repeat(100);
    for (text, expected) in [
        (vec![], vec![]),
        (part(Stream::Stdout, false, b"x"), vec![]),
        (part(Stream::Stdout, true, b"x"), vec![Stream::Stdout]),
        ([part(Stream::Stdout, true, b"x"), part(Stream::Stdout, false, b"")].concat(), vec![]),
        ([part(Stream::Stdout, true, b"x"), part(Stream::Stderr, true, b"y")].concat(), Stream::ALL.to_vec()),
        ([part(Stream::Stdout, true, b"x"), filler].concat(), vec![Stream::Stdout]),
    ] {
        let log = Log::new();
        fs::create_dir_all(log.path().parent().unwrap()).unwrap();
        fs::write(log.path(), &text).unwrap();
        assert_eq!(log.open(Rotation::default()).recovery().unfinished, expected);
    }
}

#[test]
fn compressing_that_was_cut_short_is_done_again() {
    // Killed before the compressed file was whole, and after it was, but before the plain one was removed.
    for compressed_is_whole in [false, true] {
        let log = Log::new();
        let mut sink = log.open(small());
        sink.write(&records(0..60), time(60)).unwrap();
        let text = log.text();
        let first = log.named(".1.gz");
        let mut plain = Vec::new();
        flate2::read::GzDecoder::new(File::open(&first).unwrap()).read_to_end(&mut plain).unwrap();
        fs::write(log.named(".1"), plain).unwrap();
        if !compressed_is_whole {
            let half = fs::read(&first).unwrap();
            fs::write(log.named(".1.gz.new"), &half[..half.len() / 2]).unwrap();
            fs::remove_file(&first).unwrap();
        }
        drop(sink);
        log.open(small());
        let names = log.names();
        assert!(!names.contains(&"web.1.log.1".to_owned()), "{names:?}");
        assert!(names.contains(&"web.1.log.1.gz".to_owned()), "{names:?}");
        assert!(!names.iter().any(|name| name.contains(".new")), "{names:?}");
        assert_eq!(log.text(), text);
    }
}

#[test]
fn a_number_that_is_taken_is_left_alone() {
    let log = Log::new();
    let mut sink = log.open(Rotation { compress: false, ..small() });
    sink.write(&record(0), time(0)).unwrap();
    fs::write(log.named(".1"), "brought back from a backup\n").unwrap();
    fs::create_dir(log.named(".2")).unwrap();
    sink.rotate(time(0)).unwrap();
    assert_eq!(fs::read(log.named(".1")).unwrap(), b"brought back from a backup\n");
    assert_eq!(fs::read(log.named(".3")).unwrap(), record(0));
}

#[test]
fn what_cannot_be_a_log_is_refused() {
    let log = Log::new();
    fs::create_dir_all(log.path()).unwrap();
    let error = FileSink::open(&log.path(), Rotation::default(), &log.archiver).unwrap_err();
    assert!(error.to_string().contains("web.1.log cannot be opened: "), "{error}");
    let elsewhere = log.folder.path().join("elsewhere");
    fs::write(&elsewhere, "").unwrap();
    fs::remove_dir(log.path()).unwrap();
    std::os::unix::fs::symlink(&elsewhere, log.path()).unwrap();
    assert!(
        FileSink::open(&log.path(), Rotation::default(), &log.archiver).is_err(),
        "a link leads anywhere"
    );
}

#[test]
fn a_removed_file_or_folder_is_made_again_and_loses_nothing_new() {
    for what in ["file", "folder"] {
        let log = Log::new();
        let collector = Collector::start().unwrap();
        let sink = collector.attach(Box::new(log.open(Rotation::default()))).unwrap();
        let (reader, writer) = pipe();
        add(&collector, 1, Stream::Stdout, reader, sink, History::Fresh);
        write_all(&writer, b"before\n");
        eventually("it is seen in its place", || fs::read(log.path()).is_ok_and(|text| !text.is_empty()));
        std::thread::sleep(Duration::from_millis(1100));
        if what == "file" {
            fs::remove_file(log.path()).unwrap();
        } else {
            fs::remove_dir_all(log.path().parent().unwrap()).unwrap();
        }
        for number in 0..100 {
            write_all(&writer, format!("after {number}\n").as_bytes());
            std::thread::sleep(Duration::from_millis(15));
        }
        finish(&collector, 1);
        let text = fs::read(log.path()).unwrap();
        let texts: Vec<_> = entries(&text)
            .map(|entry| match entry {
                Entry::Record(record) => String::from_utf8(record.text.to_vec()).unwrap(),
                entry => panic!("{entry:?}"),
            })
            .collect();
        assert_eq!(texts, (0..100).map(|number| format!("after {number}")).collect::<Vec<_>>(), "{what}");
    }
}

#[test]
fn an_idle_log_comes_back_within_a_second_or_so() {
    let log = Log::new();
    let collector = Collector::start().unwrap();
    collector.attach(Box::new(log.open(Rotation::default()))).unwrap();
    fs::remove_file(log.path()).unwrap();
    let start = std::time::Instant::now();
    eventually("it is back", || log.path().exists());
    assert!(start.elapsed() < Duration::from_secs(3), "{:?}", start.elapsed());
}

#[test]
fn a_file_that_somebody_renames_or_truncates_goes_on() {
    let log = Log::new();
    let mut sink = log.open(Rotation { file_bytes: 300, keep: 1000, ..Rotation::default() });
    sink.write(&records(0..2), time(2)).unwrap();
    fs::rename(log.path(), log.named("-taken-away")).unwrap();
    sink.tick(time(3)).unwrap();
    sink.write(&records(2..4), time(4)).unwrap();
    assert_eq!(fs::read(log.named("-taken-away")).unwrap(), records(0..2));
    assert_eq!(fs::read(log.path()).unwrap(), records(2..4));
    File::options().write(true).open(log.path()).unwrap().set_len(0).unwrap();
    sink.tick(time(5)).unwrap();
    sink.write(&records(4..9), time(9)).unwrap();
    assert_eq!(fs::read(log.path()).unwrap(), records(4..9), "it has room again");
}

/// A file system of a few pages; `None`: that takes root.
struct Tmpfs(PathBuf);

impl Tmpfs {
    fn mount(at: &Path, options: &str) -> Option<Self> {
        let mount = std::process::Command::new("mount")
            .args(["-t", "tmpfs", "-o", options, "tmpfs"])
            .arg(at)
            .output();
        let mounted = mount.is_ok_and(|output| output.status.success());
        mounted.then(|| Self(at.to_owned()))
    }
}

impl Drop for Tmpfs {
    fn drop(&mut self) {
        let _ = std::process::Command::new("umount").args(["-l"]).arg(&self.0).status();
    }
}

#[test]
fn a_full_disk_stops_the_process_and_nothing_is_lost() {
    let folder = tempfile::tempdir().unwrap();
    let Some(disk) = Tmpfs::mount(folder.path(), "size=256k") else {
        eprintln!("left out: mounting a small file system takes root");
        return;
    };
    let path = folder.path().join("guestbook/web.1.log");
    let ballast = folder.path().join("ballast");
    fs::write(&ballast, vec![0; 128 << 10]).unwrap();
    let collector = Collector::start().unwrap();
    let rotation = Rotation { file_bytes: 32 << 10, compress: false, keep: 1000, ..Rotation::default() };
    let sink = FileSink::open(&path, rotation, &Archiver::new()).unwrap();
    let sink = collector.attach(Box::new(sink)).unwrap();
    let (reader, writer) = pipe();
    add(&collector, 1, Stream::Stdout, reader, sink, History::Fresh);
    const LINES: usize = 2000;
    let text = (0..LINES).map(|number| format!("{number:060}\n")).collect::<Vec<_>>().concat();
    let writing = std::thread::spawn(move || write_all(&writer, text.as_bytes()));
    eventually("the stall is seen", || stats(&collector).streams[0].waiting.is_some());
    let reason = stats(&collector).streams[0].waiting.clone().unwrap().reason;
    assert!(reason.contains("guestbook/web.1.log: No space left on device"), "{reason}");
    // While the disk is full, what is there is whole.
    let all = || {
        let mut texts = Vec::new();
        let mut files: Vec<(u64, PathBuf)> = vec![(u64::MAX, path.clone())];
        for entry in fs::read_dir(path.parent().unwrap()).unwrap() {
            let entry = entry.unwrap().path();
            let number = entry.extension().and_then(|number| number.to_str()?.parse().ok());
            files.extend(number.map(|number| (number, entry)));
        }
        files.sort();
        for (_, path) in files {
            for entry in entries(&fs::read(path).unwrap()) {
                let Entry::Record(record) = entry else { panic!("{entry:?}") };
                texts.push(String::from_utf8(record.text.to_vec()).unwrap());
            }
        }
        texts
    };
    std::thread::sleep(Duration::from_millis(1200));
    let expected: Vec<_> = (0..LINES).map(|number| format!("{number:060}")).collect();
    let found = all();
    assert!(found.len() < LINES && expected.starts_with(&found), "{}", found.len());
    fs::remove_file(&ballast).unwrap();
    writing.join().unwrap();
    assert_eq!(finish(&collector, 1).lost, 0);
    assert_eq!(all(), expected);
    drop(collector);
    drop(disk);
}

#[test]
fn a_disk_that_is_read_only_for_a_while_gets_everything_later() {
    let folder = tempfile::tempdir().unwrap();
    let Some(_disk) = Tmpfs::mount(folder.path(), "size=1m") else {
        eprintln!("left out: mounting a small file system takes root");
        return;
    };
    let remount = |how: &str| {
        let arguments = ["-o".into(), format!("remount,{how}"), folder.path().display().to_string()];
        assert!(std::process::Command::new("mount").args(arguments).status().unwrap().success());
    };
    let path = folder.path().join("guestbook/web.1.log");
    let collector = Collector::start().unwrap();
    // Opened late: the folder cannot be made at first.
    remount("ro");
    let sink = FileSink::new(&path, Rotation::default(), &Archiver::new());
    let sink = collector.attach(Box::new(sink)).unwrap();
    let (reader, writer) = pipe();
    add(&collector, 1, Stream::Stdout, reader, sink, History::Fresh);
    write_all(&writer, b"one\ntwo\n");
    eventually("the stall is seen", || stats(&collector).streams[0].waiting.is_some());
    remount("rw");
    assert_eq!(finish(&collector, 1).lines, 2);
    assert_eq!(entries(&fs::read(&path).unwrap()).count(), 2);
}

#[test]
fn compressed_files_say_how_much_is_in_them() {
    let log = Log::new();
    let mut sink = log.open(small());
    sink.write(&records(0..50), time(50)).unwrap();
    log.names();
    let header = fs::read(log.named(".1.gz")).unwrap();
    let mut plain = Vec::new();
    flate2::read::GzDecoder::new(&header[..]).read_to_end(&mut plain).unwrap();
    assert_eq!(header[12..16], [b'P', b'n', 16, 0]);
    assert_eq!(header[16..24], (plain.len() as u64).to_le_bytes());
    assert_eq!(header[24..32], (entries(&plain).count() as u64).to_le_bytes());
    let mut start = [0; 2];
    File::open(log.named(".1.gz")).unwrap().read_exact_at(&mut start, 0).unwrap();
    assert_eq!(start, [0x1f, 0x8b]);
}
