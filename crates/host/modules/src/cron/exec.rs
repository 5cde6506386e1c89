//! Execution functions.

use value::{Map, Value};

use super::spool::Spool;
use super::state::{Absent, Present, absent, present};
use super::tab::{Job, When};
use crate::{AnyText, Context, Failure, Outcome, Verdict};

arguments! {
    /// A user's crontab.
    pub(super) struct User {
        /// Whose.
        user: String
        ;.. others
    }
}

/// The text of it.
pub(super) fn raw_cron(context: &Context<'_>, arguments: User) -> Result<String, Failure> {
    Ok(Spool::of(context, &arguments.user)?.read()?)
}

/// Its lines as data: `{pre, crons, special, env}`.
pub(super) fn list_tab(context: &Context<'_>, arguments: User) -> Result<Map, Failure> {
    let tab = Spool::of(context, &arguments.user)?.tab()?;
    let variables: Value = tab
        .variables
        .iter()
        .map(|(name, value)| [("name", name.as_str()), ("value", value)].into_iter().collect::<Map>())
        .collect();
    let jobs = |keyword: bool| -> Value {
        tab.jobs.iter().filter(|job| matches!(job.when, When::Keyword(_)) == keyword).map(described).collect()
    };
    let before: Value = tab.before.iter().map(String::as_str).collect();
    let all = [("pre", before), ("crons", jobs(false)), ("special", jobs(true)), ("env", variables)];
    Ok(all.into_iter().collect())
}

fn described(job: &Job) -> Map {
    let mut map = Map::new();
    match &job.when {
        When::Keyword(keyword) => {
            map.insert("spec", keyword.as_str());
        }
        When::Times(times) => {
            for (key, time) in ["minute", "hour", "daymonth", "month", "dayweek"].into_iter().zip(times) {
                map.insert(key, time.as_str());
            }
        }
    }
    map.insert("identifier", job.identifier.clone());
    map.insert("cmd", job.command.as_str());
    map.insert("comment", job.comment.clone());
    map.insert("commented", job.disabled);
    map
}

arguments! {
    /// Puts a job into a user's crontab: `new`, `updated` or `present`.
    pub(super) struct SetJob {
        /// Whose crontab.
        user: String,
        /// Minute.
        minute: AnyText,
        /// Hour.
        hour: AnyText,
        /// Day of the month.
        daymonth: AnyText,
        /// Month.
        month: AnyText,
        /// Day of the week.
        dayweek: AnyText,
        /// The command.
        cmd: String,
        /// Keep the job, but switched off.
        commented: bool = false,
        /// A remark above the job.
        comment: Option<String>,
        /// By what the job is known when its command changes.
        identifier: Option<String>
        ;.. others
    }
}

/// See [`SetJob`].
pub(super) fn set_job(context: &Context<'_>, arguments: SetJob) -> Result<String, Failure> {
    let job = Present {
        name: arguments.cmd,
        user: arguments.user,
        minute: arguments.minute,
        hour: arguments.hour,
        daymonth: arguments.daymonth,
        month: arguments.month,
        dayweek: arguments.dayweek,
        comment: arguments.comment,
        commented: arguments.commented,
        identifier: Some(arguments.identifier.unwrap_or_default().into()),
        special: None,
        others: Map::new(),
    };
    let tab = Spool::of(context, &job.user)?.tab()?;
    let known = tab.find(job.name.trim(), job.identifier().as_deref()).is_some();
    answer(present(context, job)?, if known { "updated" } else { "new" }, "present")
}

arguments! {
    /// Takes a job out of a user's crontab: `removed` or `absent`.
    pub(super) struct RemoveJob {
        /// Whose crontab.
        user: String,
        /// The command.
        cmd: String,
        /// By what the job is known.
        identifier: Option<String>
        ;.. others
    }
}

/// See [`RemoveJob`].
pub(super) fn rm_job(context: &Context<'_>, arguments: RemoveJob) -> Result<String, Failure> {
    let identifier = Some(arguments.identifier.unwrap_or_default().into());
    let job =
        Absent { name: arguments.cmd, user: arguments.user, identifier, special: None, others: Map::new() };
    answer(absent(context, job)?, "removed", "absent")
}

fn answer(outcome: Outcome, changed: &str, same: &str) -> Result<String, Failure> {
    match outcome.verdict {
        Verdict::Holds if outcome.changes.is_empty() => Ok(same.into()),
        Verdict::Holds => Ok(changed.into()),
        _ => Err(outcome.into_failure()),
    }
}
