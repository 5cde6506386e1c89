//! What should run, compared with what does.

use std::sync::Arc;
use std::time::Duration;

use procfile::ProcessType;

use super::app::{App, Generation, Outcome, Placement, Slot, Wanted};
use super::instance::{Input, Instance, State};
use super::{Act, Notice};

/// Starts of a new release that may fail before it is given up.
const TRIES_OF_A_ROLLOUT: u32 = 3;

impl App {
    /// Brings what runs nearer to what should; called after everything that happened.
    pub(super) fn reconcile(&mut self, now: Duration) -> Vec<Act> {
        let mut acts = self.end_with_the_essential();
        if self.wanted == Wanted::Running {
            acts.extend(self.fill(now));
            acts.extend(self.decide_rollout());
        }
        match self.wanted {
            Wanted::Running => acts.extend(self.retire(now)),
            Wanted::Stopped => acts.extend(self.wind_down(now)),
        }
        acts.extend(self.forget());
        acts
    }

    /// An essential process that is over by itself takes the app with it.
    fn end_with_the_essential(&mut self) -> Vec<Act> {
        if self.wanted == Wanted::Stopped {
            return Vec::new();
        }
        let current = self.current.map(|generation| generation.number);
        let ended = self.slots.iter().find(|(slot, placement)| {
            let instance = &placement.instance;
            let by_itself = instance.is_over() && !instance.is_to_stop();
            Some(slot.generation) == current && instance.process_type.essential && by_itself
        });
        let Some((slot, placement)) = ended else { return Vec::new() };
        let code = placement.instance.last.map_or(1, |ending| ending.code());
        let process = slot.process();
        self.wanted = Wanted::Stopped;
        self.rollout = None;
        self.outcome = Some(Outcome::Ended(code));
        vec![Act::Tell(Notice::EssentialEnded { process, code })]
    }

    /// Stops what runs, those first that start after others.
    fn wind_down(&mut self, now: Duration) -> Vec<Act> {
        let mut acts = Vec::new();
        let mut order: Vec<(i32, Slot)> = self
            .slots
            .iter()
            .filter(|(_, placement)| !placement.instance.is_over() && !placement.instance.is_to_stop())
            .map(|(slot, placement)| (-placement.instance.process_type.priority, slot.clone()))
            .collect();
        order.sort();
        for (_, slot) in order {
            if !self.is_needed(&slot) {
                acts.extend(self.give(&slot, Input::Stop, now));
            }
        }
        let over = self.slots.values().all(|placement| placement.instance.is_over());
        if over && !self.slots.is_empty() {
            self.current = None;
            acts.push(Act::Tell(Notice::Stopped));
        }
        acts
    }

    /// Whether a process that still runs was started after this one.
    fn is_needed(&self, slot: &Slot) -> bool {
        self.slots.iter().any(|(other, placement)| {
            other.generation == slot.generation
                && placement.instance.is_alive()
                && placement.instance.process_type.after.contains(&slot.process_type)
        })
    }

    /// Makes the processes that are missing and starts those whose turn it is.
    fn fill(&mut self, now: Duration) -> Vec<Act> {
        let mut acts = Vec::new();
        let generations = [self.current, self.rollout.map(|rollout| rollout.to)];
        for generation in generations.into_iter().flatten() {
            let mut types = self.process_types(generation);
            types.sort_by_key(|process_type| process_type.priority);
            for process_type in &types {
                for number in 1..=self.formation.count(process_type) {
                    let name = process_type.name.clone();
                    let slot = Slot { generation: generation.number, process_type: name, number };
                    self.place(&slot, generation, process_type, now);
                }
            }
            for process_type in &types {
                acts.extend(self.start_waiting(generation, process_type, now));
            }
        }
        acts
    }

    fn place(&mut self, slot: &Slot, generation: Generation, process_type: &Arc<ProcessType>, now: Duration) {
        let fresh = || Placement {
            instance: Instance::new(Arc::clone(process_type), now),
            release: generation.release,
            port: None,
            drain_until: None,
            drained: false,
        };
        let placement = self.slots.entry(slot.clone()).or_insert_with(fresh);
        if placement.drain_until.take().is_some() {
            // It was on its way out (scaled down and up again).
            placement.drained = false;
        }
    }

    fn start_waiting(
        &mut self,
        generation: Generation,
        process_type: &ProcessType,
        now: Duration,
    ) -> Vec<Act> {
        if !process_type.after.iter().all(|name| self.is_up(generation, name)) {
            return Vec::new();
        }
        let mut acts = Vec::new();
        for number in 1..=self.formation.count(process_type) {
            let slot =
                Slot { generation: generation.number, process_type: process_type.name.clone(), number };
            let waits = |placement: &Placement| placement.instance.state == State::Waiting;
            if !self.slots.get(&slot).is_some_and(waits) {
                continue;
            }
            let holders = self.holders_of_port(&slot, process_type);
            if holders.is_empty() {
                acts.extend(self.give(&slot, Input::Start, now));
            } else {
                let running: Vec<Slot> =
                    holders.into_iter().filter(|one| !self.slots[one].instance.is_to_stop()).collect();
                acts.extend(self.each(&running, &Input::Stop, now));
            }
        }
        acts
    }

    /// Processes of other generations that hold the fixed port this one needs.
    fn holders_of_port(&self, slot: &Slot, process_type: &ProcessType) -> Vec<Slot> {
        if process_type.port.is_none() {
            return Vec::new();
        }
        let holds = |other: &Slot, placement: &Placement| {
            other.generation != slot.generation
                && other.process_type == slot.process_type
                && other.number == slot.number
                && placement.instance.is_alive()
        };
        self.slots
            .iter()
            .filter(|(other, placement)| holds(other, placement))
            .map(|(other, _)| other.clone())
            .collect()
    }

    /// Whether all processes of a type are ready, or have done what they were for.
    fn is_up(&self, generation: Generation, process_type: &str) -> bool {
        let mut mine = self
            .slots
            .iter()
            .filter(|(slot, _)| slot.generation == generation.number && slot.process_type == process_type);
        mine.all(|(_, placement)| is_up(&placement.instance))
    }

    /// Whether the new generation takes over, is given up, or needs more time.
    fn decide_rollout(&mut self) -> Vec<Act> {
        let Some(rollout) = self.rollout else { return Vec::new() };
        let mine = |slot: &&Slot| slot.generation == rollout.to.number;
        let failed = self
            .slots
            .iter()
            .filter(|(slot, _)| mine(slot))
            .find_map(|(slot, placement)| Some((slot.process(), given_up(&placement.instance)?)));
        if let Some((process, why)) = failed {
            self.rollout = None;
            self.outcome = Some(Outcome::Failed);
            let stays = self.current.map(|generation| generation.release);
            if stays.is_none() {
                self.wanted = Wanted::Stopped;
            }
            let release = rollout.to.release;
            return vec![Act::Tell(Notice::RolloutFailed { release, process, why, stays })];
        }
        let ready = self.slots.iter().filter(|(slot, _)| mine(slot)).all(|(_, one)| is_up(&one.instance));
        if !ready {
            return Vec::new();
        }
        self.rollout = None;
        self.current = Some(rollout.to);
        self.history.set_current(rollout.to.release);
        self.outcome = Some(Outcome::Done);
        let types = self.process_types(rollout.to);
        let types: Vec<ProcessType> = types.iter().map(|one| one.as_ref().clone()).collect();
        self.formation.keep_only(&types);
        vec![Act::Tell(Notice::RolloutDone { release: rollout.to.release })]
    }

    /// Lets go of processes that are no longer wanted: clients first finish with those that are routed to.
    fn retire(&mut self, now: Duration) -> Vec<Act> {
        let surplus: Vec<Slot> = self.slots.keys().filter(|slot| !self.is_wanted(slot)).cloned().collect();
        let mut acts = Vec::new();
        for slot in surplus {
            let drain = self.drain_time(&slot);
            let Some(placement) = self.slots.get_mut(&slot) else { continue };
            let instance = &placement.instance;
            if instance.is_over() || instance.is_to_stop() {
                continue;
            }
            let in_use = instance.state == State::Ready && !placement.drained;
            match (drain, placement.drain_until) {
                (Some(time), None) if in_use => {
                    placement.drain_until = Some(now + time);
                    acts.push(Act::Drain(slot));
                }
                (Some(_), Some(until)) if in_use && now < until => {}
                _ => acts.extend(self.give(&slot, Input::Stop, now)),
            }
        }
        acts
    }

    fn is_wanted(&self, slot: &Slot) -> bool {
        let generations = [self.current, self.rollout.map(|rollout| rollout.to)];
        generations.into_iter().flatten().filter(|generation| generation.number == slot.generation).any(
            |generation| {
                let release = self.history.get(generation.release);
                let process_type =
                    release.and_then(|release| release.definition.process_type(&slot.process_type));
                process_type.is_some_and(|process_type| slot.number <= self.formation.count(process_type))
            },
        )
    }

    /// How long clients may finish with a process; `None` when none can reach it.
    fn drain_time(&self, slot: &Slot) -> Option<Duration> {
        let release = self.history.get(self.slots.get(slot)?.release)?;
        let route = release.definition.route.as_ref()?;
        (route.process_type == slot.process_type).then(|| Duration::from_secs(route.drain_seconds))
    }

    /// Forgets processes of earlier generations, and surplus ones, once they are over.
    fn forget(&mut self) -> Vec<Act> {
        let over: Vec<Slot> = self
            .slots
            .iter()
            .filter(|(slot, placement)| placement.instance.is_over() && !self.is_wanted(slot))
            .map(|(slot, _)| slot.clone())
            .collect();
        for slot in &over {
            self.slots.remove(slot);
        }
        over.into_iter().map(Act::Forget).collect()
    }
}

/// Whether a process is ready, or has done what it was for.
fn is_up(instance: &Instance) -> bool {
    instance.state == State::Ready || (instance.state == State::Stopped && !instance.is_to_stop())
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
