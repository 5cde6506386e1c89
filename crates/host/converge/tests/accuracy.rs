//! How true plans are: the example trees are planned, applied, applied again, and the journals compared.

#![allow(clippy::print_stdout, clippy::unwrap_used, reason = "a test that tells a figure")]

use std::path::{Path, PathBuf};
use std::sync::Arc;

use converge::{Accuracy, Program, RunOptions, RunReport, Selection, Session, Setup, Unobserved, compare};
use host::{Host, Journaled, Overlay, System, TreeRoots};
use report::{Problems, Sources, Style};
use value::Map;

fn environment() -> Vec<(String, String)> {
    vec![("PATH".into(), "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin".into())]
}

/// Runs a tree on a rooted host of some form.
fn run(tree: &Path, host: Arc<dyn Host>) -> RunReport {
    let sources = Sources::new();
    let roots = |folder: PathBuf| {
        let base: [(String, Vec<PathBuf>); 1] = [("base".into(), vec![folder])];
        Arc::new(TreeRoots::new(System::new(environment()), base))
    };
    let machine = System::new(environment());
    let mut options = Map::new();
    options.insert("file_client", "local");
    let grains = grains::collect(&machine, &*host, "minion", &Map::new());
    let (session, mut problems) = Session::open(Setup {
        host,
        tree: roots(tree.to_path_buf()),
        pillar_tree: roots(tree.join("pillar")),
        sources: sources.clone(),
        id: "minion".into(),
        options,
        grains,
        pillar_over: Map::new(),
    });
    let low = session.low(&Selection::Top, &mut problems);
    let (program, found) = Program::build(low);
    problems.extend(found);
    show(&problems, &sources);
    assert!(!problems.has_errors());
    let report = session.run(&program, RunOptions::default(), &mut Unobserved);
    show(&report.problems, &sources);
    report
}

fn show(problems: &Problems, sources: &Sources) {
    for problem in problems.iter() {
        println!("{}", report::render(problem, sources, Style::Plain));
    }
}

fn trees() -> Vec<PathBuf> {
    let examples = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../examples");
    vec![examples.join("site")]
}

#[test]
fn plans_list_what_runs_do() {
    if !is_root() {
        println!("left out: the trees own files for several users, which takes root");
        return;
    }
    let mut all = Accuracy::default();
    for tree in trees() {
        let folder = tempfile::tempdir().unwrap();
        let system = || System::rooted(folder.path(), environment());
        let plan = run(&tree, Arc::new(Overlay::over(Arc::new(system()))));
        let first = run(&tree, Arc::new(Journaled::new(system())));
        let failed: Vec<_> = first
            .results
            .iter()
            .filter(|result| result.result(false) == Some(false))
            .map(|result| format!("{}: {}", result.tag(), result.outcome.comment))
            .collect();
        assert!(failed.is_empty(), "{failed:#?}");
        assert!(first.counts().changed > 10, "the tree changes an empty root");
        let second = run(&tree, Arc::new(Journaled::new(system())));
        let again: Vec<_> =
            second.results.iter().filter(|result| result.changed()).map(converge::StateResult::tag).collect();
        assert!(again.is_empty(), "a second run changes nothing, and yet: {again:?}");
        assert_eq!(second.journal().count(), 0, "a second run touches nothing");
        all.add(compare(&plan, &first));
    }
    println!(
        "plan accuracy: {:.1} % ({} changes planned and made, {} marked unknown)",
        all.share() * 100.0,
        all.matched,
        all.marked_unknown
    );
    assert_eq!(all.only_planned, [""; 0], "planned and not made");
    assert_eq!(all.only_made, [""; 0], "made and not planned");
}

fn is_root() -> bool {
    let status = host::Files::read(&System::new(Vec::new()), Path::new("/proc/self/status")).unwrap();
    String::from_utf8_lossy(&status).lines().any(|line| line.starts_with("Uid:\t0\t0"))
}
