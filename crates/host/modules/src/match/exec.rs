//! Execution functions.

use report::Problem;
use target::{Kind, Nodegroups, Subject, Target};
use value::{Map, Value};

use crate::traverse::update;
use crate::{Context, Failure, Level, Rest};

arguments! {
    /// Whether this minion is meant by an expression of the kind that the function is named after.
    pub(super) struct Asked {
        /// The expression.
        tgt: String,
        /// The id to ask for instead of this minion's.
        minion_id: Option<String>,
        /// What joins the keys of a path to a grain or pillar value.
        delimiter: String = ":",
    }
}

macro_rules! matcher {
    ($name:ident, $kind:expr) => {
        pub(super) fn $name(context: &Context<'_>, asked: Asked) -> Result<bool, Failure> {
            let expression = if asked.delimiter == ":" || asked.delimiter.is_empty() {
                asked.tgt
            } else {
                asked.tgt.replace(&asked.delimiter, ":")
            };
            Ok(Matcher::new(context, asked.minion_id.as_deref()).matches($kind, &expression))
        }
    };
}

matcher!(compound, Kind::Compound);
matcher!(glob, Kind::Glob);
matcher!(pcre, Kind::Pcre);
matcher!(list, Kind::List);
matcher!(grain, Kind::Grain);
matcher!(grain_pcre, Kind::GrainPcre);
matcher!(pillar, Kind::Pillar);
matcher!(pillar_pcre, Kind::PillarPcre);
matcher!(ipcidr, Kind::Ipcidr);

arguments! {
    /// The entry of a table whose key, an expression, means this minion: the first in order.
    pub(super) struct FilterBy {
        /// The table: expression to value.
        lookup: Map,
        /// How expressions are meant.
        tgt_type: String = "compound",
        /// The id to ask for instead of this minion's.
        minion_id: Option<String>,
        /// A mapping laid over the entry that is found.
        merge: Option<Value>,
        /// Whether lists are joined when merging.
        merge_lists: bool = false,
        /// The entry to take when none fits.
        default: String = "default",
    }
}

/// See [`FilterBy`].
pub(super) fn filter_by(context: &Context<'_>, asked: FilterBy) -> Result<Value, Failure> {
    let kind = kind(&asked.tgt_type)?;
    let matcher = Matcher::new(context, asked.minion_id.as_deref());
    let found = asked.lookup.iter().find(|(key, _)| matcher.matches(kind, &key.to_string()));
    let Some((_, value)) = found else {
        return Ok(asked.lookup.get(&asked.default).cloned().unwrap_or(Value::NULL));
    };
    match asked.merge.filter(Value::is_truthy) {
        None => Ok(value.clone()),
        Some(merge) if merge.as_map().is_none() => {
            Err(Failure::message("filter_by merge argument must be a dictionary.")
                .hint("give `merge` a mapping, such as `salt['pillar.get']('web', {})`"))
        }
        Some(merge) if value.is_null() => Ok(merge),
        Some(merge) => update(value.clone(), merge, asked.merge_lists),
    }
}

arguments! {
    /// The keys of a table with an expression that means this minion; nothing when there is none.
    pub(super) struct SearchBy {
        /// The table: key to expressions.
        lookup: Map,
        /// How expressions are meant.
        tgt_type: String = "compound",
        /// The id to ask for instead of this minion's.
        minion_id: Option<String>,
    }
}

/// See [`SearchBy`].
pub(super) fn search_by(context: &Context<'_>, asked: SearchBy) -> Result<Value, Failure> {
    let kind = kind(&asked.tgt_type)?;
    let matcher = Matcher::new(context, asked.minion_id.as_deref());
    let mut keys: Vec<String> = Vec::new();
    for (key, expressions) in asked.lookup.iter() {
        let expressions = expressions.as_list().unwrap_or_default().iter();
        keys.extend(
            expressions
                .filter(|expression| matcher.matches(kind, &expression.to_string()))
                .map(|_| key.to_string()),
        );
    }
    Ok(if keys.is_empty() { Value::NULL } else { keys.into() })
}

arguments! {
    /// The value behind the first expression that means this minion; the last value when none does.
    pub(super) struct IfElse {
        /// Expressions and values in turn, and a last value.
        args: Rest,
        /// How expressions are meant.
        tgt_type: String = "compound",
        /// The id to ask for instead of this minion's.
        minion_id: Option<String>,
    }
}

/// See [`IfElse`].
pub(super) fn if_else(context: &Context<'_>, asked: IfElse) -> Result<Value, Failure> {
    let kind = kind(&asked.tgt_type)?;
    let matcher = Matcher::new(context, asked.minion_id.as_deref());
    let ([pairs @ .., last], 1) = (asked.args.0.as_slice(), asked.args.0.len() % 2) else {
        return Err(Failure::message("The ifelse function must have an odd number of arguments!")
            .hint("write pairs of a target and a value, and last the value when none fits"));
    };
    let (pairs, _) = pairs.as_chunks::<2>();
    let fits = |expression: &Value| match expression.as_bool() {
        Some(flag) => flag,
        None => matcher.matches(kind, &expression.to_string()),
    };
    let found = pairs.iter().find(|[expression, _]| fits(expression));
    Ok(found.map_or(last, |[_, value]| value).clone())
}

fn kind(name: &str) -> Result<Kind, Failure> {
    Kind::from_name(name).map_err(|error| Problem::from(error).into())
}

/// This minion as matchers see it. Made once for all expressions of a call.
struct Matcher<'a> {
    context: &'a Context<'a>,
    id: &'a str,
    grains: Value,
    pillar: Value,
    nodegroups: Nodegroups,
}

impl<'a> Matcher<'a> {
    fn new(context: &'a Context<'a>, id: Option<&'a str>) -> Self {
        let minion = context.minion;
        let groups = minion.options.get("nodegroups").and_then(Value::as_map);
        let expression = |value: &Value| match value.as_list() {
            Some(words) => words.iter().map(Value::to_string).collect::<Vec<_>>().join(" "),
            None => value.to_string(),
        };
        Self {
            context,
            id: id.unwrap_or(&minion.id),
            grains: minion.grains.clone().into(),
            pillar: (*minion.pillar()).clone().into(),
            nodegroups: groups
                .into_iter()
                .flat_map(Map::iter)
                .map(|(name, value)| (name.to_string(), expression(value)))
                .collect(),
        }
    }

    fn matches(&self, kind: Kind, expression: &str) -> bool {
        let subject = Subject { id: self.id, grains: &self.grains, pillar: &self.pillar };
        match Target::parse(kind, expression, &self.nodegroups) {
            Ok(target) => target.matches(&subject),
            Err(error) => {
                self.context.minion.messages.push(Level::Error, error.to_string());
                false
            }
        }
    }
}
