//! From the bytes of a template to data or text.
//!
//! Every SLS, pillar file and `file.managed` template goes through a pipe of renderers, named by its `#!`
//! line; `jinja|yaml` unless it says otherwise. [`Renderer`] runs that pipe: it takes the bytes, sets up
//! Jinja as Salt does (`salt`, `grains`, `pillar`, `opts`, the variables that say where a template is,
//! Salt's filters), loads imports from the state tree, and reads the result as [`yaml`] or JSON. Every
//! value of the data, and every problem, points back at the line of the template it came from.
//!
//! What a rendering needs from outside comes through two traits: [`TreeFiles`], the files of the state
//! tree, and [`Functions`], the execution modules that templates call. This crate itself touches no
//! machine: no file, no clock, no environment.
//!
//! Templates are compiled once for all renderings of a run, and facts converted once for each thread, so
//! that a template rendered a thousand times costs its evaluation alone.

mod filters;
mod functions;
mod json;
mod loader;
mod pipe;
mod renderer;
mod salt_object;
pub mod tree_files;
mod variables;
pub mod yaml;

pub use functions::{FunctionError, Functions, NoFunctions};
pub use json::data as json_data;
pub use pipe::{Stage, stages};
pub use renderer::{Facts, Limits, RenderRequest, RenderedText, Renderer};
pub use tree_files::{MemoryTree, TreeFileError, TreeFiles};
