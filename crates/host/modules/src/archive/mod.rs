//! `archive`: unpacking.
//!
//! Archives are read in this process: `tar`, plain or gzipped. So a plan lists every file, and nothing an
//! archive says can lead outside its folder: absolute names, `..`, links that point out, devices and
//! set-user-id bits are refused or dropped.

mod extracted;
mod tape;

use crate::Module;

/// The module's entry in the catalogue.
pub(crate) static MODULE: Module = Module {
    name: "archive",
    documentation: "Archives: unpacking.",
    states: &[state!("extracted", extracted::extracted, extracted::Extracted)],
    functions: &[execution!("list", extracted::list, extracted::List)],
};
