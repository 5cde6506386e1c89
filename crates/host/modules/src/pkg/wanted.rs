//! What a state asks for: names with version conditions.

use std::cmp::Ordering;

use super::provider::Provider;

/// Comparison and version: `(">=", "1.2")`.
type Condition = (Comparison, String);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Comparison {
    Equal,
    Unequal,
    Less,
    AtMost,
    More,
    AtLeast,
}

/// Comma-separated conditions on a version (`1.2*`, `>=1.2, <2`), all of which have to hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Wanted {
    /// As it was written.
    pub text: String,
    conditions: Vec<Condition>,
}

impl Wanted {
    /// Reads conditions; `None` for text that asks for nothing.
    pub(super) fn read(text: &str) -> Option<Self> {
        let conditions: Vec<Condition> =
            text.split(',').map(str::trim).filter(|part| !part.is_empty()).map(condition).collect();
        (!conditions.is_empty()).then(|| Self { text: text.trim().to_string(), conditions })
    }

    /// Whether a version satisfies all conditions. An epoch counts when the condition has one or orders;
    /// `ignore_epoch` says otherwise. `allow_updates` turns one plain version into "at least".
    pub(super) fn allows(
        &self,
        provider: &dyn Provider,
        version: &str,
        ignore_epoch: Option<bool>,
        allow_updates: bool,
    ) -> bool {
        let updates = allow_updates && self.conditions.len() == 1;
        self.conditions.iter().all(|(comparison, wanted)| {
            let comparison =
                if updates && *comparison == Comparison::Equal { Comparison::AtLeast } else { *comparison };
            let plain =
                matches!(comparison, Comparison::Equal | Comparison::Unequal) && !wanted.contains(':');
            if comparison == Comparison::Equal && matches_glob(wanted, version) {
                return true;
            }
            let order = if ignore_epoch.unwrap_or(plain) {
                provider.compare(provider.without_epoch(version), provider.without_epoch(wanted))
            } else {
                provider.compare(version, wanted)
            };
            match comparison {
                Comparison::Equal => order.is_eq(),
                Comparison::Unequal => order.is_ne(),
                Comparison::Less => order.is_lt(),
                Comparison::AtMost => order.is_le(),
                Comparison::More => order.is_gt(),
                Comparison::AtLeast => order.is_ge(),
            }
        })
    }

    /// The highest of some versions that satisfies all conditions.
    pub(super) fn best<'a>(
        &self,
        provider: &dyn Provider,
        versions: &'a [String],
        ignore_epoch: Option<bool>,
    ) -> Option<&'a String> {
        versions
            .iter()
            .filter(|version| self.allows(provider, version, ignore_epoch, false))
            .max_by(|left, right| provider.compare(left, right))
    }

    /// `name=1.2`, `name>=1.2`: as Salt names a wanted package in comments.
    pub(super) fn beside(&self, name: &str) -> String {
        let equals = if self.text.starts_with(['<', '>', '=']) { "" } else { "=" };
        format!("{name}{equals}{}", self.text)
    }
}

fn condition(text: &str) -> Condition {
    const SIGNS: &[(&str, Comparison)] = &[
        ("==", Comparison::Equal),
        ("!=", Comparison::Unequal),
        ("<>", Comparison::Unequal),
        (">=", Comparison::AtLeast),
        ("<=", Comparison::AtMost),
        ("=", Comparison::Equal),
        (">", Comparison::More),
        ("<", Comparison::Less),
    ];
    for (sign, comparison) in SIGNS {
        if let Some(version) = text.strip_prefix(sign) {
            return (*comparison, version.trim().to_string());
        }
    }
    (Comparison::Equal, text.to_string())
}

/// `*` and `?` only, which is what versions are matched with; linear in the worst case by backing up to the
/// last star alone.
fn matches_glob(pattern: &str, text: &str) -> bool {
    let (pattern, text): (Vec<char>, Vec<char>) = (pattern.chars().collect(), text.chars().collect());
    let (mut p, mut t) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while let Some(letter) = text.get(t) {
        match pattern.get(p) {
            Some('*') => {
                star = Some((p + 1, t));
                p += 1;
            }
            Some(wanted) if *wanted == '?' || wanted == letter => {
                p += 1;
                t += 1;
            }
            _ => match star {
                Some((after, from)) => {
                    star = Some((after, from + 1));
                    (p, t) = (after, from + 1);
                }
                None => return false,
            },
        }
    }
    pattern.get(p..).unwrap_or_default().iter().all(|letter| *letter == '*')
}

/// The order of two versions as Salt's `version_cmp` answers it.
pub(super) fn sign(order: Ordering) -> i64 {
    order as i64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pkg::apt::Apt;

    #[test]
    fn conditions_hold_as_they_do_in_salt() {
        let cases = [
            ("1.2", "1.2", true),
            ("1.2", "1:1.2", true),
            ("0:1.2", "1:1.2", false),
            ("1.2*", "1.2.3-1", true),
            ("1.?", "1.2", true),
            (">=1.2", "1.10", true),
            (">= 1.2, < 2", "2.0", false),
            (">=1.2,<2,!=1.4", "1.4", false),
            (">=1.2", "1:0.1", true),
            ("==1.2", "1.3", false),
            ("<1", "1:0", false),
        ];
        for (wanted, version, holds) in cases {
            let read = Wanted::read(wanted).unwrap();
            assert_eq!(read.allows(&Apt, version, None, false), holds, "{wanted} against {version}");
        }
        assert!(Wanted::read("1.0").unwrap().allows(&Apt, "1.5", None, true));
        assert_eq!(Wanted::read(" , "), None);
    }

    #[test]
    fn the_best_version_is_the_highest_that_fits() {
        let versions = ["1.0", "1.10", "1.9", "2.0"].map(String::from);
        assert_eq!(Wanted::read("<2").unwrap().best(&Apt, &versions, None).unwrap(), "1.10");
        assert_eq!(Wanted::read("1.*").unwrap().beside("x"), "x=1.*");
        assert_eq!(Wanted::read(">1").unwrap().beside("x"), "x>1");
    }
}
