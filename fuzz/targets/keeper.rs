//! The keeper: whatever lies in `apps.json` and `handover.json`, and whatever a client says, is understood or refused;
//! and with whatever was understood, the core goes on.
//!
//! The input is up to three parts, parted by form feeds: `apps.json` (read as `handover.json` too), requests, one a
//! line, and what happens to processes then, two bytes each.

#![no_main]

use std::time::Duration;

use keeper::core::{Act, Core, Deed, Ending, Input, Now, Slot};
use keeper::protocol::{Answer, Drained, Request};
use libfuzzer_sys::fuzz_target;

/// Steps of one input, and deeds that are answered: a core may have thousands of processes.
const MOST: usize = 200;

fuzz_target!(|bytes: &[u8]| {
    let mut parts = bytes.splitn(3, |byte| *byte == 0x0c);
    let mut part = || parts.next().unwrap_or_default();
    let (saved, requests, happenings) = (part(), part(), part());
    keeper::read_handover(saved);
    let mut core = match keeper::read_apps(saved) {
        Ok(core) => core,
        Err(keeper::KeeperError::State { .. }) => Core::new(),
        Err(other) => panic!("not what was read is blamed: {other}"),
    };
    let mut now = Now { steady: Duration::from_secs(1), wall: 1 };
    for (name, _) in core.clone().apps() {
        let deeds = core.reconcile(name, now);
        answer(&mut core, deeds, now);
    }
    for line in requests.split(|byte| *byte == b'\n').take(MOST) {
        let _ = serde_json::from_slice::<Answer>(line);
        let _ = serde_json::from_slice::<Drained>(line);
        if let Ok(request) = serde_json::from_slice::<Request>(line) {
            let deeds = ask(&mut core, request, now);
            answer(&mut core, deeds, now);
        }
    }
    for step in happenings.chunks_exact(2).take(MOST) {
        // From a microsecond to some centuries.
        now.steady = now.steady.saturating_add(Duration::from_micros(1 << (step[0] >> 3).min(53)));
        let deeds = happen(&mut core, step[0] & 7, step[1], now);
        answer(&mut core, deeds, now);
    }
    core.begin_anew();
    core.deadline();
    let text = serde_json::to_vec(&core).expect("a core can be written down");
    serde_json::from_slice::<Core>(&text).expect("and read back");
});

/// What the shell does with a request.
fn ask(core: &mut Core, request: Request, now: Now) -> Vec<Deed> {
    match request {
        Request::Deploy { definition, formation, cause } => {
            core.deploy(*definition, &formation, &cause, now).map(|(_, deeds)| deeds)
        }
        Request::RollBack { app, release } => core.roll_back(&app, release, now).map(|(_, deeds)| deeds),
        Request::Start { app } => core.start(&app, now),
        Request::Stop { app, process } => core.stop(&app, process.as_deref(), now),
        Request::Restart { app, process } => core.restart(&app, process.as_deref(), now),
        Request::Scale { app, counts } => core.scale(&app, &counts, now),
        Request::Remove { app } => core.remove(&app).map(|()| Vec::new()),
        Request::Shutdown => {
            let names: Vec<String> = core.apps().map(|(name, _)| name.to_string()).collect();
            Ok(names.iter().flat_map(|name| core.halt(name, now)).collect())
        }
        _ => Ok(Vec::new()),
    }
    .unwrap_or_default()
}

/// Something happens to the process with that number, counted around.
fn happen(core: &mut Core, what: u8, which: u8, now: Now) -> Vec<Deed> {
    let keys: Vec<(String, Slot)> = core
        .apps()
        .flat_map(|(name, app)| app.slots().map(move |(slot, _)| (name.to_string(), slot.clone())))
        .collect();
    if what == 7 || keys.is_empty() {
        return core.tick(now);
    }
    let (app, slot) = &keys[usize::from(which) % keys.len()];
    let input = match what {
        0 => Input::Ready,
        1 => Input::Ended(Ending::Code(i32::from(which))),
        2 => Input::Ended(Ending::Signal(9)),
        3 => Input::Gone,
        4 => Input::Found(u32::from(which)),
        5 => return core.drained(app, slot, now),
        _ => return core.stop(app, Some(&slot.process()), now).unwrap_or_default(),
    };
    core.take(app, slot, input, now)
}

/// Does what the core says, as far as it has to be told of it.
fn answer(core: &mut Core, deeds: Vec<Deed>, now: Now) {
    let mut left = deeds;
    for number in 0..MOST as u32 {
        let Some(Deed { app, act }) = left.pop() else { return };
        let more = match act {
            Act::Spawn(slot) if number % 5 == 4 => core.take(&app, &slot, Input::CannotSpawn("so".into()), now),
            Act::Spawn(slot) => core.take(&app, &slot, Input::Spawned(number + 1), now),
            Act::Sweep(slot) => core.take(&app, &slot, Input::Gone, now),
            Act::Drain(slot) => core.drained(&app, &slot, now),
            _ => Vec::new(),
        };
        left.extend(more);
    }
}
