//! From one release to the next.

use super::app::{App, Outcome, Wanted};
use super::instance::{Instance, State};
use super::placement::Placement;
use super::reconcile::is_up;
use super::slot::Slot;
use super::{Act, Notice};

/// Starts of a new release that may fail before it is given up.
pub(super) const TRIES_OF_A_ROLLOUT: u32 = 3;

impl App {
    /// Whether the new generation takes over, is given up, or needs more time.
    pub(super) fn decide_rollout(&mut self) -> Vec<Act> {
        let Some(rollout) = self.rollout.clone() else { return Vec::new() };
        let mine: Vec<(&Slot, &Placement)> = self
            .slots
            .iter()
            .filter(|(slot, _)| slot.generation == rollout.to.number && self.is_wanted(slot))
            .collect();
        let release = rollout.to.release;
        let failed = mine.iter().find_map(|(slot, one)| Some((slot, one, given_up(&one.instance)?)));
        if let Some((slot, placement, why)) = failed {
            let instance = &placement.instance;
            let (process, essential) = (slot.process(), instance.process_type.essential);
            let code = instance.last.map_or(1, |ending| ending.code());
            return self.give_up_rollout(release, process, why, essential.then_some(code));
        }
        if !mine.iter().all(|(_, one)| is_up(&one.instance)) {
            return Vec::new();
        }
        self.rollout = None;
        self.current = Some(rollout.to);
        self.history.set_current(release);
        self.outcome = Some(Outcome::Done);
        self.formation = rollout.formation;
        let types = self.process_types(rollout.to).to_vec();
        self.formation.keep_only(&types);
        vec![Act::Tell(Notice::RolloutDone { release })]
    }

    fn give_up_rollout(
        &mut self,
        release: u64,
        process: String,
        why: String,
        essential: Option<i32>,
    ) -> Vec<Act> {
        self.rollout = None;
        self.outcome = Some(Outcome::Failed);
        let stays = self.current.map(|generation| generation.release);
        let notice = Notice::RolloutFailed { release, process: process.clone(), why, stays };
        let mut acts = vec![Act::Tell(notice)];
        if stays.is_none() {
            self.wanted = Wanted::Stopped;
            acts.extend(essential.map(|code| Act::Tell(Notice::EssentialEnded { process, code })));
        }
        acts
    }
}

/// Why a new release's process will not become ready any more.
fn given_up(instance: &Instance) -> Option<String> {
    match &instance.state {
        State::Failed(why) => Some(why.clone()),
        State::Backoff(_) if instance.trouble.is_some() || instance.tries >= TRIES_OF_A_ROLLOUT => {
            let ending = instance.last.map(|ending| ending.to_string());
            let why = instance.trouble.clone().or(ending).unwrap_or_else(|| "did not become ready".into());
            Some(if instance.tries > 1 { format!("{why}, {} times in a row", instance.tries) } else { why })
        }
        _ => None,
    }
}
