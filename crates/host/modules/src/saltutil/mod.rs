//! `saltutil`: upkeep of the minion itself.
//!
//! Without a master the tree is read where it lies and the catalogue is part of the program: there is nothing
//! to copy anywhere, and these functions answer that nothing was.

use value::{Map, Value};

use crate::{Context, Failure, Module};

arguments! {
    /// Copies extension modules of the tree to the minion: none, since they are used where they lie.
    pub(super) struct Sync {
        /// Accepted.
        saltenv: Option<Value>,
        /// Accepted.
        refresh: bool = true
        ;.. others
    }
}

fn sync(_: &Context<'_>, _: Sync) -> Result<Value, Failure> {
    Ok(Vec::<Value>::new().into())
}

/// The kinds in the order in which Salt lists them for a minion without master.
const KINDS: [&str; 20] = [
    "tops",
    "clouds",
    "beacons",
    "modules",
    "states",
    "sdb",
    "grains",
    "renderers",
    "returners",
    "output",
    "utils",
    "log_handlers",
    "executors",
    "proxymodules",
    "engines",
    "thorium",
    "serializers",
    "matchers",
    "pillar",
    "wrapper",
];

fn sync_all(_: &Context<'_>, _: Sync) -> Result<Map, Failure> {
    Ok(KINDS.iter().map(|kind| (*kind, Vec::<Value>::new())).collect())
}

/// The module's entry in the catalogue.
pub(crate) static MODULE: Module = Module {
    name: "saltutil",
    documentation: "Upkeep of the minion itself.",
    states: &[],
    functions: &[
        execution!("sync_all", sync_all, Sync),
        execution!("sync_modules", sync, Sync),
        execution!("sync_states", sync, Sync),
        execution!("sync_grains", sync, Sync),
        execution!("sync_renderers", sync, Sync),
        execution!("sync_returners", sync, Sync),
        execution!("sync_utils", sync, Sync),
    ],
};
