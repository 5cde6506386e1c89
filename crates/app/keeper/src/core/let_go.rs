//! Letting go of processes that are no longer wanted.

use std::time::Duration;

use procfile::ProcessType;

use super::Act;
use super::app::App;
use super::instance::{Input, State};
use super::placement::Renewal;
use super::slot::Slot;

impl App {
    /// Lets go of processes that are no longer wanted: clients first finish with those that are routed to, and those
    /// that start after others stop before them.
    pub(super) fn let_go(&mut self, now: Duration) -> Vec<Act> {
        let mut acts = Vec::new();
        let going = self.going();
        for slot in &going {
            // Whatever happens to it from now on, it is not started again.
            acts.extend(self.give(slot, Input::Last, now));
            if !self.slots[slot].instance.is_alive() && !self.slots[slot].instance.is_over() {
                acts.extend(self.ask_to_go(slot, now));
            }
        }
        for slot in &going {
            let instance = &self.slots[slot].instance;
            if instance.is_over() || instance.is_to_stop() {
                continue;
            }
            acts.extend(self.begin_drain(slot, now));
            let drains = self.slots[slot].is_draining() && !self.rests();
            if !drains && !self.is_needed(slot) {
                acts.extend(self.ask_to_go(slot, now));
            }
        }
        acts
    }

    pub(super) fn ask_to_go(&mut self, slot: &Slot, now: Duration) -> Vec<Act> {
        if let Some(placement) = self.slots.get_mut(slot) {
            placement.let_go = true;
            placement.renewal = Renewal::No;
        }
        self.give(slot, Input::Stop, now)
    }

    /// From now on the router gives it nothing new, if it ever did.
    fn begin_drain(&mut self, slot: &Slot, now: Duration) -> Vec<Act> {
        let in_table = self.current.is_some_and(|current| slot.generation <= current.number);
        if self.rests() || !in_table {
            return Vec::new();
        }
        let Some(time) = self.drain_time(slot) else { return Vec::new() };
        let Some(placement) = self.slots.get_mut(slot) else { return Vec::new() };
        if placement.drain_until.is_some() || placement.instance.state != State::Ready {
            return Vec::new();
        }
        placement.drain_until = Some(now.saturating_add(time));
        placement.drained = time.is_zero();
        vec![Act::Drain(slot.clone())]
    }

    /// How long clients may finish with a process; `None` when none can reach it.
    fn drain_time(&self, slot: &Slot) -> Option<Duration> {
        let release = self.history.get(self.slots.get(slot)?.release)?;
        let route = release.definition.route.as_ref()?;
        (route.process_type == slot.process_type).then(|| Duration::from_secs(route.drain_seconds))
    }

    /// Whether others have to be gone first: of all that go, those stop first that nothing starts after, and among
    /// them those of the highest priority number.
    fn is_needed(&self, slot: &Slot) -> bool {
        let mut leaving: Vec<(&Slot, &ProcessType)> = self
            .slots
            .iter()
            .filter(|(other, one)| other.generation == slot.generation && one.instance.is_alive())
            .filter(|(other, _)| self.is_going(other))
            .map(|(other, one)| (other, one.instance.process_type.as_ref()))
            .collect();
        let needed: Vec<&String> = leaving.iter().flat_map(|(_, one)| &one.after).collect();
        leaving.retain(|(other, _)| !needed.contains(&&other.process_type));
        let first = leaving.iter().map(|(_, one)| one.priority).max();
        !leaving.iter().any(|(other, one)| *other == slot && Some(one.priority) == first)
    }
}
