//! What people write down about an app: Procfile, `.env`, formation, `supervisord.conf`.

mod process_type;

pub use process_type::{CommandLine, ProcessType, Readiness, Restart, RestartPolicy, Stop, StopTarget};
