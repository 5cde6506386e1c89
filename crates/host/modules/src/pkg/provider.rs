//! What a package manager has to offer: commands as argv, and parsers of what they print. All of it pure.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use host::{Command, Output};

use crate::{Context, Failure, Outcome};

/// What to do with packages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Deed {
    /// Install, upgrade or downgrade.
    Install,
    /// Remove; configuration stays.
    Remove,
    /// Remove, with configuration.
    Purge,
    /// Upgrade everything; with `dist` packages may come and go.
    Upgrade {
        /// Whether packages may be added and removed.
        dist: bool,
    },
}

/// One call of the package manager.
#[derive(Clone, Debug)]
pub(super) struct Request {
    /// What to do.
    pub deed: Deed,
    /// To which packages, each with its exact version where one is wanted.
    pub packages: Vec<(String, Option<String>)>,
    /// How.
    pub options: Options,
}

/// How packages are installed.
#[derive(Clone, Debug, Default)]
pub(super) struct Options {
    /// Whether recommended packages come along; the system's configuration decides by default.
    pub recommends: Option<bool>,
    /// The release or repository to take them from.
    pub fromrepo: Option<String>,
    /// Install again what is there already.
    pub reinstall: bool,
    /// Do not install what is not there.
    pub only_upgrade: bool,
    /// Accept packages that nobody has signed.
    pub skip_verify: bool,
    /// Where a person has edited a configuration file, take the package's.
    pub force_conf_new: bool,
    /// Change packages that are held.
    pub update_holds: bool,
}

/// What a simulation says would come of a request.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Simulation {
    /// Packages with the version each will have.
    pub installs: Vec<(String, String)>,
    /// Packages that go, with whether their configuration goes too.
    pub removes: Vec<(String, bool)>,
}

/// Which versions of a package can be had.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Available {
    /// What is installed, as the package manager sees it.
    pub installed: Option<String>,
    /// What an installation would choose.
    pub candidate: Option<String>,
    /// All versions that repositories have.
    pub versions: Vec<String>,
}

/// A package manager.
pub(super) trait Provider: Sync {
    /// Orders two versions.
    fn compare(&self, left: &str, right: &str) -> Ordering;

    /// A version without its epoch.
    fn without_epoch<'a>(&self, version: &'a str) -> &'a str;

    /// Fetches the lists of what there is.
    fn refresh(&self) -> Command;

    /// Asks for versions of packages.
    fn query(&self, names: &[String]) -> Command;

    /// Reads the answer to [`query`](Self::query), by name.
    fn parse_query(&self, text: &str) -> BTreeMap<String, Available>;

    /// Asks what would come of a request.
    fn simulate(&self, request: &Request) -> Command;

    /// Reads the answer to [`simulate`](Self::simulate).
    fn parse_simulation(&self, text: &str) -> Simulation;

    /// Does it.
    fn perform(&self, request: &Request) -> Command;

    /// Asks name and version of a package file that is given on standard input.
    fn query_file(&self, content: &[u8]) -> Command;

    /// Reads the answer to [`query_file`](Self::query_file): name, version.
    fn parse_query_file(&self, text: &str) -> Option<(String, String)>;

    /// Installs package files.
    fn install_files(&self, paths: &[String]) -> Command;

    /// Holds packages at their version, or lets go of them.
    fn hold(&self, names: &[String], hold: bool) -> Command;

    /// Asks for the names of all packages that there are.
    fn all_names(&self) -> Command;

    /// Names that a failed simulation says do not exist.
    fn unknown_names(&self, output: &Output) -> Vec<String>;

    /// Why a command failed, and what to do.
    fn explain(&self, output: &Output) -> Said;
}

/// What a package manager said when it failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Said {
    /// The lines that tell why.
    pub words: String,
    /// What to do.
    pub advice: &'static str,
}

impl Said {
    /// A state that failed with this, behind words of its own.
    pub(super) fn outcome(&self, before: &str) -> Outcome {
        Outcome::failed(format!("{before}{}", self.words)).hint(self.advice)
    }

    /// A call that failed with this.
    pub(super) fn failure(self) -> Failure {
        Failure::message(self.words).hint(self.advice)
    }
}

/// The provider for a machine.
pub(super) fn provider(context: &Context<'_>) -> Result<&'static dyn Provider, Failure> {
    let family = context.grain_text("os_family");
    if family == "Debian" || context.host().metadata(super::dpkg::STATUS.as_ref())?.is_some() {
        return Ok(&super::apt::Apt);
    }
    let os = context.grain_text("os");
    Err(Failure::message(format!(
        "no package provider for this machine (os {os}, os_family {family}): apt is supported so far"
    ))
    .hint("keep the state from machines without apt: {% if grains['os_family'] == 'Debian' %}"))
}
