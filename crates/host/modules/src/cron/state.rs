//! State functions.

use value::Value;

use super::spool::Spool;
use super::tab::{Job, Tab, When, remark};
use super::times;
use crate::{AnyText, Context, Failure, Outcome};

arguments! {
    /// Keeps a job in a user's crontab.
    pub(super) struct Present {
        /// The command.
        name: String,
        /// Whose crontab.
        user: String = "root",
        /// Minute; `random` chooses one that stays.
        minute: AnyText = "*",
        /// Hour.
        hour: AnyText = "*",
        /// Day of the month.
        daymonth: AnyText = "*",
        /// Month.
        month: AnyText = "*",
        /// Day of the week.
        dayweek: AnyText = "*",
        /// A remark above the job.
        comment: Option<String>,
        /// Keep the job, but switched off.
        commented: bool = false,
        /// By what the job is known when its command changes; the command by default.
        identifier: Option<Value>,
        /// `@daily`, `@reboot` and the like, instead of times.
        special: Option<String>
        ;.. others
    }
}

impl Present {
    pub(super) fn identifier(&self) -> Option<String> {
        identified(self.identifier.as_ref(), self.name.trim())
    }

    /// The job, on top of one that is there: what is not asked for stays.
    fn job(&self, context: &Context<'_>, there: Option<&Job>) -> Job {
        let command = self.name.trim().to_string();
        let identifier = self.identifier();
        let when = match &self.special {
            Some(keyword) => When::Keyword(keyword.trim().to_string()),
            None => {
                let asked = [&self.minute, &self.hour, &self.daymonth, &self.month, &self.dayweek];
                let id = identifier.clone().unwrap_or_else(|| command.clone());
                let mut field = 0..;
                When::Times(asked.map(|asked| {
                    let field = field.next().unwrap_or_default();
                    let text = asked.as_str().trim().to_lowercase();
                    if text != "random" {
                        return text;
                    }
                    match there.map(|job| &job.when) {
                        Some(When::Times(times)) if times.get(field).is_some_and(|it| it != "*") => {
                            times.get(field).cloned().unwrap_or_default()
                        }
                        _ => times::chosen(field, &[&context.minion.id, &self.user, &id]),
                    }
                }))
            }
        };
        Job {
            when,
            command,
            comment: self
                .comment
                .as_deref()
                .and_then(remark)
                .or_else(|| there.and_then(|job| job.comment.clone())),
            identifier: identifier.or_else(|| there.and_then(|job| job.identifier.clone())),
            disabled: self.commented,
        }
    }
}

/// `False` means the command itself; nothing means no identifier.
fn identified(identifier: Option<&Value>, name: &str) -> Option<String> {
    match identifier {
        None => Some(name.to_string()),
        Some(value) if value.as_bool() == Some(false) => Some(name.to_string()),
        Some(value) => Some(value.to_string()).filter(|text| !text.is_empty()),
    }
}

/// What makes a job impossible to write.
fn problem(job: &Job) -> Option<String> {
    let one_line = |text: &str| !text.contains(['\n', '\r', '\0']);
    if job.command.is_empty() || !one_line(&job.command) {
        return Some("a command has to be one line".into());
    }
    if job.identifier.as_deref().is_some_and(|it| !one_line(it)) {
        return Some("an identifier has to be one line".into());
    }
    match &job.when {
        When::Times(times) => times::problem(times),
        When::Keyword(keyword) => times::keyword_problem(keyword),
    }
}

/// See [`Present`].
pub(super) fn present(context: &Context<'_>, arguments: Present) -> Result<Outcome, Failure> {
    let (name, user) = (arguments.name.trim(), &arguments.user);
    let spool = Spool::of(context, user)?;
    let mut tab = spool.tab()?;
    let at = tab.find(name, arguments.identifier().as_deref());
    let there = at.and_then(|at| tab.jobs.get(at));
    let job = arguments.job(context, there);
    if let Some(problem) = problem(&job) {
        return Ok(Outcome::failed(format!(
            "Cron {name} for user {user} failed to commit with error \n{problem}"
        ))
        .hint(
            "a job is one line; `minute` is 0-59, `hour` 0-23, `daymonth` 1-31, `month` 1-12, `dayweek` 0-7, each as \
             `*`, `5`, `1-5`, `*/10` or `1,15`; or `- special: '@daily'` instead",
        ));
    }
    if there == Some(&job) {
        return Ok(Outcome::unchanged(format!("Cron {name} already present")));
    }
    if let Some(at) = at {
        tab.jobs.remove(at);
    }
    tab.jobs.push(job);
    spool.write(&tab)?;
    let comment = match at {
        None => context.words(
            format!("Cron {name} added to {user}'s crontab"),
            format!("Cron {name} is set to be added"),
        ),
        Some(_) => context.words(format!("Cron {name} updated"), format!("Cron {name} is set to be updated")),
    };
    Ok(Outcome::unchanged(comment).with(user, name))
}

arguments! {
    /// Keeps a job out of a user's crontab.
    pub(super) struct Absent {
        /// The command.
        name: String,
        /// Whose crontab.
        user: String = "root",
        /// By what the job is known; the command by default.
        identifier: Option<Value>,
        /// Only a job with this keyword.
        special: Option<String>
        ;.. others
    }
}

/// See [`Absent`].
pub(super) fn absent(context: &Context<'_>, arguments: Absent) -> Result<Outcome, Failure> {
    let (name, user) = (arguments.name.trim(), &arguments.user);
    let identifier = identified(arguments.identifier.as_ref(), name);
    let spool = Spool::of(context, user)?;
    let mut tab = spool.tab()?;
    let kind = |job: &Job| match (&job.when, &arguments.special) {
        (When::Times(_), None) => true,
        (When::Keyword(there), Some(wanted)) => there == wanted,
        _ => false,
    };
    let Some(at) = tab.jobs.iter().position(|job| kind(job) && job.is(name, identifier.as_deref())) else {
        return Ok(Outcome::unchanged(
            context.words(format!("Cron {name} already absent"), format!("Cron {name} is absent")),
        ));
    };
    tab.jobs.remove(at);
    spool.write(&tab)?;
    let comment = context.words(
        format!("Cron {name} removed from {user}'s crontab"),
        format!("Cron {name} is set to be removed"),
    );
    Ok(Outcome::unchanged(comment).with(user, name))
}

arguments! {
    /// Keeps a variable in a user's crontab.
    pub(super) struct Variable {
        /// Its name.
        name: String,
        /// Its value.
        value: Option<AnyText>,
        /// Whose crontab.
        user: String = "root"
        ;.. others
    }
}

/// See [`Variable`].
pub(super) fn env_present(context: &Context<'_>, arguments: Variable) -> Result<Outcome, Failure> {
    let (name, user) = (arguments.name.trim(), &arguments.user);
    let value = arguments.value.as_ref().map(ToString::to_string).unwrap_or_default();
    if name.is_empty() || name.contains(['=', ' ', '\t', '\n', '#']) || value.contains(['\n', '\r', '\0']) {
        return Ok(Outcome::failed(format!(
            "Cron env {name} for user {user} failed to commit with error \na variable is one line, and its name one \
             word"
        ))
        .hint("write `- name: MAILTO` and `- value: …`, each on one line"));
    }
    let spool = Spool::of(context, user)?;
    let mut tab = spool.tab()?;
    let there = |text: &str| text == value || (value.is_empty() && text == "\"\"");
    let at = tab.variables.iter().position(|(variable, _)| variable == name);
    if at.and_then(|at| tab.variables.get(at)).is_some_and(|(_, text)| there(text)) {
        return Ok(Outcome::unchanged(format!("Cron env {name} already present")));
    }
    if let Some(at) = at {
        tab.variables.remove(at);
    }
    tab.variables.push((name.into(), value));
    spool.write(&tab)?;
    let comment = match at {
        None => context.words(
            format!("Cron env {name} added to {user}'s crontab"),
            format!("Cron env {name} is set to be added"),
        ),
        Some(_) => {
            context.words(format!("Cron env {name} updated"), format!("Cron env {name} is set to be updated"))
        }
    };
    Ok(Outcome::unchanged(comment).with(user, name))
}

/// See [`Variable`]: keeps it out.
pub(super) fn env_absent(context: &Context<'_>, arguments: Variable) -> Result<Outcome, Failure> {
    let (name, user) = (arguments.name.trim(), &arguments.user);
    let spool = Spool::of(context, user)?;
    let mut tab: Tab = spool.tab()?;
    let before = tab.variables.len();
    tab.variables.retain(|(variable, _)| variable != name);
    if tab.variables.len() == before {
        return Ok(Outcome::unchanged(
            context.words(format!("Cron env {name} already absent"), format!("Cron env {name} is absent")),
        ));
    }
    spool.write(&tab)?;
    let comment = context.words(
        format!("Cron env {name} removed from {user}'s crontab"),
        format!("Cron env {name} is set to be removed"),
    );
    Ok(Outcome::unchanged(comment).with(user, name))
}
