//! Laws of reading and writing YAML, whatever the text.

use proptest::prelude::{Just, Strategy, any, prop, prop_assert_eq, prop_oneof, proptest};
use proptest::test_runner::Config;
use render::yaml::{self, DumpStyle, Nowhere};
use value::{Data, Key, Map, Value};

/// Texts made of the pieces that YAML cares about.
fn text() -> impl Strategy<Value = String> {
    let pieces = [
        "a",
        "b c",
        ":",
        ": ",
        "- ",
        "-",
        "? ",
        "?",
        "\n",
        "\n  ",
        "\n    ",
        " ",
        "\t",
        "[",
        "]",
        "{",
        "}",
        ",",
        ", ",
        "&x ",
        "*x",
        "!",
        "!t",
        "!!str ",
        "!!int ",
        "!!set ",
        "!<t>",
        "!a!b",
        "|",
        "|+",
        "|2-",
        ">",
        ">-",
        "'",
        "\"",
        "\\",
        "\\x4",
        "\\\n",
        "#",
        " #",
        "%",
        "%YAML 1.1",
        "%TAG ! x",
        "---",
        "...",
        "<<",
        "<<: ",
        "=",
        "é",
        "\u{85}",
        "\u{2028}",
        "\r",
        "\r\n",
        "\u{feff}",
        "ﬀ",
        "0",
        "1.5",
        "0x",
        "1:2",
        "{{ x }}",
        "{% y %}",
        "@",
        "`",
        "~",
        "%41",
    ];
    prop::collection::vec(prop::sample::select(pieces.to_vec()), 0..24).prop_map(|parts| parts.concat())
}

fn key() -> impl Strategy<Value = Key> {
    prop_oneof![
        4 => "[ -~é\n]{0,12}".prop_map(Key::from),
        1 => (2i64..100).prop_map(Key::from),
        1 => Just(Key::Null),
    ]
}

fn tree() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::NULL),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_filter("nan", |number| !number.is_nan()).prop_map(Value::from),
        "[ -~\n\té日\u{85}\u{feff}\u{2028}]{0,40}".prop_map(Value::from),
        prop::sample::select(vec!["yes", "null", "012", "1e3", "=", "<<", "2001-01-01", "- a", "a: b", "#"])
            .prop_map(Value::from),
        prop::collection::vec(any::<u8>(), 0..90).prop_map(|bytes| Data::Bytes(bytes.into()).into()),
    ];
    leaf.prop_recursive(4, 40, 5, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::vec((key(), inner), 0..4)
                .prop_map(|pairs| pairs.into_iter().collect::<Map>().into()),
        ]
    })
}

fn style() -> impl Strategy<Value = DumpStyle> {
    (prop::option::of(any::<bool>()), any::<bool>(), 0u8..12, prop::sample::select(vec![20u16, 80, 1000]))
        .prop_map(|(flow, sort_keys, indent, width)| DumpStyle { flow, sort_keys, indent, width })
}

proptest! {
    #![proptest_config(Config { cases: 20_000, failure_persistence: None, ..Config::default() })]

    #[test]
    fn no_text_makes_reading_panic(text in text()) {
        if let Err(error) = yaml::load(&text, &Nowhere) {
            let _ = report::Problem::from(error);
        }
    }

    #[test]
    fn no_characters_make_reading_panic(text in "\\PC{0,40}") {
        let _ = yaml::load(&text, &Nowhere);
    }
}

proptest! {
    #![proptest_config(Config { cases: 2_000, failure_persistence: None, ..Config::default() })]

    #[test]
    fn what_is_written_reads_back_the_same(tree in tree(), style in style()) {
        let text = yaml::dump(&tree, &style);
        prop_assert_eq!(yaml::load(&text, &Nowhere).map_err(|error| format!("{error}\n{text}")), Ok(tree));
    }
}

#[test]
fn hostile_texts_end_in_errors() {
    let bombs = [
        "[".repeat(100_000),
        "{a: ".repeat(100_000),
        "- ".repeat(100_000),
        "!a".repeat(50_000) + ",",
        format!("[{}", "!,".repeat(50_000)),
        "? ".repeat(50_000),
        format!("a: {}", "9".repeat(100_000)),
        laughs(),
    ];
    for bomb in bombs {
        let started = bomb.len();
        assert!(yaml::load(&bomb, &Nowhere).is_err() || started < 200_000);
    }
}

/// Ten lists of ten aliases each: ten thousand million items.
fn laughs() -> String {
    let mut text = String::from("a0: &a0 x\n");
    for i in 1..11 {
        let items = format!("*a{}, ", i - 1).repeat(10);
        text.push_str(&format!("a{i}: &a{i} [{items}]\n"));
    }
    text
}
