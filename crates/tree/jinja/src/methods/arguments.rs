//! Arguments of built-in methods, with the texts of Python's errors.

use std::sync::Arc;

use crate::value::text::quote;
use crate::{Args, Error, Value};

/// The arguments of a call of `type.name`.
pub(super) struct Call<'a> {
    pub(super) type_name: &'a str,
    pub(super) name: &'a str,
    pub(super) args: &'a Args,
}

impl<'a> Call<'a> {
    /// Refuses keyword arguments.
    pub(super) fn no_keywords(&self) -> Result<(), Error> {
        if self.args.keyword.is_empty() {
            return Ok(());
        }
        Err(Error::type_error(format!("{}.{}() takes no keyword arguments", self.type_name, self.name)))
    }

    /// Refuses all arguments.
    pub(super) fn none(&self) -> Result<(), Error> {
        self.no_keywords()?;
        match self.args.positional.len() {
            0 => Ok(()),
            given => Err(Error::type_error(format!(
                "{}.{}() takes no arguments ({given} given)",
                self.type_name, self.name
            ))),
        }
    }

    /// The only argument.
    pub(super) fn one(&self) -> Result<&'a Value, Error> {
        self.no_keywords()?;
        match self.args.positional.as_slice() {
            [one] => Ok(one),
            given => Err(Error::type_error(format!(
                "{}.{}() takes exactly one argument ({} given)",
                self.type_name,
                self.name,
                given.len()
            ))),
        }
    }

    /// Between `least` and `most` positional arguments.
    pub(super) fn some(&self, least: usize, most: usize) -> Result<&'a [Value], Error> {
        self.no_keywords()?;
        let given = self.args.positional.len();
        let plural = |count: usize| if count == 1 { "" } else { "s" };
        if least == most && given != least {
            return Err(Error::type_error(format!(
                "{} expected {least} argument{}, got {given}",
                self.name,
                plural(least)
            )));
        }
        if given < least {
            return Err(Error::type_error(format!(
                "{} expected at least {least} argument{}, got {given}",
                self.name,
                plural(least)
            )));
        }
        if given > most {
            return Err(Error::type_error(format!(
                "{} expected at most {most} argument{}, got {given}",
                self.name,
                plural(most)
            )));
        }
        Ok(&self.args.positional)
    }

    /// Positional arguments that may also be given by name.
    pub(super) fn named<const N: usize>(&self, names: [&str; N]) -> Result<[Option<Value>; N], Error> {
        let mut found = [const { None }; N];
        let given = self.args.positional.len();
        if given > N {
            return Err(Error::type_error(format!(
                "{}() takes at most {N} argument{} ({given} given)",
                self.name,
                if N == 1 { "" } else { "s" }
            )));
        }
        for (place, value) in found.iter_mut().zip(&self.args.positional) {
            *place = Some(value.clone());
        }
        for (keyword, value) in &self.args.keyword {
            let at = names.iter().position(|name| **name == **keyword);
            match at.and_then(|at| found.get_mut(at)) {
                Some(place @ None) => *place = Some(value.clone()),
                Some(_) => {
                    return Err(Error::type_error(format!(
                        "argument for {}() given by name ('{keyword}') and position",
                        self.name
                    )));
                }
                None => {
                    return Err(Error::type_error(format!(
                        "{} is an invalid keyword argument for {}()",
                        quote(keyword),
                        self.name
                    )));
                }
            }
        }
        Ok(found)
    }
}

/// An argument that is an integer.
pub(super) fn integer(value: &Value) -> Result<i64, Error> {
    match value {
        Value::Big(_) => {
            Err(Error::new(crate::ErrorKind::Overflow, "Python int too large to convert to C ssize_t"))
        }
        value => value.as_int().ok_or_else(|| {
            Error::type_error(format!("'{}' object cannot be interpreted as an integer", value.type_name()))
        }),
    }
}

/// An argument that is text.
pub(super) fn string(value: &Value) -> Result<Arc<str>, Error> {
    match value {
        Value::Str(text) | Value::Markup(text) => Ok(text.clone()),
        value => Err(Error::type_error(format!("must be str, not {}", value.type_name()))),
    }
}
