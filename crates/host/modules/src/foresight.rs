//! What a guard's line would find under a plan.
//!
//! A guard is asked on the machine as it is. Under a plan that is the wrong machine as soon as an earlier state has
//! changed what the line looks at. So the line is searched for the paths and names that changes so far are about:
//! when it mentions none of them the machine's answer stands; when it only asks what stands at a path (`test -f`,
//! `[ -d … ]`) the plan answers itself; otherwise nobody can know before the run.

use std::path::{Path, PathBuf};

use host::{Change, FileKind, FileState, Host, HostError, Metadata};

/// How a line would end: `Some` when the plan knows, `None` when the machine may be asked. `cwd` is where it would run.
pub(crate) fn foreseen(host: &dyn Host, line: &str, cwd: Option<&str>) -> Result<Option<bool>, HostError> {
    if !host.is_plan() {
        return Ok(None);
    }
    let mentioned = Mentioned::of(line, cwd);
    let Some(changed) = host.first_change(&|change| mentioned.has(change)) else { return Ok(None) };
    let only_files = host.first_change(&|change| mentioned.has(change) && !is_path(change)).is_none();
    if only_files && let Some(holds) = tests(host, line, cwd)? {
        return Ok(Some(holds));
    }
    Err(HostError::Unknown {
        what: format!("what `{line}` would say"),
        because: format!("{} is changed before", changed.subject()),
    })
}

/// The paths and names in a line.
struct Mentioned {
    paths: Vec<PathBuf>,
    names: Vec<String>,
}

impl Mentioned {
    fn of(line: &str, cwd: Option<&str>) -> Self {
        let mut mentioned = Self { paths: Vec::new(), names: Vec::new() };
        for word in words(line) {
            let fixed = word.split(['*', '?', '[', '$', '{', '~']).next().unwrap_or_default();
            let fixed = if fixed.len() < word.len() {
                fixed.rsplit_once('/').map_or("", |(above, _)| above)
            } else {
                word
            };
            if fixed.starts_with('/') {
                mentioned.paths.push(plain(Path::new(fixed)));
            } else if let Some(cwd) = cwd.filter(|_| !fixed.is_empty() && !fixed.starts_with('-')) {
                mentioned.paths.push(plain(&Path::new(cwd).join(fixed)));
            }
            let name = word.rsplit('/').next().unwrap_or(word).trim_matches(['^', '$', ':']);
            if !name.is_empty() {
                mentioned.names.push(name.into());
            }
        }
        mentioned
    }

    /// Whether a change is about something that is mentioned.
    fn has(&self, change: &Change) -> bool {
        match change {
            Change::File {
                path,
                before: FileState::Directory { .. },
                after: FileState::Directory { .. },
            } => self.paths.contains(path),
            Change::File { path, .. } => self.has_path(path),
            Change::Effect(effect) => match &*effect.subject.kind {
                "path" | "git" => self.has_path(Path::new(&effect.subject.name)),
                "user" | "group" => self.names.contains(&effect.subject.name) || self.has_accounts(),
                "package" | "service" | "sysctl" => self.names.contains(&effect.subject.name),
                _ => false,
            },
            // A command may do anything; what it names it most likely does something to.
            Change::Command { command } => {
                let named = words(command).filter(|word| word.starts_with('/'));
                named.map(|word| plain(Path::new(word))).any(|path| self.paths.contains(&path))
            }
        }
    }

    /// A path that is mentioned, one below it, or a directory on the way to it.
    fn has_path(&self, changed: &Path) -> bool {
        self.paths.iter().any(|path| changed.starts_with(path) || path.starts_with(changed))
    }

    fn has_accounts(&self) -> bool {
        let files = ["/etc/passwd", "/etc/group", "/etc/shadow", "/etc/gshadow"];
        files.iter().any(|file| self.paths.iter().any(|path| path == Path::new(file)))
    }
}

/// Without a slash at the end and without `.` parts.
fn plain(path: &Path) -> PathBuf {
    path.components().collect()
}

/// What stands between blanks and the shell's own signs.
fn words(line: &str) -> impl Iterator<Item = &str> {
    let parts = line.split(|letter: char| letter.is_whitespace() || ";&|()<>\"'`=,!\\".contains(letter));
    parts.filter(|word| !word.is_empty())
}

fn is_path(change: &Change) -> bool {
    match change {
        Change::File { .. } => true,
        Change::Effect(effect) => &*effect.subject.kind == "path",
        Change::Command { .. } => false,
    }
}

/// How a line ends that only asks what stands at paths, on the plan's own files; `None` for any other line.
fn tests(host: &dyn Host, line: &str, cwd: Option<&str>) -> Result<Option<bool>, HostError> {
    let signs = [";", "|", "$", "`", "*", "?", "~", "<", ">", "\\", "{", "#"];
    if signs.iter().any(|sign| line.replace("||", "").contains(sign)) || line.contains('\n') {
        return Ok(None);
    }
    // `&&` and `||` bind alike in a shell, from left to right.
    let mut so_far = None;
    let mut rest = line;
    let mut joint = "";
    loop {
        let end = [rest.find("&&"), rest.find("||")].into_iter().flatten().min();
        let (one, next) = rest.split_at(end.unwrap_or(rest.len()));
        let Some(question) = Question::read(one) else { return Ok(None) };
        let holds = question.answer(host, cwd)?;
        so_far = Some(match (so_far, joint) {
            (Some(before), "&&") => before && holds,
            (Some(before), _) => before || holds,
            (None, _) => holds,
        });
        let Some(after) = next.get(2..) else { return Ok(so_far) };
        joint = next.get(..2).unwrap_or_default();
        rest = after;
    }
}

/// `test -f /etc/motd`, `[ ! -d /srv ]`
struct Question<'a> {
    negated: bool,
    flag: &'a str,
    path: &'a str,
}

impl<'a> Question<'a> {
    fn read(text: &'a str) -> Option<Self> {
        let words: Vec<&str> = text.split_whitespace().collect();
        let (outer, words) = match words.split_first()? {
            (&"!", rest) => (true, rest),
            _ => (false, words.as_slice()),
        };
        let inner = match words.split_first()? {
            (&("test" | "/usr/bin/test" | "/bin/test"), inner) => inner,
            (&"[", rest) => match rest.split_last()? {
                (&"]", inner) => inner,
                _ => return None,
            },
            (&"[[", rest) => match rest.split_last()? {
                (&"]]", inner) => inner,
                _ => return None,
            },
            _ => return None,
        };
        let (negated, inner) = match inner.split_first()? {
            (&"!", rest) => (!outer, rest),
            _ => (outer, inner),
        };
        let &[flag, path] = inner else { return None };
        let quoted = |quote| path.strip_prefix(quote).and_then(|path| path.strip_suffix(quote));
        let path = quoted('"').or_else(|| quoted('\'')).unwrap_or(path);
        if path.is_empty() || path.contains(['"', '\'']) {
            return None;
        }
        matches!(flag, "-e" | "-f" | "-d" | "-L" | "-h" | "-s").then_some(Self { negated, flag, path })
    }

    fn answer(&self, host: &dyn Host, cwd: Option<&str>) -> Result<bool, HostError> {
        let path = plain(&Path::new(cwd.unwrap_or("/")).join(self.path));
        let is = |found: Option<Metadata>, kind: FileKind| found.is_some_and(|found| found.kind == kind);
        let holds = match self.flag {
            "-f" => is(host.metadata(&path)?, FileKind::File),
            "-d" => is(host.metadata(&path)?, FileKind::Directory),
            "-L" | "-h" => is(host.link_metadata(&path)?, FileKind::Symlink),
            "-s" => match host.metadata(&path)? {
                Some(found) if found.kind == FileKind::File => {
                    found.size > 0 || !host.read(&path)?.is_empty()
                }
                found => found.is_some(),
            },
            _ => host.metadata(&path)?.is_some(),
        };
        Ok(holds != self.negated)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use host::{
        Action, Attributes, Command, Commands as _, Effect, Fact, Files as _, Memory, Overlay, Subject,
    };
    use value::Value;

    use super::*;

    /// A plan that has changed a little.
    fn plan() -> Overlay {
        let below = Memory::empty().file("/etc/motd", "old").file("/etc/hosts", "h").directory(
            "/srv/app",
            0o755,
            host::Owner::Id(0),
            host::Owner::Id(0),
        );
        let plan = Overlay::over(Arc::new(below));
        let plainly = Attributes::default();
        plan.write(Path::new("/etc/motd"), b"new", &plainly).unwrap();
        plan.write(Path::new("/etc/made"), b"", &plainly).unwrap();
        plan.create_directory(Path::new("/srv/app/conf"), &plainly).unwrap();
        plan.remove_file(Path::new("/etc/hosts")).unwrap();
        let effect = |kind, name: &str| Effect {
            subject: Subject::new(kind, name),
            before: Fact::Absent,
            after: Fact::Present(Value::NULL),
        };
        for (kind, name) in [("user", "bob"), ("package", "nginx")] {
            plan.act(&Action::new(Command::new(["make", name]), vec![effect(kind, name)])).unwrap();
        }
        plan.act(&Action::new(Command::shell("touch /tmp/done"), Vec::new())).unwrap();
        plan
    }

    #[test]
    fn what_nothing_has_changed_is_asked_on_the_machine() {
        let plan = plan();
        for line in [
            "true",
            "test -f /etc/fstab",
            "grep -q x /etc/motd.d/y",
            "test -d /srv/other && echo nginxx",
            "ls /root/.nginx",
            "id bobby",
        ] {
            assert_eq!(foreseen(&plan, line, None), Ok(None), "{line}");
        }
    }

    #[test]
    fn what_stands_at_a_path_the_plan_knows() {
        let plan = plan();
        for (line, cwd, holds) in [
            ("test -f /etc/made", None, true),
            ("test -s /etc/made", None, false),
            ("test -s /etc/motd", None, true),
            ("[ -e /etc/hosts ]", None, false),
            ("[ ! -e /etc/hosts ]", None, true),
            ("! test -d /srv/app/conf", None, false),
            ("test -d conf", Some("/srv/app"), true),
            ("test -d /srv/app && test -f /etc/made", None, true),
            ("test -e /etc/hosts || test -d /srv/app/conf", None, true),
            ("test -e /etc/hosts || test -d /srv/app/conf && test -L /etc/made", None, false),
            ("test -d /srv/app", None, true),
            ("test -f '/etc/made' && test -f \"/etc/motd\"", None, true),
        ] {
            assert_eq!(foreseen(&plan, line, cwd), Ok(Some(holds)), "{line}");
        }
    }

    #[test]
    fn what_looks_deeper_is_unknown() {
        let plan = plan();
        for (line, cwd) in [
            ("grep -q new /etc/motd", None),
            ("grep -q new motd", Some("/etc")),
            ("diff /etc/mo* /x", None),
            ("ls /srv/app | grep -q conf", None),
            ("test -f /srv/app/conf/deeper && cat x", None),
            ("id bob", None),
            ("getent passwd bob >/dev/null", None),
            ("grep -q ^bob: /etc/passwd", None),
            ("/usr/sbin/nginx -t", None),
            ("test -x /usr/sbin/nginx", None),
            ("test -f /tmp/done", None),
        ] {
            assert!(foreseen(&plan, line, cwd).is_err_and(|error| error.is_unknown()), "{line}");
        }
    }

    #[test]
    fn a_run_asks_the_machine() {
        let machine = Memory::empty().file("/etc/motd", "old");
        machine.write(Path::new("/etc/motd"), b"new", &Attributes::default()).unwrap();
        assert_eq!(foreseen(&machine, "grep -q new /etc/motd", None), Ok(None));
    }
}
