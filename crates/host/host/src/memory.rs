//! A small machine made of values, for tests.

use std::path::Path;

use value::Value;

use crate::layered::{Content, Layered, Node};
use crate::{Effect, Fact, Journaled, Output, Owner, Subject};

/// A machine that exists only in memory: files, facts, and commands whose outputs are scripted.
///
/// A probe that no script answers cannot be run. An action that none answers succeeds without a word, and its
/// declared effects become facts. Time stands still but for [`sleep`](crate::Clock::sleep).
pub type Memory = Journaled<Layered>;

impl Memory {
    /// A machine with a root directory and nothing else.
    pub fn empty() -> Self {
        Self::new(Layered::over_nothing())
    }

    /// With a file, mode 0644, owned by root. Parents are made as needed.
    pub fn file(self, path: &str, content: impl AsRef<[u8]>) -> Self {
        self.file_with(path, content, 0o644, Owner::Id(0), Owner::Id(0))
    }

    /// With a file of that mode and owner.
    pub fn file_with(
        self,
        path: &str,
        content: impl AsRef<[u8]>,
        mode: u32,
        user: Owner,
        group: Owner,
    ) -> Self {
        let content = Content::Known(content.as_ref().into());
        let modified = self.inner().layer().now;
        self.node(path, Node::File { content, mode, user, group, modified })
    }

    /// With a directory.
    pub fn directory(self, path: &str, mode: u32, user: Owner, group: Owner) -> Self {
        self.node(path, Node::Directory { mode, user, group, covers: true, unknown: None })
    }

    /// With a symbolic link.
    pub fn symlink(self, path: &str, target: &str) -> Self {
        self.node(path, Node::Symlink { target: target.into(), user: Owner::Id(0), group: Owner::Id(0) })
    }

    /// With something declared from the start (`package nginx`).
    pub fn declared(self, kind: &'static str, name: &str, fact: Fact) -> Self {
        let effect = Effect { subject: Subject::new(kind, name), before: Fact::Absent, after: fact };
        self.inner().take(&effect, "");
        self
    }

    /// With a package, service or the like that has these properties.
    pub fn present(self, kind: &'static str, name: &str, properties: impl Into<Value>) -> Self {
        self.declared(kind, name, Fact::Present(properties.into()))
    }

    /// With an answer to every command whose text fits the pattern (`*` stands for anything). The first that
    /// fits is taken.
    pub fn command(self, pattern: &str, output: Output) -> Self {
        self.inner().script().push((pattern.to_string(), output));
        self
    }

    /// The texts of the actions that were carried out, in order.
    pub fn acts(&self) -> Vec<String> {
        self.inner().acted()
    }

    fn node(self, path: &str, node: Node) -> Self {
        let path = Path::new(path);
        let mut layer = self.inner().layer();
        for above in path.ancestors().skip(1) {
            layer.nodes.entry(above.to_path_buf()).or_insert(Node::Directory {
                mode: 0o755,
                user: Owner::Id(0),
                group: Owner::Id(0),
                covers: true,
                unknown: None,
            });
        }
        layer.nodes.insert(path.to_path_buf(), node);
        drop(layer);
        self
    }
}
