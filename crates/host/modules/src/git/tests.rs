//! With the real git, on the real machine, in directories of their own.
#![expect(clippy::disallowed_methods, clippy::disallowed_types, reason = "tests prepare the machine by hand")]

use std::path::Path;
use std::sync::Arc;

use host::{Host, Journaled, Overlay, System};
use render::MemoryTree;
use value::{Map, Span};

use crate::{Caller, Context, Failure, Minion, NoTemplates, Outcome, Verdict, state_function};

/// A repository with a commit, and room for checkouts beside it.
struct Place {
    directory: tempfile::TempDir,
}

impl Place {
    fn new() -> Self {
        let place = Self { directory: tempfile::tempdir().unwrap() };
        place.git("", &["init", "-q", "-b", "main", "origin"]);
        place.commit("one");
        place
    }

    fn path(&self, name: &str) -> String {
        self.directory.path().join(name).display().to_string()
    }

    fn git(&self, at: &str, arguments: &[&str]) -> String {
        let output = std::process::Command::new("git")
            .current_dir(self.directory.path().join(at))
            .args(["-c", "user.name=t", "-c", "user.email=t@example.org"])
            .args(arguments)
            .output()
            .unwrap();
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8_lossy(&output.stdout).trim().to_string()
    }

    fn commit(&self, text: &str) -> String {
        std::fs::write(self.path("origin/file"), text).unwrap();
        self.git("origin", &["add", "."]);
        self.git("origin", &["commit", "-q", "-m", text]);
        self.git("origin", &["rev-parse", "HEAD"])
    }

    fn file(&self) -> String {
        std::fs::read_to_string(self.path("checkout/file")).unwrap_or_default()
    }

    fn latest(&self, more: &str) -> Map {
        let more = value::json::from_text(more).unwrap();
        let mut map: Map =
            [("name", self.path("origin")), ("target", self.path("checkout"))].into_iter().collect();
        for (key, value) in more.as_map().unwrap().iter() {
            map.insert(key.clone(), value.clone());
        }
        map
    }

    /// Plans, then applies; both have to tell and do the same.
    fn both(&self, more: &str) -> (Outcome, Outcome) {
        let system: Arc<dyn Host> = Arc::new(System::new(environment()));
        let overlay: Arc<dyn Host> = Arc::new(Overlay::over(system));
        let planned = run(&overlay, "git.latest", &self.latest(more));
        let journaled: Arc<dyn Host> = Arc::new(Journaled::new(System::new(environment())));
        let done = run(&journaled, "git.latest", &self.latest(more));
        if planned.verdict == done.verdict {
            let subjects = |host: &Arc<dyn Host>| {
                host.changes_since(0).iter().map(host::Change::subject).collect::<Vec<_>>()
            };
            assert_eq!(subjects(&overlay), subjects(&journaled));
        }
        (planned, done)
    }

    fn applied(&self, more: &str) -> Outcome {
        self.both(more).1
    }
}

fn environment() -> Vec<(String, String)> {
    let path = std::env::var_os("PATH").unwrap_or_default().to_string_lossy().into_owned();
    vec![("PATH".into(), path), ("HOME".into(), "/nonexistent".into())]
}

fn run(host: &Arc<dyn Host>, name: &str, map: &Map) -> Outcome {
    let minion = Minion::new(
        host.clone(),
        Arc::new(MemoryTree::new()),
        report::Sources::new(),
        "m1",
        Map::new(),
        Map::new(),
    );
    let context = Context {
        minion: &minion,
        templates: &NoTemplates,
        caller: Caller::State,
        saltenv: "base",
        sls: "",
        id: "",
    };
    (state_function(name).unwrap().run)(&context, map, Span::NONE).unwrap_or_else(|failure| match failure {
        Failure::Message { what, advice } => Outcome { advice, ..Outcome::failed(what) },
        failure => panic!("{failure}"),
    })
}

fn revision<'a>(outcome: &'a Outcome, which: &str) -> Option<&'a str> {
    outcome.changes.get("revision")?.get(which)?.as_str()
}

#[test]
fn clones_then_has_nothing_to_do() {
    let place = Place::new();
    let head = place.git("origin", &["rev-parse", "HEAD"]);
    let (planned, done) = place.both("{}");
    assert_eq!(
        planned.comment,
        format!("Repository {} would be cloned to {}", place.path("origin"), place.path("checkout"))
    );
    assert_eq!(done.comment, format!("{} cloned to {}", place.path("origin"), place.path("checkout")));
    assert_eq!(planned.changes, done.changes);
    assert_eq!(revision(&done, "new"), Some(head.as_str()));
    assert_eq!(place.file(), "one");
    let (planned, done) = place.both("{}");
    assert_eq!(done, Outcome::unchanged(format!("Repository {} is up-to-date", place.path("checkout"))));
    assert_eq!(planned, done);
}

#[test]
fn follows_the_repository() {
    let place = Place::new();
    place.applied(r#"{"rev": "main"}"#);
    let old = place.git("origin", &["rev-parse", "HEAD"]);
    let new = place.commit("two");
    place.git("origin", &["tag", "v2"]);
    let (planned, done) = place.both(r#"{"rev": "main"}"#);
    assert_eq!(planned.changes, done.changes);
    assert!(
        planned.comment.contains(&format!("Repository would be updated from {} to {}", &old[..7], &new[..7])),
        "{}",
        planned.comment
    );
    assert!(
        done.comment.contains(&format!("Repository was fast-forwarded to origin/main ({})", &new[..7])),
        "{}",
        done.comment
    );
    assert_eq!((revision(&done, "old"), revision(&done, "new")), (Some(old.as_str()), Some(new.as_str())));
    assert_eq!(place.file(), "two");
    assert!(place.applied(r#"{"rev": "main"}"#).changes.is_empty());
}

#[test]
fn tags_commits_and_branches() {
    let place = Place::new();
    let first = place.git("origin", &["rev-parse", "HEAD"]);
    place.git("origin", &["tag", "-a", "v1", "-m", "v1"]);
    place.commit("two");
    let done = place.applied(r#"{"rev": "v1"}"#);
    assert_eq!((revision(&done, "new"), place.file().as_str()), (Some(first.as_str()), "one"));
    assert!(place.applied(r#"{"rev": "v1"}"#).changes.is_empty());
    assert!(place.applied(&format!(r#"{{"rev": "{}"}}"#, &first[..10])).changes.is_empty());
    place.git("origin", &["checkout", "-q", "-b", "dev"]);
    place.commit("three");
    let done = place.applied(r#"{"rev": "dev", "branch": "dev"}"#);
    assert_eq!(place.file(), "three", "{}", done.comment);
    assert_eq!(place.git("checkout", &["rev-parse", "--abbrev-ref", "HEAD"]), "dev");
    assert!(place.applied(r#"{"rev": "dev", "branch": "dev"}"#).changes.is_empty());
    let done = place.applied(r#"{"rev": "nothing"}"#);
    assert_eq!(
        (done.verdict, done.comment.as_str()),
        (crate::Verdict::Failed, "No revision matching 'nothing' exists in the remote repository")
    );
    assert_eq!(done.advice.argument, Some("rev"));
}

#[test]
fn local_work_is_kept_unless_it_may_go() {
    let place = Place::new();
    place.applied(r#"{"rev": "main"}"#);
    std::fs::write(place.path("checkout/file"), "mine").unwrap();
    let done = place.applied(r#"{"rev": "main"}"#);
    assert!(done.comment.contains("is up-to-date, but with uncommitted changes"), "{}", done.comment);
    let new = place.commit("two");
    let (planned, done) = place.both(r#"{"rev": "main"}"#);
    assert_eq!(planned, done);
    assert_eq!(done.verdict, Verdict::Failed);
    assert!(
        done.comment.contains("but there are uncommitted changes. Set 'force_reset' to True"),
        "{}",
        done.comment
    );
    assert_eq!(place.file(), "mine");
    let (planned, done) = place.both(r#"{"rev": "main", "force_reset": true}"#);
    assert_eq!(planned.changes, done.changes);
    assert_eq!(done.changes.get("forced update"), Some(&true.into()), "{}", done.comment);
    assert_eq!((revision(&done, "new"), place.file().as_str()), (Some(new.as_str()), "two"));
}

#[test]
fn diverged_history_is_not_overwritten() {
    let place = Place::new();
    place.applied(r#"{"rev": "main"}"#);
    std::fs::write(place.path("checkout/other"), "mine").unwrap();
    place.git("checkout", &["add", "."]);
    place.git("checkout", &["commit", "-q", "-m", "mine"]);
    place.commit("two");
    let done = place.applied(r#"{"rev": "main"}"#);
    assert_eq!(done.verdict, Verdict::Failed);
    assert!(done.comment.contains("this is not a fast-forward merge"), "{}", done.comment);
    let done = place.applied(r#"{"rev": "main", "force_reset": true}"#);
    assert_eq!((done.verdict, place.file().as_str()), (Verdict::Holds, "two"), "{}", done.comment);
}

#[test]
fn a_full_directory_is_emptied_only_when_asked() {
    let place = Place::new();
    std::fs::create_dir(place.path("checkout")).unwrap();
    std::fs::write(place.path("checkout/keep"), "x").unwrap();
    assert_eq!(place.applied("{}").verdict, Verdict::Failed);
    assert!(Path::new(&place.path("checkout/keep")).metadata().is_ok());
    let done = place.applied(r#"{"force_clone": true}"#);
    assert_eq!(done.changes.get("forced clone"), Some(&true.into()), "{}", done.comment);
    assert!(Path::new(&place.path("checkout/keep")).metadata().is_err());
}

#[test]
fn bundles_and_bare_repositories() {
    let place = Place::new();
    place.git("origin", &["bundle", "create", "-q", "../x.bundle", "main", "HEAD"]);
    let bundle = format!(r#"{{"name": "{}", "rev": "main"}}"#, place.path("x.bundle"));
    let done = place.applied(&bundle);
    assert_eq!((done.verdict, place.file().as_str()), (Verdict::Holds, "one"), "{}", done.comment);
    assert!(place.applied(&bundle).changes.is_empty());
    let bare = format!(r#"{{"bare": true, "target": "{}"}}"#, place.path("bare"));
    let done = place.applied(&bare);
    assert!(done.comment.ends_with(" as bare repository"), "{}", done.comment);
    let again = place.applied(&bare);
    assert!(again.changes.is_empty(), "{again:?}");
    place.commit("two");
    let moved = place.applied(&bare);
    assert!(moved.comment.contains("was fetched"), "{moved:?}");
}

#[test]
fn a_repository_that_is_not_there_says_so() {
    let place = Place::new();
    let done = place.applied(&format!(r#"{{"name": "{}"}}"#, place.path("nowhere")));
    assert_eq!(done.verdict, Verdict::Failed);
    assert!(done.comment.starts_with("Failed to check remote refs: "), "{}", done.comment);
    assert!(Path::new(&place.path("checkout")).metadata().is_err());
}

#[test]
fn settings_are_set_and_unset() {
    let place = Place::new();
    let repo = place.path("origin");
    let host: Arc<dyn Host> = Arc::new(System::new(environment()));
    let arguments = |json: &str| {
        let mut map = value::json::from_text(json).unwrap().as_map().unwrap().clone();
        map.insert("repo", repo.as_str());
        map
    };
    let set = arguments(r#"{"name": "user.name", "value": "bob"}"#);
    assert_eq!(run(&host, "git.config_set", &set).comment, "'user.name' was added as 'bob'");
    assert_eq!(run(&host, "git.config_set", &set), Outcome::unchanged("'user.name' is already set to 'bob'"));
    let unset = arguments(r#"{"name": "user.name"}"#);
    assert_eq!(run(&host, "git.config_unset", &unset).comment, "Value(s) successfully unset");
    assert_eq!(run(&host, "git.config_unset", &unset), Outcome::unchanged("No matching keys are set"));
}

#[test]
fn a_directory_tree_needs_no_git_of_its_own() {
    let place = Place::new();
    std::fs::create_dir_all(place.path("root/opt")).unwrap();
    let system = System::rooted(place.path("root"), environment());
    let mut map = place.latest("{}");
    map.insert("target", "/opt/app");
    let host: Arc<dyn Host> = Arc::new(system);
    let done = run(&host, "git.latest", &map);
    assert_eq!(done.verdict, Verdict::Holds, "{}", done.comment);
    assert_eq!(std::fs::read_to_string(place.path("root/opt/app/file")).unwrap(), "one");
    assert!(run(&host, "git.latest", &map).changes.is_empty());
}
