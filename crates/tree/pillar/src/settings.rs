//! What of the configuration a pillar depends on.

use value::{ListMerge, Strategy, Value};

/// Options of a pillar compile, named after Salt's.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The top file's path below the roots (`state_top`).
    pub top: String,
    /// The minion's saltenv, if it is pinned.
    pub saltenv: Option<String>,
    /// Only this saltenv of the pillar (`pillarenv`).
    pub pillarenv: Option<String>,
    /// How maps are merged (`pillar_source_merging_strategy`).
    pub strategy: Strategy,
    /// How lists are merged (`pillar_merge_lists`).
    pub lists: ListMerge,
    /// Whether an included SLS wins over the one that includes it (`pillar_includes_override_sls`).
    pub includes_override: bool,
    /// Values for this run, laid on top of everything (`pillar=`).
    pub overrides: Value,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            top: "top.sls".into(),
            saltenv: None,
            pillarenv: None,
            strategy: Strategy::Recurse,
            lists: ListMerge::Replace,
            includes_override: false,
            overrides: Value::NULL,
        }
    }
}

impl Settings {
    /// Lays `over` on `base`. As Salt does it, `aggregate` replaces whole keys of untagged data, and `none`
    /// merges like `recurse` (it limits which top files are read instead).
    pub(crate) fn merge(&self, base: Value, over: Value) -> Value {
        let (strategy, lists) = match self.strategy {
            Strategy::Aggregate => (Strategy::Overwrite, ListMerge::Replace),
            Strategy::None => (Strategy::Recurse, ListMerge::Replace),
            strategy => (strategy, self.lists),
        };
        value::merge(base, over, strategy, lists)
    }
}
