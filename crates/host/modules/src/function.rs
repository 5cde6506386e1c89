//! Entries of the catalogue.

use report::Problem;
use value::{Map, Span, Value};

use crate::arguments::ArgumentSpecification;
use crate::{Context, Failure, Outcome};

/// Runs a state function on arguments; the span is where the function was named.
pub type StateRun = fn(&Context<'_>, &Map, Span) -> Result<Outcome, Failure>;

/// One subject.
#[derive(Clone, Copy, Debug)]
pub struct Module {
    /// Its name in SLS files and calls.
    pub name: &'static str,
    /// What it manages.
    pub documentation: &'static str,
    /// Its state functions.
    pub states: &'static [StateFunction],
    /// Its execution functions.
    pub functions: &'static [ExecutionFunction],
}

/// A state function.
#[derive(Clone, Copy, Debug)]
pub struct StateFunction {
    /// Its name without the module's.
    pub name: &'static str,
    /// What it brings about.
    pub documentation: &'static str,
    /// Its arguments.
    pub arguments: &'static [ArgumentSpecification],
    /// Whether it accepts further arguments.
    pub open: bool,
    /// Reads the arguments and says what is wrong with them, without running.
    pub check: fn(&Map, Span) -> Result<(), Vec<Problem>>,
    /// Runs it.
    pub run: StateRun,
    /// What a watch that fires does, when `run` itself changed nothing (Salt's `mod_watch`).
    pub on_watch: Option<StateRun>,
}

/// An execution function.
#[derive(Clone, Copy, Debug)]
pub struct ExecutionFunction {
    /// Its name without the module's.
    pub name: &'static str,
    /// What it answers or does.
    pub documentation: &'static str,
    /// Its arguments, in positional order.
    pub arguments: &'static [ArgumentSpecification],
    /// Whether it accepts further named arguments.
    pub open: bool,
    /// Runs it.
    pub run: fn(&Context<'_>, &Map) -> Result<Value, Failure>,
}

/// Makes a [`StateFunction`] of a function and its arguments: `state!("managed", managed, Managed)`, with
/// what a watch does as a fourth part where there is one. With `raw` in front the functions get the arguments
/// as they are, a `&Map` with the place, and the set serves as documentation and check.
macro_rules! state {
    (raw $name:literal, $function:path, $arguments:ty) => {
        state!(@raw $name, $function, $arguments, None)
    };
    (raw $name:literal, $function:path, $arguments:ty, on_watch = $watch:path) => {
        state!(@raw $name, $function, $arguments, Some($watch))
    };
    (@raw $name:literal, $function:path, $arguments:ty, $watch:expr) => {
        $crate::StateFunction {
            name: $name,
            documentation: <$arguments as $crate::Arguments>::DOCUMENTATION,
            arguments: <$arguments as $crate::Arguments>::SPECIFICATION,
            open: <$arguments as $crate::Arguments>::OPEN,
            check: |map, place| <$arguments as $crate::Arguments>::from_map(map, place).map(|_| ()),
            run: $function,
            on_watch: $watch,
        }
    };
    ($name:literal, $function:path, $arguments:ty) => {
        state!(@ $name, $function, $arguments, None)
    };
    ($name:literal, $function:path, $arguments:ty, on_watch = $watch:path) => {
        state!(@ $name, $function, $arguments, Some(|context, map, place| {
            $watch(context, <$arguments as $crate::Arguments>::from_map(map, place)?)
        }))
    };
    (@ $name:literal, $function:path, $arguments:ty, $watch:expr) => {
        $crate::StateFunction {
            name: $name,
            documentation: <$arguments as $crate::Arguments>::DOCUMENTATION,
            arguments: <$arguments as $crate::Arguments>::SPECIFICATION,
            open: <$arguments as $crate::Arguments>::OPEN,
            check: |map, place| <$arguments as $crate::Arguments>::from_map(map, place).map(|_| ()),
            run: |context, map, place| {
                $function(context, <$arguments as $crate::Arguments>::from_map(map, place)?)
            },
            on_watch: $watch,
        }
    };
}

/// Makes an [`ExecutionFunction`]: `execution!("file_exists", file_exists, FileExists)`.
///
/// With `raw` in front the function gets the bound arguments as they are, a `&Map`, and the set serves as
/// documentation and check of names: for functions that templates call thousands of times with large
/// arguments, which would otherwise be copied.
macro_rules! execution {
    (raw $name:literal, $function:path, $arguments:ty) => {
        $crate::ExecutionFunction {
            name: $name,
            documentation: <$arguments as $crate::Arguments>::DOCUMENTATION,
            arguments: <$arguments as $crate::Arguments>::SPECIFICATION,
            open: <$arguments as $crate::Arguments>::OPEN,
            run: |context, map| $function(context, map).map(::value::Value::from),
        }
    };
    ($name:literal, $function:path, $arguments:ty) => {
        $crate::ExecutionFunction {
            name: $name,
            documentation: <$arguments as $crate::Arguments>::DOCUMENTATION,
            arguments: <$arguments as $crate::Arguments>::SPECIFICATION,
            open: <$arguments as $crate::Arguments>::OPEN,
            run: |context, map| {
                $function(context, <$arguments as $crate::Arguments>::from_map(map, ::value::Span::NONE)?)
                    .map(::value::Value::from)
            },
        }
    };
}

impl ExecutionFunction {
    /// Calls it with positional and named arguments. `name` is its full name, for messages.
    pub fn call(
        &self,
        name: &str,
        context: &Context<'_>,
        positional: Vec<Value>,
        named: Map,
    ) -> Result<Value, Failure> {
        let bound = crate::bind(name, self.arguments, self.open, positional, named)?;
        (self.run)(context, &bound)
    }
}

impl StateFunction {
    /// The arguments besides `name` that it needs and that are not among these.
    pub fn missing_arguments(&self, map: &Map) -> Vec<&'static str> {
        let is_given = |name: &&str| map.contains(name);
        let needed = self.arguments.iter().filter(|argument| argument.required && argument.name != "name");
        needed
            .filter(|argument| !std::iter::once(&argument.name).chain(argument.aliases).any(is_given))
            .map(|argument| argument.name)
            .collect()
    }

    /// Warnings for arguments it does not know.
    pub fn unknown_arguments(&self, name: &str, map: &Map) -> Vec<Problem> {
        let unknown = crate::arguments::unknown(map, name, self.arguments).into_iter();
        // A function that takes anything is asked only about what looks like a typing mistake.
        let doubtful = unknown.filter(|problem| !self.open || !problem.hints.is_empty());
        doubtful
            .map(|problem| problem.or_hint(format!("`pinch call sys.doc {name}` lists those it has")))
            .collect()
    }
}
