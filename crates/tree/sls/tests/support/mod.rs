//! A tree whose files are data already.

use std::collections::BTreeMap;
use std::sync::Arc;

use report::{Problem, Problems};
use sls::{Request, Templates};
use value::Value;

/// Saltenv to path to what the file renders to.
#[derive(Default)]
pub(crate) struct DataTree(pub(crate) BTreeMap<String, BTreeMap<String, Value>>);

impl DataTree {
    /// The files of saltenv `base`.
    pub(crate) fn base<P: Into<String>>(files: impl IntoIterator<Item = (P, Value)>) -> Self {
        let files = files.into_iter().map(|(path, value)| (path.into(), value)).collect();
        Self(BTreeMap::from([("base".to_string(), files)]))
    }

    /// The same, each file as JSON.
    #[allow(dead_code, reason = "not every test binary writes JSON")]
    #[allow(clippy::unwrap_used, reason = "a test may")]
    pub(crate) fn json<'a>(files: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        Self::base(files.into_iter().map(|(path, json)| (path, value::json::from_text(json).unwrap())))
    }
}

impl Templates for DataTree {
    fn saltenvs(&self) -> Vec<String> {
        self.0.keys().cloned().collect()
    }

    fn files(&self, saltenv: &str) -> Result<Arc<Vec<String>>, Problem> {
        Ok(Arc::new(self.0.get(saltenv).into_iter().flat_map(BTreeMap::keys).cloned().collect()))
    }

    fn render(&self, request: &Request<'_>, _problems: &mut Problems) -> Option<Value> {
        self.0.get(request.saltenv)?.get(request.path).cloned()
    }
}
