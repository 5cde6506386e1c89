//! What people write down about an app: Procfile, `.env`, formation, `supervisord.conf`.

mod config_vars;
mod dotenv;
mod export;
mod formation;
mod ports;
mod process_type;
mod procfile;
mod secrets;
mod shlex;
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
pub use supervisord::{ConfigText, Group, Log, LogTarget, Process, Program, Supervisord, SupervisordContext};
