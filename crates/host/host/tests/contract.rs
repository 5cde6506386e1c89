//! Every form of host answers alike: the same random operations on the real file system, in memory, and in
//! overlays over both, leave the same tree, the same answers and the same journal.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "helpers of tests panic as tests do")]

use std::path::{Path, PathBuf};
use std::sync::Arc;

use host::{
    Attributes, Change, FileKind, Files as _, Host, HostError, Journaled, Memory, Metadata, Overlay, Owner,
    System,
};
use proptest::prelude::*;

#[derive(Clone, Debug)]
enum Operation {
    Write(PathBuf, u8, Option<u32>, Option<u32>),
    Directory(PathBuf, Option<u32>),
    Symlink(PathBuf, PathBuf),
    Rename(PathBuf, PathBuf),
    RemoveFile(PathBuf),
    RemoveDirectory(PathBuf),
    Mode(PathBuf, u32),
    Owner(PathBuf, Option<u32>, Option<u32>),
    Read(PathBuf),
    List(PathBuf),
}

fn path() -> impl Strategy<Value = PathBuf> {
    prop::collection::vec(prop::sample::select(vec!["a", "b", "c", ".."]), 1..4)
        .prop_filter("a name at the end", |parts| parts.last() != Some(&".."))
        .prop_map(|parts| Path::new("/").join(parts.join("/")))
}

fn operation() -> impl Strategy<Value = Operation> {
    prop_oneof![
        3 => (path(), any::<u8>(), mode(vec![0o600, 0o644, 0o4755, 0o2755]), owner())
            .prop_map(|(path, byte, mode, owner)| Operation::Write(path, byte, mode, owner)),
        3 => (path(), mode(vec![0o755, 0o2775, 0o700])).prop_map(|(path, mode)| Operation::Directory(path, mode)),
        2 => (path(), owner(), owner()).prop_map(|(path, user, group)| Operation::Owner(path, user, group)),
        2 => (path(), path()).prop_map(|(target, link)| Operation::Symlink(target, link)),
        1 => (path(), path()).prop_map(|(from, to)| Operation::Rename(from, to)),
        1 => path().prop_map(Operation::RemoveFile),
        1 => path().prop_map(Operation::RemoveDirectory),
        1 => (path(), prop::sample::select(vec![0o600, 0o755, 0o6755])).prop_map(|(path, mode)| Operation::Mode(path, mode)),
        1 => path().prop_map(Operation::Read),
        1 => path().prop_map(Operation::List),
    ]
}

/// Modes; `None` only where the system's own choice is the one that memory makes.
fn mode(modes: Vec<u32>) -> impl Strategy<Value = Option<u32>> {
    let usual = System::new(Vec::new()).creator() == host::Creator::default();
    prop::option::of(prop::sample::select(modes)).prop_map(move |mode| mode.or((!usual).then_some(0o755)))
}

/// Owners that are not our own: only root may give things away.
fn owner() -> impl Strategy<Value = Option<u32>> {
    let root = rustix::process::geteuid().is_root();
    prop::option::of(prop::sample::select(vec![0, 7, 8])).prop_map(move |owner| owner.filter(|_| root))
}

/// What an operation answers, without the paths, which resolve differently.
fn run(host: &dyn Host, operation: &Operation) -> String {
    let attributes = |mode| Attributes { mode, ..Attributes::default() };
    let said = match operation {
        Operation::Write(path, byte, mode, user) => {
            let attributes = Attributes { user: user.map(Owner::Id), ..attributes(*mode) };
            host.write(path, &[*byte], &attributes).map(|()| String::new())
        }
        Operation::Directory(path, mode) => {
            host.create_directory(path, &attributes(*mode)).map(|()| String::new())
        }
        Operation::Owner(path, user, group) => {
            let (user, group) = (user.map(Owner::Id), group.map(Owner::Id));
            host.set_owner(path, user.as_ref(), group.as_ref()).map(|()| String::new())
        }
        Operation::Symlink(target, link) => host.create_symlink(target, link).map(|()| String::new()),
        Operation::Rename(from, to) => host.rename(from, to).map(|()| String::new()),
        Operation::RemoveFile(path) => host.remove_file(path).map(|()| String::new()),
        Operation::RemoveDirectory(path) => host.remove_directory(path).map(|()| String::new()),
        Operation::Mode(path, mode) => host.set_mode(path, *mode).map(|()| String::new()),
        Operation::Read(path) => host.read(path).map(|bytes| format!("{bytes:?}")),
        Operation::List(path) => host.list(path).map(|entries| format!("{entries:?}")),
    };
    match said {
        Ok(text) => format!("ok {text}"),
        Err(_) => "refused".to_string(),
    }
}

/// The whole visible tree as lines.
fn tree(host: &dyn Host, path: &Path, lines: &mut Vec<String>) {
    for entry in host.list(path).unwrap_or_default() {
        let child = path.join(&entry.name);
        let found = host.link_metadata(&child).unwrap().unwrap();
        let inside = match found.kind {
            FileKind::File => {
                format!("{:?} {:o} {:?}", host.read(&child).unwrap(), found.mode, owned(&found))
            }
            FileKind::Symlink => host.read_link(&child).unwrap().display().to_string(),
            _ => format!("{:o} {:?}", found.mode, owned(&found)),
        };
        lines.push(format!("{} {:?} {inside}", child.display(), found.kind));
        if found.kind == FileKind::Directory {
            tree(host, &child, lines);
        }
    }
}

/// Whose it is; what is ours is root's, as in memory.
fn owned(found: &Metadata) -> (Owner, Owner) {
    let creator = System::new(Vec::new()).creator();
    let own = |owner: &Owner, number| if *owner == Owner::Id(number) { Owner::Id(0) } else { owner.clone() };
    (own(&found.user, creator.user), own(&found.group, creator.group))
}

fn lines(host: &dyn Host) -> Vec<String> {
    let mut lines = Vec::new();
    tree(host, Path::new("/"), &mut lines);
    lines
}

/// The owner of what is made is whoever runs the test; in memory it is root.
fn journal(changes: &[Change]) -> Vec<String> {
    changes
        .iter()
        .map(|change| match change {
            Change::File { path, before, after } => {
                let text = format!("{} {before:?} -> {after:?}", path.display());
                let own = rustix::process::geteuid().as_raw();
                text.replace(&format!("Id({own})"), "Id(0)")
            }
            other => format!("{other:?}"),
        })
        .collect()
}

struct Forms {
    _folder: tempfile::TempDir,
    system: Arc<Journaled<System>>,
    memory: Arc<Memory>,
}

fn forms() -> Forms {
    let folder = tempfile::tempdir().unwrap();
    let system = Arc::new(Journaled::new(System::rooted(folder.path(), Vec::new())));
    Forms { _folder: folder, system, memory: Arc::new(Memory::empty()) }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    #[test]
    fn all_forms_agree(
        before in prop::collection::vec(operation(), 0..12),
        after in prop::collection::vec(operation(), 1..16),
    ) {
        let Forms { _folder, system, memory } = forms();
        for operation in &before {
            prop_assert_eq!(run(&*system, operation), run(&*memory, operation), "{:?}", operation);
        }
        prop_assert_eq!(lines(&*system), lines(&*memory));
        let untouched = lines(&*system);

        let over_system = Overlay::over(system.clone());
        let over_memory = Overlay::over(memory.clone());
        for operation in &after {
            let planned = run(&over_system, operation);
            prop_assert_eq!(&planned, &run(&over_memory, operation), "{:?}", operation);
        }
        prop_assert_eq!(lines(&over_system), lines(&over_memory));
        prop_assert_eq!(&lines(&*system), &untouched, "an overlay wrote through");
        prop_assert_eq!(&lines(&*memory), &untouched, "an overlay wrote through");

        // Looked at while what lies below is still as it was: a plan is of that moment.
        let foreseen = lines(&over_system);
        let mark = system.mark();
        for operation in &after {
            run(&*system, operation);
        }
        prop_assert_eq!(lines(&*system), foreseen, "the plan foresaw another tree");
        prop_assert_eq!(
            journal(&over_system.changes_since(0)),
            journal(&system.changes_since(mark)),
            "the plan's journal is not the run's"
        );
    }

    #[test]
    fn no_path_leaves_the_root(operations in prop::collection::vec(operation(), 1..20)) {
        let outer = tempfile::tempdir().unwrap();
        let root = outer.path().join("root");
        let outside = System::new(Vec::new());
        outside.create_directory(&root, &Attributes::default()).unwrap();
        outside.write(&outer.path().join("a"), b"untouched", &Attributes::default()).unwrap();
        let system = System::rooted(&root, Vec::new());
        for operation in &operations {
            run(&system, operation);
        }
        let names: Vec<_> = outside.list(outer.path()).unwrap().into_iter().map(|entry| entry.name).collect();
        prop_assert_eq!(names, ["a", "root"]);
        prop_assert_eq!(&*outside.read(&outer.path().join("a")).unwrap(), b"untouched");
    }
}

#[test]
fn relative_paths_and_nul_bytes_are_refused_by_all() {
    let Forms { _folder, system, memory } = forms();
    for host in [&*system as &dyn Host, &*memory] {
        for path in ["a", "", "/a\0b"] {
            let answer = host.write(Path::new(path), b"", &Attributes::default());
            assert!(matches!(answer, Err(HostError::BadPath { .. })), "{path:?}: {answer:?}");
        }
    }
}

#[test]
fn links_in_a_circle_are_found_by_all() {
    let Forms { _folder, system, memory } = forms();
    for host in [&*system as &dyn Host, &*memory] {
        host.create_symlink(Path::new("/b"), Path::new("/a")).unwrap();
        host.create_symlink(Path::new("/a"), Path::new("/b")).unwrap();
        assert!(matches!(host.read(Path::new("/a")), Err(HostError::LinkLoop(_))));
    }
}
