//! How many processes of each type run.

use std::collections::BTreeMap;

use procfile::ProcessType;
use serde::{Deserialize, Serialize};

/// Counts that were asked for, by process type. What is not in it runs as its definition says.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Formation(BTreeMap<String, u32>);

impl Formation {
    /// The most processes of one type.
    pub const MOST: u32 = 1000;

    /// As the definition says.
    pub fn new() -> Self {
        Self::default()
    }

    /// Asks for a count of one type.
    pub fn set(&mut self, process_type: impl Into<String>, count: u32) {
        self.0.insert(process_type.into(), count.min(Self::MOST));
    }

    /// Asks for all that another formation names.
    pub fn set_all(&mut self, counts: &Self) {
        self.0.extend(counts.0.iter().map(|(name, count)| (name.clone(), (*count).min(Self::MOST))));
    }

    /// How many processes of a type are to run: at most [`MOST`](Self::MOST).
    pub fn count(&self, process_type: &ProcessType) -> u32 {
        self.0.get(&process_type.name).copied().unwrap_or(process_type.count).min(Self::MOST)
    }

    /// What was asked for, by name.
    pub fn iter(&self) -> impl Iterator<Item = (&str, u32)> {
        self.0.iter().map(|(name, count)| (name.as_str(), *count))
    }

    /// Forgets counts of types that a definition no longer has.
    pub fn keep_only(&mut self, process_types: &[ProcessType]) {
        self.0.retain(|name, _| process_types.iter().any(|known| &known.name == name));
    }
}
