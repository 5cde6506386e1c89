//! `listen` and `listen_in`: what happens once everything has run.

use std::sync::Arc;

use super::index::Index;
use super::reference::{Reference, references};
use crate::LowChunk;

/// Chunks whose watch function runs at the end, if one of others has changed.
#[derive(Clone, Debug)]
pub struct Listen {
    /// Whose watch function runs; more than one only for `listen_in`. None when what it names does not exist.
    pub listeners: Vec<usize>,
    /// Group of the chunks that are listened to (see [`Graph::group`](super::Graph::group)).
    pub heard: usize,
    /// The reference that could not be resolved, of either side: "Referenced state pkg: x does not exist".
    pub missing: Option<Reference>,
}

/// In Salt's order: chunk by chunk, `listen` before `listen_in`.
pub(super) fn listens(chunks: &[LowChunk], index: &mut Index<'_>) -> Vec<Listen> {
    let mut listens = Vec::new();
    for (at, chunk) in chunks.iter().enumerate() {
        for reference in references(chunk.args.get("listen")) {
            let heard = index.listened(&reference.state, &reference.name);
            let missing = index.groups.get(heard).is_none_or(|group| group.is_empty()).then_some(reference);
            listens.push(Listen { listeners: vec![at], heard, missing });
        }
        for reference in references(chunk.args.get("listen_in")) {
            let wakes = index.listened(&reference.state, &reference.name);
            let heard = index.listened(&chunk.state, &Arc::clone(&chunk.id));
            let listeners = index.groups.get(wakes).map_or_else(Vec::new, |group| group.to_vec());
            let missing = listeners.is_empty().then_some(reference);
            listens.push(Listen { listeners, heard, missing });
        }
    }
    listens
}
