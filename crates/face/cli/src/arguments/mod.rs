//! The command line as it is typed.

mod app;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum, ValueHint};

pub(crate) use app::{
    AppCommon, AppFormat, AppOnly, Config, Description, EnvFormatName, Export, ExportFormat, Internal,
    Keeper, Logs, OneOff, Ps, Rollback, Scale, Start, Target, Up,
};

use crate::output::Format;

/// Brings a machine into its declared state, and says first what that would take.
#[derive(Debug, Parser)]
#[command(name = "pinch", version, propagate_version = true, max_term_width = 100)]
#[command(after_help = "\
Examples:
  pinch plan                          what would change on this machine
  pinch apply examples/site --root x  converge a directory tree instead of the machine
  pinch call grains.get os            ask one question
  pinch show examples/site            states in order, and why that order
  pinch up examples/guestbook         run an app, with logs and a router in front
  pinch ps                            what runs

Exit codes: 0 done, 1 usage or compile error, 2 a state or an app failed, 5 pillar failed, 130 stopped by a
signal. `run` and `start` exit with the code of the process.")]
pub(crate) struct CommandLine {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// A command line by which Pinch starts itself. It is read without the other commands: what runs for months and a guard
/// that is started beside every run need neither the time nor the memory that all of them take.
#[derive(Debug, Parser)]
pub(crate) struct OwnLine {
    /// What to be.
    #[command(subcommand)]
    own: Own,
}

impl OwnLine {
    /// What such a line says; any other, and one with a mistake in it, is [`CommandLine`]'s.
    pub(crate) fn read(arguments: &[String]) -> Option<Own> {
        let is_own = |name: &String| ["keeper", "router", "guard", "drain"].contains(&name.as_str());
        arguments.get(1).filter(|name| is_own(name))?;
        Self::try_parse_from(arguments).ok().map(|line| line.own)
    }
}

/// What Pinch can be for itself.
#[derive(Debug, Subcommand)]
pub(crate) enum Own {
    /// Be the keeper: what supervises processes (started by `up`)
    Keeper(Keeper),
    /// Be the router of a keeper
    #[command(hide = true)]
    Router(Internal),
    /// Be the guard of a run in the foreground
    #[command(hide = true)]
    Guard(Internal),
    /// Be the drain of a keeper
    #[command(hide = true)]
    Drain(Internal),
}

/// What to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Bring the machine into the state that a tree declares
    #[command(after_help = "\
Examples:
  pinch apply                         the tree that the configuration names (file_roots)
  pinch apply examples/site           a tree on disk: top.sls and SLS files; pillar beside or in it
  pinch apply examples/site web jobs  only these SLS
  pinch apply examples/site --root ./site-root
                                      converge a directory tree; nothing outside it is touched
  pinch apply . pillar='{users: {}}'  with pillar values on top")]
    Apply(Run),
    /// Say what `apply` would change, and change nothing
    #[command(after_help = "\
A plan is the same run against an overlay: later states see what earlier ones would have done. What
cannot be known before the run (a command's effect) is marked unknown.

Examples:
  pinch plan examples/site
  pinch plan examples/site --out json
  pinch plan --detailed-exitcode      exit 0: nothing to do, 2: changes or failures")]
    Plan(Run),
    /// Show the states of a tree in the order they run, and why that order
    Show(Run),
    /// Look for mistakes in a tree without a run: every SLS is compiled, every argument checked
    Check(Run),
    /// Call one execution function
    #[command(after_help = "\
Words of the form name=value are named arguments; values are read as YAML.

Examples:
  pinch call test.ping
  pinch call --local grains.item os osrelease --out json
  pinch call state.apply web test=True
  pinch call sys.doc file.managed")]
    Call(Call),
    /// Run an app: its processes, its logs, a router in front
    #[command(after_help = "\
Reads the Procfile, pinch.yaml and .env of a folder, starts its processes under the keeper, waits until they are ready and
routes requests to them. Said again, it starts a new release beside the old one and switches without a gap.
Ctrl-C stops the app; with --detach it goes on by itself.

Examples:
  pinch up examples/guestbook         http://localhost:8080/ once it is ready
  pinch up -d -m web=3                in the background, three web processes
  pinch up --ready web=/healthz       ready is what answers there
  pinch up --host shop.example.org --listen 0.0.0.0:80")]
    Up(Up),
    /// Run an app's processes in the foreground, as foreman does
    #[command(after_help = "\
The first process that ends ends all, and its exit code is that of the command, unless pinch.yaml says otherwise.

Examples:
  pinch start                         the Procfile of this folder
  pinch start web -p 3000             only web, with PORT=3000
  pinch start -m all=1,worker=3
  pinch start -c supervisord.conf     the programs of supervisord")]
    Start(Start),
    /// List apps and their processes
    Ps(Ps),
    /// Show what processes said
    #[command(after_help = "\
Examples:
  pinch logs -f                       go on with what comes
  pinch logs --since 10m --process web --grep 'error|panic'")]
    Logs(Logs),
    /// Change how many processes of a type run
    Scale(Scale),
    /// Start processes anew; a whole app without a gap
    Restart(Target),
    /// Stop an app, or some of its processes
    Stop(Target),
    /// Stop an app and forget it; the last one takes the keeper along
    Down(AppOnly),
    /// Run a one-off process with the app's code and config vars
    #[command(after_help = "\
Examples:
  pinch run -- python manage.py migrate
  echo 'select 1' | pinch run -a shop -- psql")]
    Run(OneOff),
    /// Show config vars and where each comes from
    Config(Config),
    /// Write an app's processes down for another supervisor
    Export(Export),
    /// List the releases of an app
    Releases(AppOnly),
    /// Go back to an earlier release
    Rollback(Rollback),
    /// Let keeper and router become the binary that now stands in their place; no process is touched
    Upgrade(AppOnly),
    #[command(flatten)]
    Own(Own),
    /// Write completions for a shell to standard output
    Completion {
        /// Which shell.
        shell: clap_complete::Shell,
    },
    /// Write man pages to a folder
    Man {
        /// The folder; it has to exist.
        #[arg(value_hint = ValueHint::DirPath)]
        folder: PathBuf,
    },
}

/// A run over a tree.
#[derive(Args, Debug)]
pub(crate) struct Run {
    /// The tree: a folder with top.sls and SLS files. Default: what the configuration names.
    #[arg(value_hint = ValueHint::DirPath)]
    pub tree: Option<String>,
    /// SLS to take instead of what top.sls says, and name=value words (pillar={…}, test=True).
    #[arg(value_name = "SLS")]
    pub words: Vec<String>,
    /// Treat warnings (unknown arguments, likely mistakes) as errors.
    #[arg(long)]
    pub strict: bool,
    /// With `plan`: exit with 2 when something would change.
    #[arg(long)]
    pub detailed_exitcode: bool,
    /// What is common.
    #[command(flatten)]
    pub common: Common,
}

impl Run {
    /// The same, with a first word such as `pillar={…}` taken for what it is: no tree.
    pub(crate) fn settled(mut self) -> Self {
        if self.tree.as_deref().is_some_and(|tree| crate::words::split_named(tree).is_some()) {
            self.words.splice(0..0, self.tree.take());
        }
        self
    }
}

/// A call.
#[derive(Args, Debug)]
pub(crate) struct Call {
    /// The function, `module.function`.
    #[arg(required_unless_present_any = ["documentation", "grains"])]
    pub function: Option<String>,
    /// Its arguments.
    #[arg(allow_negative_numbers = true)]
    pub words: Vec<String>,
    /// Exit with the function's own code.
    #[arg(long)]
    pub retcode_passthrough: bool,
    /// Show the documentation of the function, or of all.
    #[arg(short = 'd', long = "doc", visible_alias = "documentation")]
    pub documentation: bool,
    /// Show grains.
    #[arg(short = 'g', long = "grains")]
    pub grains: bool,
    /// Show what would change and change nothing (same as test=True).
    #[arg(long)]
    pub test: bool,
    /// What is common.
    #[command(flatten)]
    pub common: Common,
}

/// Options that every run and call takes: those of `salt-call`.
#[derive(Args, Clone, Debug, Default)]
pub(crate) struct Common {
    /// The folder of the configuration file `minion`.
    #[arg(short = 'c', long = "config-dir", value_name = "DIR", env = "SALT_CONFIG_DIR")]
    #[arg(value_hint = ValueHint::DirPath)]
    pub configuration_folder: Option<PathBuf>,
    /// Work without a master.
    #[arg(long)]
    pub local: bool,
    /// A folder of the state tree, before any that the configuration names. May be repeated.
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub file_root: Vec<PathBuf>,
    /// A folder of the pillar tree. May be repeated.
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub pillar_root: Vec<PathBuf>,
    /// The minion's id.
    #[arg(long)]
    pub id: Option<String>,
    /// A directory tree to work on instead of this machine.
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub root: Option<PathBuf>,
    /// The saltenv to work in.
    #[arg(long)]
    pub saltenv: Option<String>,
    /// The pillarenv to work in.
    #[arg(long)]
    pub pillarenv: Option<String>,
    /// How to print what comes of it. Default: nested for data; on a terminal, runs have a form of their own.
    #[arg(long, visible_alias = "output", value_name = "FORMAT")]
    pub out: Option<Format>,
    /// Spaces a level in JSON; a negative number puts it on one line.
    #[arg(long, visible_alias = "output-indent", value_name = "N", allow_hyphen_values = true)]
    pub out_indent: Option<i32>,
    /// Write it to a file instead of standard output.
    #[arg(long, visible_alias = "output-file", value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub out_file: Option<PathBuf>,
    /// Which states are shown in full: `full` or `changes`.
    #[arg(long, visible_alias = "state_output", value_name = "MODE")]
    pub state_output: Option<String>,
    /// Whether states without a change are shown.
    #[arg(long, visible_alias = "state_verbose", value_name = "BOOL")]
    pub state_verbose: Option<String>,
    /// No colours.
    #[arg(long, visible_alias = "no-colour")]
    pub no_color: bool,
    /// Colours, even when nobody seems to look.
    #[arg(long, visible_alias = "force-colour", conflicts_with = "no_color")]
    pub force_color: bool,
    /// How much to say on standard error.
    #[arg(short = 'l', long, value_name = "LEVEL", default_value = "warning", ignore_case = true)]
    pub log_level: LogLevel,
}

/// How much is said.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
pub(crate) enum LogLevel {
    /// Nothing.
    Quiet,
    /// What ends the run.
    #[value(alias = "critical")]
    Error,
    /// Likely mistakes too.
    #[default]
    Warning,
    /// What is being done.
    #[value(alias = "profile")]
    Info,
    /// Messages of templates.
    Debug,
    /// All there is.
    #[value(aliases = ["garbage", "all"])]
    Trace,
}

/// The arguments as `pinch` takes them: a call as `salt-call` becomes `pinch call`.
pub(crate) fn as_typed(mut arguments: Vec<String>) -> Vec<String> {
    let program = arguments.first().map(|path| path.rsplit('/').next().unwrap_or(path).to_string());
    if program.as_deref() == Some("salt-call") {
        arguments.insert(1, "call".into());
    }
    arguments
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_command_line_is_well_formed() {
        CommandLine::command().debug_assert();
    }

    #[test]
    fn options_may_follow_the_words() {
        let typed = ["salt-call", "test.arg", "a", "-1", "--local", "--out", "json", "b=c"];
        let line = CommandLine::try_parse_from(as_typed(typed.map(String::from).to_vec())).unwrap();
        let Command::Call(call) = line.command else { panic!("no call") };
        assert_eq!(call.words, ["a", "-1", "b=c"]);
        assert_eq!((call.common.out, call.common.local), (Some(Format::Json), true));
    }

    #[test]
    fn salt_calls_options_are_taken() {
        let typed = [
            "/usr/bin/salt-call",
            "-c",
            "/etc/salt",
            "--local",
            "--file-root",
            "/srv",
            "--out=json",
            "-l",
            "debug",
            "--retcode-passthrough",
            "state.apply",
            "web",
            "test=True",
            "pillar={a: -1}",
        ];
        let line = CommandLine::try_parse_from(as_typed(typed.map(String::from).to_vec())).unwrap();
        let Command::Call(call) = line.command else { panic!("no call") };
        assert_eq!(call.function.as_deref(), Some("state.apply"));
        assert_eq!(call.words, ["web", "test=True", "pillar={a: -1}"]);
        assert_eq!((call.common.out, call.common.log_level), (Some(Format::Json), LogLevel::Debug));
    }
}
