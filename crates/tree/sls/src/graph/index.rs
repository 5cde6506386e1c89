//! Finding chunks by what requisites say of them.

use std::sync::Arc;

use foldhash::HashMap;
use target::{Pattern, is_pattern};

use crate::LowChunk;

/// Indexes over a list of chunks, and the groups that references have been resolved to.
pub(super) struct Index<'c> {
    chunks: &'c [LowChunk],
    by_name: HashMap<&'c str, Vec<usize>>,
    by_sls: HashMap<&'c str, Vec<usize>>,
    included_through: HashMap<&'c str, Vec<&'c str>>,
    known: HashMap<(Arc<str>, Arc<str>), usize>,
    listened: HashMap<(Arc<str>, Arc<str>), usize>,
    pub(super) groups: Vec<Box<[usize]>>,
}

impl<'c> Index<'c> {
    pub(super) fn of(chunks: &'c [LowChunk]) -> Self {
        let mut by_name: HashMap<&str, Vec<usize>> = HashMap::default();
        let mut by_sls: HashMap<&str, Vec<usize>> = HashMap::default();
        let mut included_through: HashMap<&str, Vec<&str>> = HashMap::default();
        for (at, chunk) in chunks.iter().enumerate() {
            by_name.entry(&chunk.name).or_default().push(at);
            if chunk.id != chunk.name {
                by_name.entry(&chunk.id).or_default().push(at);
            }
            let of_sls = by_sls.entry(&chunk.sls).or_default();
            if of_sls.is_empty() {
                for through in chunk.included_from.iter() {
                    included_through.entry(through).or_default().push(&chunk.sls);
                }
            }
            of_sls.push(at);
        }
        Self {
            chunks,
            by_name,
            by_sls,
            included_through,
            known: HashMap::default(),
            listened: HashMap::default(),
            groups: Vec::new(),
        }
    }

    /// The group of chunks that a requisite `state: name` means: of that module (any for `id`) with a name or
    /// id that fits the pattern, or, for `sls`, all of that SLS and of those it includes.
    pub(super) fn group(&mut self, state: &Arc<str>, name: &Arc<str>) -> usize {
        let key = (Arc::clone(state), Arc::clone(name));
        if let Some(group) = self.known.get(&key) {
            return *group;
        }
        let found = if &**state == "sls" { self.of_sls(name) } else { self.named(state, name) };
        let group = self.add(found);
        self.known.insert(key, group);
        group
    }

    /// The group of chunks that a `listen` means: as [`group`](Self::group), without patterns and SLS.
    pub(super) fn listened(&mut self, state: &Arc<str>, name: &Arc<str>) -> usize {
        let key = (Arc::clone(state), Arc::clone(name));
        if let Some(group) = self.listened.get(&key) {
            return *group;
        }
        let found = self.exactly_named(state, name);
        let group = self.add(found);
        self.listened.insert(key, group);
        group
    }

    fn add(&mut self, found: Vec<usize>) -> usize {
        self.groups.push(found.into());
        self.groups.len() - 1
    }

    fn named(&self, state: &str, name: &str) -> Vec<usize> {
        if !is_pattern(name) {
            return self.exactly_named(state, name);
        }
        let glob = Pattern::new(name);
        let fits = |chunk: &LowChunk| {
            (state == "id" || state == &*chunk.state)
                && (glob.matches(&chunk.name) || glob.matches(&chunk.id))
        };
        self.chunks.iter().enumerate().filter(|(_, chunk)| fits(chunk)).map(|(at, _)| at).collect()
    }

    fn exactly_named(&self, state: &str, name: &str) -> Vec<usize> {
        let of_state =
            |at: &&usize| state == "id" || self.chunks.get(**at).is_some_and(|chunk| &*chunk.state == state);
        self.by_name.get(name).into_iter().flatten().filter(of_state).copied().collect()
    }

    fn of_sls(&self, name: &str) -> Vec<usize> {
        let mut sls: Vec<&str> = self.included_through.get(name).cloned().unwrap_or_default();
        if is_pattern(name) {
            let glob = Pattern::new(name);
            sls.extend(self.by_sls.keys().filter(|sls| glob.matches(sls)));
        } else {
            sls.push(name);
        }
        let mut found: Vec<usize> =
            sls.iter().filter_map(|sls| self.by_sls.get(sls)).flatten().copied().collect();
        found.sort_unstable();
        found.dedup();
        found
    }
}
