//! From YAML to the order in which states run: any two SLS and top file compile, or problems say why not.
//!
//! The input is up to three texts, parted by form feeds: the SLS `a`, the SLS `b`, the top file.

#![no_main]

use std::sync::Arc;

use libfuzzer_sys::fuzz_target;
use render::yaml::{PlainText, load};
use report::{Problem, Problems, Sources};
use sls::{Graph, HighState, Matches, Request, Settings, Templates, TopSettings};
use value::Value;

struct Texts<'t> {
    texts: [&'t str; 3],
    sources: Sources,
}

const PATHS: [&str; 3] = ["a.sls", "b/init.sls", "top.sls"];

impl Templates for Texts<'_> {
    fn saltenvs(&self) -> Vec<String> {
        vec!["base".into()]
    }

    fn files(&self, _saltenv: &str) -> Result<Arc<Vec<String>>, Problem> {
        Ok(Arc::new(PATHS.map(String::from).to_vec()))
    }

    fn render(&self, request: &Request<'_>, problems: &mut Problems) -> Option<Value> {
        let text = self.texts[PATHS.iter().position(|path| *path == request.path)?];
        let source = self.sources.add(request.path, text);
        load(text, &PlainText(source)).map_err(|error| problems.push(error.into())).ok()
    }
}

fuzz_target!(|text: &str| {
    let mut parts = text.splitn(3, '\x0c');
    let mut next = || parts.next().unwrap_or_default();
    let texts = Texts { texts: [next(), next(), next()], sources: Sources::new() };
    let mut problems = Problems::new();
    Matches::from_top(&texts, &TopSettings::default(), &mut |_| Ok(true), &mut problems);
    let wanted = Matches::of("base", ["a", "b"]);
    let high = HighState::compile(&texts, &wanted, Settings::default(), &mut problems);
    high.to_value();
    let low = high.complete(&mut problems).low();
    let graph = Graph::build(&low);
    assert_eq!(graph.order().count(), low.len(), "every state has its turn");
    problems.extend(graph.problems(&low));
    for problem in problems.iter() {
        report::render(problem, &texts.sources, report::Style::Plain);
    }
});
