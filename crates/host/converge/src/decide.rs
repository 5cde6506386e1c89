//! Whether a state runs, given how the states it names ended. Pure, so that its laws can be tested.
//!
//! The rules are Salt's as observed. What Salt has no word for is *unknown*: under a plan, a state whose
//! end only the run can tell.

use std::collections::BTreeMap;

/// The kinds of requisite that decide whether a state runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Requisite {
    /// All have to hold.
    Require,
    /// One has to hold.
    RequireAny,
    /// All have to hold; a change in one fires the watch.
    Watch,
    /// One has to hold; a change in one fires the watch.
    WatchAny,
    /// One has to have failed.
    Onfail,
    /// One has to have failed.
    OnfailAny,
    /// All have to have failed.
    OnfailAll,
    /// One has to have changed, none may have failed.
    Onchanges,
    /// One has to have changed.
    OnchangesAny,
    /// One of them is about to change.
    Prereq,
}

impl Requisite {
    /// The argument's name.
    pub fn word(self) -> &'static str {
        match self {
            Self::Require => "require",
            Self::RequireAny => "require_any",
            Self::Watch => "watch",
            Self::WatchAny => "watch_any",
            Self::Onfail => "onfail",
            Self::OnfailAny => "onfail_any",
            Self::OnfailAll => "onfail_all",
            Self::Onchanges => "onchanges",
            Self::OnchangesAny => "onchanges_any",
            Self::Prereq => "prereq",
        }
    }

    fn is_watch(self) -> bool {
        matches!(self, Self::Watch | Self::WatchAny)
    }

    fn is_onfail(self) -> bool {
        matches!(self, Self::Onfail | Self::OnfailAny | Self::OnfailAll)
    }

    fn is_onchanges(self) -> bool {
        matches!(self, Self::Onchanges | Self::OnchangesAny)
    }

    /// Whether one state that is as asked makes up for the others.
    fn is_any(self) -> bool {
        matches!(
            self,
            Self::RequireAny | Self::WatchAny | Self::OnfailAny | Self::Onfail | Self::OnchangesAny
        )
    }
}

/// How a named state ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seen {
    /// Whether it holds; `None` when only the run can tell.
    pub holds: Option<bool>,
    /// Whether it changed something (or would).
    pub changed: bool,
    /// Whether it ran at all; a state that was skipped has not.
    pub ran: bool,
}

/// What follows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    /// Run it.
    Run,
    /// Run it, and what it does on a watch if it changes nothing itself.
    RunAndWatch,
    /// Do not: something it needs failed.
    RequisiteFailed,
    /// Do not: nothing it waits for changed.
    NothingChanged,
    /// Do not: nothing it waits for failed.
    NothingFailed,
    /// Do not: nothing that it has to precede is about to change.
    NothingAhead,
    /// Only the run can tell whether it runs.
    Unknown,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Sign {
    Met,
    Fail,
    Change,
    ChangesMet,
    NoChanges,
    NoFailure,
    Ahead,
    NotAhead,
    Unknown,
}

/// Decides from all edges of a state: each a requisite and how the state it names ended.
pub fn decide(edges: impl IntoIterator<Item = (Requisite, Seen)>) -> Decision {
    let mut by_kind: BTreeMap<Requisite, Vec<Sign>> = BTreeMap::new();
    for (requisite, seen) in edges {
        let signs = by_kind.entry(requisite).or_default();
        if let Some(sign) = sign(requisite, seen)
            && !signs.contains(&sign)
        {
            signs.push(sign);
        }
    }
    let mut all = Vec::new();
    for (requisite, mut signs) in by_kind {
        settle(requisite, &mut signs);
        all.append(&mut signs);
    }
    let has = |sign| all.contains(&sign);
    if has(Sign::Fail) {
        Decision::RequisiteFailed
    } else if has(Sign::Unknown) {
        Decision::Unknown
    } else if has(Sign::NotAhead) && !has(Sign::Ahead) {
        Decision::NothingAhead
    } else if has(Sign::NoFailure) && !has(Sign::ChangesMet) {
        Decision::NothingFailed
    } else if has(Sign::NoChanges) && !has(Sign::ChangesMet) {
        Decision::NothingChanged
    } else if has(Sign::Change) {
        Decision::RunAndWatch
    } else if has(Sign::NoFailure) {
        Decision::NothingFailed
    } else {
        Decision::Run
    }
}

/// What one edge says. A state that was skipped says nothing, which is why several edges are needed.
fn sign(requisite: Requisite, seen: Seen) -> Option<Sign> {
    if requisite == Requisite::Prereq {
        return Some(match seen.holds {
            Some(false) => Sign::Fail,
            _ if seen.changed => Sign::Ahead,
            None => Sign::Unknown,
            Some(true) => Sign::NotAhead,
        });
    }
    if requisite.is_onfail() {
        return match seen.holds {
            Some(true) => Some(Sign::NoFailure),
            Some(false) => seen.ran.then_some(Sign::Met),
            None => Some(Sign::Unknown),
        };
    }
    if seen.holds == Some(false) {
        return Some(Sign::Fail);
    }
    if requisite.is_onchanges() {
        return Some(match (seen.changed, seen.holds) {
            (true, _) => Sign::ChangesMet,
            (false, None) => Sign::Unknown,
            (false, Some(_)) => Sign::NoChanges,
        });
    }
    if requisite.is_watch() {
        match (seen.changed, seen.holds) {
            (true, _) => return Some(Sign::Change),
            (false, None) => return Some(Sign::Unknown),
            (false, Some(_)) => {}
        }
    }
    seen.ran.then_some(Sign::Met)
}

/// Within one kind: one state that is as asked can make up for others, or has to be joined by all.
fn settle(requisite: Requisite, signs: &mut Vec<Sign>) {
    let has = |signs: &[Sign], sign| signs.contains(&sign);
    if requisite.is_any() {
        if has(signs, Sign::Met) || has(signs, Sign::Change) {
            signs.retain(|sign| *sign != Sign::Fail && *sign != Sign::NoFailure && *sign != Sign::Unknown);
        }
        if has(signs, Sign::ChangesMet) {
            signs.retain(|sign| !matches!(sign, Sign::NoChanges | Sign::Fail | Sign::Unknown));
        }
    }
    if requisite == Requisite::Onchanges && has(signs, Sign::ChangesMet) {
        signs.retain(|sign| !matches!(sign, Sign::NoChanges | Sign::Unknown));
    }
    if requisite == Requisite::OnfailAll && has(signs, Sign::NoFailure) {
        signs.retain(|sign| !matches!(sign, Sign::Met | Sign::Unknown));
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const OK: Seen = Seen { holds: Some(true), changed: false, ran: true };
    const CHANGED: Seen = Seen { holds: Some(true), changed: true, ran: true };
    const FAILED: Seen = Seen { holds: Some(false), changed: false, ran: true };
    const SKIPPED: Seen = Seen { holds: Some(true), changed: false, ran: false };
    const UNKNOWN: Seen = Seen { holds: None, changed: false, ran: true };

    #[test]
    fn rules() {
        use Requisite::*;
        let cases: &[(&[(Requisite, Seen)], Decision)] = &[
            (&[], Decision::Run),
            (&[(Require, OK), (Require, CHANGED)], Decision::Run),
            (&[(Require, OK), (Require, FAILED)], Decision::RequisiteFailed),
            (&[(Require, UNKNOWN)], Decision::Run),
            (&[(RequireAny, OK), (RequireAny, FAILED)], Decision::Run),
            (&[(RequireAny, FAILED), (RequireAny, FAILED)], Decision::RequisiteFailed),
            (&[(Watch, OK)], Decision::Run),
            (&[(Watch, OK), (Watch, CHANGED)], Decision::RunAndWatch),
            (&[(Watch, CHANGED), (Require, FAILED)], Decision::RequisiteFailed),
            (&[(Watch, UNKNOWN)], Decision::Unknown),
            (&[(WatchAny, FAILED), (WatchAny, CHANGED)], Decision::RunAndWatch),
            (&[(Onchanges, OK), (Onchanges, SKIPPED)], Decision::NothingChanged),
            (&[(Onchanges, OK), (Onchanges, CHANGED)], Decision::Run),
            (&[(Onchanges, UNKNOWN)], Decision::Unknown),
            (&[(Onchanges, UNKNOWN), (Onchanges, CHANGED)], Decision::Run),
            (&[(Onchanges, CHANGED), (Onchanges, FAILED)], Decision::RequisiteFailed),
            (&[(OnchangesAny, CHANGED), (OnchangesAny, FAILED)], Decision::Run),
            (&[(Onchanges, CHANGED), (Watch, CHANGED)], Decision::RunAndWatch),
            (&[(Onfail, OK)], Decision::NothingFailed),
            (&[(Onfail, OK), (Onfail, FAILED)], Decision::Run),
            (&[(OnfailAll, OK), (OnfailAll, FAILED)], Decision::NothingFailed),
            (&[(OnfailAll, FAILED), (OnfailAll, FAILED)], Decision::Run),
            (&[(Onfail, UNKNOWN)], Decision::Unknown),
            (&[(Onfail, FAILED), (Require, OK)], Decision::Run),
            (&[(Prereq, CHANGED)], Decision::Run),
            (&[(Prereq, OK)], Decision::NothingAhead),
            (&[(Prereq, OK), (Prereq, CHANGED)], Decision::Run),
        ];
        for (edges, decision) in cases {
            assert_eq!(decide(edges.iter().copied()), *decision, "{edges:?}");
        }
    }

    fn seen() -> impl Strategy<Value = Seen> {
        prop_oneof![Just(OK), Just(CHANGED), Just(FAILED), Just(SKIPPED), Just(UNKNOWN)]
    }

    fn edge() -> impl Strategy<Value = (Requisite, Seen)> {
        use Requisite::*;
        let kinds = [
            Require,
            RequireAny,
            Watch,
            WatchAny,
            Onfail,
            OnfailAny,
            OnfailAll,
            Onchanges,
            OnchangesAny,
            Prereq,
        ];
        (prop::sample::select(kinds.to_vec()), seen())
    }

    proptest! {
        #[test]
        fn order_of_edges_does_not_matter(mut edges in prop::collection::vec(edge(), 0..6)) {
            let forward = decide(edges.clone());
            edges.reverse();
            prop_assert_eq!(forward, decide(edges));
        }

        #[test]
        fn a_failed_requirement_always_stops(edges in prop::collection::vec(edge(), 0..6)) {
            let edges = edges.into_iter().chain([(Requisite::Require, FAILED)]);
            prop_assert_eq!(decide(edges), Decision::RequisiteFailed);
        }

        #[test]
        fn what_is_known_is_never_called_unknown(
            edges in prop::collection::vec(edge().prop_filter("known", |(_, seen)| seen.holds.is_some()), 0..6)
        ) {
            prop_assert_ne!(decide(edges), Decision::Unknown);
        }
    }
}
