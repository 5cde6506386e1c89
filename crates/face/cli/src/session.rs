//! From options to a session: configuration, hosts, trees, grains.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use converge::{Session, Setup};
use host::{Files as _, Host, Journaled, Overlay, System, TreeRoots};
use report::{Problem, Problems, Sources};
use value::{Data, Map, Value};

use crate::arguments::Common;
use crate::configuration::Configuration;
use crate::terminal::Surroundings;

/// What a command is run with.
pub(crate) struct Opened {
    /// The session.
    pub session: Session,
    /// What went wrong with the pillar.
    pub problems: Problems,
    /// The configuration.
    pub configuration: Configuration,
}

/// What to open.
#[derive(Clone, Debug, Default)]
pub(crate) struct Wanted<'a> {
    /// A tree named on the command line.
    pub tree: Option<&'a Path>,
    /// Whether acts are only recorded.
    pub plan: bool,
    /// Pillar values on top (`pillar={…}`).
    pub pillar_over: Map,
    /// The saltenv of a single run (`saltenv=dev`).
    pub saltenv: Option<String>,
    /// The pillarenv of a single run.
    pub pillarenv: Option<String>,
}

/// Where the configuration lies unless `-c` says otherwise.
const CONFIGURATION: &str = "/etc/salt";

/// Opens a session.
pub(crate) fn open(
    common: &Common,
    wanted: Wanted<'_>,
    surroundings: &Surroundings,
    sources: &Sources,
) -> Result<Opened, Problem> {
    sandbox::heap_in_large_pages();
    let machine = Arc::new(System::new(surroundings.environment.clone()));
    let folder = absolute(common.configuration_folder.as_deref().unwrap_or(Path::new(CONFIGURATION)))?;
    if common.configuration_folder.is_some() && machine.metadata(&folder).ok().flatten().is_none() {
        let what = format!("there is no configuration folder {}", folder.display());
        return Err(Problem::error("configuration.folder", what)
            .hint("-c takes the folder that holds the file `minion`"));
    }
    let mut configuration = Configuration::read(&*machine, &folder, sources)?;
    configure(&mut configuration, common, &wanted);
    let roots = roots(&machine, common, &wanted, &configuration)?;
    let confined = !configuration.flag("fileserver_followsymlinks");
    let files = |roots| {
        Arc::new(TreeRoots::new(System::new(surroundings.environment.clone()), roots).confined(confined))
    };
    let root = common.root.as_deref().map(|root| tree_root(&machine, root, wanted.plan)).transpose()?;
    let real = || match &root {
        None => System::new(surroundings.environment.clone()),
        Some(root) => System::rooted(root, surroundings.environment.clone()),
    };
    let id = configuration.text("id").unwrap_or_else(|| node_name(&machine));
    let grains = grains::collect(
        &*machine,
        &real(),
        &id,
        &configured_grains(&machine, &folder, &configuration, sources)?,
    );
    let host: Arc<dyn Host> = if wanted.plan {
        Arc::new(Overlay::over(Arc::new(real())))
    } else {
        Arc::new(Journaled::new(real()))
    };
    let (session, mut problems) = Session::open(Setup {
        host,
        tree: files(roots.states),
        pillar_tree: files(roots.pillar),
        sources: sources.clone(),
        id,
        options: configuration.options.clone(),
        grains,
        pillar_over: wanted.pillar_over,
    });
    problems.extend(configuration.doubts());
    Ok(Opened { session, problems, configuration })
}

/// What the command line says on top of the configuration.
fn configure(configuration: &mut Configuration, common: &Common, wanted: &Wanted<'_>) {
    if let Some(id) = &common.id {
        configuration.set("id", id.as_str());
    }
    for (name, value) in [
        ("saltenv", wanted.saltenv.as_ref().or(common.saltenv.as_ref())),
        ("pillarenv", wanted.pillarenv.as_ref().or(common.pillarenv.as_ref())),
        ("state_output", common.state_output.as_ref()),
    ] {
        if let Some(value) = value {
            configuration.set(name, value.as_str());
        }
    }
    if let Some(verbose) = &common.state_verbose {
        configuration.set("state_verbose", crate::words::value(verbose));
    }
    if common.local {
        configuration.set("file_client", "local");
        configuration.set("local", true);
    }
    if wanted.plan {
        configuration.set("test", true);
    }
}

/// Folders by saltenv.
struct Roots {
    states: Vec<(String, Vec<PathBuf>)>,
    pillar: Vec<(String, Vec<PathBuf>)>,
}

fn roots(
    machine: &System,
    common: &Common,
    wanted: &Wanted<'_>,
    configuration: &Configuration,
) -> Result<Roots, Problem> {
    let mut roots =
        Roots { states: configuration.roots("file_roots"), pillar: configuration.roots("pillar_roots") };
    if roots.states.is_empty() {
        roots.states = vec![("base".into(), vec!["/srv/salt".into(), "/srv/spm/salt".into()])];
    }
    if roots.pillar.is_empty() {
        roots.pillar = vec![("base".into(), vec!["/srv/pillar".into(), "/srv/spm/pillar".into()])];
    }
    if let Some(tree) = wanted.tree {
        let tree = absolute(tree)?;
        let states = states_of(machine, &tree)?;
        let pillar = [tree.join("pillar"), tree.with_file_name("pillar"), states.with_file_name("pillar")];
        let pillar = pillar.into_iter().find(|folder| is_directory(machine, folder));
        roots.states = vec![("base".into(), vec![states])];
        roots.pillar = vec![("base".into(), pillar.into_iter().collect())];
    }
    let given =
        |folders: &[PathBuf]| folders.iter().map(|folder| absolute(folder)).collect::<Result<Vec<_>, _>>();
    if !common.file_root.is_empty() {
        roots.states = vec![("base".into(), given(&common.file_root)?)];
    }
    if !common.pillar_root.is_empty() {
        roots.pillar = vec![("base".into(), given(&common.pillar_root)?)];
    }
    Ok(roots)
}

/// The folder of a tree that holds its states: the tree itself, or `salt` or `states` in it.
fn states_of(machine: &System, tree: &Path) -> Result<PathBuf, Problem> {
    if !is_directory(machine, tree) {
        let what = format!("there is no tree at {}", tree.display());
        return Err(
            Problem::error("tree.missing", what).hint("a tree is a folder with top.sls and SLS files")
        );
    }
    let has_top = |folder: &Path| machine.metadata(&folder.join("top.sls")).ok().flatten().is_some();
    let inner = [tree.join("salt"), tree.join("states")];
    if !has_top(tree)
        && let Some(folder) = inner.iter().find(|folder| has_top(folder))
    {
        return Ok(folder.clone());
    }
    Ok(tree.to_path_buf())
}

/// The directory that `--root` names. A run makes it; a plan of a tree that is not there yet looks at its
/// parent's emptiness and so needs it too.
fn tree_root(machine: &System, root: &Path, plan: bool) -> Result<PathBuf, Problem> {
    let root = absolute(root)?;
    if is_directory(machine, &root) {
        return Ok(root);
    }
    let problem = |error: host::HostError| {
        Problem::error("root.unusable", error.to_string())
            .hint("--root takes a directory, or a name for a new one")
    };
    if plan {
        let what = format!("there is no directory {} to plan for", root.display());
        return Err(
            Problem::error("root.missing", what).hint(format!("make it first: mkdir {}", root.display()))
        );
    }
    machine.create_directory(&root, &host::Attributes::default()).map_err(problem)?;
    Ok(root)
}

/// Grains that somebody set: `grains:` in the configuration, and the file `grains` beside it.
fn configured_grains(
    machine: &System,
    folder: &Path,
    configuration: &Configuration,
    sources: &Sources,
) -> Result<Map, Problem> {
    let mut grains =
        crate::configuration::read_file(machine, &folder.join("grains"), sources)?.unwrap_or_default();
    if let Some(Value { data: Data::Map(map), .. }) = configuration.options.get("grains") {
        for (key, value) in map.iter() {
            grains.insert(key.clone(), value.clone());
        }
    }
    Ok(grains)
}

fn node_name(machine: &System) -> String {
    let name = machine.read(Path::new("/proc/sys/kernel/hostname")).ok();
    let name = name.map(|bytes| String::from_utf8_lossy(&bytes).trim().to_string());
    name.filter(|name| !name.is_empty()).unwrap_or_else(|| "localhost".into())
}

fn is_directory(machine: &System, path: &Path) -> bool {
    machine.metadata(path).ok().flatten().is_some_and(|found| found.kind == host::FileKind::Directory)
}

fn absolute(path: &Path) -> Result<PathBuf, Problem> {
    std::path::absolute(path).map_err(|error| {
        Problem::error("path.unusable", format!("{}: {error}", path.display()))
            .hint("write a path that is not empty, or leave the option out")
    })
}
