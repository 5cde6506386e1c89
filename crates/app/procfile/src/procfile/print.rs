//! A Procfile written.

use crate::process_type::{NameError, check_name};

/// Why a process type cannot stand in a Procfile.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unprintable {
    /// Its name is none.
    #[error("{0}")]
    Name(#[from] NameError),
    /// Its command is empty, spans lines, begins with white space or ends with a backslash: no line of a Procfile says that.
    #[error("the command of `{name}` does not fit a line of a Procfile")]
    Command {
        /// The process type.
        name: String,
    },
}

/// The text of a Procfile with these names and commands, in this order.
///
/// Reading it gives the same again, provided that no name stands in it twice.
pub fn print<'e>(entries: impl IntoIterator<Item = (&'e str, &'e str)>) -> Result<String, Unprintable> {
    let mut text = String::new();
    for (name, command) in entries {
        check_name(name)?;
        let fits = !command.trim().is_empty()
            && command.trim_start().len() == command.len()
            && !command.contains(['\n', '\r', '\0'])
            && !command.ends_with('\\');
        if !fits {
            return Err(Unprintable::Command { name: name.to_string() });
        }
        text.push_str(&format!("{name}: {command}\n"));
    }
    Ok(text)
}
