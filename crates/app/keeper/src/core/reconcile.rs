//! What should run, compared with what does.

use std::collections::BTreeMap;
use std::time::Duration;

use release::Formation;

use super::app::{App, Generation, Outcome, Wanted};
use super::instance::{Instance, State};
use super::placement::Placement;
use super::slot::Slot;
use super::{Act, Notice};

impl App {
    /// Brings what runs nearer to what should; called after everything that happened.
    pub(super) fn reconcile(&mut self, now: Duration) -> Vec<Act> {
        let mut acts = Vec::new();
        while !self.rests() {
            acts.extend(self.end_with_the_essential());
            if self.rests() {
                break;
            }
            acts.extend(self.fill(now));
            acts.extend(self.restart_in_turn(now));
            let decided = self.decide_rollout();
            if decided.is_empty() {
                break;
            }
            acts.extend(decided);
        }
        acts.extend(self.let_go(now));
        acts.extend(self.rest());
        acts.extend(self.forget());
        acts
    }

    /// An essential process that is over by itself takes the app with it.
    fn end_with_the_essential(&mut self) -> Vec<Act> {
        let current = self.current.map(|generation| generation.number);
        let ended = self.slots.iter().find(|(slot, placement)| {
            let instance = &placement.instance;
            let by_itself = instance.is_over() && !instance.is_to_stop();
            let essential = instance.process_type.essential && by_itself;
            essential && Some(slot.generation) == current && self.is_wanted(slot)
        });
        let Some((slot, placement)) = ended else { return Vec::new() };
        let code = placement.instance.last.map_or(1, |ending| ending.code());
        let process = slot.process();
        self.wanted = Wanted::Stopped;
        self.rollout = None;
        self.outcome = Some(Outcome::Ended(code));
        vec![Act::Tell(Notice::EssentialEnded { process, code })]
    }

    pub(super) fn wanted_generations(&self) -> Vec<Generation> {
        self.current.into_iter().chain(self.rollout.as_ref().map(|rollout| rollout.to)).collect()
    }

    /// The counts that were asked for in a generation.
    pub(super) fn formation_of(&self, generation: Generation) -> &Formation {
        match &self.rollout {
            Some(rollout) if rollout.to == generation => &rollout.formation,
            _ => &self.formation,
        }
    }

    pub(super) fn is_going(&self, slot: &Slot) -> bool {
        self.rests() || !self.is_wanted(slot)
    }

    /// All processes that are no longer wanted. Asked after everything that happens, so it looks at each type once, not once
    /// for each process.
    pub(super) fn going(&self) -> Vec<Slot> {
        let mut counts = BTreeMap::new();
        for generation in self.wanted_generations().into_iter().filter(|_| !self.rests()) {
            let formation = self.formation_of(generation);
            let types = self.process_types(generation).iter();
            counts.extend(types.map(|one| ((generation.number, one.name.as_str()), formation.count(one))));
        }
        let wanted = |slot: &Slot| {
            let count = counts.get(&(slot.generation, slot.process_type.as_str()));
            count.is_some_and(|count| slot.number <= *count)
        };
        self.slots.keys().filter(|slot| !wanted(slot)).cloned().collect()
    }

    pub(super) fn is_wanted(&self, slot: &Slot) -> bool {
        let mut generations = self.wanted_generations().into_iter();
        let Some(generation) = generations.find(|one| one.number == slot.generation) else { return false };
        let mut types = self.process_types(generation).iter();
        types
            .find(|one| one.name == slot.process_type)
            .is_some_and(|found| slot.number <= self.formation_of(generation).count(found))
    }

    /// An app that was stopped, and no longer runs.
    fn rest(&mut self) -> Vec<Act> {
        let over = self.slots.values().all(|placement| placement.instance.is_over());
        let told = self.current.is_none() && self.slots.is_empty();
        if self.wanted == Wanted::Running || !over || told {
            return Vec::new();
        }
        self.current = None;
        vec![Act::Tell(Notice::Stopped)]
    }

    /// Forgets processes that are no longer wanted once they are over. What a person stopped is kept in mind.
    fn forget(&mut self) -> Vec<Act> {
        let kept = |slot: &Slot, placement: &Placement| {
            let by_a_person = placement.instance.is_to_stop() && !placement.let_go;
            self.is_wanted(slot) && (by_a_person || !self.rests())
        };
        let over: Vec<Slot> = self
            .slots
            .iter()
            .filter(|(slot, placement)| placement.instance.is_over() && !kept(slot, placement))
            .map(|(slot, _)| slot.clone())
            .collect();
        for slot in &over {
            self.slots.remove(slot);
        }
        over.into_iter().map(Act::Forget).collect()
    }
}

/// Whether a process is ready, or has done what it was for.
pub(super) fn is_up(instance: &Instance) -> bool {
    instance.state == State::Ready || (instance.state == State::Stopped && !instance.is_to_stop())
}
