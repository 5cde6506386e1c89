//! The run: one state after the other, each decided by those before it.

mod failures;

use std::sync::Arc;
use std::time::Duration;

use host::{Overlay, Timestamp};
use modules::{
    Caller, Context, Failure, Managed, Minion, Outcome, Reach, Templates, Verdict, state_function,
};
use report::{Problem, Problems};
use value::{Data, Value};

use crate::decide::{Decision, Requisite, Seen, decide};
use crate::program::{Program, Step};
use crate::retry::Retry;
use crate::{Observer, RunReport, StateResult};

/// How to run.
#[derive(Clone, Copy, Debug, Default)]
pub struct RunOptions {
    /// Stop at the first state that fails (`failhard`).
    pub failhard: bool,
    /// Treat warnings about a state's arguments as failures of that state.
    pub strict: bool,
}

/// Runs a program on the minion's host. Whether that changes anything is the host's affair: on an overlay
/// this is a plan.
pub fn run(
    minion: &Arc<Minion>,
    templates: &dyn Templates,
    program: &Program,
    options: RunOptions,
    observer: &mut dyn Observer,
) -> RunReport {
    let mut run = Run {
        minion,
        templates,
        options,
        program,
        done: vec![None; program.steps.len()],
        problems: Problems::new(),
    };
    minion.set_managed(managed(program));
    let mut report = RunReport { planned: minion.host.is_plan(), ..RunReport::default() };
    for (index, step) in program.steps.iter().enumerate() {
        observer.starting(index, program.steps.len(), &step.function_name(), &step.chunk.name);
        let result = run.step(index, step);
        observer.finished(&result);
        if let Some(slot) = run.done.get_mut(index) {
            *slot = Some(Done::of(&result));
        }
        let failed = result.outcome.verdict == Verdict::Failed;
        report.results.push(result);
        let failhard = step.argument("failhard").map_or(options.failhard, Value::is_truthy);
        if failed && failhard && !report.planned {
            report.left_out = program.steps.len() - index - 1;
            break;
        }
    }
    if report.left_out == 0 {
        run.listen(&mut report, observer);
    }
    report.problems = run.problems;
    report
}

/// What later states need to know of an earlier one.
#[derive(Clone, Copy, Debug)]
struct Done {
    seen: Seen,
    behind_unknown: bool,
}

impl Done {
    fn of(result: &StateResult) -> Self {
        let holds = holds(result.outcome.verdict);
        Self {
            seen: Seen { holds, changed: result.changed(), ran: result.ran },
            behind_unknown: result.behind_unknown || holds.is_none(),
        }
    }
}

/// The paths that the states of a program manage.
fn managed(program: &Program) -> Managed {
    let mut managed = Vec::with_capacity(program.steps.len());
    for Step { chunk, .. } in &program.steps {
        let is_directory = (&*chunk.state, &*chunk.fun) == ("file", "directory");
        let reach = if is_directory { Reach::Path } else { Reach::Tree };
        let target = chunk.args.get("target").and_then(|target| match &target.data {
            Data::Str(path) => Some(path),
            _ => None,
        });
        let paths = std::iter::once(&chunk.name).chain(target).filter(|path| path.starts_with('/'));
        managed.extend(paths.map(|path| (Arc::clone(path), reach)));
    }
    Managed::new(managed)
}

fn holds(verdict: Verdict) -> Option<bool> {
    match verdict {
        Verdict::Holds => Some(true),
        Verdict::Failed => Some(false),
        Verdict::Unknown => None,
    }
}

/// The start of a state.
struct Begun {
    started: Timestamp,
    clock: Duration,
    mark: usize,
}

struct Run<'run> {
    minion: &'run Arc<Minion>,
    templates: &'run dyn Templates,
    options: RunOptions,
    program: &'run Program,
    done: Vec<Option<Done>>,
    problems: Problems,
}

impl Run<'_> {
    fn step(&mut self, index: usize, step: &Step) -> StateResult {
        let begun = self.begin();
        let (outcome, ran) = self.outcome(step);
        self.end(begun, index, step, outcome, ran)
    }

    /// The steps that a step's edges name, with how they ended, as far as they have.
    fn seen<'a>(&'a self, step: &'a Step) -> impl Iterator<Item = (Requisite, usize, Option<Done>)> + 'a {
        step.edges.iter().flat_map(|edge| {
            let targets = self.program.targets(edge).iter();
            targets.map(|target| (edge.requisite, *target, self.done.get(*target).copied().flatten()))
        })
    }

    fn is_behind_unknown(&self, step: &Step) -> bool {
        self.seen(step).any(|(_, _, done)| done.is_some_and(|done| done.behind_unknown))
    }

    /// What listens runs its watch function now, if what it listens to has changed: once each.
    fn listen(&mut self, report: &mut RunReport, observer: &mut dyn Observer) {
        let mut woken = Vec::new();
        for listener in &self.program.listeners {
            if let Some(missing) = &listener.missing {
                self.problems.push(
                    Problem::error(
                        "sls.listen-missing",
                        format!("Referenced state {missing} does not exist"),
                    )
                    .at(listener.place)
                    .hint("declare that state, include the SLS that does, or remove the `listen`")
                    .exit(report::Exit::Failed),
                );
            }
            let heard = self.program.groups.get(listener.group).map_or(&[][..], |group| group);
            let changed =
                |at: &usize| self.done.get(*at).copied().flatten().is_some_and(|done| done.seen.changed);
            if heard.iter().any(changed) {
                for step in &listener.steps {
                    if !woken.contains(step) {
                        woken.push(*step);
                    }
                }
            }
        }
        for at in woken {
            let Some(step) = self.program.steps.get(at) else { continue };
            let Some(on_watch) = state_function(&step.function_name()).and_then(|function| function.on_watch)
            else {
                continue;
            };
            let total = self.program.steps.len();
            observer.starting(total, total, &step.function_name(), &step.chunk.name);
            let minion = self.minion.clone();
            let (begun, known) = (self.begin(), self.problems.len());
            let result = checked_call(on_watch, &context(&minion, self.templates, step), step);
            let outcome = self.settled(result);
            self.tell(known, step, &outcome);
            let mut result = self.end(begun, report.results.len(), step, outcome, true);
            result.id = format!("listener_{}", result.id).into();
            result.function = "mod_watch".into();
            observer.finished(&result);
            report.results.push(result);
        }
    }

    fn begin(&self) -> Begun {
        let host = &*self.minion.host;
        Begun { started: host.now(), clock: host.elapsed(), mark: host.mark() }
    }

    fn end(&self, begun: Begun, number: usize, step: &Step, outcome: Outcome, ran: bool) -> StateResult {
        let host = &*self.minion.host;
        StateResult {
            state: Arc::clone(&step.chunk.state),
            function: Arc::clone(&step.chunk.fun),
            id: Arc::clone(&step.chunk.id),
            name: Arc::clone(&step.chunk.name),
            sls: Arc::clone(&step.chunk.sls),
            outcome,
            ran,
            behind_unknown: self.is_behind_unknown(step),
            run_number: number,
            started: begun.started,
            duration: host.elapsed().saturating_sub(begun.clock),
            journal: host.changes_since(begun.mark),
        }
    }

    /// How the step ends, and whether it ran.
    fn outcome(&mut self, step: &Step) -> (Outcome, bool) {
        if let Some(comment) = &step.blocked {
            return (Outcome::failed(comment), true);
        }
        match self.decision(step) {
            Decision::Run => (self.told(step, false), true),
            Decision::RunAndWatch => (self.told(step, true), true),
            Decision::RequisiteFailed => {
                let failed = self.failed_requisites(step).join(", ");
                (Outcome::failed(format!("One or more requisite failed: {failed}")), true)
            }
            Decision::NothingChanged => {
                let comment = "State was not run because none of the onchanges reqs changed";
                (Outcome::unchanged(comment), false)
            }
            Decision::NothingFailed => {
                (Outcome::unchanged("State was not run because onfail req did not change"), false)
            }
            Decision::NothingAhead => (Outcome::unchanged("No changes detected"), false),
            Decision::Unknown => {
                let comment = "Whether this state runs depends on a state whose end only the run can tell";
                (Outcome::unknown(comment), true)
            }
        }
    }

    fn decision(&mut self, step: &Step) -> Decision {
        let named: Vec<_> = self.seen(step).collect();
        let mut edges = Vec::with_capacity(named.len());
        for (requisite, target, done) in named {
            let seen = match requisite {
                Requisite::Prereq => Some(self.look_ahead(target)),
                _ => done.map(|done| done.seen),
            };
            // What has not run yet says nothing: the graph has broken a circle there.
            if let Some(seen) = seen {
                edges.push((requisite, seen));
            }
        }
        decide(edges)
    }

    /// How a state that stands later would end now: it is run on an overlay.
    fn look_ahead(&mut self, target: usize) -> Seen {
        let Some(step) = self.program.steps.get(target) else {
            return Seen { holds: Some(true), changed: false, ran: false };
        };
        let overlay = self.minion.on(Arc::new(Overlay::over(self.minion.host.clone())));
        let surroundings = context(&overlay, self.templates, step);
        let outcome = match state_function(&step.function_name()) {
            Some(function) => {
                checked_call(function.run, &surroundings, step).unwrap_or_else(|failure| match failure {
                    Failure::Host(error) if error.is_unknown() => Outcome::unknown(error.to_string()),
                    failure => Outcome::failed(failure.to_string()),
                })
            }
            None => Outcome::failed(""),
        };
        Seen { holds: holds(outcome.verdict), changed: !outcome.changes.is_empty(), ran: true }
    }

    fn failed_requisites(&self, step: &Step) -> Vec<String> {
        let mut names = Vec::new();
        for (_, target, done) in self.seen(step) {
            let failed = done.is_some_and(|done| done.seen.holds == Some(false));
            let Some(target) = self.program.steps.get(target).filter(|_| failed) else { continue };
            let name = format!("{}.{}", target.chunk.sls, target.chunk.id);
            if !names.contains(&name) {
                names.push(name);
            }
        }
        names
    }

    /// Runs it; a failure that no problem tells of yet becomes one.
    fn told(&mut self, step: &Step, watch: bool) -> Outcome {
        let known = self.problems.len();
        let outcome = self.attempt(step, watch);
        self.tell(known, step, &outcome);
        outcome
    }

    /// Runs it, as often as its `retry` says.
    fn attempt(&mut self, step: &Step, watch: bool) -> Outcome {
        let Some(retry) = Retry::from_value(step.argument("retry")) else { return self.once(step, watch) };
        let planned = self.minion.host.is_plan();
        let mut remarks = String::new();
        let mut attempt = 1;
        loop {
            let mut outcome = self.once(step, watch);
            let reached = (outcome.verdict == Verdict::Holds) == retry.until;
            if reached || planned || attempt >= retry.attempts {
                outcome.comment = remarks + &outcome.comment;
                return outcome;
            }
            remarks.push_str(&format!(
                "Attempt {attempt}: Returned a result of \"{}\", with the following comment: \"{}\"\n",
                if outcome.verdict == Verdict::Holds { "True" } else { "False" },
                outcome.comment
            ));
            self.minion.host.sleep(retry.interval);
            attempt += 1;
        }
    }

    fn once(&mut self, step: &Step, watch: bool) -> Outcome {
        let name = step.function_name();
        let Some(function) = state_function(&name) else { return self.unknown_function(step, &name) };
        let warnings = function.unknown_arguments(&name, &step.chunk.args);
        if !warnings.is_empty() && self.options.strict {
            let what = warnings.iter().map(|warning| warning.what.as_str()).collect::<Vec<_>>().join("; ");
            self.problems.extend(warnings);
            return Outcome::failed(what);
        }
        self.problems.extend(warnings);
        if let Some(outcome) = self.lacking(step, &name, function) {
            return outcome;
        }
        let minion = self.minion.clone();
        let surroundings = context(&minion, self.templates, step);
        match guard(&surroundings, step) {
            Ok(Some(skip)) => return Outcome::unchanged(skip),
            Ok(None) => {}
            Err(failure) => return self.failed(failure),
        }
        let result = checked_call(function.run, &surroundings, step);
        let mut outcome = self.settled(result);
        let quiet = outcome.verdict == Verdict::Holds && outcome.changes.is_empty();
        if watch
            && quiet
            && let Some(on_watch) = function.on_watch
        {
            let result = checked_call(on_watch, &surroundings, step);
            outcome = self.settled(result);
        }
        self.after(&surroundings, step, outcome)
    }

    fn after(&mut self, context: &Context<'_>, step: &Step, outcome: Outcome) -> Outcome {
        let Some(commands) = step.argument("check_cmd") else { return outcome };
        if outcome.verdict != Verdict::Holds || function_checks_itself(step) {
            return outcome;
        }
        // It judges what the state has made, and a plan has made nothing.
        if self.minion.host.is_plan() && !outcome.changes.is_empty() {
            return outcome;
        }
        match modules::guards::check_command(context, commands, &step.chunk.args) {
            Ok(None) => outcome,
            Ok(Some(comment)) => Outcome { verdict: Verdict::Failed, comment, ..outcome }
                .hint(
                    "the state did what it was asked, and the command still finds it wanting: run it by hand",
                )
                .blames("check_cmd"),
            Err(failure) => self.failed(failure),
        }
    }

    fn settled(&mut self, result: Result<Outcome, Failure>) -> Outcome {
        result.unwrap_or_else(|failure| self.failed(failure))
    }
}

fn context<'a>(minion: &'a Minion, templates: &'a dyn Templates, step: &'a Step) -> Context<'a> {
    Context {
        minion,
        templates,
        caller: Caller::State,
        saltenv: &step.chunk.saltenv,
        sls: &step.chunk.sls,
        id: &step.chunk.id,
    }
}

fn checked_call(run: modules::StateRun, context: &Context<'_>, step: &Step) -> Result<Outcome, Failure> {
    run(context, &step.arguments(), step.chunk.place())
}

/// The comment with which a guard (`onlyif`, `unless`, `creates`) keeps a state from running.
fn guard(context: &Context<'_>, step: &Step) -> Result<Option<String>, Failure> {
    let guarded = ["onlyif", "unless", "creates"].iter().any(|name| step.argument(name).is_some());
    if guarded { modules::guards::skip(context, &step.chunk.args) } else { Ok(None) }
}

/// `file.managed` checks the new content before it is put in place.
fn function_checks_itself(step: &Step) -> bool {
    step.chunk.state.as_ref() == "file"
}
