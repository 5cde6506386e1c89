//! The run: one state after the other, each decided by those before it.

use std::sync::Arc;

use host::{HostError, Overlay};
use modules::{Caller, Context, Failure, Minion, Outcome, Templates, Verdict, state_function};
use report::{Problem, Problems};
use value::Value;

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
    let mut run = Run { minion, templates, options, program, done: vec![None; program.steps.len()], problems: Problems::new() };
    let mut report = RunReport { planned: minion.host.is_plan(), ..RunReport::default() };
    for (index, step) in program.steps.iter().enumerate() {
        observer.starting(index, program.steps.len(), &step.function_name(), &step.chunk.name);
        let result = run.step(index, step);
        observer.finished(&result);
        run.done[index] = Some(Done::of(&result));
        let failed = result.outcome.verdict == Verdict::Failed;
        report.results.push(result);
        let failhard = step.argument("failhard").map_or(options.failhard, Value::is_truthy);
        if failed && failhard && !report.planned {
            report.left_out = program.steps.len() - index - 1;
            break;
        }
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

fn holds(verdict: Verdict) -> Option<bool> {
    match verdict {
        Verdict::Holds => Some(true),
        Verdict::Failed => Some(false),
        Verdict::Unknown => None,
    }
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
        let host = &*self.minion.host;
        let (started, clock, mark) = (host.now(), host.elapsed(), host.mark());
        let (outcome, ran) = self.outcome(step);
        let mut result = StateResult {
            state: step.chunk.state.to_string(),
            function: step.chunk.fun.to_string(),
            id: step.chunk.id.to_string(),
            name: step.chunk.name.to_string(),
            sls: step.chunk.sls.to_string(),
            outcome,
            ran,
            behind_unknown: false,
            run_number: index,
            started,
            duration: host.elapsed().saturating_sub(clock),
            journal: host.changes_since(mark),
        };
        result.behind_unknown = self.is_behind_unknown(step);
        result
    }

    fn is_behind_unknown(&self, step: &Step) -> bool {
        step.edges.iter().any(|edge| self.done[edge.target].is_some_and(|done| done.behind_unknown))
    }

    /// How the step ends, and whether it ran.
    fn outcome(&mut self, step: &Step) -> (Outcome, bool) {
        if !step.missing.is_empty() {
            return (Outcome::failed(step.missing_comment()), true);
        }
        match self.decision(step) {
            Decision::Run => (self.attempt(step, false), true),
            Decision::RunAndWatch => (self.attempt(step, true), true),
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
        let mut edges = Vec::with_capacity(step.edges.len());
        for edge in &step.edges {
            let seen = match edge.requisite {
                Requisite::Prereq => Some(self.look_ahead(edge.target)),
                _ => self.done[edge.target].map(|done| done.seen),
            };
            // A state left out on the way (it stands later in a circle that the graph has broken) says nothing.
            if let Some(seen) = seen {
                edges.push((edge.requisite, seen));
            }
        }
        decide(edges)
    }

    /// How a state that stands later would end now: it is run on an overlay.
    fn look_ahead(&mut self, target: usize) -> Seen {
        let step = &self.program.steps[target];
        let overlay = self.minion.on(Arc::new(Overlay::new(self.minion.host.clone())));
        let context = self.context_on(&overlay, step);
        let outcome = match state_function(&step.function_name()) {
            Some(function) => checked_call(function.run, &context, step).unwrap_or_else(|failure| match failure {
                Failure::Host(error) if error.is_unknown() => Outcome::unknown(error.to_string()),
                failure => Outcome::failed(failure.to_string()),
            }),
            None => Outcome::failed(""),
        };
        Seen { holds: holds(outcome.verdict), changed: !outcome.changes.is_empty(), ran: true }
    }

    fn failed_requisites(&self, step: &Step) -> Vec<String> {
        let mut names = Vec::new();
        for edge in &step.edges {
            let failed = self.done[edge.target].is_some_and(|done| done.seen.holds == Some(false));
            let target = &self.program.steps[edge.target].chunk;
            let name = format!("{}.{}", target.sls, target.id);
            if failed && !names.contains(&name) {
                names.push(name);
            }
        }
        names
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
        let minion = self.minion.clone();
        let context = self.context_on(&minion, step);
        match guard(&context, step) {
            Ok(Some(skip)) => return Outcome::unchanged(skip),
            Ok(None) => {}
            Err(failure) => return self.failed(failure),
        }
        let mut outcome = if step.only_watch {
            Outcome::unchanged("")
        } else {
            self.settled(checked_call(function.run, &context, step))
        };
        let quiet = outcome.verdict == Verdict::Holds && outcome.changes.is_empty();
        if watch
            && quiet
            && let Some(on_watch) = function.on_watch
        {
            outcome = self.settled(checked_call(on_watch, &context, step));
        }
        self.after(&context, step, outcome)
    }

    fn after(&mut self, context: &Context<'_>, step: &Step, outcome: Outcome) -> Outcome {
        let Some(commands) = step.argument("check_cmd") else { return outcome };
        if outcome.verdict != Verdict::Holds || function_checks_itself(step) {
            return outcome;
        }
        match modules::guards::check_command(context, commands, &step.chunk.args) {
            Ok(None) => outcome,
            Ok(Some(comment)) => Outcome { verdict: Verdict::Failed, comment, ..outcome },
            Err(failure) => self.failed(failure),
        }
    }

    fn settled(&mut self, result: Result<Outcome, Failure>) -> Outcome {
        result.unwrap_or_else(|failure| self.failed(failure))
    }

    /// A failure in words; problems with places go to the report as well.
    fn failed(&mut self, failure: Failure) -> Outcome {
        match failure {
            Failure::Host(HostError::Unknown { what, because }) => {
                Outcome::unknown(format!("{what} cannot be known before the run: {because}"))
            }
            Failure::Host(error) => {
                let hint = error.hint().map(|hint| format!("\n{hint}")).unwrap_or_default();
                Outcome::failed(format!("{error}{hint}"))
            }
            Failure::Problems(problems) => {
                let comment = problems.iter().map(|problem| problem.what.clone()).collect::<Vec<_>>().join("\n");
                self.problems.extend(problems.into_iter().map(|problem| problem.exit(report::Exit::Failed)));
                Outcome::failed(comment)
            }
            Failure::Message(message) => Outcome::failed(message),
        }
    }

    /// Salt's words, and a problem that points at the line with the nearest name there is.
    fn unknown_function(&mut self, step: &Step, name: &str) -> Outcome {
        let names: Vec<String> = modules::catalogue::state_names().collect();
        self.problems.push(
            Problem::error("sls.unknown-function", format!("there is no state function `{name}`"))
                .at(step.chunk.place())
                .did_you_mean(name, names.iter().map(String::as_str))
                .exit(report::Exit::Failed),
        );
        Outcome::failed(format!(
            "State '{name}' was not found in SLS '{}'\nReason: '{name}' is not available.\n",
            step.chunk.sls
        ))
    }

    fn context_on<'a>(&'a self, minion: &'a Minion, step: &'a Step) -> Context<'a> {
        Context {
            minion,
            templates: self.templates,
            caller: Caller::State,
            saltenv: &step.chunk.saltenv,
            sls: &step.chunk.sls,
            id: &step.chunk.id,
        }
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

