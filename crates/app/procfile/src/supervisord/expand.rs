//! `%(name)s` in values: Python's string formatting with named values.

/// What a name stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Named {
    Text(String),
    Number(i64),
}

/// Why a value cannot be expanded.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum ExpandError {
    #[error("`%` is not followed by `(name)s` or `%`")]
    Percent,
    #[error("`%({0}` is not closed")]
    Unclosed(String),
    #[error("`%({0})s` is not known here")]
    Unknown(String),
    #[error("`%({0}){1}` is no way to write it")]
    Conversion(String, String),
    #[error("the value is too long")]
    TooLong,
}

/// The longest value after expansion, in bytes.
const LONGEST: usize = 1 << 18;

/// Replaces `%(name)s`, `%(name)d`, `%(name)02d` and the like; `%%` is a percent sign.
pub(super) fn expand(text: &str, lookup: &dyn Fn(&str) -> Option<Named>) -> Result<String, ExpandError> {
    let mut result = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('%') {
        result.push_str(&rest[..at]);
        rest = &rest[at + 1..];
        if let Some(left) = rest.strip_prefix('%') {
            result.push('%');
            rest = left;
        } else {
            let inside = rest.strip_prefix('(').ok_or(ExpandError::Percent)?;
            let (name, left) = inside
                .split_once(')')
                .ok_or_else(|| ExpandError::Unclosed(first_word(inside).to_string()))?;
            let (format, left) = Format::read(name, left)?;
            let value = lookup(name).ok_or_else(|| ExpandError::Unknown(name.to_string()))?;
            result.push_str(&format.write(name, &value)?);
            rest = left;
        }
        if result.len() > LONGEST {
            return Err(ExpandError::TooLong);
        }
    }
    result.push_str(rest);
    Ok(result)
}

fn first_word(text: &str) -> &str {
    text.split(char::is_whitespace).next().unwrap_or_default()
}

/// What stands after the name: flags, width, precision, conversion.
struct Format<'t> {
    text: &'t str,
    minus: bool,
    zero: bool,
    plus: Option<char>,
    width: usize,
    precision: Option<usize>,
    conversion: char,
}

impl<'t> Format<'t> {
    /// Reads a format; answers what follows it too.
    fn read(name: &str, text: &'t str) -> Result<(Self, &'t str), ExpandError> {
        /// Wider than any number or name needs.
        const WIDEST: usize = 200;
        let flags = text.len() - text.trim_start_matches(['#', '0', '-', ' ', '+']).len();
        let digits = |text: &str| text.bytes().take_while(u8::is_ascii_digit).count();
        let mut at = flags + digits(&text[flags..]);
        let width = text[flags..at].parse().unwrap_or(if at > flags { WIDEST + 1 } else { 0 });
        let mut precision = None;
        if text[at..].starts_with('.') {
            let end = at + 1 + digits(&text[at + 1..]);
            precision = Some(text[at + 1..end].parse().unwrap_or(if end > at + 1 { WIDEST + 1 } else { 0 }));
            at = end;
        }
        at += usize::from(text[at..].starts_with(['h', 'l', 'L']));
        let conversion = text[at..].chars().next();
        let end = at + conversion.map_or(0, char::len_utf8);
        let wrong = || ExpandError::Conversion(name.to_string(), text[..end].to_string());
        let conversion = conversion.filter(|c| "sdiuoxX".contains(*c)).ok_or_else(wrong)?;
        if width > WIDEST || precision.is_some_and(|precision| precision > WIDEST) {
            return Err(wrong());
        }
        let flag = |sign: char| text[..flags].contains(sign);
        let plus = if flag('+') { Some('+') } else { flag(' ').then_some(' ') };
        let (minus, zero) = (flag('-'), flag('0'));
        Ok((Self { text: &text[..end], minus, zero, plus, width, precision, conversion }, &text[end..]))
    }

    fn write(&self, name: &str, value: &Named) -> Result<String, ExpandError> {
        let wrong = || ExpandError::Conversion(name.to_string(), self.text.to_string());
        let (sign, digits, number) = match (value, self.conversion) {
            (Named::Text(text), 's') => (String::new(), text.clone(), false),
            (Named::Number(number), 's') => (String::new(), number.to_string(), false),
            (Named::Text(_), _) => return Err(wrong()),
            (Named::Number(number), conversion) => {
                let magnitude = number.unsigned_abs();
                let digits = match conversion {
                    'o' => format!("{magnitude:o}"),
                    'x' => format!("{magnitude:x}"),
                    'X' => format!("{magnitude:X}"),
                    _ => magnitude.to_string(),
                };
                let sign = if *number < 0 { Some('-') } else { self.plus };
                (sign.map(String::from).unwrap_or_default(), digits, true)
            }
        };
        let digits = match (number, self.precision) {
            (true, Some(least)) => format!("{digits:0>least$}"),
            (false, Some(most)) => digits.chars().take(most).collect(),
            (_, None) => digits,
        };
        let missing = self.width.saturating_sub(sign.chars().count() + digits.chars().count());
        Ok(match (self.minus, self.zero && number) {
            (true, _) => format!("{sign}{digits}{}", " ".repeat(missing)),
            (false, true) => format!("{sign}{}{digits}", "0".repeat(missing)),
            (false, false) => format!("{}{sign}{digits}", " ".repeat(missing)),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lookup(name: &str) -> Option<Named> {
        match name {
            "name" => Some(Named::Text("web".into())),
            "num" => Some(Named::Number(7)),
            "minus" => Some(Named::Number(-7)),
            _ => None,
        }
    }

    /// What Python 3.11 answers to `text % {'name': 'web', 'num': 7, 'minus': -7}`.
    #[test]
    fn formats_as_python_does() {
        for (text, expected) in [
            ("%(name)s", "web"),
            ("%(num)d %(num)s %(num)i", "7 7 7"),
            ("80%(num)02d", "8007"),
            ("%(num)3d|%(num)-3d|%(num)+d|% d|".replace("% d", "%(num) d").as_str(), "  7|7  |+7| 7|"),
            ("%(minus)04d %(minus)x", "-007 -7"),
            ("%(num).3d %(name).2s %(name)5s", "007 we   web"),
            ("%(name)05s", "  web"),
            ("100%% %%(name)s", "100% %(name)s"),
            ("%(num)ld", "7"),
        ] {
            assert_eq!(expand(text, &lookup).as_deref(), Ok(expected), "{text}");
        }
    }

    #[test]
    fn what_cannot_be_expanded() {
        for (text, expected) in [
            ("date +%Y", ExpandError::Percent),
            ("100%", ExpandError::Percent),
            ("%s", ExpandError::Percent),
            ("%(name", ExpandError::Unclosed("name".into())),
            ("%(nmae)s", ExpandError::Unknown("nmae".into())),
            ("%(name)d", ExpandError::Conversion("name".into(), "d".into())),
            ("%(name)y", ExpandError::Conversion("name".into(), "y".into())),
            ("%(name)", ExpandError::Conversion("name".into(), String::new())),
            (
                "%(num)999999999999999999999d",
                ExpandError::Conversion("num".into(), "999999999999999999999d".into()),
            ),
        ] {
            assert_eq!(expand(text, &lookup), Err(expected), "{text}");
        }
        assert_eq!(expand(&"%(num)200d".repeat(2000), &lookup), Err(ExpandError::TooLong));
    }
}
