mod world;

use std::time::Duration;

use procfile::{CommandLine, ProcessType, Readiness, Restart, RestartPolicy};
use proptest::prelude::*;
use release::{Definition, Formation, Route, Variables};

use super::*;
use world::{ENDS_EARLY, GOOD, MISSING, NEVER_READY, World, longest_stop};

const GRACE: Duration = Duration::from_secs(4);

/// `web` behind the router and after `db`; `worker`; `mail` on a fixed port.
fn shop(app: &str, kind: &str, number: u32) -> Definition {
    let of = |name: &str, ready: Readiness| {
        let mut one = ProcessType::new(name, CommandLine::Shell("true".into()));
        one.ready = ready;
        one.ready_timeout = Duration::from_secs(5);
        one.stop.grace = GRACE;
        one
    };
    let mut web = of("web", Readiness::Port);
    web.after = vec!["db".into()];
    web.count = 2;
    let mut db = of("db", Readiness::Notify);
    db.priority = 1;
    let mut mail = of("mail", Readiness::Port);
    mail.port = Some(2525);
    let worker = of("worker", Readiness::Uptime(Duration::ZERO));
    Definition {
        app: app.into(),
        directory: "/srv".into(),
        revision: Some(format!("{kind}/{number}")),
        process_types: vec![web, worker, db, mail],
        config: Variables::new(),
        route: Some(Route {
            process_type: "web".into(),
            hosts: Vec::new(),
            path: "/".into(),
            drain_seconds: 10,
        }),
        drains: Vec::new(),
    }
}

fn counts(text: &str) -> Formation {
    let mut formation = Formation::new();
    for (name, count) in text.split(',').filter_map(|part| part.split_once('=')) {
        formation.set(name, count.parse().unwrap());
    }
    formation
}

#[derive(Clone, Debug)]
enum Step {
    Deploy(u8, &'static str, &'static str),
    RollBack(u8),
    Scale(u8, &'static str),
    Restart(u8),
    RestartType(u8, &'static str),
    Start(u8),
    Stop(u8),
    StopProcess(u8, &'static str),
    Remove(u8),
    Crash(usize),
    Drained,
    Reload,
    Reboot,
    KeeperEnds,
}

const KINDS: [&str; 4] = [GOOD, NEVER_READY, ENDS_EARLY, MISSING];
const COUNTS: [&str; 6] = ["", "web=1", "web=3,worker=2", "web=2,worker=0", "mail=2", "db=0,web=1"];
const PROCESSES: [&str; 5] = ["web.1", "web", "worker.1", "mail", "db"];

fn name(app: u8) -> String {
    format!("app{app}")
}

/// Anything that people and machines do.
fn any_step() -> impl Strategy<Value = Step> {
    let app = 0..2_u8;
    prop_oneof![
        4 => (app.clone(), proptest::sample::select(&KINDS[..]), proptest::sample::select(&COUNTS[..]))
            .prop_map(|(app, kind, counts)| Step::Deploy(app, kind, counts)),
        1 => app.clone().prop_map(Step::RollBack),
        3 => (app.clone(), proptest::sample::select(&COUNTS[..])).prop_map(|(app, counts)| Step::Scale(app, counts)),
        1 => app.clone().prop_map(Step::Restart),
        2 => (app.clone(), proptest::sample::select(&PROCESSES[..])).prop_map(|(app, one)| Step::RestartType(app, one)),
        1 => app.clone().prop_map(Step::Start),
        1 => app.clone().prop_map(Step::Stop),
        2 => (app.clone(), proptest::sample::select(&PROCESSES[..])).prop_map(|(app, one)| Step::StopProcess(app, one)),
        1 => app.prop_map(Step::Remove),
        4 => (0..20_usize).prop_map(Step::Crash),
        2 => Just(Step::Drained),
        2 => Just(Step::Reload),
        1 => Just(Step::Reboot),
        1 => Just(Step::KeeperEnds),
    ]
}

/// What must not be noticed by an app's clients.
fn gentle_step() -> impl Strategy<Value = Step> {
    let app = 0..2_u8;
    let more = ["web=1", "web=3", "web=2,worker=3", "mail=2", "mail=0"];
    prop_oneof![
        4 => (app.clone(), proptest::sample::select(&KINDS[..]), proptest::sample::select(&COUNTS[..5]))
            .prop_map(|(app, kind, counts)| Step::Deploy(app, kind, counts)),
        1 => app.clone().prop_map(Step::RollBack),
        3 => (app.clone(), proptest::sample::select(more.to_vec())).prop_map(|(app, counts)| Step::Scale(app, counts)),
        1 => app.clone().prop_map(Step::Restart),
        1 => (app.clone(), proptest::sample::select(vec!["worker", "mail", "db"]))
            .prop_map(|(app, one)| Step::RestartType(app, one)),
        1 => app.clone().prop_map(Step::Start),
        1 => app.prop_map(Step::Stop),
        2 => Just(Step::Drained),
        2 => Just(Step::Reload),
        1 => Just(Step::Reboot),
        1 => Just(Step::KeeperEnds),
    ]
}

fn walk(steps: Vec<(Step, u64)>, seed: u64, healthy: bool) {
    let mut world = World::new(seed, healthy);
    for (number, (step, pause)) in steps.into_iter().enumerate() {
        take_step(&mut world, step, number as u32);
        world.pass(Duration::from_millis(pause));
    }
    world.healthy = true;
    world.pass(Duration::from_mins(10));
    check_rest(&world);
}

fn take_step(world: &mut World, step: Step, number: u32) {
    let now = world.time();
    let core = &mut world.core;
    let deeds = match step {
        Step::Deploy(app, kind, wanted) => {
            let definition = shop(&name(app), kind, number);
            core.deploy(definition, &counts(wanted), "test", now).map(|(_, deeds)| deeds)
        }
        Step::RollBack(app) => core.roll_back(&name(app), None, now).map(|(_, deeds)| deeds),
        Step::Scale(app, wanted) => core.scale(&name(app), &counts(wanted), now),
        Step::Restart(app) => core.restart(&name(app), None, now),
        Step::RestartType(app, process) => core.restart(&name(app), Some(process), now),
        Step::Start(app) => core.start(&name(app), now),
        Step::Stop(app) => {
            if core.app(&name(app)).is_some_and(|app| app.stop_said) {
                world.said_twice.push((name(app), None));
            }
            core.stop(&name(app), None, now)
        }
        Step::StopProcess(app, process) => {
            let named = core.app(&name(app)).and_then(|one| one.named("", process).ok()).unwrap_or_default();
            let stops = |slot: &Slot| {
                core.placement(&name(app), slot).is_some_and(|one| one.instance.is_to_stop() && !one.let_go)
            };
            if named.iter().any(stops) {
                world.said_twice.push((name(app), Some(process.into())));
            }
            core.stop(&name(app), Some(process), now)
        }
        Step::Remove(app) => core.remove(&name(app)).map(|()| Vec::new()),
        Step::Crash(which) => return world.crash(which),
        Step::Drained => return world.drained(),
        Step::Reload => return world.reload(),
        Step::Reboot => return world.reboot(),
        Step::KeeperEnds => return world.keeper_ends(),
    };
    world.carry_out(deeds.unwrap_or_default());
}

/// Once nothing goes wrong any more, everything is as was asked.
fn check_rest(world: &World) {
    let mut expected = Vec::new();
    for (name, app) in world.core.apps() {
        assert_eq!(app.rollout(), None, "a rollout of {name} is never decided");
        if app.wanted == Wanted::Stopped {
            assert_eq!(app.slots().count(), 0, "{name} is stopped and has processes");
            continue;
        }
        let current = app.current().expect("an app that runs has a generation");
        for process_type in &app.history.get(current.release).unwrap().definition.process_types {
            for number in 1..=app.formation.count(process_type) {
                let slot =
                    Slot { generation: current.number, process_type: process_type.name.clone(), number };
                let placement = &app.slots[&slot];
                let state = &placement.instance.state;
                if placement.instance.is_to_stop() {
                    assert!(!placement.let_go, "{name}/{slot} was let go and is wanted");
                    assert_eq!(*state, State::Stopped, "{name}/{slot}");
                } else if waits_for_a_stopped_one(app, placement) {
                    assert_eq!(*state, State::Waiting, "{name}/{slot}");
                } else {
                    assert_eq!(*state, State::Ready, "{name}/{slot}");
                    expected.push(format!("{name}/{slot}"));
                }
            }
        }
        let answering = app.table().map_or(0, |table| table.instances.len());
        let ready = app.slots().filter(|(slot, one)| {
            slot.process_type == "web"
                && one.instance.state == State::Ready
                && slot.generation == current.number
        });
        let routed = app.history.get(current.release).is_some_and(|one| one.definition.route.is_some());
        assert_eq!(answering, if routed { ready.count() } else { 0 }, "{name}");
        let count: u32 = app
            .history
            .get(current.release)
            .iter()
            .flat_map(|release| &release.definition.process_types)
            .map(|one| app.formation.count(one))
            .sum();
        assert_eq!(app.slots().count(), count as usize, "{name} has processes that nobody wants");
    }
    expected.sort();
    assert_eq!(world.running(), expected);
}

/// Whether a person has stopped what it starts after.
fn waits_for_a_stopped_one(app: &App, placement: &Placement) -> bool {
    let instance = &placement.instance;
    instance.state == State::Waiting
        && app.slots().any(|(other, one)| {
            instance.process_type.after.contains(&other.process_type) && one.instance.is_to_stop()
        })
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn whatever_happens_the_laws_hold(
        steps in proptest::collection::vec((any_step(), 0..8_000_u64), 1..25),
        seed in any::<u64>(),
    ) {
        walk(steps, seed, false);
    }

    #[test]
    fn while_nothing_goes_wrong_somebody_always_answers(
        steps in proptest::collection::vec((gentle_step(), 0..15_000_u64), 1..20),
        seed in any::<u64>(),
    ) {
        walk(steps, seed, true);
    }
}

// --- scenes ---

/// An app of one process type that is ready at once, changed as the case wants it.
fn small(change: impl FnOnce(&mut Definition)) -> Definition {
    let mut worker = ProcessType::new("worker", CommandLine::Shell("true".into()));
    worker.stop.grace = GRACE;
    let mut definition = Definition {
        app: "shop".into(),
        directory: "/srv".into(),
        revision: Some(GOOD.into()),
        process_types: vec![worker],
        config: Variables::new(),
        route: None,
        drains: Vec::new(),
    };
    change(&mut definition);
    definition
}

fn deployed(definition: Definition) -> World {
    let mut world = World::new(1, true);
    deploy(&mut world, definition);
    world.pass(Duration::from_secs(10));
    world
}

fn deploy(world: &mut World, definition: Definition) {
    let (_, deeds) = world.core.deploy(definition, &Formation::new(), "test", world.time()).unwrap();
    world.carry_out(deeds);
}

fn scale(world: &mut World, wanted: &str) {
    let deeds = world.core.scale("shop", &counts(wanted), world.time()).unwrap();
    world.carry_out(deeds);
}

fn stop(world: &mut World) {
    let deeds = world.core.stop("shop", None, world.time()).unwrap();
    world.carry_out(deeds);
}

#[test]
fn a_release_that_fails_gives_the_fixed_port_back() {
    for kind in [NEVER_READY, ENDS_EARLY, MISSING] {
        let mut world = deployed(shop("shop", GOOD, 1));
        assert!(world.running().contains(&"shop/mail.1@1".into()));
        deploy(&mut world, shop("shop", kind, 2));
        world.pass(Duration::from_millis(2500));
        world.pass(Duration::from_mins(1));
        check_rest(&world);
        let app = world.core.app("shop").unwrap();
        assert_eq!((app.outcome, app.current().unwrap().release), (Some(Outcome::Failed), 1), "{kind}");
    }
}

#[test]
fn a_release_that_fails_while_the_app_was_stopping_brings_nothing_back() {
    let mut world = deployed(shop("shop", GOOD, 1));
    stop(&mut world);
    deploy(&mut world, shop("shop", NEVER_READY, 2));
    world.pass(Duration::from_mins(1));
    let app = world.core.app("shop").unwrap();
    assert_eq!((app.outcome, app.wanted), (Some(Outcome::Failed), Wanted::Stopped));
    check_rest(&world);
}

#[test]
fn fewer_and_soon_more_again() {
    let mut world = deployed(small(|one| one.process_types[0].count = 3));
    scale(&mut world, "worker=1");
    scale(&mut world, "worker=3");
    world.pass(Duration::from_secs(10));
    assert_eq!(world.running(), ["shop/worker.1@1", "shop/worker.2@1", "shop/worker.3@1"]);
    check_rest(&world);
}

#[test]
fn fewer_while_one_of_them_waits_to_be_started_again() {
    let mut world = deployed(small(|one| one.process_types[0].count = 2));
    // Two ends in a row: the second start has to wait.
    let second = ("shop".to_string(), "worker.2@1".parse::<Slot>().unwrap());
    for _ in 0..2 {
        world.crash(1);
    }
    let state = |world: &World| world.core.placement("shop", &second.1).map(|one| one.instance.state.clone());
    assert!(matches!(state(&world), Some(State::Backoff(_))));
    scale(&mut world, "worker=1");
    assert_eq!(state(&world), None, "forgotten at once");
    world.pass(Duration::from_mins(1));
    assert_eq!(world.running(), ["shop/worker.1@1"]);
}

#[test]
fn those_that_start_after_others_stop_before_them() {
    let mut world = deployed(shop("shop", GOOD, 1));
    stop(&mut world);
    let asked = |world: &World, slot: &str| {
        let slot: Slot = slot.parse().unwrap();
        world.core.placement("shop", &slot).is_none_or(|one| one.instance.is_to_stop())
    };
    assert!(asked(&world, "web.1@1") && asked(&world, "web.2@1") && asked(&world, "worker.1@1"));
    assert!(!asked(&world, "db.1@1"), "web may still need it");
    // It ends by itself meanwhile, and is not started again.
    let db = ("shop".to_string(), "db.1@1".parse::<Slot>().unwrap());
    world.give(&db, Input::Ended(Ending::Code(1)));
    world.pass(longest_stop(GRACE) * 2);
    check_rest(&world);
    assert_eq!(world.told.last(), Some(&("shop".into(), Notice::Stopped)));
}

#[test]
fn a_second_stop_ends_everything_at_once() {
    let mut world = deployed(shop("shop", GOOD, 1));
    stop(&mut world);
    world.said_twice.push(("shop".into(), None));
    stop(&mut world);
    world.pass(Duration::from_millis(20));
    assert_eq!(world.running(), Vec::<String>::new());
}

#[test]
fn an_essential_end_is_no_stop_that_was_asked_for() {
    let mut world = deployed(small(|one| {
        let mut other = one.process_types[0].clone();
        other.name = "other".into();
        one.process_types[0].essential = true;
        one.process_types[0].restart.policy = RestartPolicy::Never;
        one.process_types.push(other);
    }));
    world.crash(0);
    // The first to be asked for: it must not kill.
    stop(&mut world);
    world.pass(longest_stop(GRACE));
    let told: Vec<&Notice> = world.told.iter().map(|(_, notice)| notice).collect();
    assert!(told.contains(&&Notice::EssentialEnded { process: "worker.1".into(), code: 139 }), "{told:?}");
    assert_eq!(world.core.app("shop").unwrap().outcome, Some(Outcome::Ended(139)));
    check_rest(&world);
}

#[test]
fn an_essential_process_that_ends_while_its_first_release_starts_ends_the_app_with_its_code() {
    let mut world = World::new(1, true);
    let definition = small(|one| {
        one.process_types[0].name = "web".into();
        one.process_types[0].ready = Readiness::Port;
        one.process_types[0].essential = true;
        one.process_types[0].restart.policy = RestartPolicy::Never;
        one.revision = Some(ENDS_EARLY.into());
    });
    let (_, deeds) = world.core.run(definition, &Formation::new(), world.time()).unwrap();
    world.carry_out(deeds);
    world.pass(Duration::from_secs(10));
    assert_eq!(world.core.app("shop").unwrap().outcome, Some(Outcome::Ended(3)));
    check_rest(&world);
}

#[test]
fn processes_that_run_on_their_own_do_not_end_with_each_other() {
    let mut world = World::new(1, true);
    let mut definition = shop("shop", MISSING, 1);
    definition.process_types[0].restart =
        Restart { tries: Some(2), ..definition.process_types[0].restart.clone() };
    let (_, deeds) = world.core.run(definition, &Formation::new(), world.time()).unwrap();
    world.carry_out(deeds);
    world.pass(Duration::from_mins(1));
    assert_eq!(world.running(), ["shop/db.1@1", "shop/mail.1@1", "shop/worker.1@1"]);
    let web = world.core.placement("shop", &"web.1@1".parse().unwrap()).unwrap();
    assert!(matches!(web.instance.state, State::Failed(_)));
}

#[test]
fn processes_of_a_type_start_anew_one_by_one() {
    let mut world = deployed(shop("shop", GOOD, 1));
    let before = world.told.len();
    let deeds = world.core.restart("shop", Some("web"), world.time()).unwrap();
    world.carry_out(deeds);
    world.pass(Duration::from_mins(1));
    check_rest(&world);
    let told: Vec<String> = world.told[before..]
        .iter()
        .filter_map(|(_, notice)| match notice {
            Notice::Process { slot, state: State::Starting, .. } => {
                Some(format!("{} starts", slot.process()))
            }
            Notice::Process { slot, state: State::Ready, .. } => Some(format!("{} ready", slot.process())),
            _ => None,
        })
        .collect();
    assert_eq!(told, ["web.1 starts", "web.1 ready", "web.2 starts", "web.2 ready"]);
}

#[test]
fn counts_of_a_release_are_asked_for_once_it_takes_over() {
    let mut world = deployed(shop("shop", GOOD, 1));
    let wanted = counts("web=1,worker=3");
    let deploy = |world: &mut World, kind: &str, number| {
        let (_, deeds) =
            world.core.deploy(shop("shop", kind, number), &wanted, "test", world.time()).unwrap();
        world.carry_out(deeds);
        world.pass(Duration::from_mins(1));
        world.running().iter().filter(|name| name.contains("web") || name.contains("worker")).count()
    };
    assert_eq!(deploy(&mut world, NEVER_READY, 2), 3);
    assert_eq!(deploy(&mut world, GOOD, 3), 4);
}

#[test]
fn what_cannot_be_changes_nothing() {
    let mut core = Core::new();
    let now = Now::default();
    let wrong = core.deploy(shop("shop", GOOD, 1), &counts("wbe=1"), "test", now);
    assert!(matches!(wrong, Err(Refused::NoProcess { .. })));
    assert_eq!(core.apps().count(), 0);
    let mut world = deployed(small(|_| {}));
    let now = world.time();
    assert_eq!(world.core.remove("shop"), Err(Refused::StillRuns("shop".into())));
    world.crash(0);
    world.crash(0);
    assert_eq!(world.core.remove("shop"), Err(Refused::StillRuns("shop".into())), "it waits to be started");
    assert!(matches!(world.core.stop("shop", Some("web"), now), Err(Refused::NoProcess { .. })));
    stop(&mut world);
    world.pass(longest_stop(GRACE));
    assert_eq!(world.core.restart("shop", Some("worker"), now), Err(Refused::Rests("shop".into())));
    assert_eq!(world.core.remove("shop"), Ok(()));
}

#[test]
fn the_longest_times_are_no_trouble() {
    let mut world = deployed(small(|one| {
        one.process_types[0].name = "web".into();
        one.process_types[0].count = 2;
        one.process_types[0].stop.grace = Duration::MAX;
        one.process_types[0].ready_timeout = Duration::MAX;
        one.route = Some(Route {
            process_type: "web".into(),
            hosts: Vec::new(),
            path: "/".into(),
            drain_seconds: u64::MAX,
        });
    }));
    scale(&mut world, "web=1");
    world.pass(Duration::from_mins(1));
    stop(&mut world);
    world.pass(Duration::from_mins(1));
    check_rest(&world);
}

#[test]
fn a_restart_takes_no_more_than_what_was_asked_to() {
    let mut world = deployed(small(|one| one.process_types[0].count = 2));
    let deeds = world.core.restart("shop", Some("worker.2"), world.time()).unwrap();
    world.carry_out(deeds);
    world.pass(Duration::from_secs(10));
    assert_eq!(world.starts_of("shop", "worker.1@1").len(), 1);
    assert_eq!(world.starts_of("shop", "worker.2@1").len(), 2);
}

#[test]
fn numbers_at_their_ends_are_no_end() {
    let mut core = Core::new();
    let now = Now::default();
    core.deploy(shop("a", GOOD, 1), &Formation::new(), "up", now).unwrap();
    let mut saved = serde_json::to_value(&core).unwrap();
    for (at, number) in [
        ("/a/last_generation", u64::MAX),
        ("/a/history/last", u64::MAX),
        ("/a/slots/db.1@1/instance/restarts", u32::MAX.into()),
        ("/a/slots/db.1@1/instance/tries", u32::MAX.into()),
        ("/a/slots/db.1@1/instance/streak", u32::MAX.into()),
    ] {
        *saved.pointer_mut(at).unwrap_or_else(|| panic!("no {at}")) = number.into();
    }
    let mut core: Core = serde_json::from_value(saved).unwrap();
    let slot = "db.1@1".parse().unwrap();
    core.take("a", &slot, Input::Spawned(7), now);
    core.take("a", &slot, Input::Ended(Ending::Signal(i32::MAX)), now);
    core.take("a", &slot, Input::Gone, now);
    assert_eq!(Ending::Signal(i32::MAX).code(), i32::MAX);
    core.deploy(shop("a", GOOD, 2), &Formation::new(), "up", now).unwrap();
    core.restart("a", None, now).unwrap();
}
