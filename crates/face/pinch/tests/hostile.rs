//! A machine that does not want to: files that may not be read, folders that may not be written, a full disk,
//! and a run that is killed in the middle. What stood there stands there whole, old or new.

#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a test prepares the disk and starts the binary"
)]

mod support;

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use support::{Ended, PINCH, Place};

const APPLY: &[&str] = &["call", "--local", "state.apply", "web"];

/// An ordinary user's id, to be one when the tests run as root.
const NOBODY: &str = "65534";

#[test]
fn a_file_of_the_tree_that_may_not_be_read() {
    let place = Place::new();
    place.write("tree/web.sls", "a:\n  test.nop: []\n");
    open_to_all(&place);
    set_mode(&place.path("tree/web.sls"), 0o000);
    let ended = as_nobody(&place);
    assert_eq!(ended.code, Some(1), "{}", ended.all());
    assert!(ended.all().contains("web.sls"), "{}", ended.all());
    assert!(ended.all().to_lowercase().contains("permission denied"), "{}", ended.all());
}

/// As Salt's `fileserver_followsymlinks` has it by default: who can place links in the tree can place states in it.
#[test]
fn links_of_the_tree_lead_where_they_lead() {
    let place = Place::new();
    place.write("outside/motd", "from outside\n");
    place.write("outside/extra.sls", "extra:\n  test.nop: []\n");
    for name in ["motd", "extra.sls"] {
        std::os::unix::fs::symlink(place.path("outside").join(name), place.path("tree").join(name)).unwrap();
    }
    place.write(
        "tree/web.sls",
        "include:\n  - extra\nmotd:\n  file.managed:\n    - name: {DIR}/root/motd\n    - source: salt://motd\n",
    );
    let ended = place.run(APPLY);
    assert_eq!(ended.code, Some(0), "{}", ended.all());
    assert_eq!(fs::read_to_string(place.path("root/motd")).unwrap(), "from outside\n");
    assert!(ended.stdout.contains("ID: extra"), "{}", ended.all());
}

#[test]
fn a_folder_that_may_not_be_written() {
    let place = Place::new();
    place.write("tree/web.sls", "motd:\n  file.managed:\n    - name: {DIR}/root/motd\n    - contents: new\n");
    place.write("root/motd", "old\n");
    open_to_all(&place);
    set_mode(&place.path("root"), 0o555);
    let before = place.snapshot();
    let ended = as_nobody(&place);
    assert_eq!(ended.code, Some(2), "{}", ended.all());
    assert!(ended.all().to_lowercase().contains("permission denied"), "{}", ended.all());
    assert!(ended.all().contains("root/motd"), "{}", ended.all());
    assert_eq!(before, place.snapshot());
}

#[test]
fn a_file_that_may_not_be_read_on_the_machine() {
    let place = Place::new();
    place.write("tree/web.sls", "motd:\n  file.append:\n    - name: {DIR}/root/motd\n    - text: more\n");
    place.write("root/motd", "old\n");
    open_to_all(&place);
    set_mode(&place.path("root/motd"), 0o000);
    let ended = as_nobody(&place);
    assert_eq!(ended.code, Some(2), "{}", ended.all());
    assert!(ended.all().to_lowercase().contains("permission denied"), "{}", ended.all());
    set_mode(&place.path("root/motd"), 0o600);
    assert_eq!(fs::read_to_string(place.path("root/motd")).unwrap(), "old\n");
}

#[test]
fn a_full_disk() {
    let place = Place::new();
    place.write(
        "tree/web.sls",
        "motd:\n  file.managed:\n    - name: {DIR}/root/motd\n    - source: salt://large\n",
    );
    place.write_bytes("tree/large", &vec![b'x'; 1 << 20]);
    let Some(_disk) = SmallDisk::at(place.path("root")) else { return };
    place.write("root/motd", "old\n");
    let before = place.snapshot();
    let ended = place.run(APPLY);
    assert_eq!(ended.code, Some(2), "{}", ended.all());
    assert!(ended.all().contains("no space left on the device"), "{}", ended.all());
    assert!(ended.all().contains("root/motd"), "{}", ended.all());
    assert_eq!(before, place.snapshot(), "the old file stands, nothing lies beside it");
}

#[test]
fn killed_in_the_middle_of_a_write() {
    let place = Place::new();
    place.write(
        "tree/web.sls",
        "large:\n  file.managed:\n    - name: {DIR}/root/large\n    - source: salt://large\n",
    );
    let (old, new) = (vec![b'o'; 16 << 20], vec![b'n'; 16 << 20]);
    place.write_bytes("tree/large", &new);
    place.write_bytes("root/large", &old);
    let whole = place.run(APPLY);
    assert_eq!(whole.code, Some(0), "{}", whole.all());
    assert!(fs::read(place.path("root/large")).unwrap() == new);
    const KILLS: u32 = 40;
    let (mut olds, mut news) = (0, 0);
    for number in 0..KILLS {
        fs::remove_dir_all(place.path("root")).unwrap();
        place.write_bytes("root/large", &old);
        let mut child = place.command(APPLY).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        std::thread::sleep(whole.time * number / KILLS);
        child.kill().unwrap();
        child.wait().unwrap();
        let there = fs::read(place.path("root/large")).unwrap();
        assert!(
            there == old || there == new,
            "killed at {number}/{KILLS}: {} bytes of a mixture",
            there.len()
        );
        if there == old {
            olds += 1;
        } else {
            news += 1;
        }
        for entry in fs::read_dir(place.path("root")).unwrap() {
            let name = entry.unwrap().file_name().into_string().unwrap();
            assert!(
                name == "large" || name.starts_with('.'),
                "`{name}` could be taken for a file of somebody's"
            );
        }
    }
    println!("killed {KILLS} times: {olds} times the old file, {news} times the new one, never a mixture");
    assert!(olds > 0);
    let last = place.run(APPLY);
    assert_eq!(last.code, Some(0), "a run after the kills: {}", last.all());
}

#[test]
fn a_reader_that_goes_away_is_no_failure() {
    let place = Place::new();
    let mut command = Command::new("sh");
    command.args(["-c", "\"$0\" \"$@\" | true; exit 0", PINCH]);
    place.prepare(&mut command, &["call", "--local", "--out=json", "grains.items"]);
    let ended = support::finish(command, Duration::from_secs(20));
    assert!(!ended.all().contains("panicked"), "{}", ended.all());
}

/// Runs [`APPLY`] as a user who owns nothing.
fn as_nobody(place: &Place) -> Ended {
    let copy = place.path("pinch");
    fs::copy(PINCH, &copy).unwrap();
    let mut command = if support::is_root() {
        let mut command = Command::new("setpriv");
        command.args(["--reuid", NOBODY, "--regid", NOBODY, "--clear-groups"]).arg(&copy);
        command
    } else {
        Command::new(&copy)
    };
    place.prepare(&mut command, APPLY);
    support::finish(command, Duration::from_secs(20))
}

fn open_to_all(place: &Place) {
    for name in ["", "tree", "pillar", "conf", "root"] {
        set_mode(&place.path(name), 0o777);
    }
}

fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

/// A disk of 64 KiB, as long as it lives.
struct SmallDisk(PathBuf);

impl SmallDisk {
    /// `None`, and a line that says so, where nothing may be mounted.
    fn at(folder: PathBuf) -> Option<Self> {
        let words = ["-t", "tmpfs", "-o", "size=64k", "small"];
        let mounted = Command::new("mount").args(words).arg(&folder).stderr(Stdio::null()).status();
        if mounted.is_ok_and(|status| status.success()) {
            return Some(Self(folder));
        }
        println!("left out: a full disk needs the right to mount one");
        None
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(&self.0).status();
    }
}
