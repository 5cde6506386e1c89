//! Tests: what may stand after `is`.

use super::{only_input, required};
use crate::value::arithmetic::{Operator, binary};
use crate::value::compare::{Order, contains, equal, ordered};
use crate::{Args, Environment, Error, Signature, State, Value};

pub(super) fn register(environment: &mut Environment) {
    let mut add = |name: &'static str, test: fn(&Value) -> Result<bool, Error>| {
        environment.add_test(name, move |_, args| {
            let input = only_input(args, "test", &["value"])?;
            test(&input).map(Value::Bool)
        });
    };
    add("defined", |value| Ok(!value.is_undefined()));
    add("undefined", |value| Ok(value.is_undefined()));
    add("none", |value| Ok(value.is_none()));
    add("boolean", |value| Ok(matches!(value, Value::Bool(_))));
    add("true", |value| Ok(matches!(value, Value::Bool(true))));
    add("false", |value| Ok(matches!(value, Value::Bool(false))));
    add("integer", |value| Ok(matches!(value, Value::Int(_) | Value::Big(_))));
    add("float", |value| Ok(matches!(value, Value::Float(_))));
    add("number", |value| {
        Ok(matches!(value, Value::Int(_) | Value::Big(_) | Value::Float(_) | Value::Bool(_)))
    });
    add("string", |value| Ok(value.as_str().is_some()));
    add("mapping", |value| Ok(value.is_mapping()));
    add("callable", |value| Ok(value.is_callable() || value.is_undefined()));
    add("escaped", |value| Ok(matches!(value, Value::Markup(_))));
    add("sequence", |value| {
        Ok(match value {
            Value::Undefined(undefined) => !undefined.is_strict(),
            Value::Str(_)
            | Value::Markup(_)
            | Value::Bytes(_)
            | Value::Tuple(_)
            | Value::List(_)
            | Value::Dict(_)
            | Value::Range(_) => true,
            Value::Object(object) => object.length().is_some(),
            _ => false,
        })
    });
    environment.add_test("lower", |state, args| {
        let input = only_input(args, "test_lower", &["value"])?;
        let text = state.text(&input)?;
        let cased = text.chars().any(|c| c.is_lowercase()) && !text.chars().any(|c| c.is_uppercase());
        Ok(Value::Bool(cased))
    });
    environment.add_test("upper", |state, args| {
        let input = only_input(args, "test_upper", &["value"])?;
        let text = state.text(&input)?;
        let cased = text.chars().any(|c| c.is_uppercase()) && !text.chars().any(|c| c.is_lowercase());
        Ok(Value::Bool(cased))
    });
    environment.add_test("iterable", |state, args| {
        let input = only_input(args, "test_iterable", &["value"])?;
        input.is_iterable(state).map(Value::Bool)
    });
    environment.add_test("odd", |state, args| remainder(state, args, "test_odd", 1));
    environment.add_test("even", |state, args| remainder(state, args, "test_even", 0));
    environment.add_test("divisibleby", |state, args| {
        let [input, number] = args.bind(&Signature::new("test_divisibleby", &["value", "num"], 2))?;
        let rest = binary(state, Operator::Remainder, &required(input), &required(number))?;
        equal(&rest, &Value::Int(0)).map(Value::Bool)
    });
    environment.add_test("sameas", |_, args| {
        let [input, other] = args.bind(&Signature::new("test_sameas", &["value", "other"], 2))?;
        Ok(Value::Bool(required(input).is_same(&required(other))))
    });
    environment.add_test("in", |state, args| {
        let [input, sequence] = args.bind(&Signature::new("test_in", &["value", "seq"], 2))?;
        contains(state, &required(sequence), &required(input)).map(Value::Bool)
    });
    environment.add_test("filter", |state, args| {
        let [name] = args.bind(&Signature::new("test_filter", &["value"], 1).with_context())?;
        let found =
            required(name).as_str().is_some_and(|name| state.environment().find_filter(name).is_some());
        Ok(Value::Bool(found))
    });
    environment.add_test("test", |state, args| {
        let [name] = args.bind(&Signature::new("test_test", &["value"], 1).with_context())?;
        let found = required(name).as_str().is_some_and(|name| state.environment().find_test(name).is_some());
        Ok(Value::Bool(found))
    });
    for (names, comparison) in COMPARISONS {
        for name in *names {
            environment.add_test(name, move |_, args| {
                let [a, b] = args.bind(&Signature::new("comparison", &["a", "b"], 2))?;
                let (a, b) = (required(a), required(b));
                Ok(Value::Bool(match comparison {
                    Comparison::Equal => equal(&a, &b)?,
                    Comparison::NotEqual => !equal(&a, &b)?,
                    Comparison::Ordered(order) => ordered(&a, &b, *order)?,
                }))
            });
        }
    }
}

enum Comparison {
    Equal,
    NotEqual,
    Ordered(Order),
}

const COMPARISONS: &[(&[&str], Comparison)] = &[
    (&["==", "eq", "equalto"], Comparison::Equal),
    (&["!=", "ne"], Comparison::NotEqual),
    (&[">", "gt", "greaterthan"], Comparison::Ordered(Order::Greater)),
    (&[">=", "ge"], Comparison::Ordered(Order::GreaterEqual)),
    (&["<", "lt", "lessthan"], Comparison::Ordered(Order::Less)),
    (&["<=", "le"], Comparison::Ordered(Order::LessEqual)),
];

fn remainder(state: &mut State<'_>, args: Args, name: &'static str, wanted: i64) -> Result<Value, Error> {
    let input = only_input(args, name, &["value"])?;
    let rest = binary(state, Operator::Remainder, &input, &Value::Int(2))?;
    equal(&rest, &Value::Int(wanted)).map(Value::Bool)
}
