//! Guards under a plan: trees that are planned and then run, with what the plan leaves open.

#![allow(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a test prepares the disk and tells a figure"
)]

use std::path::Path;
use std::sync::Arc;

use converge::{Accuracy, Program, RunOptions, RunReport, Selection, Session, Setup, Unobserved, compare};
use host::{Host, Journaled, Overlay, System};
use modules::Verdict;
use render::MemoryTree;
use report::{Problems, Sources};
use value::{Map, Value};

fn run(sls: &str, host: Arc<dyn Host>) -> RunReport {
    let (session, problems) = Session::open(Setup {
        host,
        tree: Arc::new(MemoryTree::new().with("t.sls", sls)),
        pillar_tree: Arc::new(MemoryTree::new()),
        sources: Sources::new(),
        id: "minion".into(),
        options: Map::new(),
        grains: Map::new(),
        pillar_over: Map::new(),
    });
    assert!(!problems.has_errors(), "{problems:?}");
    let mut problems = Problems::new();
    let low = session.low(&Selection::Sls(vec!["t".into()]), &mut problems);
    let (program, found) = Program::build(low);
    problems.extend(found);
    assert!(!problems.has_errors(), "{problems:?}");
    session.run(&program, RunOptions::default(), &mut Unobserved)
}

fn machine() -> System {
    System::new(vec![("PATH".into(), "/usr/bin:/bin".into())])
}

/// The ids of states that ended in a way.
fn ids(report: &RunReport, fits: impl Fn(&converge::StateResult) -> bool) -> Vec<Value> {
    report.results.iter().filter(|result| fits(result)).map(|result| Value::from(&*result.id)).collect()
}

#[test]
fn a_plan_knows_what_guards_will_say_or_says_that_it_does_not() {
    let cases = render::yaml::load(include_str!("guards.yaml"), &render::yaml::Nowhere);
    let cases = cases.unwrap_or_else(|error| panic!("{error}"));
    let mut all = Accuracy::default();
    for case in cases.as_list().unwrap() {
        let text = |key: &str| case.get(key).map(ToString::to_string).unwrap_or_default();
        let list = |key: &str| case.get(key).and_then(Value::as_list).unwrap_or_default().to_vec();
        let folder = tempfile::tempdir().unwrap();
        let sls = text("sls").replace("{DIR}", &folder.path().to_string_lossy());
        for (name, content) in case.get("there").and_then(Value::as_map).into_iter().flat_map(Map::iter) {
            let path = folder.path().join(name.to_string());
            std::fs::create_dir_all(path.parent().unwrap_or(Path::new("/"))).unwrap();
            std::fs::write(path, content.to_string()).unwrap();
        }
        let plan = run(&sls, Arc::new(Overlay::over(Arc::new(machine()))));
        let made = run(&sls, Arc::new(Journaled::new(machine())));
        let unknown = ids(&plan, |result| result.outcome.verdict == Verdict::Unknown);
        assert_eq!(unknown, list("unknown"), "{}: unknown in the plan", text("why"));
        let changed = |report: &RunReport| ids(report, converge::StateResult::changed);
        assert_eq!(changed(&plan), list("plan"), "{}: changes of the plan", text("why"));
        assert_eq!(changed(&made), list("run"), "{}: changes of the run", text("why"));
        all.add(compare(&plan, &made));
    }
    println!("{} changes planned and made, {} marked unknown", all.matched, all.marked_unknown);
    assert_eq!(all.only_planned, [""; 0], "planned and not made");
    assert_eq!(all.only_made, [""; 0], "made and not planned");
}
