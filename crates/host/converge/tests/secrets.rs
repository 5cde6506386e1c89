//! Passwords and keys in a run: what it says and what it keeps show neither.

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a test; one that has to be left out says so")]

use std::path::Path;
use std::sync::Arc;

use converge::{Program, RunOptions, RunReport, Selection, Session, Setup, Unobserved};
use host::{Change, FileState, Files as _, Host, Journaled, KeptContent, Memory, Overlay, System};
use render::MemoryTree;
use report::{Problems, Sources};
use value::Map;

/// What must never be seen.
const HASHES: [&str; 3] = ["$6$salt$bobshash", "$6$old$rootshash", "AAAAkeymaterial"];

fn run(sls: &str, host: Arc<dyn Host>) -> RunReport {
    let mut options = Map::new();
    options.insert("cachedir", "/var/cache/salt/minion");
    let (session, problems) = Session::open(Setup {
        host,
        tree: Arc::new(MemoryTree::new().with("t.sls", sls)),
        pillar_tree: Arc::new(MemoryTree::new()),
        sources: Sources::new(),
        id: "minion".into(),
        options,
        grains: Map::new(),
        pillar_over: Map::new(),
    });
    assert!(!problems.has_errors(), "{problems:?}");
    let mut problems = Problems::new();
    let (program, found) = Program::build(session.low(&Selection::Sls(vec!["t".into()]), &mut problems));
    problems.extend(found);
    assert!(!problems.has_errors(), "{problems:?}");
    session.run(&program, RunOptions::default(), &mut Unobserved)
}

/// Everything that a report can show, journal included.
fn shown(report: &RunReport) -> String {
    let json = value::json::to_text(&report.to_value());
    let journal: Vec<&Change> = report.journal().collect();
    format!("{json}\n{journal:?}\n{report:?}")
}

fn assert_masked(report: &RunReport) {
    let shown = shown(report);
    for hash in HASHES {
        assert!(!shown.contains(hash), "{hash} in {shown}");
        // Bytes print as numbers.
        let bytes = format!("{:?}", hash.as_bytes());
        assert!(!shown.contains(bytes.trim_matches(['[', ']'])), "{hash} as bytes in {shown}");
    }
    assert!(shown.contains("********"), "{shown}");
}

const EDITS: &str = "shadow:\n  file.replace:\n    - name: /etc/shadow\n    - pattern: 'root:[^:]*'\n    - repl: 'root:$6$salt$bobshash'\n\
                     more:\n  file.append:\n    - name: /etc/gshadow\n    - text: 'bob:$6$salt$bobshash::'\n\
                     key:\n  file.managed:\n    - name: /root/key\n    - contents: |\n        -----BEGIN OPENSSH PRIVATE KEY-----\n        AAAAkeymaterial\n";

fn machine() -> Memory {
    Memory::empty()
        .file("/etc/shadow", "root:$6$old$rootshash:1:0:99999:7:::\n")
        .file("/etc/gshadow", "root:$6$old$rootshash::\n")
        .file("/root/key", "-----BEGIN OPENSSH PRIVATE KEY-----\nold\n")
}

#[test]
fn files_with_secrets_are_edited_unseen() {
    for host in [Arc::new(machine()) as Arc<dyn Host>, Arc::new(Overlay::over(Arc::new(machine())))] {
        let report = run(EDITS, host);
        assert_eq!(report.counts().changed, 3, "{report:?}");
        assert_masked(&report);
    }
}

#[test]
fn the_journal_keeps_what_undoing_takes() {
    let host = Arc::new(machine());
    let report = run(EDITS, host.clone());
    let before = report.journal().find_map(|change| match change {
        Change::File {
            path, before: FileState::File { content: KeptContent::Secret(content), .. }, ..
        } if path == Path::new("/etc/shadow") => Some(content.reveal().clone()),
        _ => None,
    });
    assert_eq!(before.as_deref(), Some(&b"root:$6$old$rootshash:1:0:99999:7:::\n"[..]));
    let now = host.read(Path::new("/etc/shadow")).unwrap();
    assert!(String::from_utf8_lossy(&now).contains("$6$salt$bobshash"));
}

#[test]
fn accounts_of_a_tree_are_edited_unseen() {
    let environment = || vec![("PATH".into(), "/usr/bin:/bin".into())];
    let status = System::new(environment()).read(Path::new("/proc/self/status")).unwrap();
    if !String::from_utf8_lossy(&status).contains("\nUid:\t0\t0") {
        println!("left out: the account files belong to root");
        return;
    }
    let sls = "bob:\n  user.present:\n    - password: '$6$salt$bobshash'\n    - createhome: False\n";
    let folder = tempfile::tempdir().unwrap();
    let rooted = || System::rooted(folder.path(), environment());
    let plan = run(sls, Arc::new(Overlay::over(Arc::new(rooted()))));
    let made = run(sls, Arc::new(Journaled::new(rooted())));
    for report in [&plan, &made] {
        assert_eq!(report.counts().changed, 1, "{report:?}");
        assert_masked(report);
    }
    let shadow = rooted().read(Path::new("/etc/shadow")).unwrap();
    assert!(String::from_utf8_lossy(&shadow).contains("bob:$6$salt$bobshash:"));
}
