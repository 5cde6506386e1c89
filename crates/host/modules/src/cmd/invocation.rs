//! A command with all that surrounds it, as Salt's `cmd` functions take it.

use std::path::Path;
use std::time::Duration;

use host::{Action, Command, Effect, Fact, FileKind, HostError, Outcome, Program, Subject};
use value::{Data, Map, Value};

use super::words;
use crate::{Context, Failure};

/// What runs, and how. Made by [`read`](Self::read) from the arguments that all `cmd` functions share.
#[derive(Clone, Debug, Default)]
pub(crate) struct Invocation {
    pub(crate) line: Line,
    pub(crate) cwd: Option<String>,
    pub(crate) root: Option<String>,
    pub(crate) runas: Option<String>,
    pub(crate) group: Option<String>,
    pub(crate) shell: Option<String>,
    pub(crate) environment: Vec<(String, String)>,
    pub(crate) clean_environment: bool,
    pub(crate) keep_locale: bool,
    pub(crate) prepend_path: Option<String>,
    pub(crate) umask: Option<String>,
    pub(crate) timeout: Option<f64>,
    pub(crate) background: bool,
    pub(crate) stdin: Vec<u8>,
    pub(crate) expected: Expected,
}

/// What runs.
#[derive(Clone, Debug)]
pub(crate) enum Line {
    /// For a shell.
    Shell(String),
    /// Without one.
    Words(Vec<String>),
}

impl Default for Line {
    fn default() -> Self {
        Self::Words(Vec::new())
    }
}

/// What counts as success besides exit code 0.
#[derive(Clone, Debug, Default)]
pub(crate) struct Expected {
    codes: Vec<i64>,
    in_stdout: Vec<String>,
    in_stderr: Vec<String>,
}

/// What came of it.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Ran {
    pub(crate) pid: u32,
    pub(crate) retcode: i64,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
    pub(crate) timed_out: bool,
}

impl Ran {
    /// What to do about a command that ended badly.
    pub(crate) fn advice(&self) -> String {
        match self.retcode {
            _ if self.timed_out => "give it longer with `timeout`, or find out what it waits for".into(),
            126 => "exit code 126: what the line names is no program: chmod +x, or run it through its interpreter".into(),
            127 => "exit code 127: the program is not on the PATH: install it first, or write its whole path".into(),
            code => format!(
                "it ended with exit code {code}: read what it printed; if that means success here, add \
                 `- success_retcodes: [{code}]`"
            ),
        }
    }

    /// As Salt shows it. Without `shown`, the outputs are left empty.
    pub(crate) fn map(&self, shown: bool) -> Map {
        let output = |text: &str| Value::from(if shown { text } else { "" });
        [
            ("pid", self.pid.into()),
            ("retcode", self.retcode.into()),
            ("stdout", output(&self.stdout)),
            ("stderr", output(&self.stderr)),
        ]
        .into_iter()
        .collect()
    }
}

impl Invocation {
    /// Reads what all `cmd` functions and guards share from a map of arguments: `cwd`, `root`, `runas`, `group`,
    /// `env`, `prepend_path`, `umask`, `timeout`, `shell`, `success_retcodes` and so on.
    pub(crate) fn read(line: Line, arguments: &Map) -> Result<Self, Failure> {
        let given = |name: &str| arguments.get(name).filter(|value| !value.is_null());
        let text = |name: &str| given(name).map(Value::to_string).filter(|text| !text.is_empty());
        let flag = |name: &str| given(name).is_some_and(Value::is_truthy);
        let timeout = given("timeout").map(|timeout| {
            let seconds = timeout.as_float().or_else(|| timeout.as_str()?.trim().parse().ok());
            seconds.ok_or_else(|| {
                Failure::message(format!("Error: timeout {timeout} must be a number"))
                    .hint("write seconds: `- timeout: 300`")
                    .blames("timeout")
            })
        });
        Ok(Self {
            line,
            cwd: text("cwd"),
            root: text("root"),
            runas: text("runas").or_else(|| text("user")),
            group: text("group"),
            shell: text("shell"),
            environment: environment(given("env"))?,
            clean_environment: flag("clean_env"),
            keep_locale: arguments.get("reset_system_locale").is_some_and(|reset| !reset.is_truthy()),
            prepend_path: text("prepend_path"),
            umask: text("umask"),
            timeout: timeout.transpose()?,
            background: flag("bg"),
            stdin: text("stdin").map(|text| text.replace("\\n", "\n").into_bytes()).unwrap_or_default(),
            expected: Expected {
                codes: integers(given("success_retcodes"))?,
                in_stdout: texts(given("success_stdout")),
                in_stderr: texts(given("success_stderr")),
            },
        })
    }

    /// With the shell that grains name, where none was asked for and that one is there.
    pub(crate) fn with_default_shell(mut self, context: &Context<'_>) -> Self {
        let there =
            |shell: &String| context.host().metadata(Path::new(shell)).is_ok_and(|found| found.is_some());
        self.shell =
            self.shell.or_else(|| context.grain("shell").map(|shell| shell.to_string()).filter(there));
        self
    }

    /// Runs it as something that only looks.
    pub(crate) fn probe(&self, context: &Context<'_>) -> Result<Ran, Failure> {
        let account = self.account(context)?;
        let command = self.command(context, account)?;
        self.ended(context.host().probe(&command).map(Some), &command).map(Option::unwrap_or_default)
    }

    /// Runs it as something that may change anything; `creates` are paths that will be there afterwards.
    /// `None` when it is only planned.
    pub(crate) fn act(&self, context: &Context<'_>, creates: &[String]) -> Result<Option<Ran>, Failure> {
        let account = match self.account(context) {
            // A package or command that is only planned may bring the user.
            Err(_) if context.host().is_plan() => None,
            account => account?,
        };
        let command = self.command(context, account)?;
        let made = |path: &String| {
            let subject = Subject::new("path", path.as_str());
            let before = context.host().fact(&subject).unwrap_or(Fact::Absent);
            Effect { subject, before, after: Fact::Present(Value::NULL) }
        };
        let effects = if creates.iter().all(|path| is_there(context, path)) {
            Vec::new()
        } else {
            creates.iter().map(made).collect()
        };
        let outcome = context.host().act(&Action::new(command.clone(), effects)).map(Outcome::output);
        self.ended(outcome, &command)
    }

    fn ended(
        &self,
        outcome: Result<Option<host::Output>, HostError>,
        command: &Command,
    ) -> Result<Option<Ran>, Failure> {
        let output = match outcome {
            Ok(Some(output)) => output,
            Ok(None) => return Ok(None),
            Err(HostError::TimedOut { after, .. }) => {
                let seconds = value::float_text(after.as_secs_f64());
                let seconds = seconds.strip_suffix(".0").unwrap_or(&seconds);
                let stdout = format!("{} : Timed out after {seconds} seconds", command.text());
                return Ok(Some(Ran { retcode: 1, stdout, timed_out: true, ..Ran::default() }));
            }
            Err(error) => return Err(error.into()),
        };
        let mut ran = Ran {
            pid: output.pid,
            retcode: output.code.into(),
            stdout: output.stdout_text().trim_end().to_string(),
            stderr: output.stderr_text().trim_end().to_string(),
            timed_out: false,
        };
        if self.background {
            ran.pid = ran.stdout.trim().parse().unwrap_or(ran.pid);
            ran.stdout.clear();
        }
        if self.expected.accepts(&ran) {
            ran.retcode = 0;
        }
        Ok(Some(ran))
    }

    fn account(&self, context: &Context<'_>) -> Result<Option<Account>, Failure> {
        self.runas.as_deref().map(|name| Account::of(context, name)).transpose()
    }

    /// The command for the host.
    fn command(&self, context: &Context<'_>, account: Option<Account>) -> Result<Command, Failure> {
        let host_home = || context.host().environment().iter().find(|(name, _)| name == "HOME");
        let home = account.as_ref().map(|account| account.home.as_str());
        let home = home.or_else(|| host_home().map(|(_, home)| home.as_str()));
        let mut command = Command::new([""; 0]);
        command.program = self.program(context)?;
        command.directory = Some(match (&self.cwd, home) {
            (Some(cwd), _) => cwd.into(),
            (None, Some(home)) if is_directory(context, home) => home.into(),
            (None, _) => "/".into(),
        });
        command.environment = self.variables(context, account.as_ref());
        command.clean_environment = self.clean_environment;
        command.user.clone_from(&self.runas);
        command.group.clone_from(&self.group);
        command.umask = self.umask.as_deref().map(umask).transpose()?;
        command.stdin.clone_from(&self.stdin);
        command.timeout = self.timeout.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
        Ok(command)
    }

    fn program(&self, context: &Context<'_>) -> Result<Program, Failure> {
        if let Some(shell) = &self.shell
            && shell != "/bin/sh"
            && !context.host().metadata(Path::new(shell)).is_ok_and(|found| found.is_some())
        {
            return Err(Failure::message(format!("The shell {shell} is not available"))
                .hint("write the whole path of a shell that is there, such as /bin/sh, or install it first")
                .blames("shell"));
        }
        let shell = self.shell.clone().unwrap_or_else(|| "/bin/sh".into());
        let program = match &self.line {
            Line::Shell(line) if self.background => {
                let line = format!("( {line}\n) </dev/null >/dev/null 2>&1 & echo $!");
                Program::Shell { shell, line }
            }
            Line::Shell(line) => Program::Shell { shell, line: line.clone() },
            Line::Words(words) => Program::Argv(words.clone()),
        };
        Ok(match (&self.root, program) {
            (None, program) => program,
            (Some(root), Program::Shell { shell, line }) => {
                Program::Argv(["chroot", root, &shell, "-c", &line].map(String::from).to_vec())
            }
            (Some(root), Program::Argv(words)) => {
                Program::Argv(["chroot".into(), root.clone()].into_iter().chain(words).collect())
            }
        })
    }

    /// What is set on top of the host's own variables: who the user is, a locale that programs speak
    /// English in, then what was asked for.
    fn variables(&self, context: &Context<'_>, account: Option<&Account>) -> Vec<(String, Option<String>)> {
        let mut variables: Vec<(String, Option<String>)> = Vec::new();
        let mut set = |name: &str, value: &str| {
            variables.retain(|(known, _)| known != name);
            variables.push((name.to_string(), Some(value.to_string())));
        };
        if !self.keep_locale {
            for name in LOCALE {
                set(name, "C");
            }
        }
        for (name, value) in &self.environment {
            set(name, value);
        }
        if let Some(account) = account {
            for (name, value) in
                [("USER", &account.name), ("LOGNAME", &account.name), ("HOME", &account.home)]
            {
                set(name, value);
            }
            if !self.environment.iter().any(|(name, _)| name == "SHELL") && !account.shell.is_empty() {
                set("SHELL", &account.shell);
            }
        }
        if let Some(first) = &self.prepend_path {
            let asked = self.environment.iter().find(|(name, _)| name == "PATH");
            let path = asked.or_else(|| context.host().environment().iter().find(|(name, _)| name == "PATH"));
            let path = path.map_or("/usr/sbin:/usr/bin:/sbin:/bin", |(_, path)| path.as_str());
            set("PATH", &format!("{first}:{path}"));
        }
        if !self.environment.iter().any(|(name, _)| name == "NOTIFY_SOCKET") {
            variables.push(("NOTIFY_SOCKET".into(), None));
        }
        variables
    }
}

/// What is set to `C` unless `reset_system_locale` is off.
const LOCALE: [&str; 13] = [
    "LC_CTYPE",
    "LC_NUMERIC",
    "LC_TIME",
    "LC_COLLATE",
    "LC_MONETARY",
    "LC_MESSAGES",
    "LC_PAPER",
    "LC_NAME",
    "LC_ADDRESS",
    "LC_TELEPHONE",
    "LC_MEASUREMENT",
    "LC_IDENTIFICATION",
    "LANGUAGE",
];

impl Expected {
    fn accepts(&self, ran: &Ran) -> bool {
        self.codes.contains(&ran.retcode)
            || self.in_stdout.iter().any(|text| ran.stdout.contains(text.as_str()))
            || self.in_stderr.iter().any(|text| ran.stderr.contains(text.as_str()))
    }
}

/// Splits a line into words, for a command that runs without a shell.
pub(super) fn without_shell(line: &str) -> Result<Line, Failure> {
    words::split(line).map(Line::Words)
}

/// Whether there is a directory at a path.
pub(super) fn is_directory(context: &Context<'_>, path: &str) -> bool {
    let found = context.host().metadata(Path::new(path));
    found.is_ok_and(|found| found.is_some_and(|found| found.kind == FileKind::Directory))
}

/// Whether something is at a path, or an earlier command has promised that it will be.
pub(crate) fn is_there(context: &Context<'_>, path: &str) -> bool {
    match context.host().fact(&Subject::new("path", path)) {
        Some(Fact::Present(_)) => true,
        Some(Fact::Absent) => false,
        _ => context.host().metadata(Path::new(path)).is_ok_and(|found| found.is_some()),
    }
}

/// What a command needs to know about the user it runs as.
struct Account {
    name: String,
    home: String,
    shell: String,
}

impl Account {
    fn of(context: &Context<'_>, name: &str) -> Result<Self, Failure> {
        let user = match host::accounts::user(context.host(), name)? {
            Some(user) => Some(user),
            None => match name.parse() {
                Ok(uid) => host::accounts::user_by_id(context.host(), uid)?,
                Err(_) => None,
            },
        };
        let user = user.ok_or_else(|| not_available(name))?;
        let home = if user.home.is_empty() { format!("/home/{}", user.name) } else { user.home };
        Ok(Self { name: user.name, home, shell: user.shell })
    }
}

fn not_available(user: &str) -> Failure {
    Failure::message(format!("User '{user}' is not available"))
        .hint(format!("add a `user.present` state for `{user}` that this one requires, or correct the name"))
        .blames("runas")
}

/// Octal digits, as Salt takes them.
fn umask(text: &str) -> Result<u32, Failure> {
    match text.trim_start_matches('0') {
        "" => Err(Failure::message("Zero umask is not allowed.")
            .hint("everybody could write what the command makes: write `- umask: '022'`")
            .blames("umask")),
        digits => u32::from_str_radix(digits, 8).ok().filter(|bits| *bits <= 0o777).ok_or_else(|| {
            Failure::message(format!("Invalid umask: '{text}'"))
                .hint("write octal digits in quotes: `- umask: '022'`")
                .blames("umask")
        }),
    }
}

/// A mapping, or a list of them. Values that are no text become theirs; null is empty.
fn environment(given: Option<&Value>) -> Result<Vec<(String, String)>, Failure> {
    let wrong = || {
        Failure::message("Invalidly-formatted 'env' parameter. See documentation.")
            .hint("write `- env:` and below it `- NAME: value` lines")
            .blames("env")
    };
    let maps: Vec<&Map> = match given.map(|value| &value.data) {
        None => return Ok(Vec::new()),
        Some(Data::Map(map)) => vec![map],
        Some(Data::List(items)) => {
            items.iter().map(Value::as_map).collect::<Option<_>>().ok_or_else(wrong)?
        }
        Some(_) => return Err(wrong()),
    };
    let text = |value: &Value| if value.is_null() { String::new() } else { value.to_string() };
    Ok(maps.into_iter().flat_map(Map::iter).map(|(name, value)| (name.to_string(), text(value))).collect())
}

fn texts(given: Option<&Value>) -> Vec<String> {
    match given.map(|value| &value.data) {
        None => Vec::new(),
        Some(Data::List(items)) => items.iter().map(Value::to_string).collect(),
        Some(Data::Str(text)) => text.split(',').map(|part| part.trim().to_string()).collect(),
        Some(_) => given.map(Value::to_string).into_iter().collect(),
    }
}

fn integers(given: Option<&Value>) -> Result<Vec<i64>, Failure> {
    let wrong = || {
        Failure::message("success_retcodes must be a list of integers")
            .hint("write `- success_retcodes: [0, 3]`")
            .blames("success_retcodes")
    };
    texts(given).iter().map(|text| text.trim().parse().map_err(|_| wrong())).collect()
}
