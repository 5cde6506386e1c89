//! `exclude`: taking ids out again.

use std::sync::Arc;

use foldhash::{HashMap, HashSet};
use value::Value;

use crate::high::HighState;
use target::Pattern;

impl HighState {
    /// Takes out what is excluded: ids by name, SLS by pattern.
    pub(crate) fn apply_exclusions(&mut self) {
        let exclusions = std::mem::take(&mut self.exclusions);
        if exclusions.is_empty() {
            return;
        }
        let mut ids: HashSet<&str> = HashSet::default();
        let mut sls: Vec<Pattern> = Vec::new();
        for exclusion in &exclusions {
            if let Some(name) = exclusion.as_str() {
                sls.push(Pattern::new(name));
            } else if exclusion.as_map().is_some_and(|map| map.len() == 1) {
                sls.extend(exclusion.get("sls").and_then(Value::as_str).map(Pattern::new));
                ids.extend(exclusion.get("id").and_then(Value::as_str));
            }
        }
        let mut gone: HashMap<Arc<str>, bool> = HashMap::default();
        self.declarations.retain(|id, declaration| {
            let home = &declaration.home.sls;
            let home_gone =
                gone.entry(Arc::clone(home)).or_insert_with(|| sls.iter().any(|glob| glob.matches(home)));
            !ids.contains(&**id) && !*home_gone
        });
    }
}
