//! State functions.

use std::path::Path;

use host::{Action, Attributes, Command, Effect, Fact, HostError, Subject};
use value::Value;

use super::default_file;
use crate::{AnyText, Context, Failure, Outcome};

arguments! {
    /// Keeps a kernel setting at a value, now and after a restart.
    pub(super) struct Present {
        /// The setting, `net.ipv4.ip_forward`.
        name: String,
        /// Its value.
        value: AnyText,
        /// The file that it is kept in.
        config: Option<String>
    }
}

/// See [`Present`].
pub(super) fn present(context: &Context<'_>, asked: Present) -> Result<Outcome, Failure> {
    let (name, value) = (asked.name.as_str(), asked.value.as_str());
    let path = asked.config.unwrap_or_else(|| default_file(context).to_string());
    let path = Path::new(&path);
    let text = match context.host().read(path) {
        Ok(content) => Some(String::from_utf8_lossy(&content).into_owned()),
        Err(HostError::NotFound(_)) => None,
        Err(error) => return Err(error.into()),
    };
    let kept = text.as_deref().and_then(|text| configured(text, name));
    let runs = running(context, name)?;
    let same = |there: &str| there.split_whitespace().eq(value.split_whitespace());
    let is_kept = kept.as_deref().is_some_and(same);
    let does_run = runs.as_deref().is_some_and(same);
    if is_kept && does_run {
        return Ok(Outcome::unchanged(context.words(
            format!("Sysctl value {name} = {value} is already set"),
            format!("Sysctl value {name} = {value} is already set"),
        )));
    }
    let planned = if does_run {
        format!(
            "Sysctl value is currently set on the running system but not in a config file. Sysctl option {name} set \
             to be changed to {value} in config file."
        )
    } else {
        format!("Sysctl option {name} would be changed to {value}")
    };
    if !is_kept {
        write(context, path, &with(text.as_deref(), name, value))?;
    }
    if !does_run && let Err(why) = assign(context, name, value, runs.as_deref())? {
        return Ok(Outcome::failed(format!("Failed to set {name} to {value}: sysctl -w failed: {why}"))
            .hint("look at what the kernel takes: `sysctl NAME`; some settings need a module loaded first, and in a \
                   container most cannot be set"));
    }
    let comment = context.words(format!("Updated sysctl value {name} = {value}"), planned);
    Ok(Outcome::unchanged(comment).with(name, value))
}

/// The value in the running kernel; `None` when it has no such setting.
pub(super) fn running(context: &Context<'_>, name: &str) -> Result<Option<String>, Failure> {
    match context.host().fact(&subject(name)) {
        Some(Fact::Present(value)) => return Ok(Some(value.to_string())),
        Some(Fact::Absent) => return Ok(None),
        _ => {}
    }
    let output = context.host().probe(&Command::new(["sysctl", "-n", name]))?;
    Ok(output.succeeded().then(|| output.stdout_text().trim().to_string()))
}

fn assign(
    context: &Context<'_>,
    name: &str,
    value: &str,
    before: Option<&str>,
) -> Result<Result<(), String>, Failure> {
    let fact = |value: Option<&str>| value.map_or(Fact::Absent, |value| Fact::Present(Value::from(value)));
    let effect = Effect { subject: subject(name), before: fact(before), after: fact(Some(value)) };
    let action =
        Action::new(Command::new(["sysctl".into(), "-w".into(), format!("{name}={value}")]), vec![effect]);
    let output = context.host().act(&action)?.output();
    Ok(match output {
        Some(output) if !output.succeeded() => Err(output.stderr_text().trim().to_string()),
        _ => Ok(()),
    })
}

fn subject(name: &str) -> Subject {
    Subject::new("sysctl", name)
}

fn write(context: &Context<'_>, path: &Path, text: &str) -> Result<(), Failure> {
    let host = context.host();
    if let Some(folder) = path.parent()
        && host.metadata(folder)?.is_none()
    {
        host.create_directory(folder, &Attributes { mode: Some(0o755), ..Attributes::default() })?;
    }
    Ok(host.write(path, text.as_bytes(), &Attributes::default())?)
}

/// The value that a file gives a setting: the last one counts.
fn configured(text: &str, name: &str) -> Option<String> {
    let settings = text.lines().filter(|line| !line.trim_start().starts_with(['#', ';']));
    let pairs = settings.filter_map(|line| line.split_once('='));
    pairs.rev().find(|(key, _)| key.trim() == name).map(|(_, value)| value.trim().to_string())
}

/// The file with a setting at a value.
fn with(text: Option<&str>, name: &str, value: &str) -> String {
    let text = text.unwrap_or("#\n# Kernel sysctl configuration\n#\n");
    let wanted = format!("{name} = {value}");
    let is_it = |line: &&str| {
        !line.trim_start().starts_with(['#', ';'])
            && line.split_once('=').is_some_and(|(key, _)| key.trim() == name)
    };
    let mut lines: Vec<&str> =
        text.lines().map(|line| if is_it(&line) { wanted.as_str() } else { line }).collect();
    if !lines.contains(&wanted.as_str()) {
        lines.push(&wanted);
    }
    lines.join("\n") + "\n"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_setting_is_changed_where_it_stands() {
        let text = "# c\nnet.a=1\n#net.b = 2\nnet.b = 3\n";
        assert_eq!(configured(text, "net.b").as_deref(), Some("3"));
        assert_eq!(configured(text, "net.c"), None);
        assert_eq!(with(Some(text), "net.b", "4"), "# c\nnet.a=1\n#net.b = 2\nnet.b = 4\n");
        assert_eq!(with(Some("x = 1"), "net.b", "4"), "x = 1\nnet.b = 4\n");
        assert!(with(None, "a", "1").ends_with("#\na = 1\n"));
    }
}
