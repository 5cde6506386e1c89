//! Jinja2 as Python runs it.
//!
//! Salt trees are templates whose expressions are Python in all but name: they append to lists,
//! update dicts, format with `%`, call `.items()`, and expect Python's texts, comparisons and
//! errors. This crate renders them the same way, fast, and can say of every output byte which
//! template it came from.
//!
//! How it works: [`Environment::compile`] turns a text into tokens (`lexer`), a tree (`parser`,
//! `ast`) and instructions (`compiler`, `program`). A [`Template`] is immutable and shared between
//! threads; the same text is compiled once. [`Environment::render`] runs it on a stack machine
//! (`vm`) over [`Value`]s, which are Python's: shared mutable lists and dicts, big integers, exact
//! `str` and `repr`. What a template includes, imports or extends comes from a [`Loader`]; what else
//! it can see comes from [`Globals`], [`Object`]s, filters, tests and functions of the embedder.
//!
//! Scopes, whitespace control, loops, macros, imports and undefined values follow Jinja 3.1 to the
//! letter, its sandbox included, and so do error texts. Salt's tags (`import_yaml`, `load_yaml`,
//! `profile`, …) are part of the language here; the filters of the same names they apply are the
//! embedder's.
//!
//! Promises: rendering ends, within [`Limits`], whatever the template says; no template makes it
//! panic or overflow the stack; errors carry the template's span and the way there. It never reads
//! files, clocks or the environment. Known differences from Python: lone surrogates become U+FFFD,
//! sets keep insertion order, and a list that contains itself is not freed before the process ends.

mod advice;
mod args;
mod ast;
mod builtin;
mod compiler;
mod environment;
mod error;
mod format;
mod lexer;
mod limits;
mod loader;
mod methods;
mod parser;
mod program;
mod source_map;
mod syntax;
mod value;
mod vm;

pub use args::{Args, Signature};
pub use environment::{Environment, Job, NativeFunction};
pub use error::{Error, ErrorKind, TraceEntry};
pub use limits::Limits;
pub use loader::{Loaded, Loader, NoLoader};
pub use program::Template;
pub use source_map::SourceMap;
pub use syntax::Syntax;
pub use value::{
    Dict, DictMap, Generator, Iter, Key, KeyRef, KeySet, List, Namespace, Object, Range, Set, Special,
    ToValueError, Tuple, Undefined, UndefinedKind, Value, View, ViewKind,
};
pub use vm::{Globals, Rendered, State};
