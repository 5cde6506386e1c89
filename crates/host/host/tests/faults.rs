//! What happens to files when something goes wrong.
#![expect(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "these tests look past the code under test"
)]
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "helpers of tests panic as tests do")]

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use host::{Attributes, Files as _, HostError, Owner, System};

const WRITER: &str = "PINCH_TEST_WRITE_FOREVER";
const OLD: u8 = b'o';
const NEW: u8 = b'n';
const SIZE: usize = 3_000_000;

fn machine() -> System {
    System::new(Vec::new())
}

fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

/// Not a test by itself: the process that `a_killed_write…` kills.
#[test]
fn writer() {
    let Some(path) = std::env::var_os(WRITER).map(PathBuf::from) else { return };
    let system = machine();
    loop {
        for byte in [NEW, OLD] {
            system.write(&path, &vec![byte; SIZE], &Attributes::default()).unwrap();
        }
    }
}

#[test]
fn a_killed_write_leaves_the_old_or_the_new() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("target");
    machine().write(&path, &vec![OLD; SIZE], &Attributes::default()).unwrap();
    for round in 0..40u64 {
        let mut writer = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "writer"])
            .env(WRITER, &path)
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        // Each time at another moment of the loop.
        std::thread::sleep(Duration::from_micros(30_000 + round * 1_713 % 17_000));
        writer.kill().unwrap();
        writer.wait().unwrap();
        let content = std::fs::read(&path).unwrap();
        let first = content[0];
        assert!(
            [OLD, NEW].contains(&first) && content.len() == SIZE && content.iter().all(|byte| *byte == first)
        );
    }
    let left: Vec<String> = names(folder.path()).into_iter().filter(|name| name != "target").collect();
    assert!(left.iter().all(|name| name.starts_with(".target.pinch-")), "{left:?}");
    machine().write(&path, b"after all that", &Attributes::default()).unwrap();
    assert_eq!(std::fs::read(&path).unwrap(), b"after all that");
}

#[test]
fn names_that_a_killed_run_holds_are_no_obstacle() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x");
    // As in a container, where the process number is the same every time.
    for number in 0..200 {
        std::fs::write(folder.path().join(format!(".x.pinch-{}-{number}", std::process::id())), "left")
            .unwrap();
    }
    machine().write(&path, b"new", &Attributes::default()).unwrap();
    assert_eq!(std::fs::read(&path).unwrap(), b"new");
    assert_eq!(
        std::fs::read(folder.path().join(format!(".x.pinch-{}-0", std::process::id()))).unwrap(),
        b"left"
    );
}

#[test]
fn a_full_disk_leaves_what_was_there() {
    let folder = tempfile::tempdir().unwrap();
    let mount = |arguments: &[&str]| Command::new(arguments[0]).args(&arguments[1..]).status();
    let at = folder.path().to_str().unwrap();
    if !is_root()
        || !mount(&["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", at]).is_ok_and(|done| done.success())
    {
        eprintln!("skipped: a small file system cannot be mounted here");
        return;
    }
    let path = folder.path().join("target");
    machine().write(&path, b"old", &Attributes::default()).unwrap();
    let answer = machine().write(&path, &vec![NEW; 4 << 20], &Attributes::default());
    let (content, names) = (std::fs::read(&path).unwrap(), names(folder.path()));
    let small = machine().write(&path, b"small", &Attributes::default());
    mount(&["umount", at]).unwrap();
    assert_eq!(answer, Err(HostError::Full(path)));
    assert_eq!((content.as_slice(), names), (&b"old"[..], vec!["target".to_string()]));
    assert_eq!(small, Ok(()));
}

#[test]
fn names_may_be_as_long_as_names_may_be() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x".repeat(255));
    machine().write(&path, b"1", &Attributes::default()).unwrap();
    machine().write(&path, b"2", &Attributes::default()).unwrap();
    assert_eq!(std::fs::read(&path).unwrap(), b"2");
    let longer = machine().write(&folder.path().join("x".repeat(256)), b"", &Attributes::default());
    assert!(matches!(longer, Err(HostError::BadPath { .. })), "{longer:?}");
}

#[test]
fn devices_are_never_replaced() {
    let folder = tempfile::tempdir().unwrap();
    let fifo = folder.path().join("fifo");
    assert!(Command::new("mkfifo").arg(&fifo).status().unwrap().success());
    for path in [fifo.as_path(), Path::new("/dev/null")] {
        assert!(machine().write(path, b"x", &Attributes::default()).is_err());
    }
    assert!(machine().read(&fifo).is_err(), "and reading a pipe does not wait for a writer");
}

#[test]
fn attributes_are_kept_or_set_before_anybody_can_look() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("file");
    let system = machine();
    system.write(&path, b"1", &Attributes { mode: Some(0o4750), ..Attributes::default() }).unwrap();
    assert_eq!(system.metadata(&path).unwrap().unwrap().mode, 0o4750);
    system.write(&path, b"2", &Attributes::default()).unwrap();
    assert_eq!(system.metadata(&path).unwrap().unwrap().mode, 0o4750);
    if !is_root() {
        return;
    }
    let owned =
        Attributes { mode: None, user: Some(Owner::Id(1234)), group: Some(Owner::Name("daemon".into())) };
    system.write(&path, b"3", &owned).unwrap();
    system.write(&path, b"4", &Attributes::default()).unwrap();
    let found = system.metadata(&path).unwrap().unwrap();
    assert_eq!((found.mode, found.user, found.group), (0o4750, Owner::Id(1234), Owner::Id(1)));
    // In a directory with the set-group-id bit the wish for our own group is a wish too.
    let shared = folder.path().join("shared");
    let attributes = Attributes { mode: Some(0o2775), user: None, group: Some(Owner::Id(4321)) };
    system.create_directory(&shared, &attributes).unwrap();
    let file = shared.join("file");
    system.write(&file, b"", &Attributes { group: Some(Owner::Id(0)), ..Attributes::default() }).unwrap();
    assert_eq!(system.metadata(&file).unwrap().unwrap().group, Owner::Id(0));
    let missing = Attributes { user: Some(Owner::Name("no-such-user".into())), ..Attributes::default() };
    assert!(matches!(system.write(&file, b"", &missing), Err(HostError::NoAccount { kind: "user", .. })));
    assert!(matches!(system.create_directory(&shared.join("d"), &missing), Err(HostError::NoAccount { .. })));
    assert_eq!(names(&shared), ["file"]);
}

/// What an ordinary user may not do, it is told so, and nothing is left half-done.
#[test]
fn an_ordinary_user_is_refused_cleanly() {
    const ORDINARY: &str = "PINCH_TEST_ORDINARY";
    if let Some(folder) = std::env::var_os(ORDINARY).map(PathBuf::from) {
        let system = machine();
        let denied = |answer: Result<(), HostError>, what: &str| {
            assert!(matches!(answer, Err(HostError::Denied { .. })), "{what}: {answer:?}");
        };
        let root = Attributes { user: Some(Owner::Id(0)), ..Attributes::default() };
        denied(system.write(&folder.join("closed/file"), b"", &Attributes::default()), "write");
        denied(system.write(&folder.join("open/file"), b"", &root), "give away");
        denied(system.create_directory(&folder.join("open/directory"), &root), "give away");
        denied(system.set_mode(&folder.join("closed"), 0o777), "mode");
        denied(system.read(&folder.join("closed/secret")).map(drop), "read");
        denied(system.remove_directory(&folder.join("closed")), "remove");
        system
            .write(&folder.join("open/own"), b"x", &Attributes { mode: Some(0o600), ..Attributes::default() })
            .unwrap();
        assert_eq!(names(&folder.join("open")), ["own"]);
        return;
    }
    if !is_root() {
        eprintln!("skipped: only root can become somebody else");
        return;
    }
    use std::os::unix::fs::PermissionsExt as _;
    let folder = tempfile::tempdir().unwrap();
    let mode =
        |path: &Path, mode| std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
    for (name, bits) in [("open", 0o777), ("closed", 0o755)] {
        std::fs::create_dir(folder.path().join(name)).unwrap();
        mode(&folder.path().join(name), bits);
    }
    std::fs::write(folder.path().join("closed/secret"), "s").unwrap();
    mode(&folder.path().join("closed/secret"), 0o600);
    mode(folder.path(), 0o755);
    // The user has to be able to reach the test itself.
    let program = folder.path().join("test");
    std::fs::copy(std::env::current_exe().unwrap(), &program).unwrap();
    mode(&program, 0o755);
    let mut again =
        host::Command::new([program.to_str().unwrap(), "--exact", "an_ordinary_user_is_refused_cleanly"])
            .variable(ORDINARY, folder.path().to_str().unwrap());
    again.user = Some("nobody".into());
    let output = host::Commands::probe(&machine(), &again).unwrap();
    assert!(output.succeeded(), "{}", output.stdout_text() + &output.stderr_text());
}

#[test]
fn deep_trees_and_links_are_removed_without_following() {
    let folder = tempfile::tempdir().unwrap();
    let outside = folder.path().join("outside");
    std::fs::create_dir(&outside).unwrap();
    std::fs::write(outside.join("kept"), "").unwrap();
    let mut deep = folder.path().join("tree");
    let tree = deep.clone();
    for _ in 0..300 {
        deep.push("d");
    }
    std::fs::create_dir_all(&deep).unwrap();
    std::os::unix::fs::symlink(&outside, deep.join("link")).unwrap();
    machine().remove_directory(&tree).unwrap();
    assert_eq!(names(folder.path()), ["outside"]);
    assert_eq!(names(&outside), ["kept"]);
    assert!(matches!(machine().remove_directory(&outside.join("kept")), Err(HostError::NotADirectory(_))));
}
