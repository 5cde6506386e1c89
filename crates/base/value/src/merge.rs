//! Merging two trees: how pillar files, `merge=True` look-ups and map files are laid over each other.
//!
//! The strategies and their results are those of Salt's `pillar_source_merging_strategy`.

use crate::{Data, Map, Value};

/// What happens where both trees have a map.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Strategy {
    /// Maps are merged key by key, all the way down (`recurse`; also what `smart` means for SLS).
    #[default]
    Recurse,
    /// The later tree replaces whole keys of the top level (`overwrite`).
    Overwrite,
    /// Values of a key that both have are gathered in a list (`aggregate` for untagged data is
    /// the same as [`Recurse`](Self::Recurse); kept apart so that its name is known).
    Aggregate,
    /// The later tree is taken as it is (`none` merges nothing: the first tree stays).
    None,
}

/// What happens where both trees have a list.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ListMerge {
    /// The later list replaces the earlier one.
    #[default]
    Replace,
    /// The later list's items follow the earlier one's; items already there are not repeated.
    Extend,
}

impl Strategy {
    /// The strategy of that name in Salt's configuration.
    pub fn from_name(name: &str) -> Option<Self> {
        Some(match name {
            "recurse" | "smart" => Self::Recurse,
            "overwrite" => Self::Overwrite,
            "aggregate" => Self::Aggregate,
            "none" => Self::None,
            _ => return None,
        })
    }
}

/// Lays `over` on top of `base` and answers the result.
///
/// A later scalar replaces an earlier one; a later null replaces too, as Salt's `recurse` does.
/// A map in `base` is replaced by anything in `over` that is no map.
pub fn merge(base: Value, over: Value, strategy: Strategy, lists: ListMerge) -> Value {
    match strategy {
        Strategy::None => base,
        Strategy::Overwrite => match (base.data, over.data) {
            (Data::Map(mut below), Data::Map(above)) => {
                for (key, entry) in above {
                    below.insert_at(key, entry.key_span, entry.value);
                }
                Value { data: Data::Map(below), span: base.span.or(over.span) }
            }
            (_, data) => Value { data, span: over.span },
        },
        Strategy::Recurse | Strategy::Aggregate => recurse(base, over, lists),
    }
}

fn recurse(base: Value, over: Value, lists: ListMerge) -> Value {
    match (base.data, over.data) {
        (Data::Map(below), Data::Map(above)) => {
            Value { data: Data::Map(recurse_maps(below, above, lists)), span: base.span.or(over.span) }
        }
        (Data::List(mut below), Data::List(above)) if lists == ListMerge::Extend => {
            // What the later list itself repeats stays repeated.
            let fresh: Vec<Value> = above.into_iter().filter(|item| !below.contains(item)).collect();
            below.extend(fresh);
            Value { data: Data::List(below), span: base.span }
        }
        (_, data) => Value { data, span: over.span },
    }
}

fn recurse_maps(mut below: Map, above: Map, lists: ListMerge) -> Map {
    for (key, entry) in above {
        match below.get_key_mut(&key) {
            Some(there) => *there = recurse(std::mem::take(there), entry.value, lists),
            None => {
                below.insert_at(key, entry.key_span, entry.value);
            }
        }
    }
    below
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{Just, Strategy as _, any, prop, prop_assert_eq, prop_oneof, proptest};

    use super::*;
    use crate::json::from_text;

    fn merged(base: &str, over: &str, strategy: Strategy, lists: ListMerge) -> String {
        crate::json::to_text(&merge(from_text(base).unwrap(), from_text(over).unwrap(), strategy, lists))
    }

    #[test]
    fn strategies() {
        let (base, over) = (r#"{"a":{"x":1,"l":[1]},"b":1}"#, r#"{"a":{"y":2,"l":[1,2]},"c":null}"#);
        assert_eq!(
            merged(base, over, Strategy::Recurse, ListMerge::Replace),
            r#"{"a": {"x": 1, "l": [1, 2], "y": 2}, "b": 1, "c": null}"#
        );
        assert_eq!(
            merged(base, over, Strategy::Recurse, ListMerge::Extend),
            r#"{"a": {"x": 1, "l": [1, 2], "y": 2}, "b": 1, "c": null}"#
        );
        assert_eq!(
            merged(base, over, Strategy::Overwrite, ListMerge::Replace),
            r#"{"a": {"y": 2, "l": [1, 2]}, "b": 1, "c": null}"#
        );
        assert_eq!(
            merged(base, over, Strategy::None, ListMerge::Replace),
            r#"{"a": {"x": 1, "l": [1]}, "b": 1}"#
        );
    }

    #[test]
    fn joined_lists_keep_what_the_later_one_repeats() {
        assert_eq!(merged("[1,1]", "[2,1,2]", Strategy::Recurse, ListMerge::Extend), "[1, 1, 2, 2]");
    }

    fn tree() -> impl proptest::strategy::Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::NULL),
            any::<bool>().prop_map(Value::from),
            (0..3i64).prop_map(Value::from),
            "[a-c]".prop_map(Value::from),
        ];
        leaf.prop_recursive(3, 24, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..3).prop_map(Value::from),
                prop::collection::vec(("[a-d]", inner), 0..4)
                    .prop_map(|pairs| pairs.into_iter().collect::<Map>().into()),
            ]
        })
    }

    fn map() -> impl proptest::strategy::Strategy<Value = Value> {
        prop::collection::vec(("[a-d]", tree()), 0..4)
            .prop_map(|pairs| pairs.into_iter().collect::<Map>().into())
    }

    proptest! {
        #[test]
        fn merging_a_tree_with_itself_changes_nothing(a in tree()) {
            prop_assert_eq!(&merge(a.clone(), a.clone(), Strategy::Recurse, ListMerge::Replace), &a);
        }

        #[test]
        fn the_top_layer_wins_however_layers_are_grouped(a in map(), b in map(), c in map()) {
            let lay = |x: Value, y: Value| merge(x, y, Strategy::Recurse, ListMerge::Replace);
            let left = lay(lay(a.clone(), b.clone()), c.clone());
            let right = lay(a, lay(b, c.clone()));
            for (key, value) in c.as_map().unwrap().iter().filter(|(_, value)| value.as_map().is_none()) {
                prop_assert_eq!(left.as_map().unwrap().get_key(key), Some(value));
                prop_assert_eq!(right.as_map().unwrap().get_key(key), Some(value));
            }
        }
    }
}
