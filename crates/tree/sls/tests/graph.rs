//! The order of a run, circles, and how compiling grows with size.

#![allow(clippy::unwrap_used, reason = "a test may")]

mod support;

use std::collections::HashSet;
use std::fmt::Write as _;

use proptest::prelude::*;
use report::Problems;
use sls::{Graph, HighState, LowChunk, Matches, Settings, Step};
use support::DataTree;

fn compiled(files: &[(&str, &str)], wanted: &[&str]) -> Vec<LowChunk> {
    let mut problems = Problems::new();
    let tree = DataTree::json(files.iter().copied());
    let matches = Matches::of("base", wanted.iter().copied());
    let low = HighState::compile(&tree, &matches, Settings::default(), &mut problems).low_full(&mut problems);
    assert!(!problems.has_errors(), "{problems:?}");
    low
}

/// The run as text: ids in order, `?id` where one is only looked at.
fn run(low: &[LowChunk]) -> String {
    let steps = Graph::build(low).steps().to_vec();
    let word = |step: Step| match step {
        Step::Run(chunk) => low[chunk].id.to_string(),
        Step::Look(chunk) => format!("?{}", low[chunk].id),
    };
    steps.into_iter().map(word).collect::<Vec<_>>().join(" ")
}

#[test]
fn what_is_named_runs_first() {
    let cases = [
        (r#"{"a":{"t.x":[{"require":[{"t":"c"}]}]},"b":{"t.x":[]},"c":{"t.x":[]}}"#, "c a b"),
        (r#"{"a":{"t.x":[{"watch":["c"]}]},"b":{"t.x":[]},"c":{"t.x":[{"onfail":[{"t":"b"}]}]}}"#, "b c a"),
        (r#"{"a":{"t.x":[{"require":[{"t":"/etc/*"}]}]},"b":{"t.x":[]},"c":{"t.x":[{"name":"/etc/x"}]}}"#, "c a b"),
        (r#"{"a":{"t.x":[]},"b":{"t.x":[{"require_in":[{"t":"a"}]}]}}"#, "b a"),
        (r#"{"a":{"t.x":[{"prereq":[{"t":"b"}]}]},"b":{"t.x":[{"require":[{"t":"c"}]}]},"c":{"t.x":[]}}"#, "c ?b a b"),
        (r#"{"b":{"t.x":[]},"a":{"t.x":[{"prereq":[{"t":"b"}]}]}}"#, "?b a b"),
        (r#"{"a":{"t.x":[{"onchanges_any":[{"u":"c"}]}]},"b":{"t.x":[]},"c":{"u.x":[]}}"#, "c a b"),
        (r#"{"a":{"t.x":[{"require":[{"t":"c"},{"t":"nowhere"}]}]},"b":{"t.x":[]},"c":{"t.x":[]}}"#, "a b c"),
        (r#"{"a":{"t.x":[{"require":[{"t.x":"b"}]}]},"b":{"t.x":[]}}"#.replace("require", "onfail_any").leak(), "b a"),
    ];
    for (json, order) in cases {
        assert_eq!(run(&compiled(&[("a.sls", json)], &["a"])), order, "{json}");
    }
}

#[test]
fn an_sls_is_named_as_a_whole() {
    let files = [
        ("a.sls", r#"{"include":["b"],"a":{"t.x":[{"require":[{"sls":"b"}]}]},"z":{"t.x":[]}}"#),
        ("b.sls", r#"{"include":["c"],"b":{"t.x":[{"order":"last"}]}}"#),
        ("c.sls", r#"{"c":{"t.x":[{"order":"last"}]}}"#),
    ];
    let low = compiled(&files, &["a"]);
    assert_eq!(run(&low), "b c a z");
    let graph = Graph::build(&low);
    assert_eq!(graph.targets(&graph.edges(0)[0]), [2, 3]);
}

#[test]
fn circles_are_told_whole() {
    let low = compiled(
        &[(
            "a.sls",
            r#"{"w":{"t.x":[]},"a":{"t.x":[{"require":[{"t":"b"}]}]},"b":{"t.x":[{"require":[{"t":"c"}]}]},
               "c":{"t.x":[{"require":[{"t":"a"}]}]},"self":{"t.x":[{"require":[{"sls":"a"}]}]}}"#,
        )],
        &["a"],
    );
    let graph = Graph::build(&low);
    let ids = |chunks: &[usize]| chunks.iter().map(|chunk| &*low[*chunk].id).collect::<Vec<_>>().join(" ");
    assert_eq!(
        graph.circles().iter().map(|circle| ids(&circle.chunks)).collect::<Vec<_>>(),
        ["a b c", "self"]
    );
    let recursive: Vec<usize> = (0..low.len()).filter(|chunk| graph.is_recursive(*chunk)).collect();
    assert_eq!(ids(&recursive), "c self");
    let problems = graph.problems(&low);
    let first = problems.iter().next().unwrap();
    assert_eq!(first.why, ["each waits for the next: t: a -> t: b -> t: c -> t: a"]);
}

#[test]
fn listeners_and_what_they_miss() {
    let low = compiled(
        &[(
            "a.sls",
            r#"{"a":{"t.x":[{"listen":[{"t":"b"},{"t":"nowhere"}]}]},"b":{"t.x":[{"listen_in":[{"t":"a"}]}]}}"#,
        )],
        &["a"],
    );
    let graph = Graph::build(&low);
    let told: Vec<_> = graph
        .listens()
        .iter()
        .map(|listen| {
            (listen.listeners.clone(), graph.group(listen.heard).to_vec(), listen.missing.is_some())
        })
        .collect();
    assert_eq!(told, [(vec![0], vec![1], false), (vec![0], vec![], true), (vec![0], vec![1], false)]);
}

/// States `0..n`, each with requisites on states with a smaller number, in random order in the file.
fn acyclic() -> impl Strategy<Value = Vec<(usize, Vec<(usize, usize)>)>> {
    (1..25usize).prop_flat_map(|n| {
        let states: Vec<_> =
            (0..n).map(|at| (Just(at), prop::collection::vec((0..at.max(1), 0..6usize), 0..4))).collect();
        states.prop_shuffle()
    })
}

const WORDS: [&str; 6] = ["require", "watch", "onfail", "onchanges", "require_any", "prereq"];

fn as_json(states: &[(usize, Vec<(usize, usize)>)]) -> String {
    let mut json = String::from("{");
    for (place, (at, requisites)) in states.iter().enumerate() {
        let comma = if place > 0 { "," } else { "" };
        write!(json, r#"{comma}"s{at}":{{"t.x":["#).unwrap();
        let real = requisites.iter().filter(|(target, _)| target < at).enumerate();
        for (number, (target, word)) in real {
            let comma = if number > 0 { "," } else { "" };
            write!(json, r#"{comma}{{"{}":[{{"t":"s{target}"}}]}}"#, WORDS[*word]).unwrap();
        }
        json.push_str("]}");
    }
    json + "}"
}

proptest! {
    #[test]
    fn every_state_runs_once_after_what_it_requires(states in acyclic()) {
        // `prereq` turns an edge around and may close a circle with the others.
        let json = as_json(&states).replace("prereq", "watch_any");
        let low = compiled(&[("a.sls", &json)], &["a"]);
        let graph = Graph::build(&low);
        prop_assert!(graph.circles().is_empty());
        let mut done = HashSet::new();
        for chunk in graph.order() {
            for edge in graph.edges(chunk) {
                prop_assert!(graph.targets(edge).iter().all(|target| done.contains(target)));
            }
            prop_assert!(done.insert(chunk));
        }
        prop_assert_eq!(done.len(), low.len());
    }

    #[test]
    fn whatever_refers_to_whatever_every_state_has_its_turn(
        edges in prop::collection::vec((0..12usize, 0..12usize, 0..6usize), 0..40)
    ) {
        let mut low = compiled(&[("a.sls", &as_json(&(0..12).map(|at| (at, Vec::new())).collect::<Vec<_>>()))], &["a"]);
        for (from, to, word) in edges {
            let list = low[from].args.get_or_insert_with(WORDS[word], || Vec::<value::Value>::new().into());
            let item = [("t", format!("s{to}"))].into_iter().collect::<value::Map>();
            list.as_list_mut().unwrap().push(item.into());
        }
        let graph = Graph::build(&low);
        let mut order: Vec<usize> = graph.order().collect();
        order.sort_unstable();
        prop_assert_eq!(order, (0..12).collect::<Vec<_>>());
        for circle in graph.circles() {
            for (at, chunk) in circle.chunks.iter().enumerate() {
                let next = circle.chunks[(at + 1) % circle.chunks.len()];
                let reaches = graph.edges(*chunk).iter().any(|edge| {
                    graph.targets(edge).contains(&next)
                });
                prop_assert!(reaches, "{:?}", circle);
            }
        }
    }
}

/// `count` states, each requiring the one before, every tenth an SLS, every hundredth by `_in` and name.
fn large(count: usize) -> (String, String) {
    let mut json = String::from(r#"{"include":["b"]"#);
    for at in 0..count {
        let before = at.saturating_sub(1);
        let requisite = match at {
            0 => String::new(),
            at if at % 100 == 0 => format!(r#"{{"require_in":[{{"file":"/etc/{before}"}}]}},"#),
            at if at % 10 == 0 => r#"{"require":[{"sls":"b"}]},"#.to_string(),
            _ => format!(r#"{{"require":[{{"file":"s{before}"}}]}},"#),
        };
        write!(json, r#","s{at}":{{"file.managed":[{requisite}{{"name":"/etc/{at}"}},{{"mode":"644"}}]}}"#)
            .unwrap();
    }
    let mut included = String::from("{");
    for at in 0..count / 10 {
        let comma = if at > 0 { "," } else { "" };
        write!(included, r#"{comma}"b{at}":{{"test.nop":[]}}"#).unwrap();
    }
    (json + "}", included + "}")
}

#[test]
fn time_grows_with_size_not_with_its_square() {
    let time = |count: usize| {
        let (a, b) = large(count);
        let tree = DataTree::json([("a.sls", &*a), ("b.sls", &*b)]);
        #[expect(clippy::disallowed_methods, reason = "this test is about time")]
        let start = std::time::Instant::now();
        let mut problems = Problems::new();
        let matches = Matches::of("base", ["a"]);
        let low =
            HighState::compile(&tree, &matches, Settings::default(), &mut problems).low_full(&mut problems);
        let graph = Graph::build(&low);
        assert_eq!(graph.order().count(), count + count / 10);
        assert!(!problems.has_errors(), "{problems:?}");
        start.elapsed()
    };
    time(1_000);
    let (small, big) = (time(10_000), time(40_000));
    println!("10,000 states: {small:?}, 40,000 states: {big:?}");
    assert!(big < small * 12, "10,000 states: {small:?}, 40,000 states: {big:?}");
}
