//! Matchers: any expression of any kind is understood or refused, and answers for a minion.

#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use target::{Kind, Nodegroups, Subject, Target};
use value::{Map, Value};

static GRAINS: LazyLock<Value> = LazyLock::new(|| {
    let mut grains = Map::new();
    grains.insert("os", "Debian");
    grains.insert("ipv4", Value::from(vec![Value::from("127.0.0.1"), Value::from("10.0.0.5")]));
    grains.into()
});

fuzz_target!(|input: (u8, &str)| {
    let (number, expression) = input;
    let (_, kind) = Kind::NAMES[usize::from(number) % Kind::NAMES.len()];
    let mut nodegroups = Nodegroups::new();
    nodegroups.insert("web".into(), "G@os:Debian and not N@db".into());
    nodegroups.insert("db".into(), expression.into());
    if let Ok(target) = Target::parse(kind, expression, &nodegroups) {
        target.matches(&Subject { id: "web1.example.org", grains: &GRAINS, pillar: &GRAINS });
    }
});
