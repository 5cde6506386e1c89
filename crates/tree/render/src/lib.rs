//! From the bytes of a template to data or text.
//!
//! What a rendering needs from outside comes through two traits: [`TreeFiles`], the files of the state
//! tree, and [`Functions`], the execution modules that templates call. This crate itself touches no
//! machine.

mod functions;
pub mod tree_files;
pub mod yaml;

pub use functions::{FunctionError, Functions, NoFunctions};
pub use tree_files::{MemoryTree, TreeFileError, TreeFiles};
