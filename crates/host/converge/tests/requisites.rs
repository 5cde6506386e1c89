//! Trees of test states, run; what came of them is what Salt makes of them.

use std::sync::Arc;

use converge::{Program, RunOptions, RunReport, Selection, Session, Setup, Unobserved};
use host::{Host, Overlay, System};
use render::MemoryTree;
use report::{Problems, Sources};
use value::{Map, Value};

fn run(sls: &str, plan: bool) -> (RunReport, Problems) {
    // Guards run real commands that only look; states of these trees touch nothing.
    let system: Arc<dyn Host> = Arc::new(System::new(vec![("PATH".into(), "/usr/bin:/bin".into())]));
    let host = if plan { Arc::new(Overlay::over(system)) } else { system };
    let tree = Arc::new(MemoryTree::new().with("t.sls", sls));
    let (session, problems) = Session::open(Setup {
        host,
        tree,
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
    (session.run(&program, RunOptions::default(), &mut Unobserved), problems)
}

/// Rows as the cases have them: id (and name), result, whether it changed, comment.
fn rows(report: &RunReport) -> Vec<Value> {
    report
        .results
        .iter()
        .map(|result| {
            let id = if result.id == result.name {
                result.id.to_string()
            } else {
                format!("{}:{}", result.id, result.name)
            };
            let row: Vec<Value> = vec![
                id.into(),
                result.result(report.planned).into(),
                result.changed().into(),
                result.outcome.comment.trim().into(),
            ];
            row.into()
        })
        .collect()
}

#[test]
fn states_end_as_salt_ends_them() {
    let text = include_str!("requisites.yaml");

    let cases = render::yaml::load(text, &render::yaml::Nowhere).unwrap_or_else(|error| panic!("{error}"));
    let cases = cases.as_list().unwrap();
    let mut wrong = Vec::new();
    for case in cases {
        let sls = case.get("sls").and_then(Value::as_str).unwrap();
        for (key, plan) in [("run", false), ("plan", true)] {
            let (report, _) = run(sls, plan);
            let mut got = rows(&report);
            let mut expected = case.get(key).and_then(Value::as_list).unwrap().to_vec();
            if case.get("order").is_some() {
                got.sort_by_key(ToString::to_string);
                expected.sort_by_key(ToString::to_string);
            }
            if got != expected {
                let line =
                    |rows: &[Value]| rows.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n    ");
                wrong.push(format!(
                    "{} ({key})\n  expected:\n    {}\n  got:\n    {}",
                    case.get("why").unwrap(),
                    line(&expected),
                    line(&got)
                ));
            }
        }
    }
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), cases.len() * 2, wrong.join("\n\n"));
}
