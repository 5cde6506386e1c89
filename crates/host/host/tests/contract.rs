//! Every form of host answers alike: the same random operations on the real file system, in memory, and in
//! overlays over both, leave the same tree, the same answers and the same journal.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use host::{Attributes, Change, FileKind, Files as _, Host, HostError, Journaled, Memory, Overlay, System};
use proptest::prelude::*;

#[derive(Clone, Debug)]
enum Operation {
    Write(PathBuf, u8, Option<u32>),
    Directory(PathBuf),
    Symlink(PathBuf, PathBuf),
    Rename(PathBuf, PathBuf),
    RemoveFile(PathBuf),
    RemoveDirectory(PathBuf),
    Mode(PathBuf, u32),
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
        3 => (path(), any::<u8>(), prop::option::of(prop::sample::select(vec![0o600, 0o644, 0o755])))
            .prop_map(|(path, byte, mode)| Operation::Write(path, byte, mode)),
        3 => path().prop_map(Operation::Directory),
        2 => (path(), path()).prop_map(|(target, link)| Operation::Symlink(target, link)),
        1 => (path(), path()).prop_map(|(from, to)| Operation::Rename(from, to)),
        1 => path().prop_map(Operation::RemoveFile),
        1 => path().prop_map(Operation::RemoveDirectory),
        1 => (path(), prop::sample::select(vec![0o600, 0o755])).prop_map(|(path, mode)| Operation::Mode(path, mode)),
        1 => path().prop_map(Operation::Read),
        1 => path().prop_map(Operation::List),
    ]
}

/// What an operation answers, without the paths, which resolve differently.
fn run(host: &dyn Host, operation: &Operation) -> String {
    let attributes = |mode| Attributes { mode, ..Attributes::default() };
    let said = match operation {
        Operation::Write(path, byte, mode) => {
            let mode = mode.or(Some(0o644));
            host.write(path, &[*byte], &attributes(mode)).map(|()| String::new())
        }
        Operation::Directory(path) => {
            host.create_directory(path, &attributes(Some(0o755))).map(|()| String::new())
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
            FileKind::File => format!("{:?} {:o}", host.read(&child).unwrap(), found.mode),
            FileKind::Symlink => host.read_link(&child).unwrap().display().to_string(),
            _ => format!("{:o}", found.mode),
        };
        lines.push(format!("{} {:?} {inside}", child.display(), found.kind));
        if found.kind == FileKind::Directory {
            tree(host, &child, lines);
        }
    }
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

        let mark = system.mark();
        for operation in &after {
            run(&*system, operation);
        }
        prop_assert_eq!(lines(&*system), lines(&over_system), "the plan foresaw another tree");
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
