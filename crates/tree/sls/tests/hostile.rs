//! Whatever an SLS or top file renders to, a compile ends without a panic.

mod support;

use proptest::prelude::*;
use report::Problems;
use sls::{Graph, HighState, Matches, Settings, TopMerge, TopSettings};
use support::DataTree;
use value::{Map, Value};

/// Words that mean something, and some that do not.
fn word() -> impl Strategy<Value = String> {
    let words = [
        "include",
        "extend",
        "exclude",
        "require",
        "watch_in",
        "use",
        "use_in",
        "prereq",
        "prereq_in",
        "names",
        "name",
        "order",
        "last",
        "sls",
        "id",
        "a",
        "b",
        "..a",
        "b.*",
        "[",
        "pkg",
        "pkg.installed",
        "file",
        "base",
        "__x",
        "listen",
        "listen_in",
        "require_any",
        "match",
        "",
        ".",
        "ä b",
        "dev",
        "*",
    ];
    prop::sample::select(words.to_vec()).prop_map(String::from)
}

fn tree() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        word().prop_map(Value::from),
        word().prop_map(Value::from),
        (-2..3i64).prop_map(Value::from),
        Just(Value::NULL),
        any::<bool>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
    ];
    leaf.prop_recursive(5, 60, 5, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
            map(inner.clone()),
            map(inner),
        ]
    })
}

fn map(inner: impl Strategy<Value = Value>) -> impl Strategy<Value = Value> {
    prop::collection::vec((word(), inner), 0..5).prop_map(|pairs| pairs.into_iter().collect::<Map>().into())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_tree_compiles_to_something(a in map(tree()), b in tree(), top in tree(), all in any::<bool>()) {
        let tree = DataTree::base([("a.sls", a), ("b/init.sls", b), ("top.sls", top)]);
        let mut problems = Problems::new();
        let merge = if all { TopMerge::MergeAll } else { TopMerge::Same };
        let top = TopSettings { merge, ..TopSettings::default() };
        let matches = Matches::from_top(&tree, &top, &mut |_| Ok(true), &mut problems);
        for matches in [matches, Matches::of("base", ["a", "*"])] {
            let high = HighState::compile(&tree, &matches, Settings::default(), &mut problems);
            high.to_value();
            let declared = high.clone().low();
            let low = high.low_full(&mut problems);
            for chunks in [declared, low] {
                let graph = Graph::build(&chunks);
                graph.problems(&chunks);
                prop_assert_eq!(graph.order().count(), chunks.len());
            }
        }
    }
}
