//! What a plan knows about things that are not there yet.
#![allow(clippy::unwrap_used, reason = "helpers of tests panic as tests do")]

use std::path::Path;
use std::sync::Arc;

use host::{
    Action, Attributes, Change, Command, Commands as _, Effect, Fact, Facts as _, FileKind, Files as _, Host,
    HostError, Memory, Outcome, Output, Overlay, Owner, Subject,
};
use value::{Map, Value};

fn below() -> Memory {
    Memory::empty()
        .file("/etc/passwd", "root:x:0:0::/root:/bin/sh\nweb:x:33:33::/srv:/bin/sh\n")
        .file("/etc/group", "root:x:0:\nweb:x:33:\n")
        .file_with("/srv/old", "old", 0o640, Owner::Id(33), Owner::Id(33))
        .command("id*", Output { stdout: b"ran".to_vec(), ..Output::default() })
}

fn plan() -> Overlay {
    Overlay::over(Arc::new(below()))
}

fn act(plan: &Overlay, kind: &'static str, name: &str, after: Fact) {
    let effect = Effect { subject: Subject::new(kind, name), before: Fact::Absent, after };
    let outcome = plan.act(&Action::new(Command::new(["make", name]), vec![effect])).unwrap();
    assert_eq!(outcome, Outcome::Planned);
}

fn properties<const N: usize>(pairs: [(&str, &str); N]) -> Fact {
    Fact::Present(pairs.into_iter().collect::<Map>().into())
}

fn is_unknown<T>(answer: Result<T, HostError>) -> bool {
    answer.is_err_and(|error| error.is_unknown())
}

fn kind(plan: &Overlay, path: &str) -> Option<FileKind> {
    plan.metadata(Path::new(path)).unwrap().map(|found| found.kind)
}

#[test]
fn a_promised_directory_exists_and_its_content_is_unknown() {
    let plan = plan();
    act(&plan, "path", "/opt/app/src", properties([("kind", "directory")]));
    assert_eq!(kind(&plan, "/opt/app/src"), Some(FileKind::Directory));
    assert_eq!(kind(&plan, "/opt/app"), Some(FileKind::Directory), "the way to it is made too");
    assert!(is_unknown(plan.list(Path::new("/opt/app/src"))));
    assert!(is_unknown(plan.read(Path::new("/opt/app/src/Makefile"))));
    assert!(is_unknown(plan.metadata(Path::new("/opt/app/src/Makefile"))));
    // What is written into it afterwards is known again.
    let file = Path::new("/opt/app/src/own");
    let written = plan.write(file, b"x", &Attributes::default());
    assert!(is_unknown(written), "whether it replaces something is not known");
}

#[test]
fn a_promised_file_exists_and_its_content_is_unknown() {
    let plan = plan();
    act(&plan, "path", "/srv/new", Fact::Present(Value::NULL));
    assert_eq!(kind(&plan, "/srv/new"), Some(FileKind::File));
    assert!(is_unknown(plan.read(Path::new("/srv/new"))));
    assert!(
        is_unknown(plan.write(Path::new("/srv/new/x"), b"", &Attributes::default())),
        "it may be a directory"
    );
    act(&plan, "path", "/srv/old", properties([("kind", "file")]));
    let old = plan.metadata(Path::new("/srv/old")).unwrap().unwrap();
    assert_eq!((old.mode, old.user), (0o640, Owner::Id(33)), "what nobody changes stays");
    assert!(is_unknown(plan.read(Path::new("/srv/old"))));
    act(&plan, "path", "/srv/known", properties([("kind", "file"), ("content", "told")]));
    assert_eq!(&*plan.read(Path::new("/srv/known")).unwrap(), b"told");
}

#[test]
fn an_unknown_path_is_neither_there_nor_not() {
    let plan = plan();
    act(&plan, "path", "/srv", Fact::Unknown);
    assert!(is_unknown(plan.metadata(Path::new("/srv"))));
    assert!(is_unknown(plan.metadata(Path::new("/srv/old"))));
    assert!(is_unknown(plan.list(Path::new("/"))));
    act(&plan, "path", "/srv", Fact::Absent);
    assert_eq!(kind(&plan, "/srv/old"), None);
}

#[test]
fn owners_are_numbers_where_there_are_numbers() {
    let plan = plan();
    let owned = |name: &str| Attributes { user: Some(Owner::Name(name.into())), ..Attributes::default() };
    let file = Path::new("/srv/file");
    plan.write(file, b"", &owned("web")).unwrap();
    assert_eq!(plan.metadata(file).unwrap().unwrap().user, Owner::Id(33));
    assert!(matches!(plan.write(file, b"", &owned("app")), Err(HostError::NoAccount { kind: "user", .. })));
    act(&plan, "user", "app", properties([("home", "/srv/app")]));
    plan.write(file, b"", &owned("app")).unwrap();
    assert_eq!(plan.metadata(file).unwrap().unwrap().user, Owner::Name("app".into()));
}

#[test]
fn nothing_runs_in_a_world_that_is_not_there_yet() {
    let plan = plan();
    let id = || Command::new(["id"]);
    assert!(plan.probe(&id()).is_ok());
    act(&plan, "user", "app", Fact::Present(Value::NULL));
    let mut as_planned = id();
    as_planned.user = Some("app".into());
    assert!(is_unknown(plan.probe(&as_planned)));
    plan.create_directory(Path::new("/new"), &Attributes::default()).unwrap();
    assert!(is_unknown(plan.probe(&id().directory("/new"))));
    let attributes = Attributes { mode: Some(0o755), ..Attributes::default() };
    plan.write(Path::new("/new/tool"), b"#!/bin/sh", &attributes).unwrap();
    assert!(is_unknown(plan.probe(&Command::new(["/new/tool"]))));
}

#[test]
fn the_last_word_about_a_fact_counts_and_the_journal_has_all() {
    let plan = plan();
    act(&plan, "package", "nginx", properties([("version", "1")]));
    act(&plan, "package", "nginx", properties([("version", "2")]));
    assert_eq!(plan.fact(&Subject::new("package", "nginx")), Some(properties([("version", "2")])));
    plan.act(&Action::opaque(Command::new(["make"]))).unwrap();
    let subjects: Vec<String> = plan.changes_since(0).iter().map(Change::subject).collect();
    assert_eq!(subjects, ["package nginx", "package nginx", "command make"]);
}

#[test]
fn a_mode_set_through_a_link_is_a_change_of_what_it_leads_to() {
    let plan = plan();
    plan.create_symlink(Path::new("old"), Path::new("/srv/link")).unwrap();
    let mark = plan.mark();
    plan.set_mode(Path::new("/srv/link"), 0o600).unwrap();
    let changes = plan.changes_since(mark);
    assert_eq!(changes.iter().map(Change::subject).collect::<Vec<_>>(), ["/srv/old"]);
}

#[test]
fn a_moved_directory_takes_everything_along() {
    let plan = plan();
    plan.rename(Path::new("/srv"), Path::new("/moved")).unwrap();
    let subjects: Vec<String> = plan.changes_since(0).iter().map(Change::subject).collect();
    assert_eq!(subjects, ["/srv/old", "/srv", "/moved", "/moved/old"]);
    assert_eq!(&*plan.read(Path::new("/moved/old")).unwrap(), b"old");
}
