//! The renderer, as compilers and modules ask for it.

use std::sync::Arc;

use modules::{Failure, Template};
use render::{RenderRequest, Renderer};
use report::{Problem, Problems};
use value::Value;

/// A renderer of one tree.
pub(crate) struct TreeTemplates {
    pub(crate) renderer: Renderer,
    /// The renderers of a file that names none (`renderer`).
    pub(crate) default_pipe: String,
}

impl sls::Templates for TreeTemplates {
    fn saltenvs(&self) -> Vec<String> {
        self.renderer.files().saltenvs()
    }

    fn files(&self, saltenv: &str) -> Result<Arc<Vec<String>>, Problem> {
        self.renderer.files().list(saltenv).map_err(|error| unreadable(&error))
    }

    fn render(&self, request: &sls::Request<'_>, problems: &mut Problems) -> Option<Value> {
        let files = self.renderer.files();
        let bytes = match files.read(request.saltenv, request.path) {
            Ok(bytes) => bytes?,
            Err(error) => {
                problems.push(unreadable(&error));
                return None;
            }
        };
        let name = files.describe(request.saltenv, request.path);
        let request = RenderRequest {
            saltenv: request.saltenv,
            sls: Some(request.sls.unwrap_or_default()),
            name: &name,
            bytes: &bytes,
            default_pipe: &self.default_pipe,
            context: request.context,
        };
        match self.renderer.render_data(&request) {
            Ok(value) => Some(value),
            Err(found) => {
                problems.extend(found);
                None
            }
        }
    }
}

impl modules::Templates for TreeTemplates {
    fn render(&self, template: &Template<'_>) -> Result<Arc<str>, Failure> {
        if template.engine != "jinja" {
            let what = format!("the template engine `{}` is not available", template.engine);
            return Err(Problem::error("render.engine", what).hint("`jinja` is").into());
        }
        let name = self.renderer.files().describe(template.saltenv, template.path);
        let request = RenderRequest {
            saltenv: template.saltenv,
            sls: None,
            name: &name,
            bytes: template.text,
            default_pipe: "jinja",
            context: template.variables,
        };
        Ok(self.renderer.render_text(&request)?.text)
    }
}

fn unreadable(error: &render::TreeFileError) -> Problem {
    Problem::error("files.unreadable", error.to_string()).hint(error.hint())
}
