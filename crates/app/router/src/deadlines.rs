//! Deadlines by the hundred thousand, cheap to set and rarely reached: a table that is looked through a few times a second.
//!
//! A timer in the runtime costs a lock and a place in a wheel for each request that sets it. Here setting one is a store.
//! The price is that it fires late, by up to the time between two looks.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::task::{Context, Waker};

/// Never.
const NEVER: u64 = u64::MAX;

/// All deadlines of a thread, and its clock: milliseconds since the router's start, as of the last look or request.
#[derive(Debug, Default)]
pub(crate) struct Deadlines {
    now: Cell<u64>,
    entries: RefCell<Entries>,
}

#[derive(Debug, Default)]
struct Entries {
    all: Vec<Entry>,
    free: Vec<usize>,
}

#[derive(Debug)]
struct Entry {
    at: u64,
    waker: Option<Waker>,
}

/// One deadline, which can be set again and again.
#[derive(Debug)]
pub(crate) struct Deadline {
    owner: Rc<Deadlines>,
    key: usize,
}

impl Deadlines {
    /// The time, in milliseconds.
    pub(crate) fn now(&self) -> u64 {
        self.now.get()
    }

    /// Says what time it is.
    pub(crate) fn set_now(&self, now: u64) {
        self.now.set(now);
    }

    /// A deadline that is never, until it is set.
    pub(crate) fn add(self: &Rc<Self>) -> Deadline {
        let mut entries = self.entries.borrow_mut();
        let entry = Entry { at: NEVER, waker: None };
        let key = if let Some(key) = entries.free.pop() {
            entries.all[key] = entry;
            key
        } else {
            entries.all.push(entry);
            entries.all.len() - 1
        };
        Deadline { owner: Rc::clone(self), key }
    }

    /// Wakes everybody whose time has come.
    pub(crate) fn look(&self) {
        let now = self.now();
        let mut entries = self.entries.borrow_mut();
        let late = entries.all.iter_mut().filter(|entry| entry.at <= now);
        let woken: Vec<_> = late.filter_map(|entry| entry.waker.take()).collect();
        if entries.free.len() == entries.all.len() {
            *entries = Entries::default();
        }
        drop(entries);
        woken.into_iter().for_each(Waker::wake);
    }
}

impl Deadlines {
    /// Wakes everybody, to look around.
    pub(crate) fn wake_all(&self) {
        let mut entries = self.entries.borrow_mut();
        let woken: Vec<_> = entries.all.iter_mut().filter_map(|entry| entry.waker.take()).collect();
        drop(entries);
        woken.into_iter().for_each(Waker::wake);
    }
}

impl Deadline {
    /// Sets it so many milliseconds from now.
    pub(crate) fn set(&self, after: u64) {
        self.owner.entries.borrow_mut().all[self.key].at = self.owner.now().saturating_add(after);
    }

    /// Never again, until it is set again.
    pub(crate) fn clear(&self) {
        self.owner.entries.borrow_mut().all[self.key].at = NEVER;
    }

    /// Whether it has passed. Otherwise the task is woken when it has.
    pub(crate) fn passed(&self, context: &Context<'_>) -> bool {
        let entry = &mut self.owner.entries.borrow_mut().all[self.key];
        if entry.at <= self.owner.now() {
            return true;
        }
        match &mut entry.waker {
            Some(waker) if waker.will_wake(context.waker()) => {}
            waker => *waker = Some(context.waker().clone()),
        }
        false
    }
}

impl Drop for Deadline {
    fn drop(&mut self) {
        let mut entries = self.owner.entries.borrow_mut();
        let waker = entries.all[self.key].waker.take();
        entries.all[self.key].at = NEVER;
        entries.free.push(self.key);
        drop(entries);
        drop(waker); // may drop a task, and with it other deadlines
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passes_in_time_and_can_be_set_again() {
        let all = Rc::new(Deadlines::default());
        let context = Context::from_waker(Waker::noop());
        let first = all.add();
        assert!(!first.passed(&context));
        first.set(100);
        all.set_now(99);
        all.look();
        assert!(!first.passed(&context));
        all.set_now(100);
        all.look();
        assert!(first.passed(&context));
        first.set(5);
        assert!(!first.passed(&context));
        first.clear();
        all.set_now(1000);
        assert!(!first.passed(&context));
    }

    #[test]
    fn places_are_used_again() {
        let all = Rc::new(Deadlines::default());
        let first = all.add();
        let second = all.add();
        drop(first);
        let third = all.add();
        assert_eq!((second.key, third.key), (1, 0));
        drop((second, third));
        all.look();
        assert!(all.entries.borrow().all.is_empty());
    }
}
