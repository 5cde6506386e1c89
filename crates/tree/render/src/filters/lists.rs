//! Lists and sets: `unique`, `union`, `flatten`, `traverse`, `zip`, …

use jinja::{Args, Dict, Environment, Error, Set, Signature, State, Value};

pub(super) fn register(environment: &mut Environment) {
    environment.add_filter("unique", |state, args| {
        let [values] = args.bind(&Signature::new("unique", &["values"], 1))?;
        let values = values.unwrap_or(Value::None);
        let items = values.to_items(state)?;
        if is_hashable(&values) { Ok(Value::Set(Set::from_items(items)?)) } else { unique(state, items) }
    });
    for (name, keep) in SET_FILTERS {
        environment.add_filter(name, move |state, args| set_filter(state, args, name, keep));
    }
    environment.add_filter("min", |state, args| extreme(state, args, "min", false));
    environment.add_filter("max", |state, args| extreme(state, args, "max", true));
    environment.add_filter("avg", |state, args| {
        let [list] = args.bind(&Signature::new("avg", &["lst"], 1))?;
        let list = list.unwrap_or(Value::None);
        if let Some(number) = list.as_float() {
            return Ok(Value::Float(number));
        }
        let items = list.to_items(state)?;
        if items.is_empty() {
            return Err(Error::new(jinja::ErrorKind::ZeroDivision, "division by zero"));
        }
        let numbers =
            items.iter().map(|item| item.as_float().ok_or_else(|| Error::type_error("avg needs numbers")));
        Ok(Value::Float(numbers.sum::<Result<f64, Error>>()? / items.len() as f64))
    });
    environment.add_filter("sequence", |_, args| {
        let [data] = args.bind(&Signature::new("sequence", &["data"], 1))?;
        Ok(match data.unwrap_or(Value::None) {
            data @ (Value::List(_) | Value::Tuple(_) | Value::Set(_) | Value::Dict(_)) => data,
            data => Value::list(vec![data]),
        })
    });
    environment.add_filter("skip", |_, _| Ok("".into()));
    environment.add_filter("flatten", |state, args| {
        let [data, levels, skip] =
            args.bind(&Signature::new("flatten", &["data", "levels", "preserve_nulls"], 1))?;
        let levels = levels.and_then(|levels| levels.as_int());
        let keep_nulls = skip.map_or(Ok(false), |skip| skip.is_true())?;
        let mut out = Vec::new();
        flatten(state, &data.unwrap_or(Value::None), levels, keep_nulls, &mut out, 0)?;
        Ok(Value::list(out))
    });
    environment.add_filter("traverse", |state, args| {
        let names = &["data", "key", "default", "delimiter"];
        let [data, key, default, delimiter] = args.bind(&Signature::new("traverse", names, 2))?;
        let default = default.unwrap_or(Value::None);
        let delimiter =
            delimiter.and_then(|text| text.as_str().map(str::to_string)).unwrap_or_else(|| ":".into());
        let steps = match key.unwrap_or(Value::None) {
            Value::Str(path) | Value::Markup(path) => {
                path.split(delimiter.as_str()).map(Value::from).collect()
            }
            key @ Value::Int(_) => vec![key],
            key => key.to_items(state)?,
        };
        Ok(traverse(&data.unwrap_or(Value::None), &steps)?.unwrap_or(default))
    });
    environment.add_filter("zip", |state, args| zip(state, args, false));
    environment.add_filter("zip_longest", |state, args| zip(state, args, true));
    environment.add_filter("product", product);
    environment.add_filter("combinations", |state, args| choose(state, args, Choice::Combinations));
    environment
        .add_filter("combinations_with_replacement", |state, args| choose(state, args, Choice::Repeated));
    environment.add_filter("permutations", |state, args| choose(state, args, Choice::Permutations));
    environment.add_filter("compress", |state, args| {
        let [data, selectors] = args.bind(&Signature::new("compress", &["data", "selectors"], 2))?;
        let data = data.unwrap_or(Value::None).to_items(state)?;
        let selectors = selectors.unwrap_or(Value::None).to_items(state)?;
        let mut out = Vec::new();
        for (item, selector) in data.into_iter().zip(selectors) {
            if selector.is_true()? {
                out.push(item);
            }
        }
        Ok(Value::list(out))
    });
    environment.add_filter("sorted_ignorecase", |state, args| {
        let [items] = args.bind(&Signature::new("sorted_ignorecase", &["to_sort"], 1))?;
        let mut items = items.unwrap_or(Value::None).to_items(state)?;
        items.sort_by_key(|item| item.as_str().unwrap_or_default().to_lowercase());
        Ok(Value::list(items))
    });
    environment.add_filter("substring_in_list", |state, args| {
        let [text, list] =
            args.bind(&Signature::new("substring_in_list", &["string_to_search_for", "list_to_search"], 2))?;
        let text = state.text(&text.unwrap_or(Value::None))?;
        let list = list.unwrap_or(Value::None).to_items(state)?;
        Ok(Value::Bool(list.iter().any(|item| item.as_str().is_some_and(|item| item.contains(&*text)))))
    });
    environment.add_filter("is_list", |_, args| {
        Ok(Value::Bool(matches!(args.positional.first(), Some(Value::List(_)))))
    });
    environment
        .add_test("list", |_, args| Ok(Value::Bool(matches!(args.positional.first(), Some(Value::List(_))))));
    environment.add_filter("is_iter", |state, args| {
        let value = args.positional.first().cloned().unwrap_or(Value::None);
        Ok(Value::Bool(
            !matches!(value, Value::Str(_) | Value::Markup(_))
                && state.call_test("iterable", Args::new(vec![value]))?,
        ))
    });
    environment.add_filter("is_sorted", |state, args| {
        let [items, reverse] = args.bind(&Signature::new("is_sorted", &["seq", "reverse"], 1))?;
        let items = items.unwrap_or(Value::None).to_items(state)?;
        let reverse = reverse.map_or(Ok(false), |reverse| reverse.is_true())?;
        for pair in items.windows(2) {
            let [a, b] = pair else { continue };
            let wrong = if reverse { a.is_less_than(b)? } else { b.is_less_than(a)? };
            if wrong {
                return Ok(Value::Bool(false));
            }
        }
        Ok(Value::Bool(true))
    });
    environment.add_function("odict", |state, args| {
        let dict = Dict::new();
        if let Some(first) = args.positional.first() {
            let pairs = match first {
                Value::Dict(first) => first.to_pairs(),
                pairs => {
                    let mut out = Vec::new();
                    for pair in pairs.to_items(state)? {
                        match pair.to_items(state)?.as_slice() {
                            [key, value] => out.push((key.clone(), value.clone())),
                            _ => return Err(Error::value_error("odict() needs pairs")),
                        }
                    }
                    out
                }
            };
            for (key, value) in pairs {
                dict.set(key, value)?;
            }
        }
        for (name, value) in args.keyword {
            dict.insert(name, value);
        }
        Ok(Value::Dict(dict))
    });
}

/// What a set filter keeps of the first list, told whether the second has it.
#[derive(Clone, Copy)]
enum Keep {
    Both,
    InBoth,
    OnlyFirst,
    InOne,
}

const SET_FILTERS: [(&str, Keep); 4] = [
    ("union", Keep::Both),
    ("intersect", Keep::InBoth),
    ("difference", Keep::OnlyFirst),
    ("symmetric_difference", Keep::InOne),
];

fn set_filter(state: &mut State<'_>, args: Args, name: &'static str, keep: Keep) -> Result<Value, Error> {
    let [first, second] = args.bind(&Signature::new(name, &["lst1", "lst2"], 2))?;
    let (first, second) = (first.unwrap_or(Value::None), second.unwrap_or(Value::None));
    let as_set = is_hashable(&first) && is_hashable(&second);
    let (a, b) = (first.to_items(state)?, second.to_items(state)?);
    state.charge_items(a.len() + b.len())?;
    let mut kept = Vec::new();
    for item in &a {
        let also = contains(state, &b, item)?;
        let keeps = match keep {
            Keep::Both => true,
            Keep::InBoth => also,
            Keep::OnlyFirst | Keep::InOne => !also,
        };
        if keeps {
            kept.push(item.clone());
        }
    }
    if matches!(keep, Keep::Both | Keep::InOne) {
        for item in b {
            if matches!(keep, Keep::Both) || !contains(state, &a, &item)? {
                kept.push(item);
            }
        }
    }
    if as_set { Ok(Value::Set(Set::from_items(kept)?)) } else { unique(state, kept) }
}

/// Whether Python could hash it: what is no list, dict or set.
fn is_hashable(value: &Value) -> bool {
    !matches!(value, Value::List(_) | Value::Dict(_) | Value::Set(_))
}

fn contains(state: &mut State<'_>, items: &[Value], item: &Value) -> Result<bool, Error> {
    state.charge(items.len() as u64 / 8)?;
    for other in items {
        if item.equals(other)? {
            return Ok(true);
        }
    }
    Ok(false)
}

fn unique(state: &mut State<'_>, values: Vec<Value>) -> Result<Value, Error> {
    let mut out: Vec<Value> = Vec::new();
    for value in values {
        if !contains(state, &out, &value)? {
            out.push(value);
        }
    }
    Ok(Value::list(out))
}

fn extreme(state: &mut State<'_>, args: Args, name: &'static str, largest: bool) -> Result<Value, Error> {
    let [values] = args.bind(&Signature::new(name, &["obj"], 1))?;
    let mut items = values.unwrap_or(Value::None).to_items(state)?.into_iter();
    let mut best =
        items.next().ok_or_else(|| Error::value_error(format!("{name}() arg is an empty sequence")))?;
    for item in items {
        let better = if largest { best.is_less_than(&item)? } else { item.is_less_than(&best)? };
        if better {
            best = item;
        }
    }
    Ok(best)
}

fn flatten(
    state: &mut State<'_>,
    value: &Value,
    levels: Option<i64>,
    keep_nulls: bool,
    out: &mut Vec<Value>,
    depth: i64,
) -> Result<(), Error> {
    const DEEPEST: i64 = 200;
    if depth > DEEPEST {
        return Err(Error::limit("the list is nested too deeply"));
    }
    for item in value.to_items(state)? {
        state.charge_items(out.len() / 64)?;
        match item {
            Value::None if !keep_nulls => {}
            Value::List(_) | Value::Tuple(_) if levels.is_none_or(|levels| depth < levels) => {
                flatten(state, &item, levels, keep_nulls, out, depth + 1)?;
            }
            item => out.push(item),
        }
    }
    Ok(())
}

/// Through dicts by key and lists by number, or by the first dict in the list that has the key.
fn traverse(data: &Value, steps: &[Value]) -> Result<Option<Value>, Error> {
    let mut here = data.clone();
    for step in steps {
        let number = step.as_str().and_then(|text| text.parse::<i64>().ok()).or_else(|| step.as_int());
        let next = match &here {
            Value::Dict(dict) => match dict.lookup(step)? {
                None => number.map(|number| dict.lookup(&Value::Int(number))).transpose()?.flatten(),
                found => found,
            },
            Value::List(list) => {
                let key = number.map_or_else(|| step.clone(), Value::Int);
                let mut found = None;
                for item in list.to_vec() {
                    if let Value::Dict(dict) = item
                        && let Some(value) = dict.lookup(&key)?
                    {
                        found = Some(value);
                        break;
                    }
                }
                found.or_else(|| {
                    let (number, length) = (number?, i64::try_from(list.len()).ok()?);
                    let index = if number < 0 { number.checked_add(length)? } else { number };
                    list.get(usize::try_from(index).ok()?)
                })
            }
            _ => None,
        };
        match next {
            Some(next) => here = next,
            None => return Ok(None),
        }
    }
    Ok(Some(here))
}

fn zip(state: &mut State<'_>, mut args: Args, longest: bool) -> Result<Value, Error> {
    let fill = args.take_keyword("fillvalue").unwrap_or(Value::None);
    let columns =
        args.positional.iter().map(|column| column.to_items(state)).collect::<Result<Vec<_>, _>>()?;
    let lengths = columns.iter().map(Vec::len);
    let rows = if longest { lengths.max() } else { lengths.min() }.unwrap_or(0);
    state.charge_items(rows.saturating_mul(columns.len()))?;
    let row = |at: usize| {
        columns.iter().map(|column| column.get(at).cloned().unwrap_or_else(|| fill.clone())).collect()
    };
    Ok(Value::list((0..rows).map(|at| Value::tuple(row(at))).collect()))
}

fn product(state: &mut State<'_>, mut args: Args) -> Result<Value, Error> {
    let repeat = args.take_keyword("repeat").and_then(|repeat| repeat.as_int()).unwrap_or(1).clamp(0, 64);
    let pools = args.positional.iter().map(|pool| pool.to_items(state)).collect::<Result<Vec<_>, _>>()?;
    let mut rows: Vec<Vec<Value>> = vec![Vec::new()];
    for _ in 0..repeat {
        for pool in &pools {
            state.charge_items(rows.len().saturating_mul(pool.len()))?;
            rows = rows
                .iter()
                .flat_map(|row| pool.iter().map(|item| row.iter().cloned().chain([item.clone()]).collect()))
                .collect();
        }
    }
    Ok(Value::list(rows.into_iter().map(Value::tuple).collect()))
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Choice {
    Combinations,
    Repeated,
    Permutations,
}

fn choose(state: &mut State<'_>, args: Args, choice: Choice) -> Result<Value, Error> {
    let [items, size] = args.bind(&Signature::new("combinations", &["iterable", "r"], 1))?;
    let items = items.unwrap_or(Value::None).to_items(state)?;
    let size = match size.and_then(|size| size.as_int()) {
        Some(size) => usize::try_from(size).map_err(|_| Error::value_error("r must be non-negative"))?,
        None if choice == Choice::Permutations => items.len(),
        None => return Err(Error::type_error("combinations() missing required argument 'r' (pos 2)")),
    };
    let mut rows: Vec<Vec<usize>> = vec![Vec::new()];
    if size > items.len() && choice != Choice::Repeated || size > 1000 {
        rows.clear();
    }
    for _ in 0..size {
        let mut longer = Vec::new();
        for row in &rows {
            let last = row.last().copied();
            for at in 0..items.len() {
                let fits = match choice {
                    Choice::Combinations => last.is_none_or(|last| at > last),
                    Choice::Repeated => last.is_none_or(|last| at >= last),
                    Choice::Permutations => !row.contains(&at),
                };
                if fits {
                    longer.push(row.iter().copied().chain([at]).collect());
                }
            }
            state.charge_items(longer.len())?;
        }
        rows = longer;
    }
    let tuple =
        |row: Vec<usize>| Value::tuple(row.into_iter().filter_map(|at| items.get(at).cloned()).collect());
    Ok(Value::list(rows.into_iter().map(tuple).collect()))
}
