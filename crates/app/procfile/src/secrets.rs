//! Which variables look secret, so that `pinch config` can cover them.
//!
//! A guess by name and by value, on the safe side: a covered port number costs a look, an open password costs more.
//! Covered are variables whose name has a word such as `PASSWORD`, `SECRET`, `TOKEN` or `KEY`, private keys and the
//! well-known shapes of tokens; and within any other value the passwords in URLs (`postgres://app:***@db/app`), in
//! query strings and in connection strings (`host=db password=***`).

use std::ops::Range;

use value::Secret;

/// How much of a value must not be seen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Secrecy {
    /// Nothing.
    Open,
    /// These bytes of it: in order, not overlapping, not empty.
    Parts(Vec<Range<usize>>),
    /// All of it.
    Whole,
}

/// Judges the value of a variable by both.
pub fn looks_secret(name: &str, value: &str) -> Secrecy {
    if TRIVIAL.iter().any(|word| word.eq_ignore_ascii_case(value)) {
        return Secrecy::Open;
    }
    if names_a_secret(name) || is_a_secret(value) {
        return Secrecy::Whole;
    }
    let mut parts = in_urls(value);
    parts.extend(in_pairs(value));
    parts.extend(after_scheme(value));
    if parts.is_empty() { Secrecy::Open } else { Secrecy::Parts(merged(parts)) }
}

/// The value as it may be shown: what [`looks_secret`] finds stands there as `********`.
pub fn mask(name: &str, value: &str) -> String {
    const MASK: &str = Secret::<()>::MASK;
    match looks_secret(name, value) {
        Secrecy::Open => value.to_string(),
        Secrecy::Whole => MASK.to_string(),
        Secrecy::Parts(parts) => {
            let mut shown = value.to_string();
            parts.into_iter().rev().for_each(|part| shown.replace_range(part, MASK));
            shown
        }
    }
}

/// Which bytes of a value to cover.
pub(crate) fn secret_parts(name: &str, value: &str) -> Vec<Range<usize>> {
    match looks_secret(name, value) {
        Secrecy::Open => Vec::new(),
        Secrecy::Whole => std::iter::once(0..value.len()).collect(),
        Secrecy::Parts(parts) => parts,
    }
}

/// Which bytes to cover in a line that could not be understood: all that follows a word that names a secret.
pub(crate) fn secret_parts_of_line(line: &str) -> Vec<Range<usize>> {
    let is_name = |c: char| c.is_alphanumeric() || c == '_' || c == '-' || c == '.';
    let mut begin = 0;
    for word in line.split_inclusive(|c: char| !is_name(c)) {
        let end = begin + word.trim_end_matches(|c: char| !is_name(c)).len();
        if end < line.len() && names_a_secret(&line[begin..end]) {
            return std::iter::once(end..line.len()).collect();
        }
        begin += word.len();
    }
    secret_parts("", line)
}

/// Covers bytes of a text with asterisks; places and lines stay where they are.
pub(crate) fn cover(text: &str, parts: impl IntoIterator<Item = Range<usize>>) -> String {
    let mut shown = String::with_capacity(text.len());
    let mut parts: Vec<_> = parts.into_iter().collect();
    parts.sort_by_key(|part| part.start);
    for part in parts {
        let part = part.start.max(shown.len())..part.end.max(shown.len());
        shown.push_str(&text[shown.len()..part.start]);
        shown.extend(text[part].bytes().map(|byte| if byte == b'\n' { '\n' } else { '*' }));
    }
    shown.push_str(&text[shown.len()..]);
    shown
}

/// Values that are nobody's secret, whatever they are called.
const TRIVIAL: [&str; 11] = ["", "0", "1", "true", "false", "yes", "no", "on", "off", "none", "null"];

/// Words that name a secret.
const WORDS: [&str; 22] = [
    "PASSWORD",
    "PASSWORDS",
    "PASSWD",
    "PASS",
    "PASSPHRASE",
    "PWD",
    "SECRET",
    "SECRETS",
    "TOKEN",
    "TOKENS",
    "KEY",
    "KEYS",
    "APIKEY",
    "CREDENTIAL",
    "CREDENTIALS",
    "CREDS",
    "AUTH",
    "SALT",
    "PIN",
    "OTP",
    "COOKIE",
    "SIGNATURE",
];

/// What names a secret within a word that is written in one (`DBPASSWORD`).
const WITHIN: [&str; 5] = ["PASSWORD", "PASSWD", "PASSPHRASE", "SECRET", "CREDENTIAL"];

/// The same, at the end of a word (`AUTHTOKEN`).
const ENDINGS: [&str; 4] = ["TOKEN", "KEY", "PASS", "PWD"];

/// Last words of names that say something about a secret, and not the secret.
const ABOUT: [&str; 31] = [
    "URL",
    "URI",
    "ENDPOINT",
    "HOST",
    "HOSTNAME",
    "PORT",
    "FILE",
    "PATH",
    "DIR",
    "SOCK",
    "NAME",
    "USER",
    "USERNAME",
    "TTL",
    "TIMEOUT",
    "LENGTH",
    "SIZE",
    "LIMIT",
    "COUNT",
    "ALGORITHM",
    "ALG",
    "TYPE",
    "ISSUER",
    "LIFETIME",
    "EXPIRY",
    "EXPIRES",
    "ENABLED",
    "METHOD",
    "PROVIDER",
    "MODE",
    "PREFIX",
];

/// Whether a name has a word for a secret.
fn names_a_secret(name: &str) -> bool {
    if name == "PWD" || name == "OLDPWD" {
        return false;
    }
    let words = words(name);
    if words.last().is_some_and(|last| ABOUT.contains(&last.as_str()))
        || words.iter().any(|word| word == "PUBLIC")
    {
        return false;
    }
    words.iter().any(|word| {
        WORDS.contains(&word.as_str())
            || WITHIN.iter().any(|part| word.contains(part))
            || ENDINGS.iter().any(|end| word.ends_with(end))
    })
}

/// The words of a name in capitals: `DB_password` and `dbPassword` are DB and PASSWORD.
fn words(name: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut before = ' ';
    for c in name.chars() {
        if !c.is_alphanumeric() || (c.is_uppercase() && before.is_lowercase()) {
            words.push(String::new());
        }
        if let (true, Some(word)) = (c.is_alphanumeric(), words.last_mut()) {
            word.extend(c.to_uppercase());
        }
        before = c;
    }
    words.retain(|word| !word.is_empty());
    words
}

/// How tokens of well-known services begin.
const TOKEN_SHAPES: [&str; 19] = [
    "ghp_",
    "gho_",
    "ghu_",
    "ghs_",
    "ghr_",
    "github_pat_",
    "glpat-",
    "sk_live_",
    "sk_test_",
    "rk_live_",
    "sk-",
    "xoxb-",
    "xoxp-",
    "xoxa-",
    "xapp-",
    "SG.",
    "AIza",
    "npm_",
    "dop_v1_",
];

/// Whether a value is a secret whatever it is called.
fn is_a_secret(value: &str) -> bool {
    const SHORTEST_TOKEN: usize = 20;
    if value.contains("PRIVATE KEY-----") {
        return true;
    }
    let one_word = value.len() >= SHORTEST_TOKEN && !value.contains(char::is_whitespace);
    let web_token = || value.starts_with("eyJ") && value.split('.').count() == 3;
    one_word && (web_token() || TOKEN_SHAPES.iter().any(|shape| value.starts_with(shape)))
}

/// Passwords in URLs.
fn in_urls(value: &str) -> Vec<Range<usize>> {
    let mut parts = Vec::new();
    let ends = |c: char| c.is_whitespace() || c == '"' || c == '\'';
    let mut begin = 0;
    for run in value.split_inclusive(ends) {
        in_urls_of_run(run, begin, &mut parts);
        begin += run.len();
    }
    parts
}

/// Passwords in the URLs of a text without white space, which stands at `begin`.
fn in_urls_of_run(run: &str, begin: usize, parts: &mut Vec<Range<usize>>) {
    let mut from = 0;
    while let Some(found) = run[from..].find("://") {
        let start = from + found + 3;
        let authority = run[start..].find(['/', '?', '#']).map_or(run.len(), |end| start + end);
        let Some(at) = run[start..authority].rfind('@') else {
            // A password with a slash in it that was not encoded.
            if let (Some(at), Some(colon)) = (run[start..].rfind('@'), run[start..].find(':'))
                && colon + 1 < at
            {
                parts.push(begin + start + colon + 1..begin + start + at);
                return;
            }
            from = start;
            continue;
        };
        let user = &run[start..start + at];
        let web = run[..start].ends_with("http://") || run[..start].ends_with("https://");
        match user.find(':') {
            Some(colon) if colon + 1 < user.len() => {
                parts.push(begin + start + colon + 1..begin + start + at);
            }
            // A token that stands for the user.
            None if web && !user.is_empty() => parts.push(begin + start..begin + start + at),
            _ => {}
        }
        from = start + at + 1;
    }
}

/// Values of pairs such as `password=…` in query strings and connection strings.
fn in_pairs(value: &str) -> Vec<Range<usize>> {
    let mut parts = Vec::new();
    let mut from = 0;
    while let Some(found) = value[from..].find('=') {
        let equals = from + found;
        from = equals + 1;
        let is_name = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
        let name = &value[..equals];
        let begin = name.trim_end_matches(is_name).len();
        if equals - begin > 64 || !names_a_secret(&name[begin..]) {
            continue;
        }
        let rest = &value[from..];
        let (start, end) = match rest.chars().next().filter(|c| *c == '"' || *c == '\'') {
            Some(quote) => (from + 1, from + 1 + closing(&rest[1..], quote)),
            None => {
                let ends = |c: char| c.is_whitespace() || matches!(c, '&' | ';' | ',' | '"' | '\'' | '#');
                (from, rest.find(ends).map_or(value.len(), |end| from + end))
            }
        };
        from = end;
        if !TRIVIAL.iter().any(|word| word.eq_ignore_ascii_case(&value[start..end])) {
            parts.push(start..end);
        }
    }
    parts
}

/// Where a quotation ends; a quote after a backslash does not end it.
fn closing(text: &str, quote: char) -> usize {
    let mut escaped = false;
    let end = text.char_indices().find(|(_, c)| {
        let closes = *c == quote && !escaped;
        escaped = *c == '\\' && !escaped;
        closes
    });
    end.map_or(text.len(), |(at, _)| at)
}

/// What follows `Bearer` or `Basic`.
fn after_scheme(value: &str) -> Option<Range<usize>> {
    ["Bearer ", "Basic ", "bearer ", "basic "].iter().find_map(|scheme| {
        let start = value.find(scheme)? + scheme.len();
        (start < value.len() && (start == scheme.len() || value[..start].contains(':')))
            .then_some(start..value.len())
    })
}

fn merged(mut parts: Vec<Range<usize>>) -> Vec<Range<usize>> {
    parts.sort_by_key(|part| part.start);
    let mut merged: Vec<Range<usize>> = Vec::new();
    for part in parts {
        match merged.last_mut() {
            Some(last) if part.start < last.end => last.end = last.end.max(part.end),
            _ => merged.push(part),
        }
    }
    merged
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn names_that_hold_secrets() {
        for name in [
            "PASSWORD",
            "DB_PASSWORD",
            "MYSQL_ROOT_PASSWORD",
            "PGPASSWORD",
            "dbPassword",
            "SMTP_PASS",
            "DBPASS",
            "SECRET_KEY_BASE",
            "CLIENTSECRET",
            "AWS_SECRET_ACCESS_KEY",
            "AWS_ACCESS_KEY_ID",
            "API_KEY",
            "apikey",
            "GITHUB_TOKEN",
            "AUTHTOKEN",
            "SIGNING_SALT",
            "GOOGLE_CREDENTIALS",
            "BASIC_AUTH",
            "ENCRYPTION.KEY",
        ] {
            assert_eq!(mask(name, "hunter2"), "********", "{name}");
        }
    }

    #[test]
    fn names_that_do_not() {
        for name in [
            "PATH",
            "HOME",
            "PWD",
            "OLDPWD",
            "PORT",
            "MODE",
            "KEYBOARD",
            "MONKEYS",
            "TOKENIZERS_PARALLELISM",
            "AUTHOR",
            "PASSENGER_COUNT",
            "NEXT_PUBLIC_API_KEY",
            "SSH_AUTH_SOCK",
            "TOKEN_URL",
            "SECRET_FILE",
            "KEY_NAME",
        ] {
            assert_eq!(looks_secret(name, "hunter2"), Secrecy::Open, "{name}");
        }
        for value in ["", "true", "False", "0", "none"] {
            assert_eq!(looks_secret("AUTH_TOKEN", value), Secrecy::Open, "{value}");
        }
    }

    #[test]
    fn only_the_password_within_a_url() {
        for (value, shown) in [
            (
                "postgres://app:s3cret@db:5432/app?sslmode=disable",
                "postgres://app:********@db:5432/app?sslmode=disable",
            ),
            ("redis://:s3cret@cache", "redis://:********@cache"),
            ("postgres://app@db/app", "postgres://app@db/app"),
            ("postgres://app:@db/app", "postgres://app:@db/app"),
            ("https://ghp_abc@github.com/a/b.git", "https://********@github.com/a/b.git"),
            ("amqp://a:x@h1,amqp://b:y@h2/v", "amqp://a:********@h1,amqp://b:********@h2/v"),
            ("mysql://u:p@ss@h/d", "mysql://u:********@h/d"),
            ("mysql://u:p/w@h/d", "mysql://u:********@h/d"),
            ("https://h/x?api_key=abc&page=2", "https://h/x?api_key=********&page=2"),
            ("https://h:8080/x", "https://h:8080/x"),
            ("host=db user=app password=s3cret dbname=x", "host=db user=app password=******** dbname=x"),
            ("Server=h;Password='a;b';Pooling=true", "Server=h;Password='********';Pooling=true"),
            ("PASSWORD=\"a\\\"b c\",X=y", "PASSWORD=\"********\",X=y"),
            ("Bearer abc.def", "Bearer ********"),
            ("Basic training", "Basic ********"),
            ("the Basic idea", "the Basic idea"),
            ("Authorization: Bearer abc", "Authorization: Bearer ********"),
            ("see http://a:b@c and http://d:e@f", "see http://a:********@c and http://d:********@f"),
        ] {
            assert_eq!(mask("DATABASE", value), shown);
        }
    }

    #[test]
    fn values_that_are_secrets_by_their_shape() {
        for value in [
            "-----BEGIN RSA PRIVATE KEY-----\nMIIE\n-----END RSA PRIVATE KEY-----",
            "ghp_0123456789abcdefghij",
            "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl",
        ] {
            assert_eq!(looks_secret("X", value), Secrecy::Whole, "{value}");
        }
        assert_eq!(looks_secret("X", "sk-learn"), Secrecy::Open);
    }

    #[test]
    fn covering_keeps_lines_and_places() {
        assert_eq!(cover("A=é\nb c", [2..6, 5..6]), "A=**\n* c");
        assert_eq!(cover("abc", []), "abc");
    }

    proptest! {
        #[test]
        fn any_value_is_judged(name in ".{0,12}", value in "(://|@|:|/|=|password|key| |'|[a-zé]){0,24}") {
            if let Secrecy::Parts(parts) = looks_secret(&name, &value) {
                prop_assert!(!parts.is_empty());
                prop_assert!(parts.iter().all(|part| part.start < part.end && value.get(part.clone()).is_some()));
                prop_assert!(parts.windows(2).all(|two| two[0].end <= two[1].start));
                prop_assert_eq!(cover(&value, parts).len(), value.len());
            }
        }
    }
}
