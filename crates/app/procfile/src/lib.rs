//! What people write down about an app: Procfile, `pinch.yaml`, `.env`, formation, `supervisord.conf`; and what is written back for
//! other supervisors.
//!
//! **What it is for.** All ways to describe an app's processes end in one form, [`ProcessType`], and all ways to
//! configure it in [`ConfigVars`]:
//!
//! ```text
//!                     Settings <── pinch.yaml
//!                        ↓
//! Procfile ─────────> Procfile ──┐                    ┌──> export_systemd
//! supervisord.conf ─> Supervisord┼─> [ProcessType] ───┤
//! an app's definition ───────────┘     ↑       ↑      └──> export_supervisord
//!                               Formation   BasePort
//! process environment < .env files < app's definition < -e NAME=VALUE ──> ConfigVars
//! ```
//!
//! **How it works.** Texts go in as bytes with a name, values come out, and everything that is wrong or looks mistaken is a
//! [`report::Problem`] with its place in the text. Readers take `&mut Problems` and answer `None` only if they found an error, so
//! that one run tells all mistakes. Notes are for what is right here but means something else to another program.
//!
//! **What it promises.** No input makes it panic. Time and memory are bounded: files ([`Procfile::LONGEST`],
//! [`EnvFile::LONGEST`], [`Settings::LONGEST`],
//! [`Supervisord::LONGEST`]), values, nesting, processes and the number of problems that are shown. What it
//! reads, it can write so that it reads the same. Values that [look secret](looks_secret) are covered in problems and in `Debug`.
//!
//! **What it never does.** It touches no file, no clock and no environment (all are passed in), and runs nothing: no command substitution, no
//! shell.

mod config_vars;
mod dotenv;
mod export;
mod formation;
mod ports;
mod process_type;
mod procfile;
mod secrets;
mod settings;
mod shlex;
mod signal;
mod supervisord;
mod text;

pub use config_vars::{ConfigVar, ConfigVars, Layer, Origin};
pub use dotenv::{
    BadName, BestLine, EnvContext, EnvFile, EnvFormat, EnvVar, Precedence, best_line, print as print_env,
};
pub use export::{Export, ExportedFile, supervisord as export_supervisord, systemd as export_systemd};
pub use formation::Formation;
pub use ports::{BasePort, STEP};
pub use process_type::{
    CommandLine, LONGEST_NAME, NameError, ProcessType, Readiness, Restart, RestartPolicy, Stop, StopTarget,
    check_name, host_label,
};
pub use procfile::{Entry, Mode, Procfile, RELEASE, Unprintable, print as print_procfile};
pub use secrets::{Secrecy, looks_secret, mask};
pub use settings::{RestartSettings, Settings, StopSettings, TypeSettings, TypeVar};
pub use supervisord::{ConfigText, Group, Log, LogTarget, Process, Program, Supervisord, SupervisordContext};
