//! Config vars as they reach a process: names and values, values hidden from every print.

use std::fmt;

use serde::{Deserialize, Serialize};
use value::Secret;

/// Config vars in order of their names. Serialised they are plain: what stores or sends them has to be private.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Variables(std::collections::BTreeMap<String, String>);

impl Variables {
    /// None yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets one.
    pub fn set(&mut self, name: impl Into<String>, value: impl Into<String>) {
        self.0.insert(name.into(), value.into());
    }

    /// Their names, in order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }

    /// The value of one, hidden.
    pub fn get(&self, name: &str) -> Option<Secret<&str>> {
        self.0.get(name).map(|value| Secret::new(value.as_str()))
    }

    /// Names and values: for the environment of a process, and for whoever may see them.
    pub fn reveal(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// How many.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl<N: Into<String>, V: Into<String>> FromIterator<(N, V)> for Variables {
    fn from_iter<I: IntoIterator<Item = (N, V)>>(pairs: I) -> Self {
        Self(pairs.into_iter().map(|(name, value)| (name.into(), value.into())).collect())
    }
}

impl fmt::Debug for Variables {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.names().map(|name| (name, Secret::new(())))).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_never_print() {
        let variables = Variables::from_iter([("TOKEN", "hunter2")]);
        assert_eq!(format!("{variables:?}"), r#"{"TOKEN": ********}"#);
        assert_eq!(variables.reveal().collect::<Vec<_>>(), [("TOKEN", "hunter2")]);
    }
}
