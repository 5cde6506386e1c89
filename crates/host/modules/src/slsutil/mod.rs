//! `slsutil`: what templates need to build data: merging, banners, looking into the tree.

mod banner;
mod exec;
mod renderer;

use crate::Module;

/// The module's entry in the catalogue.
pub(crate) static MODULE: Module = Module {
    name: "slsutil",
    documentation: "Helpers for SLS files and templates.",
    states: &[],
    functions: &[
        execution!(raw "merge", exec::merge, exec::Merge),
        execution!("merge_all", exec::merge_all, exec::MergeAll),
        execution!("update", exec::update, exec::Update),
        execution!("boolstr", exec::bool_text, exec::BoolText),
        execution!("banner", banner::banner, banner::Banner),
        execution!("file_exists", exec::file_exists, exec::TreePath),
        execution!("dir_exists", exec::directory_exists, exec::TreePath),
        execution!("path_exists", exec::path_exists, exec::TreePath),
        execution!("findup", exec::find_up, exec::FindUp),
        execution!("renderer", renderer::renderer, renderer::Renderer),
        execution!("serialize", exec::serialize, exec::Serialize),
        execution!("deserialize", exec::deserialize, exec::Deserialize),
    ],
};
