//! What is measured.

use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::{Value, json};

use super::measure::{Taken, measure, median};
use super::trees;
use crate::Failure;
use crate::salt::{Salt, write_configuration};

/// Both programs and a place to work in.
pub(super) struct Bench {
    pub(super) pinch: PathBuf,
    pub(super) salt: Salt,
    pub(super) folder: PathBuf,
    /// Fewer rounds and smaller trees.
    pub(super) quick: bool,
}

/// One printed line.
pub(super) struct Figure {
    pub(super) name: String,
    pub(super) value: f64,
    pub(super) unit: &'static str,
    /// The budget in words, and whether it holds.
    pub(super) budget: Option<(String, bool)>,
}

impl Figure {
    pub(super) fn new(name: impl Into<String>, value: f64, unit: &'static str) -> Self {
        Self { name: name.into(), value, unit, budget: None }
    }

    fn milliseconds(name: impl Into<String>, time: Duration) -> Self {
        Self::new(name, time.as_secs_f64() * 1000.0, "ms")
    }

    pub(super) fn at_most(mut self, most: f64) -> Self {
        self.budget = Some((format!("<= {most} {}", self.unit), self.value <= most));
        self
    }

    pub(super) fn at_least(mut self, least: f64) -> Self {
        self.budget = Some((format!(">= {least} {}", self.unit), self.value >= least));
        self
    }

    pub(super) fn shown(&self) -> String {
        format!("{:.2} {}", self.value, self.unit)
    }

    pub(super) fn as_json(&self) -> Value {
        let budget = self.budget.as_ref().map(|(text, holds)| json!({"text": text, "holds": holds}));
        json!({"name": self.name, "value": self.value, "unit": self.unit, "budget": budget})
    }
}

/// The binary itself.
pub(super) fn size(bench: &Bench) -> Result<Vec<Figure>, Failure> {
    let bytes = std::fs::metadata(&bench.pinch)?.len();
    Ok(vec![Figure::new("binary, stripped", bytes as f64 / f64::from(1 << 20), "MiB").at_most(30.0)])
}

/// `test.ping`, the whole process.
pub(super) fn ping(bench: &Bench) -> Result<Vec<Figure>, Failure> {
    let configuration = bench.configure("ping", &[], None)?;
    let words = ["test.ping"];
    let beside = bench.beside(&configuration, &words, &words, if bench.quick { 2 } else { 5 }, 6)?;
    Ok(vec![
        Figure::milliseconds("test.ping: salt-call", beside.salt),
        Figure::milliseconds("test.ping: pinch", beside.pinch).at_most(10.0),
        Figure::new("test.ping: ratio", beside.ratio(), "x").at_least(100.0),
        Figure::new("test.ping: pinch, peak memory", beside.peak as f64 / 1024.0, "MiB"),
    ])
}

/// 1,000 unchanged `file.managed`, each from a template.
pub(super) fn files(bench: &Bench) -> Result<Vec<Figure>, Failure> {
    let tree = bench.folder.join("files/tree");
    let count = if bench.quick { 100 } else { 1000 };
    trees::templates(&tree, &bench.folder.join("files/out"), count)?;
    let configuration = bench.configure("files", &[tree], None)?;
    let words = ["state.apply", "files"];
    // The first run writes the files; what is measured changes nothing.
    bench.check(&bench.pinch_call(&configuration, &words))?;
    let beside = bench.beside(&configuration, &words, &words, if bench.quick { 1 } else { 3 }, 5)?;
    Ok(vec![
        Figure::milliseconds(format!("{count} unchanged templates: salt-call"), beside.salt),
        Figure::milliseconds(format!("{count} unchanged templates: pinch"), beside.pinch).at_most(50.0),
        Figure::new(format!("{count} unchanged templates: ratio"), beside.ratio(), "x").at_least(150.0),
        Figure::new(
            format!("{count} unchanged templates: pinch, peak memory"),
            beside.peak as f64 / 1024.0,
            "MiB",
        ),
    ])
}

/// Compiling SLS written as the formulas are: map files, defaults merged with pillar, imports, macros.
pub(super) fn compile(bench: &Bench) -> Result<Vec<Figure>, Failure> {
    const FORMULAS: usize = 50;
    let tree = bench.folder.join("compile/tree");
    let pillar = bench.folder.join("compile/pillar");
    let count = trees::formulas(&tree, &pillar, FORMULAS)?;
    let configuration = bench.configure("compile", &[tree], Some(&pillar))?;
    let words = ["state.show_low_sls", "all"];
    let beside = bench.beside(&configuration, &words, &words, if bench.quick { 1 } else { 3 }, 6)?;
    let idle =
        bench.beside(&configuration, &["test.ping"], &["test.ping"], if bench.quick { 1 } else { 3 }, 6)?;
    let each =
        |whole: Duration, idle: Duration| whole.saturating_sub(idle) / u32::try_from(count).unwrap_or(1);
    let (salt, pinch) = (each(beside.salt, idle.salt), each(beside.pinch, idle.pinch));
    Ok(vec![
        Figure::milliseconds(format!("{count} formula SLS, whole process: salt-call"), beside.salt),
        Figure::milliseconds(format!("{count} formula SLS, whole process: pinch"), beside.pinch),
        Figure::milliseconds("one formula SLS: salt-call", salt),
        Figure::milliseconds("one formula SLS: pinch", pinch).at_most(1.0),
        Figure::new("one formula SLS: ratio", salt.as_secs_f64() / pinch.as_secs_f64().max(1e-9), "x")
            .at_least(50.0),
    ])
}

/// Time and memory as the number of states grows.
pub(super) fn scaling(bench: &Bench) -> Result<Vec<Figure>, Failure> {
    let sizes: &[usize] =
        if bench.quick { &[1_000, 3_000] } else { &[1_000, 3_000, 10_000, 30_000, 100_000] };
    let mut figures = Vec::new();
    let mut each = Vec::new();
    for &states in sizes {
        let name = format!("scaling-{states}");
        let tree = bench.folder.join(&name).join("tree");
        trees::many(&tree, &bench.folder.join(&name).join("out"), states)?;
        let configuration = bench.configure(&name, &[tree], None)?;
        let call = bench.pinch_call(&configuration, &["state.apply"]);
        bench.check(&call)?;
        let runs = (0..3).map(|_| bench.check(&call)).collect::<Result<Vec<_>, _>>()?;
        let wall = median(runs.iter().map(|run| run.wall).collect());
        let cpu = median(runs.iter().map(|run| run.cpu).collect());
        let peak = runs.iter().map(|run| run.peak).max().unwrap_or_default();
        each.push(wall.as_secs_f64() * 1e6 / states as f64);
        figures.extend([
            Figure::milliseconds(format!("{states} states, unchanged: wall"), wall),
            Figure::milliseconds(format!("{states} states, unchanged: CPU"), cpu),
            Figure::new(
                format!("{states} states, unchanged: one state"),
                wall.as_secs_f64() * 1e6 / states as f64,
                "us",
            ),
            Figure::new(format!("{states} states, unchanged: peak memory"), peak as f64 / 1024.0, "MiB"),
            Figure::new(
                format!("{states} states, unchanged: memory a state"),
                peak as f64 / states as f64,
                "KiB",
            ),
        ]);
        std::fs::remove_dir_all(bench.folder.join(&name))?;
    }
    if let (Some(first), Some(last)) = (each.first(), each.last()) {
        figures
            .push(Figure::new("cost of one state, largest beside smallest", last / first, "x").at_most(1.5));
    }
    Ok(figures)
}

/// Medians of both programs.
struct Beside {
    salt: Duration,
    pinch: Duration,
    peak: u64,
}

impl Beside {
    fn ratio(&self) -> f64 {
        self.salt.as_secs_f64() / self.pinch.as_secs_f64().max(1e-9)
    }
}

impl Bench {
    fn configure(&self, name: &str, roots: &[PathBuf], pillar: Option<&Path>) -> Result<PathBuf, Failure> {
        let folder = self.folder.join(name);
        let empty = folder.join("empty");
        std::fs::create_dir_all(&empty)?;
        let roots = if roots.is_empty() { vec![empty.clone()] } else { roots.to_vec() };
        let configuration = folder.join("conf");
        write_configuration(&configuration, &roots, pillar.unwrap_or(&empty))?;
        Ok(configuration)
    }

    /// In turns: one run of Salt, then several of Pinch; both warm.
    fn beside(
        &self,
        configuration: &Path,
        salt: &[&str],
        pinch: &[&str],
        rounds: usize,
        each: usize,
    ) -> Result<Beside, Failure> {
        let salt = call(&self.salt.call(), configuration, salt);
        let pinch = self.pinch_call(configuration, pinch);
        self.check(&salt)?;
        self.check(&pinch)?;
        let (mut salts, mut pinches) = (Vec::new(), Vec::new());
        for _ in 0..rounds {
            salts.push(self.check(&salt)?);
            for _ in 0..each {
                pinches.push(self.check(&pinch)?);
            }
        }
        Ok(Beside {
            salt: median(salts.iter().map(|run| run.wall).collect()),
            pinch: median(pinches.iter().map(|run| run.wall).collect()),
            peak: pinches.iter().map(|run| run.peak).max().unwrap_or_default(),
        })
    }

    fn pinch_call(&self, configuration: &Path, words: &[&str]) -> Vec<String> {
        let mut words = call(&self.pinch, configuration, words);
        words.insert(1, "call".into());
        words
    }

    /// Measures one run; a run that fails has no time worth printing.
    fn check(&self, call: &[String]) -> Result<Taken, Failure> {
        let log = self.folder.join("log");
        let words: Vec<_> = call.iter().map(String::as_str).collect();
        let taken = measure(&words, &log)?;
        if taken.code != 0 {
            let said = std::fs::read_to_string(&log).unwrap_or_default();
            let end: Vec<_> = said.lines().take(20).collect();
            return Err(format!("{} exited with {}:\n{}", call.join(" "), taken.code, end.join("\n")).into());
        }
        Ok(taken)
    }
}

/// The same options for both programs.
fn call(program: &Path, configuration: &Path, words: &[&str]) -> Vec<String> {
    let fixed = [program, Path::new("-c"), configuration, Path::new("--local"), Path::new("--out=json")];
    let fixed = fixed.iter().map(|part| part.display().to_string());
    fixed.chain(words.iter().map(ToString::to_string)).collect()
}
