//! Making and starting the processes that are missing.

use std::sync::Arc;
use std::time::Duration;

use procfile::ProcessType;

use super::Act;
use super::app::{App, Generation};
use super::instance::{Input, State};
use super::placement::{Placement, Renewal};
use super::reconcile::is_up;
use super::slot::Slot;

impl App {
    /// Makes the processes that are missing and starts those whose turn it is.
    pub(super) fn fill(&mut self, now: Duration) -> Vec<Act> {
        let mut acts = Vec::new();
        for generation in self.wanted_generations() {
            let mut types: Vec<&ProcessType> = self.process_types(generation).iter().collect();
            types.sort_by_key(|process_type| process_type.priority);
            let formation = self.formation_of(generation);
            let wanted: Vec<Slot> = types
                .into_iter()
                .flat_map(|one| {
                    let slot = |number| Slot {
                        generation: generation.number,
                        process_type: one.name.clone(),
                        number,
                    };
                    (1..=formation.count(one)).map(slot)
                })
                .collect();
            for slot in &wanted {
                acts.extend(self.place(slot, generation, now));
            }
            for slot in &wanted {
                acts.extend(self.start_waiting(slot, now));
            }
        }
        acts
    }

    /// Sees to it that there is such a process; takes back what was done to let it go.
    fn place(&mut self, slot: &Slot, generation: Generation, now: Duration) -> Vec<Act> {
        let yields = self.yields(slot);
        let Some(placement) = self.slots.get_mut(slot) else {
            let mut types = self.process_types(generation).iter();
            if let Some(found) = types.find(|one| one.name == slot.process_type) {
                let placement = Placement::new(Arc::new(found.clone()), generation.release, now);
                self.slots.insert(slot.clone(), placement);
            }
            return Vec::new();
        };
        placement.drain_until = None;
        placement.drained = false;
        let let_go = placement.let_go && !yields;
        if let_go {
            placement.let_go = false;
        }
        self.give(slot, if let_go { Input::Restart } else { Input::Keep }, now)
    }

    /// Starts a process that waits, once nothing stands in its way.
    fn start_waiting(&mut self, slot: &Slot, now: Duration) -> Vec<Act> {
        let Some(placement) = self.slots.get(slot) else { return Vec::new() };
        let process_type = Arc::clone(&placement.instance.process_type);
        let waits = placement.instance.state == State::Waiting && !self.yields(slot);
        if !waits || !process_type.after.iter().all(|name| self.is_up(slot.generation, name)) {
            return Vec::new();
        }
        let mut acts = Vec::new();
        for holder in self.holders_of_port(slot, &process_type) {
            if !self.slots[&holder].instance.is_to_stop() {
                acts.extend(self.ask_to_go(&holder, now));
            }
        }
        if self.holders_of_port(slot, &process_type).is_empty() {
            acts.extend(self.give(slot, Input::Start, now));
        }
        acts
    }

    /// Processes of other generations that hold, or will, the fixed port this one needs.
    fn holders_of_port(&self, slot: &Slot, process_type: &ProcessType) -> Vec<Slot> {
        let Some(port) = fixed_port(process_type, slot.number) else { return Vec::new() };
        let holds = |(other, placement): &(&Slot, &Placement)| {
            let instance = &placement.instance;
            other.generation != slot.generation
                && !instance.is_over()
                && !(instance.state == State::Waiting && self.yields(other))
                && fixed_port(&instance.process_type, other.number) == Some(port)
        };
        self.slots.iter().filter(holds).map(|(other, _)| other.clone()).collect()
    }

    /// Whether a process makes way for one that is being rolled out: both need the same port.
    fn yields(&self, slot: &Slot) -> bool {
        let Some(rollout) = self.rollout.as_ref().filter(|rollout| rollout.to.number != slot.generation)
        else {
            return false;
        };
        let Some(placement) = self.slots.get(slot) else { return false };
        let Some(port) = fixed_port(&placement.instance.process_type, slot.number) else { return false };
        self.process_types(rollout.to).iter().any(|one| {
            let number = one.port.and_then(|first| u32::from(port).checked_sub(u32::from(first)));
            number.is_some_and(|number| number < rollout.formation.count(one))
        })
    }

    /// Whether all processes of a type are ready, or have done what they were for.
    fn is_up(&self, generation: u64, process_type: &str) -> bool {
        let mine = |slot: &Slot| slot.generation == generation && slot.process_type == process_type;
        self.slots
            .iter()
            .filter(|(slot, _)| mine(slot) && self.is_wanted(slot))
            .all(|(_, one)| is_up(&one.instance))
    }

    /// Starts processes anew that were asked to, one of a type at a time: the next once the others are up.
    pub(super) fn restart_in_turn(&mut self, now: Duration) -> Vec<Act> {
        if self.slots.values().all(|placement| placement.renewal == Renewal::No) {
            return Vec::new();
        }
        let going = self.going();
        let mut due = Vec::new();
        for (slot, placement) in &mut self.slots {
            match placement.renewal {
                _ if going.contains(slot) => placement.renewal = Renewal::No,
                Renewal::UnderWay if is_up(&placement.instance) => placement.renewal = Renewal::No,
                Renewal::Due => due.push(slot.clone()),
                _ => {}
            }
        }
        let mut acts = Vec::new();
        for slot in due {
            let under_way = |(other, placement): (&Slot, &Placement)| {
                let same = other.generation == slot.generation && other.process_type == slot.process_type;
                same && placement.renewal == Renewal::UnderWay
            };
            if self.slots.iter().any(under_way) {
                continue;
            }
            if let Some(placement) = self.slots.get_mut(&slot) {
                placement.renewal = Renewal::UnderWay;
            }
            acts.extend(self.give(&slot, Input::Restart, now));
            acts.extend(self.start_waiting(&slot, now));
        }
        acts
    }
}

/// The port that a process has whatever else is taken.
fn fixed_port(process_type: &ProcessType, number: u32) -> Option<u16> {
    let first = u32::from(process_type.port?);
    u16::try_from(first.checked_add(number)?.checked_sub(1)?).ok()
}
