//! What a call passes.

use std::sync::Arc;

use crate::value::text::quote;
use crate::{Error, Value};

/// Positional and keyword arguments.
#[derive(Clone, Debug, Default)]
pub struct Args {
    /// The positional ones; a filter's or test's input comes first.
    pub positional: Vec<Value>,
    /// The keyword ones, in the order they were given, each name once.
    pub keyword: Vec<(Arc<str>, Value)>,
}

/// The parameters of a function, as Python would check them.
#[derive(Clone, Copy, Debug)]
pub struct Signature {
    /// The function's name, for error texts.
    pub name: &'static str,
    /// The parameters' names, in order.
    pub parameters: &'static [&'static str],
    /// How many of them have no default.
    pub required: usize,
    /// Parameters that Python passes unseen (the environment), for the counts in error texts.
    pub hidden: usize,
}

impl Signature {
    /// A function whose first `required` parameters have no default.
    pub const fn new(name: &'static str, parameters: &'static [&'static str], required: usize) -> Self {
        Self { name, parameters, required, hidden: 0 }
    }

    /// The same, with one parameter that Python passes unseen.
    pub const fn with_context(self) -> Self {
        Self { hidden: 1, ..self }
    }
}

impl Args {
    /// Positional arguments only.
    pub fn new(positional: Vec<Value>) -> Self {
        Self { positional, keyword: Vec::new() }
    }

    /// The keyword argument of that name, taken out.
    pub fn take_keyword(&mut self, name: &str) -> Option<Value> {
        let at = self.keyword.iter().position(|(given, _)| &**given == name)?;
        Some(self.keyword.remove(at).1)
    }

    /// The arguments in the order of the parameters; those not given are `None`. What does not fit
    /// is a `TypeError` in Python's words.
    pub fn bind<const N: usize>(self, signature: &Signature) -> Result<[Option<Value>; N], Error> {
        let mut bound = [const { None }; N];
        let given = self.positional.len();
        let mut positional = self.positional.into_iter();
        for place in bound.iter_mut().take(signature.parameters.len()) {
            *place = positional.next();
        }
        for (name, value) in self.keyword {
            let at = signature.parameters.iter().position(|parameter| **parameter == *name);
            match at.and_then(|at| bound.get_mut(at)) {
                None => {
                    return Err(Error::type_error(format!(
                        "{}() got an unexpected keyword argument {}",
                        signature.name,
                        quote(&name)
                    ))
                    .did_you_mean(&name, signature.parameters.iter().copied()));
                }
                Some(Some(_)) => {
                    return Err(Error::type_error(format!(
                        "{}() got multiple values for argument {}",
                        signature.name,
                        quote(&name)
                    )));
                }
                Some(place) => *place = Some(value),
            }
        }
        if given > signature.parameters.len() {
            return Err(too_many(signature, given));
        }
        let missing: Vec<&str> = signature
            .parameters
            .iter()
            .zip(&bound)
            .take(signature.required)
            .filter(|(_, value)| value.is_none())
            .map(|(name, _)| *name)
            .collect();
        if missing.is_empty() { Ok(bound) } else { Err(not_given(signature, &missing)) }
    }
}

fn too_many(signature: &Signature, given: usize) -> Error {
    let (most, given) = (signature.parameters.len() + signature.hidden, given + signature.hidden);
    let least = signature.required + signature.hidden;
    let takes = if least == most { most.to_string() } else { format!("from {least} to {most}") };
    Error::type_error(format!(
        "{}() takes {takes} positional argument{} but {given} {} given",
        signature.name,
        if most == 1 { "" } else { "s" },
        if given == 1 { "was" } else { "were" }
    ))
}

fn not_given(signature: &Signature, missing: &[&str]) -> Error {
    let names: Vec<String> = missing.iter().map(|name| quote(name)).collect();
    let list = match names.as_slice() {
        [one] => one.clone(),
        [one, two] => format!("{one} and {two}"),
        [init @ .., last] => format!("{}, and {last}", init.join(", ")),
        [] => String::new(),
    };
    Error::type_error(format!(
        "{}() missing {} required positional argument{}: {list}",
        signature.name,
        missing.len(),
        if missing.len() == 1 { "" } else { "s" }
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    const REPLACE: Signature = Signature::new("do_replace", &["s", "old", "new", "count"], 3).with_context();

    fn message(args: Args) -> String {
        args.bind::<4>(&REPLACE).unwrap_err().message().to_string()
    }

    #[test]
    fn mistakes_are_told_in_pythons_words() {
        let one = Value::Int(1);
        assert_eq!(
            message(Args::new(vec![one.clone()])),
            "do_replace() missing 2 required positional arguments: 'old' and 'new'"
        );
        assert_eq!(
            message(Args::new(vec![one.clone(); 5])),
            "do_replace() takes from 4 to 5 positional arguments but 6 were given"
        );
        let keyword =
            |name: &str| Args { positional: vec![one.clone(); 3], keyword: vec![(name.into(), one.clone())] };
        assert_eq!(message(keyword("nwe")), "do_replace() got an unexpected keyword argument 'nwe'");
        assert_eq!(message(keyword("new")), "do_replace() got multiple values for argument 'new'");
        assert!(keyword("count").bind::<4>(&REPLACE).unwrap()[3].is_some());
    }
}
