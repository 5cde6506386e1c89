//! The account files as text: `passwd`, `shadow`, `group`, `gshadow`. Pure; lines that are not about the account
//! in question stay as they are, byte for byte.

/// One account's line replaced, added (before the first `+` line of NIS), or removed.
pub(super) fn edit(text: &str, name: &str, line: Option<&str>) -> String {
    let mut out = String::with_capacity(text.len() + line.map_or(0, str::len) + 1);
    let mut pending = line;
    for there in text.lines() {
        if key(there) == name {
            push(&mut out, pending.take());
        } else {
            if there.starts_with('+') {
                push(&mut out, pending.take().filter(|_| !has(text, name)));
            }
            push(&mut out, Some(there));
        }
    }
    push(&mut out, pending);
    out
}

/// The fields of one account's line.
pub(super) fn fields<'a>(text: &'a str, name: &str) -> Option<Vec<&'a str>> {
    text.lines().find(|line| key(line) == name).map(|line| line.split(':').collect())
}

/// Whether text can stand in a field: no colon, no line end, nothing that no terminal should get.
pub(super) fn is_field(text: &str) -> bool {
    !text.chars().any(|letter| letter == ':' || letter.is_control())
}

/// What to do about a name that can not be one.
pub(crate) const NAMES: &str =
    "a name has up to 32 letters, digits, `-`, `_` and `.`, and begins with a letter or `_`";

/// Whether a name can be one of a user or group: what `useradd` on Debian refuses is refused.
pub(crate) fn is_name(name: &str) -> bool {
    !name.is_empty()
        && name.len() <= 32
        && !name.starts_with(['-', '+', '~'])
        && name != "."
        && name != ".."
        && !name
            .chars()
            .any(|letter| letter == ':' || letter == ',' || letter == '/' || letter.is_whitespace())
        && is_field(name)
}

fn key(line: &str) -> &str {
    line.split(':').next().unwrap_or_default()
}

fn has(text: &str, name: &str) -> bool {
    text.lines().any(|line| key(line) == name)
}

fn push(out: &mut String, line: Option<&str>) {
    if let Some(line) = line {
        out.push_str(line);
        out.push('\n');
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const PASSWD: &str = "root:x:0:0::/root:/bin/bash\n# a remark\nbob:x:1:1::/b:/bin/sh\n+::::::\n";

    #[test]
    fn lines_are_replaced_added_and_removed_in_place() {
        assert_eq!(edit(PASSWD, "bob", Some("bob:y")), PASSWD.replace("bob:x:1:1::/b:/bin/sh", "bob:y"));
        assert_eq!(edit(PASSWD, "bob", None), PASSWD.replace("bob:x:1:1::/b:/bin/sh\n", ""));
        assert_eq!(edit(PASSWD, "amy", Some("amy:x")), PASSWD.replace("+:", "amy:x\n+:"));
        assert_eq!(edit("a:1", "b", Some("b:2")), "a:1\nb:2\n");
        assert_eq!(edit("a:1\n", "b", None), "a:1\n");
        assert_eq!(fields(PASSWD, "bob").unwrap()[2], "1");
    }

    #[test]
    fn names_that_break_the_files_are_refused() {
        for wrong in ["", "a:b", "a\nb", "-r", "a b", "a,b", "..", "a/b", &"x".repeat(33)] {
            assert!(!is_name(wrong), "{wrong:?}");
        }
        for right in ["bob", "www-data", "svc.app", "_apt", "machine$"] {
            assert!(is_name(right), "{right}");
        }
    }

    proptest! {
        #[test]
        fn what_is_put_is_found_and_what_is_taken_is_gone(
            text in "([a-c]:[a-z0-9]{0,3}\n){0,6}", name in "[a-d]", value in "[a-z]{0,4}"
        ) {
            let line = format!("{name}:{value}");
            let put = edit(&text, &name, Some(&line));
            prop_assert_eq!(fields(&put, &name).unwrap(), vec![name.as_str(), value.as_str()]);
            prop_assert_eq!(edit(&put, &name, Some(&line)), put.clone());
            let gone = edit(&put, &name, None);
            prop_assert!(fields(&gone, &name).is_none());
            let others = |text: &str| {
                text.lines().filter(|line| key(line) != name).map(String::from).collect::<Vec<_>>()
            };
            prop_assert_eq!(others(&text), others(&gone));
        }
    }
}
