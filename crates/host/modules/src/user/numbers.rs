//! Which number a new account gets: the rules of `login.defs`, as `useradd` and `groupadd` apply them.

use std::collections::BTreeSet;

/// A range of numbers, from `login.defs`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Range {
    first: u32,
    last: u32,
    descending: bool,
}

/// What `login.defs` and the defaults of `useradd` say.
#[derive(Clone, Debug, Default)]
pub(crate) struct Definitions {
    text: String,
}

impl Definitions {
    /// Of the text of both files: `KEY value` and `KEY=value` lines.
    pub(crate) fn new(text: String) -> Self {
        Self { text }
    }

    /// The value of a key; the last line counts.
    pub(crate) fn get(&self, key: &str) -> Option<&str> {
        self.text.lines().rev().find_map(|line| {
            let rest = line.trim_start().strip_prefix(key)?;
            rest.starts_with([' ', '\t', '=']).then(|| rest.trim_start_matches(['=', ' ', '\t']).trim())
        })
    }

    fn number(&self, key: &str, default: u32) -> u32 {
        let parse = |text: &str| match text.strip_prefix('0').filter(|octal| !octal.is_empty()) {
            Some(octal) => u32::from_str_radix(octal, 8).ok(),
            None => text.parse().ok(),
        };
        self.get(key).and_then(parse).unwrap_or(default)
    }

    /// Where numbers for `UID` or `GID` come from.
    pub(super) fn range(&self, kind: &str, system: bool) -> Range {
        let first = self.number(&format!("{kind}_MIN"), 1000);
        if system {
            return Range {
                first: self.number(&format!("SYS_{kind}_MIN"), 101),
                last: self.number(&format!("SYS_{kind}_MAX"), first.saturating_sub(1)),
                descending: true,
            };
        }
        Range { first, last: self.number(&format!("{kind}_MAX"), 60000), descending: false }
    }

    /// A number of that kind that nobody has.
    pub(crate) fn free(&self, kind: &str, system: bool, used: &BTreeSet<u32>) -> Option<u32> {
        self.range(kind, system).free(used)
    }

    /// Whether a user gets a group of its own.
    pub(super) fn user_groups(&self) -> bool {
        self.get("USERGROUPS_ENAB").is_none_or(|word| word == "yes")
    }

    /// The mode of a new home directory.
    pub(super) fn home_mode(&self) -> u32 {
        match self.get("HOME_MODE") {
            Some(_) => self.number("HOME_MODE", 0o755) & 0o7777,
            None => 0o777 & !self.number("UMASK", 0o22),
        }
    }
}

impl Range {
    /// A free number: the one after the highest that is used (for system accounts: before the lowest), or the
    /// first gap when the range ends there.
    pub(super) fn free(self, used: &BTreeSet<u32>) -> Option<u32> {
        if self.first > self.last {
            return None;
        }
        let mut inside = used.range(self.first..=self.last);
        let next = if self.descending {
            inside.next().map_or(Some(self.last), |lowest| lowest.checked_sub(1))
        } else {
            inside.next_back().map_or(Some(self.first), |highest| highest.checked_add(1))
        };
        let fits = |number: &u32| (self.first..=self.last).contains(number);
        let gap = || {
            let mut all = self.first..=self.last;
            if self.descending {
                all.rev().find(|it| !used.contains(it))
            } else {
                all.find(|it| !used.contains(it))
            }
        };
        next.filter(fits).or_else(gap)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn follows_login_defs() {
        let definitions = Definitions::new(
            "# UID_MIN 5\nUID_MIN\t\t 2000\nUID_MAX 2002\nUMASK 027\nUSERGROUPS_ENAB no\nSHELL=/bin/zsh\n"
                .into(),
        );
        assert_eq!(definitions.range("UID", false).free(&BTreeSet::from([0, 2000])), Some(2001));
        assert_eq!(definitions.range("UID", false).free(&BTreeSet::from([2001, 2002])), Some(2000));
        assert_eq!(definitions.range("UID", false).free(&BTreeSet::from([2000, 2001, 2002])), None);
        assert_eq!(definitions.range("GID", true).free(&BTreeSet::from([999, 998])), Some(997));
        assert_eq!(definitions.home_mode(), 0o750);
        assert!(!definitions.user_groups());
        assert_eq!(definitions.get("SHELL"), Some("/bin/zsh"));
        assert_eq!(Definitions::default().range("UID", false).free(&BTreeSet::new()), Some(1000));
    }

    proptest! {
        #[test]
        fn a_free_number_is_free_and_in_range(
            used in proptest::collection::btree_set(0u32..40, 0..40), first in 0u32..40, last in 0u32..40,
            descending: bool
        ) {
            let range = Range { first, last, descending };
            match range.free(&used) {
                Some(number) => prop_assert!(!used.contains(&number) && (first..=last).contains(&number)),
                None => prop_assert!((first..=last).all(|number| used.contains(&number))),
            }
        }
    }
}
