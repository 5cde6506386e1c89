//! The releases of an app.

use serde::{Deserialize, Serialize};

use crate::Definition;

/// A definition with a number. It never changes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Release {
    /// From 1, never used twice in an app.
    pub number: u64,
    /// When it was made, in seconds since 1970.
    pub created: u64,
    /// Why it was made: `up`, `rollback to 3`, `config` …
    pub cause: String,
    /// What it is.
    pub definition: Definition,
}

/// The releases of one app, oldest first.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct History {
    releases: Vec<Release>,
    last: u64,
    current: Option<u64>,
}

/// A release that is not there (any more).
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unknown {
    /// Not in the history.
    #[error("there is no release {0}; kept are {1}")]
    Number(u64, String),
    /// Nothing to go back to.
    #[error("there is no earlier release to go back to")]
    NoEarlier,
}

impl History {
    /// Releases that are kept, besides the current one.
    pub const KEPT: usize = 50;

    /// Makes a release of a definition; answers the newest one's number when that is the very same.
    pub fn add(&mut self, definition: Definition, cause: &str, now: u64) -> u64 {
        if let Some(newest) = self.releases.last()
            && newest.definition == definition
        {
            return newest.number;
        }
        self.last = self.last.saturating_add(1);
        self.releases.push(Release { number: self.last, created: now, cause: cause.into(), definition });
        let surplus = self.releases.len().saturating_sub(Self::KEPT);
        let current = self.current;
        let mut index = 0;
        self.releases.retain(|release| {
            index += 1;
            index > surplus || Some(release.number) == current
        });
        self.last
    }

    /// Makes an earlier release's definition the newest one: that of `number`, or of the one before the current.
    pub fn roll_back(&mut self, number: Option<u64>, now: u64) -> Result<u64, Unknown> {
        let number = match (number, self.current) {
            (Some(number), _) => number,
            (None, Some(current)) => self.before(current).ok_or(Unknown::NoEarlier)?,
            (None, None) => return Err(Unknown::NoEarlier),
        };
        let definition = match self.get(number) {
            Some(release) => release.definition.clone(),
            None => return Err(Unknown::Number(number, self.numbers())),
        };
        Ok(self.add(definition, &format!("rollback to {number}"), now))
    }

    /// A release.
    pub fn get(&self, number: u64) -> Option<&Release> {
        self.releases.iter().find(|release| release.number == number)
    }

    /// The number of the release that runs, or ran last.
    pub fn current(&self) -> Option<u64> {
        self.current
    }

    /// Says which release runs.
    pub fn set_current(&mut self, number: u64) {
        self.current = Some(number);
    }

    /// All that are kept, oldest first.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = &Release> {
        self.releases.iter()
    }

    /// The newest release before that number whose definition differs from it.
    fn before(&self, number: u64) -> Option<u64> {
        let now = self.get(number)?;
        let earlier = self.releases.iter().rev().filter(|release| release.number < number);
        earlier.filter(|release| release.definition != now.definition).map(|release| release.number).next()
    }

    fn numbers(&self) -> String {
        self.releases.iter().map(|release| release.number.to_string()).collect::<Vec<_>>().join(", ")
    }
}

#[cfg(test)]
mod tests {
    use procfile::{CommandLine, ProcessType};

    use super::*;
    use crate::Variables;

    fn version(text: &str) -> Definition {
        Definition {
            app: "shop".into(),
            directory: "/srv".into(),
            revision: Some(text.into()),
            process_types: vec![ProcessType::new("web", CommandLine::Shell("true".into()))],
            config: Variables::new(),
            route: None,
            drains: Vec::new(),
        }
    }

    #[test]
    fn numbers_go_up_and_equal_definitions_share_one() {
        let mut history = History::default();
        assert_eq!(history.add(version("a"), "up", 1), 1);
        assert_eq!(history.add(version("a"), "up", 2), 1);
        assert_eq!(history.add(version("b"), "up", 3), 2);
        assert_eq!(history.add(version("a"), "up", 4), 3);
    }

    #[test]
    fn going_back_makes_a_new_release_of_the_earlier_definition() {
        let mut history = History::default();
        assert_eq!(history.roll_back(None, 0), Err(Unknown::NoEarlier));
        for text in ["a", "b"] {
            let number = history.add(version(text), "up", 1);
            history.set_current(number);
        }
        assert_eq!(history.roll_back(None, 2), Ok(3));
        assert_eq!(history.get(3).map(|release| release.definition.clone()), Some(version("a")));
        history.set_current(3);
        assert_eq!(history.roll_back(Some(9), 2), Err(Unknown::Number(9, "1, 2, 3".into())));
    }

    #[test]
    fn old_releases_go_but_never_the_current_one() {
        let mut history = History::default();
        history.add(version("0"), "up", 0);
        history.set_current(1);
        for number in 1..200 {
            history.add(version(&number.to_string()), "up", 0);
        }
        assert_eq!(history.iter().count(), History::KEPT + 1);
        assert!(history.get(1).is_some() && history.get(2).is_none());
    }
}
