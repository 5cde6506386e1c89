//! What a remote repository has.

/// Its references, as `git ls-remote` lists them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Remote {
    refs: Vec<(String, String)>,
}

/// What the tree wants of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Wanted {
    /// The commit: 40 digits, or the shorter prefix that the tree gave.
    pub(super) commit: String,
    /// What `rev` named.
    pub(super) kind: Kind,
    /// What the local branch should follow.
    pub(super) upstream: Upstream,
}

/// What a `rev` names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// A branch.
    Branch,
    /// A tag.
    Tag,
    /// A commit, or the remote's HEAD.
    Commit,
}

/// What a local branch should follow.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Upstream {
    /// Whatever it follows.
    Any,
    /// Nothing.
    Nothing,
    /// This one (`origin/main`).
    Branch(String),
}

impl Remote {
    /// Reads the output of `git ls-remote`.
    pub(super) fn parse(listing: &str) -> Self {
        let pair = |line: &str| {
            let (commit, name) = line.split_once('\t')?;
            Some((name.trim().to_string(), commit.trim().to_string()))
        };
        Self { refs: listing.lines().filter_map(pair).collect() }
    }

    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.refs.iter().find(|(known, _)| known == name).map(|(_, commit)| commit.as_str())
    }

    pub(super) fn refs(&self) -> &[(String, String)] {
        &self.refs
    }

    /// The branch that HEAD most likely stands for: the first at the same commit.
    pub(super) fn default_branch(&self) -> Option<&str> {
        let head = self.get("HEAD")?;
        let mut branches = self.refs.iter().filter(|(_, commit)| commit == head);
        branches.find_map(|(name, _)| name.strip_prefix("refs/heads/"))
    }

    /// The names of its tags.
    pub(super) fn tags(&self) -> impl Iterator<Item = &str> {
        self.refs
            .iter()
            .filter_map(|(name, _)| name.strip_prefix("refs/tags/"))
            .filter(|name| !name.ends_with("^{}"))
    }

    /// What `rev` means here; `None` when there is no such thing.
    pub(super) fn wanted(&self, rev: &str, remote: &str) -> Option<Wanted> {
        let wanted = |commit: &str, kind, upstream| Wanted { commit: commit.into(), kind, upstream };
        if rev == "HEAD" {
            return self.get("HEAD").map(|commit| wanted(commit, Kind::Commit, Upstream::Any));
        }
        if let Some(commit) = self.get(&format!("refs/heads/{rev}")) {
            return Some(wanted(commit, Kind::Branch, Upstream::Branch(format!("{remote}/{rev}"))));
        }
        let tag =
            self.get(&format!("refs/tags/{rev}^{{}}")).or_else(|| self.get(&format!("refs/tags/{rev}")));
        if let Some(commit) = tag {
            return Some(wanted(commit, Kind::Tag, Upstream::Nothing));
        }
        let is_commit =
            !rev.is_empty() && rev.len() <= 40 && rev.bytes().all(|byte| byte.is_ascii_hexdigit());
        is_commit.then(|| wanted(&rev.to_ascii_lowercase(), Kind::Commit, Upstream::Nothing))
    }
}

impl Wanted {
    /// Whether a local commit is the one.
    pub(super) fn is(&self, commit: Option<&str>) -> bool {
        commit.is_some_and(|commit| match self.kind {
            Kind::Commit => commit.starts_with(&self.commit),
            Kind::Branch | Kind::Tag => commit == self.commit,
        })
    }

    /// How comments call it.
    pub(super) fn described(&self, rev: &str) -> String {
        let short = short(&self.commit);
        match (&self.kind, &self.upstream) {
            (Kind::Commit, _) if rev == "HEAD" => format!("remote HEAD ({short})"),
            (Kind::Commit, _) => short.to_string(),
            (Kind::Branch, Upstream::Branch(name)) => format!("{name} ({short})"),
            _ => format!("{rev} ({short})"),
        }
    }
}

/// The first seven digits.
pub(super) fn short(commit: &str) -> &str {
    commit.get(..7).unwrap_or(commit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn revisions_are_found_as_git_means_them() {
        let remote = Remote::parse(
            "aaaa111\tHEAD\nbbbb\trefs/heads/dev\naaaa111\trefs/heads/main\ncccc\trefs/tags/v1\n\
             dddd\trefs/tags/v1^{}\neeee\trefs/tags/v2\n",
        );
        assert_eq!(remote.default_branch(), Some("main"));
        assert_eq!(remote.tags().collect::<Vec<_>>(), ["v1", "v2"]);
        let commit = |rev: &str| remote.wanted(rev, "origin").map(|wanted| wanted.commit);
        assert_eq!(commit("HEAD").as_deref(), Some("aaaa111"));
        assert_eq!(commit("dev").as_deref(), Some("bbbb"));
        assert_eq!(commit("v1").as_deref(), Some("dddd"));
        assert_eq!(commit("v2").as_deref(), Some("eeee"));
        assert_eq!(commit("ABC123").as_deref(), Some("abc123"));
        assert_eq!(commit("nothing"), None);
        let dev = remote.wanted("dev", "up").unwrap();
        assert_eq!(
            (dev.upstream.clone(), dev.described("dev")),
            (Upstream::Branch("up/dev".into()), "up/dev (bbbb)".into())
        );
    }
}
