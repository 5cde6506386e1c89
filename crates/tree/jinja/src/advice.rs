//! What to do about failures whose origin does not know better: what Python says of values.

use crate::ErrorKind;

/// What to write instead, by the kind of failure and the exception's words.
pub(crate) fn advice(kind: &ErrorKind, message: &str) -> &'static str {
    match kind {
        ErrorKind::Undefined => "set it first, or say what to use without it: `| default('...')`",
        ErrorKind::NotFound | ErrorKind::NoneFound => {
            "a template's name is its path below the tree's root; `ignore missing` makes an include optional"
        }
        ErrorKind::Type => about_types(message),
        ErrorKind::Value => about_values(message),
        ErrorKind::ZeroDivision => "check the divisor first: `if` ... `else`",
        ErrorKind::Key => "ask for the key with `.get(key, …)`, which says what to use where it is missing",
        ErrorKind::Index => "ask first how long it is: `if x | length > 0`; the last one is `x[-1]`",
        ErrorKind::Attribute => "ask first: `if x.name is defined`, or take a key with `.get(key, …)`",
        ErrorKind::Overflow => "calculate with smaller numbers",
        ErrorKind::Security => {
            "names with `_` in front belong to Python: use a filter or a method of the value"
        }
        ErrorKind::FilterArgument => "correct what stands in the filter's parentheses",
        ErrorKind::Syntax | ErrorKind::Assertion => "correct the tag up to this place",
        ErrorKind::Limit => "let the template do less",
        ErrorKind::Runtime => "correct the value that is given here",
        ErrorKind::Other(name) => match &**name {
            "RecursionError" => "what includes or calls itself has to come to an end",
            "UnicodeDecodeError" => "save the file as UTF-8",
            _ => "correct the value that is given here, or ask for it with `| default(…)` first",
        },
    }
}

fn about_types(message: &str) -> &'static str {
    let signs = [
        ("concatenate", "`~` joins values of any type into a text"),
        ("is not iterable", "give an empty list to use instead: `or []`"),
        ("is not callable", "it is a value and no function: leave out the parentheses, or correct the name"),
        ("not supported between", "compare values of one kind: `| int`, `| float` and `| string` convert"),
        (
            "unsupported operand",
            "convert one side first, with `| int`, `| float` or `| string`; `~` joins texts",
        ),
        ("unhashable", "a list or mapping is no key: use a text or a number"),
        ("missing", "give the argument that is missing"),
        ("unexpected keyword", "correct the argument's name, or leave it out"),
        ("multiple values", "give the argument once"),
        ("positional argument", "leave out what is too much"),
        ("not subscriptable", "only lists, mappings and texts have `[…]`: look at what the value is"),
        ("indices must be", "a list is asked by number, a mapping by key: loop over it to get its items"),
        ("len()", "only lists, mappings and texts have a length"),
    ];
    let found = signs.iter().find(|(sign, _)| message.contains(sign));
    found.map_or("convert the value first: `| int`, `| string`, `| list`", |(_, advice)| advice)
}

fn about_values(message: &str) -> &'static str {
    let signs = [
        ("invalid literal", "`| int` converts, and takes 0 for what is no number"),
        ("could not convert", "`| float` converts, and takes 0.0 for what is no number"),
        ("unpack", "each item must have as many parts as there are names: `for key, value in x.items()`"),
        ("substring not found", "ask first: `if 'x' in text`; `.find` answers -1 instead"),
        ("not in list", "ask first: `if x in list`"),
        ("step must not be zero", "write a step such as 1 or -1"),
        ("arg 3 must not be zero", "write a step such as 1 or -1"),
        ("format", "write the format as Python has it: `'%s' % x`, `'{}'.format(x)`"),
    ];
    let found = signs.iter().find(|(sign, _)| message.contains(sign));
    found.map_or("correct the value that is given here", |(_, advice)| advice)
}
