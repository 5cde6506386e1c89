//! `cron`: jobs in users' crontabs, in Salt's own format ([`tab`]), so that a crontab that Salt has kept goes on being
//! kept.
//!
//! Crontabs are read and written as files ([`spool`]). Every time is checked first ([`times`]): one line that cron does
//! not understand would make it pass over the whole file. Lines that are nobody's job stay where they are.

mod exec;
mod spool;
mod state;
mod tab;
mod times;

use crate::Module;

/// The module's entry in the catalogue.
pub(crate) static MODULE: Module = Module {
    name: "cron",
    documentation: "Jobs in users' crontabs.",
    states: &[
        state!("present", state::present, state::Present),
        state!("absent", state::absent, state::Absent),
        state!("env_present", state::env_present, state::Variable),
        state!("env_absent", state::env_absent, state::Variable),
    ],
    functions: &[
        execution!("raw_cron", exec::raw_cron, exec::User),
        execution!("list_tab", exec::list_tab, exec::User),
        execution!("ls", exec::list_tab, exec::User),
        execution!("set_job", exec::set_job, exec::SetJob),
        execution!("rm_job", exec::rm_job, exec::RemoveJob),
        execution!("rm", exec::rm_job, exec::RemoveJob),
    ],
};
