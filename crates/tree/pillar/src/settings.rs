//! What of the configuration a pillar depends on.

use sls::TopSettings;
use value::{ListMerge, Map, Strategy, Value};

/// Options of a pillar compile.
#[derive(Clone, Debug, Default)]
pub struct Settings {
    /// The top file. Its `saltenv` is Salt's `pillarenv`: only that one's SLS count. How top files of several
    /// saltenvs are merged is fixed for pillars: all count.
    pub top: TopSettings,
    /// How maps are merged (`pillar_source_merging_strategy`).
    pub strategy: Strategy,
    /// Whether lists are joined instead of replaced (`pillar_merge_lists`).
    pub merge_lists: bool,
    /// Whether an included SLS wins over the one that includes it (`pillar_includes_override_sls`).
    pub includes_override: bool,
    /// Values for this run that lie over everything (`pillar={…}` on the command line).
    pub over: Map,
}

impl Settings {
    /// Lays `over` on `base`. As Salt does it, `aggregate` replaces whole keys of untagged data, and `none`
    /// merges like `recurse` (it limits which top files are read instead).
    pub(crate) fn merge(&self, base: Value, over: Value) -> Value {
        let lists = if self.merge_lists { ListMerge::Extend } else { ListMerge::Replace };
        let (strategy, lists) = match self.strategy {
            Strategy::Aggregate => (Strategy::Overwrite, ListMerge::Replace),
            Strategy::None => (Strategy::Recurse, ListMerge::Replace),
            strategy => (strategy, lists),
        };
        value::merge(base, over, strategy, lists)
    }
}
