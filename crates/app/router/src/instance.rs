//! What the router knows about an instance, and which one a request goes to.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering::{Relaxed, SeqCst};
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64};

use tokio::sync::Notify;

use crate::{InstanceId, InstanceStatistics};

/// For how long an instance that could not be reached is avoided, first; doubled each time, up to the longest.
const FIRST_COOLING: u64 = 250;
const LONGEST_COOLING: u64 = 8000;

/// One instance, as long as anybody knows it.
#[derive(Debug)]
pub(crate) struct InstanceState {
    pub(crate) id: InstanceId,
    pub(crate) address: SocketAddr,
    /// Its number in this router, never used again.
    pub(crate) number: u64,
    requests: AtomicU32,
    tunnels: AtomicU32,
    total: AtomicU64,
    failures: AtomicU64,
    failures_in_a_row: AtomicU32,
    cooling_until: AtomicU64,
    retired: AtomicBool,
    /// Told when it is retired and something of it has ended.
    pub(crate) ended: Notify,
}

impl InstanceState {
    pub(crate) fn new(id: InstanceId, address: SocketAddr, number: u64) -> Self {
        Self {
            id,
            address,
            number,
            requests: AtomicU32::new(0),
            tunnels: AtomicU32::new(0),
            total: AtomicU64::new(0),
            failures: AtomicU64::new(0),
            failures_in_a_row: AtomicU32::new(0),
            cooling_until: AtomicU64::new(0),
            retired: AtomicBool::new(false),
            ended: Notify::new(),
        }
    }

    /// No new request from now on. A request that was chosen for it at this very moment either sees this or is seen in
    /// [`InstanceState::load`]: both sides write first and read then.
    pub(crate) fn retire(&self) {
        self.retired.store(true, SeqCst);
    }

    pub(crate) fn revive(&self) {
        self.retired.store(false, SeqCst);
    }

    pub(crate) fn is_retired(&self) -> bool {
        self.retired.load(SeqCst)
    }

    /// Requests and tunnels in it.
    pub(crate) fn load(&self) -> (u32, u32) {
        (self.requests.load(SeqCst), self.tunnels.load(SeqCst))
    }

    /// It could not be reached.
    pub(crate) fn failed(&self, now: u64) {
        self.failures.fetch_add(1, Relaxed);
        let row = self.failures_in_a_row.fetch_add(1, Relaxed).min(16);
        let cooling = (FIRST_COOLING << row).min(LONGEST_COOLING);
        self.cooling_until.store(now + cooling, Relaxed);
    }

    /// It answered.
    pub(crate) fn worked(&self) {
        if self.failures_in_a_row.load(Relaxed) != 0 {
            self.failures_in_a_row.store(0, Relaxed);
            self.cooling_until.store(0, Relaxed);
        }
    }

    fn cools(&self, now: u64) -> bool {
        self.cooling_until.load(Relaxed) > now
    }

    pub(crate) fn statistics(&self, now: u64) -> InstanceStatistics {
        let (requests, tunnels) = self.load();
        InstanceStatistics {
            id: self.id.clone(),
            requests,
            tunnels,
            total: self.total.load(Relaxed),
            failures: self.failures.load(Relaxed),
            cooling: self.cools(now),
            retired: self.is_retired(),
        }
    }
}

/// A request in an instance. It ends when this is dropped.
#[derive(Debug)]
pub(crate) struct InFlight {
    pub(crate) instance: Arc<InstanceState>,
    tunnel: bool,
}

impl InFlight {
    fn enter(instance: &Arc<InstanceState>) -> Option<Self> {
        instance.requests.fetch_add(1, SeqCst);
        let entered = Self { instance: Arc::clone(instance), tunnel: false };
        (!instance.is_retired()).then_some(entered)
    }

    /// The request has become an upgraded connection.
    pub(crate) fn into_tunnel(mut self) -> Self {
        self.instance.tunnels.fetch_add(1, SeqCst);
        self.leave();
        self.tunnel = true;
        self
    }

    fn leave(&self) {
        let counter = if self.tunnel { &self.instance.tunnels } else { &self.instance.requests };
        counter.fetch_sub(1, SeqCst);
        if self.instance.is_retired() {
            self.instance.ended.notify_waiters();
        }
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        self.leave();
    }
}

/// The instance with the fewest requests in it, those in a row that starts somewhere else each time; one that could not be
/// reached lately only when there is no other. `tried` holds numbers of instances not to choose.
pub(crate) fn choose(
    instances: &[Arc<InstanceState>],
    rotation: usize,
    tried: &[u64],
    now: u64,
) -> Option<InFlight> {
    loop {
        let start = rotation.checked_rem(instances.len())?;
        let (before, after) = instances.split_at(start);
        let candidates = after
            .iter()
            .chain(before)
            .filter(|instance| !instance.is_retired() && !tried.contains(&instance.number));
        let best =
            candidates.min_by_key(|instance| (instance.cools(now), instance.requests.load(Relaxed)))?;
        if let Some(entered) = InFlight::enter(best) {
            best.total.fetch_add(1, Relaxed);
            return Some(entered);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn instances(count: u64) -> Vec<Arc<InstanceState>> {
        let address = SocketAddr::from(([127, 0, 0, 1], 1));
        (0..count).map(|number| Arc::new(InstanceState::new("web".into(), address, number))).collect()
    }

    #[test]
    fn the_least_loaded_is_chosen_and_equals_take_turns() {
        let all = instances(3);
        let held: Vec<_> = (0..6).map(|turn| choose(&all, turn, &[], 0).unwrap()).collect();
        assert_eq!(all.iter().map(|one| one.load().0).collect::<Vec<_>>(), [2, 2, 2]);
        drop(held);
        let numbers: Vec<_> =
            (0..4).map(|turn| choose(&all, turn, &[], 0).unwrap().instance.number).collect();
        assert_eq!(numbers, [0, 1, 2, 0]);
        let _one = choose(&all, 1, &[], 0);
        assert_eq!(choose(&all, 1, &[], 0).unwrap().instance.number, 2);
        assert_eq!(all.iter().map(|one| one.load().0).sum::<u32>(), 1);
    }

    #[test]
    fn retired_and_tried_ones_are_never_chosen() {
        let all = instances(2);
        all[0].retire();
        assert_eq!(choose(&all, 0, &[], 0).unwrap().instance.number, 1);
        assert!(choose(&all, 0, &[1], 0).is_none());
        all[1].retire();
        assert!(choose(&all, 0, &[], 0).is_none());
        assert!(choose(&[], 0, &[], 0).is_none());
        assert_eq!(all[1].load(), (0, 0));
    }

    #[test]
    fn one_that_fails_is_avoided_for_a_while_unless_it_is_the_last() {
        let all = instances(2);
        all[0].failed(1000);
        assert_eq!(choose(&all, 0, &[], 1100).unwrap().instance.number, 1);
        assert_eq!(choose(&all, 0, &[1], 1100).unwrap().instance.number, 0);
        assert_eq!(choose(&all, 0, &[], 1250).unwrap().instance.number, 0);
        all[0].failed(1250);
        assert!(all[0].cools(1250 + 499) && !all[0].cools(1250 + 500));
        all[0].worked();
        assert!(!all[0].cools(1251));
    }

    #[test]
    fn a_tunnel_is_no_request() {
        let all = instances(1);
        let tunnel = choose(&all, 0, &[], 0).unwrap().into_tunnel();
        assert_eq!(all[0].load(), (0, 1));
        drop(tunnel);
        assert_eq!(all[0].load(), (0, 0));
    }
}
