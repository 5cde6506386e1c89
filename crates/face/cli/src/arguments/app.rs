//! Words and options of the commands that run apps.

use std::path::PathBuf;

use clap::{Args, ValueEnum, ValueHint};

/// Which keeper, which app, and how it is said.
#[derive(Args, Clone, Debug, Default)]
pub(crate) struct AppCommon {
    /// The app. Default: the one of the current folder, or the only one there is.
    #[arg(short = 'a', long, value_name = "NAME")]
    pub app: Option<String>,
    /// Where the keeper keeps apps, logs and sockets. Default: the machine's own for root, else a folder of the user.
    #[arg(long, value_name = "DIR", env = "PINCH_HOME", value_hint = ValueHint::DirPath)]
    pub home: Option<PathBuf>,
    /// How to print data: text for people, or JSON.
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    pub out: AppFormat,
    /// No colours.
    #[arg(long, visible_alias = "no-colour")]
    pub no_color: bool,
    /// Colours, even when nobody seems to look.
    #[arg(long, visible_alias = "force-colour", conflicts_with = "no_color")]
    pub force_color: bool,
}

/// How data is printed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum AppFormat {
    /// For people.
    #[default]
    Text,
    /// One JSON value.
    Json,
}

/// What describes an app: files and options.
#[derive(Args, Clone, Debug, Default)]
pub(crate) struct Description {
    /// The Procfile. Default: `Procfile` in the app's folder.
    #[arg(short = 'f', long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub procfile: Option<PathBuf>,
    /// Read a Procfile as foreman does: lines that are no entries are passed over.
    #[arg(long)]
    pub lenient: bool,
    /// A file with settings of the process types. Default: `pinch.yaml` beside the Procfile, if it is there.
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub settings: Option<PathBuf>,
    /// A file of config vars; may be repeated, later ones win. Default: `.env` in the app's folder, if it is there.
    #[arg(long = "env-file", visible_alias = "env", value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub env_files: Vec<PathBuf>,
    /// How env files are read.
    #[arg(long, value_name = "FORMAT", default_value = "compose")]
    pub env_format: EnvFormatName,
    /// A config var; may be repeated, wins over every file.
    #[arg(short = 'e', long = "config", value_name = "NAME=VALUE")]
    pub assignments: Vec<String>,
    /// A JSON object of config vars, `-` for standard input; wins over env files.
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub config_file: Option<PathBuf>,
    /// A process type, instead of a Procfile; may be repeated.
    #[arg(long = "process", value_name = "TYPE=COMMAND", conflicts_with = "procfile")]
    pub processes: Vec<String>,
    /// As whom processes run.
    #[arg(short = 'u', long)]
    pub user: Option<String>,
    /// How many processes of each type: web=2,worker=1,all=1.
    #[arg(short = 'm', long, value_name = "FORMATION")]
    pub formation: Option<String>,
    /// Show notes about what other tools would read differently.
    #[arg(long)]
    pub notes: bool,
}

/// How env files are read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum EnvFormatName {
    /// As Docker Compose does: quotes, comments, substitution.
    #[default]
    Compose,
    /// As foreman does.
    Foreman,
    /// Everything after the first `=` as it is.
    Raw,
}

/// `pinch up`
#[derive(Args, Clone, Debug)]
pub(crate) struct Up {
    /// The app's folder.
    #[arg(default_value = ".", value_hint = ValueHint::DirPath)]
    pub folder: PathBuf,
    /// What describes it.
    #[command(flatten)]
    pub description: Description,
    /// Come back once the app is up, and leave it running.
    #[arg(short = 'd', long)]
    pub detach: bool,
    /// Say what would change, and whether without a gap; change nothing.
    #[arg(long)]
    pub dry_run: bool,
    /// Where the router listens. Default: 127.0.0.1:8080, or the next port that is free.
    #[arg(long, value_name = "ADDRESS:PORT")]
    pub listen: Vec<String>,
    /// A PEM file with a certificate, and those between it and its root: apps answer over TLS too. Read again when it changes.
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub tls_certificate: Option<PathBuf>,
    /// A PEM file with the certificate's private key.
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub tls_key: Option<PathBuf>,
    /// Where the router listens for TLS, with a certificate. Default: where it does already, else 127.0.0.1:8443, or the next
    /// port that is free.
    #[arg(long, value_name = "ADDRESS:PORT")]
    pub listen_tls: Vec<String>,
    /// Where the status page is. Default: 127.0.0.1:8090, or the next port that is free.
    #[arg(long, value_name = "ADDRESS:PORT")]
    pub admin: Option<String>,
    /// A host name that leads to the app; may be repeated, `*.example.org` takes all below. Default: any.
    #[arg(long, value_name = "NAME")]
    pub host: Vec<String>,
    /// The path below which the app answers.
    #[arg(long, value_name = "PATH", default_value = "/")]
    pub path: String,
    /// When processes of a type are ready: TYPE=/path, TYPE=port, TYPE=notify or TYPE=SECONDS. May be repeated.
    #[arg(long, value_name = "TYPE=WHEN")]
    pub ready: Vec<String>,
    /// Where log events go besides the local log, as a URL; may be repeated.
    #[arg(long, value_name = "URL")]
    pub drain: Vec<String>,
    /// What the code is (a git revision); shown with the release.
    #[arg(long)]
    pub revision: Option<String>,
    /// Roll out without running the Procfile's `release` first.
    #[arg(long)]
    pub skip_release_command: bool,
    /// What is common.
    #[command(flatten)]
    pub common: AppCommon,
}

/// `pinch start`
#[derive(Args, Clone, Debug)]
pub(crate) struct Start {
    /// Process types to start. Default: all.
    #[arg(value_name = "TYPE")]
    pub types: Vec<String>,
    /// What describes the app.
    #[command(flatten)]
    pub description: Description,
    /// The app's folder. Default: that of the Procfile.
    #[arg(short = 'd', long = "root", value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub folder: Option<PathBuf>,
    /// The first port; each type begins 100 higher than the one before. Default: PORT from the config vars, or 5000.
    #[arg(short = 'p', long)]
    pub port: Option<u16>,
    /// Seconds between the stop signal and SIGKILL. Default: what the settings of the process types say, or 5.
    #[arg(short = 't', long, value_name = "SECONDS")]
    pub timeout: Option<f64>,
    /// A supervisord.conf to run instead of a Procfile.
    #[arg(short = 'c', long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub configuration: Option<PathBuf>,
    /// What is common.
    #[command(flatten)]
    pub common: AppCommon,
}

/// A command about an app, and maybe some of its processes.
#[derive(Args, Clone, Debug)]
pub(crate) struct Target {
    /// A process type (`web`) or process (`web.1`). Default: all.
    pub process: Option<String>,
    /// What is common.
    #[command(flatten)]
    pub common: AppCommon,
}

/// A command about an app.
#[derive(Args, Clone, Debug)]
pub(crate) struct AppOnly {
    /// What is common.
    #[command(flatten)]
    pub common: AppCommon,
}

/// `pinch scale`
#[derive(Args, Clone, Debug)]
pub(crate) struct Scale {
    /// How many processes of which type: web=3 worker=1.
    #[arg(required = true, value_name = "TYPE=COUNT")]
    pub counts: Vec<String>,
    /// What is common.
    #[command(flatten)]
    pub common: AppCommon,
}

/// `pinch rollback`
#[derive(Args, Clone, Debug)]
pub(crate) struct Rollback {
    /// The release to go back to. Default: the one before.
    pub release: Option<u64>,
    /// What is common.
    #[command(flatten)]
    pub common: AppCommon,
}

/// `pinch run`
#[derive(Args, Clone, Debug)]
pub(crate) struct OneOff {
    /// The command and its arguments.
    #[arg(required = true, last = true, value_name = "COMMAND")]
    pub command: Vec<String>,
    /// What is common.
    #[command(flatten)]
    pub common: AppCommon,
}

/// `pinch config`
#[derive(Args, Clone, Debug)]
pub(crate) struct Config {
    /// The app's folder.
    #[arg(default_value = ".", value_hint = ValueHint::DirPath)]
    pub folder: PathBuf,
    /// What describes it.
    #[command(flatten)]
    pub description: Description,
    /// Show values that look secret.
    #[arg(long)]
    pub reveal: bool,
    /// Show the process environment too.
    #[arg(long)]
    pub all: bool,
    /// What is common.
    #[command(flatten)]
    pub common: AppCommon,
}

/// `pinch export`
#[derive(Args, Clone, Debug)]
pub(crate) struct Export {
    /// For which supervisor.
    pub format: ExportFormat,
    /// The folder that the files are written to; it is made.
    #[arg(value_hint = ValueHint::DirPath)]
    pub target: PathBuf,
    /// The app's folder.
    #[arg(long = "dir", default_value = ".", value_hint = ValueHint::DirPath)]
    pub folder: PathBuf,
    /// What describes it.
    #[command(flatten)]
    pub description: Description,
    /// The first port. Default: PORT from the config vars, or 5000.
    #[arg(short = 'p', long)]
    pub port: Option<u16>,
    /// What is common.
    #[command(flatten)]
    pub common: AppCommon,
}

/// Which supervisor an app is exported to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum ExportFormat {
    /// Units for systemd.
    Systemd,
    /// A configuration for supervisord.
    Supervisord,
}

/// `pinch logs`
#[derive(Args, Clone, Debug)]
pub(crate) struct Logs {
    /// Go on with what comes.
    #[arg(short = 'f', long)]
    pub follow: bool,
    /// Only the newest so many events. Default: all; 100 with --follow.
    #[arg(short = 'n', long, value_name = "N")]
    pub tail: Option<usize>,
    /// From then on: 10m, 2h, 3d, or 2026-11-28T10:00:00Z.
    #[arg(long, value_name = "TIME")]
    pub since: Option<String>,
    /// Before then.
    #[arg(long, value_name = "TIME")]
    pub until: Option<String>,
    /// Only this process type (`web`) or process (`web.1`), or the access log (`router`); may be repeated.
    #[arg(short = 'p', long, value_name = "NAME", visible_alias = "ps")]
    pub process: Vec<String>,
    /// Only events with a line that matches this regular expression.
    #[arg(short = 'g', long, value_name = "PATTERN")]
    pub grep: Option<String>,
    /// What is common.
    #[command(flatten)]
    pub common: AppCommon,
}

/// `pinch ps`
#[derive(Args, Clone, Debug)]
pub(crate) struct Ps {
    /// Show it again whenever something changes.
    #[arg(short = 'w', long)]
    pub watch: bool,
    /// What is common.
    #[command(flatten)]
    pub common: AppCommon,
}

/// The keeper itself, and what it starts.
#[derive(Args, Clone, Debug)]
pub(crate) struct Internal {
    /// The folder with the keeper's sockets.
    #[arg(long, value_name = "DIR")]
    pub keeper: PathBuf,
    /// The folder with what outlives the machine's next start.
    #[arg(long, value_name = "DIR")]
    pub state: Option<PathBuf>,
}

/// `pinch keeper`
#[derive(Args, Clone, Debug)]
pub(crate) struct Keeper {
    /// What is common.
    #[command(flatten)]
    pub common: AppCommon,
}
