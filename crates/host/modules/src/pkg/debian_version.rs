//! How Debian orders versions (Debian Policy, section 5.6.12).

use std::cmp::Ordering;

/// Compares `[epoch:]upstream[-revision]` with another.
pub(super) fn compare(left: &str, right: &str) -> Ordering {
    let (left_epoch, left) = split_epoch(left);
    let (right_epoch, right) = split_epoch(right);
    let (left_upstream, left_revision) = split_revision(left);
    let (right_upstream, right_revision) = split_revision(right);
    compare_numbers(left_epoch.as_bytes(), right_epoch.as_bytes())
        .then_with(|| compare_part(left_upstream.as_bytes(), right_upstream.as_bytes()))
        .then_with(|| compare_part(left_revision.as_bytes(), right_revision.as_bytes()))
}

/// The version without its epoch.
pub(super) fn without_epoch(version: &str) -> &str {
    split_epoch(version).1
}

fn split_epoch(version: &str) -> (&str, &str) {
    match version.split_once(':') {
        Some((epoch, rest)) if !epoch.is_empty() && epoch.bytes().all(|byte| byte.is_ascii_digit()) => {
            (epoch, rest)
        }
        _ => ("", version),
    }
}

fn split_revision(version: &str) -> (&str, &str) {
    version.rsplit_once('-').unwrap_or((version, ""))
}

/// Runs of non-digits and runs of digits, in turn, until one differs.
fn compare_part(mut left: &[u8], mut right: &[u8]) -> Ordering {
    while !left.is_empty() || !right.is_empty() {
        let (left_text, left_rest) = take(left, |byte| !byte.is_ascii_digit());
        let (right_text, right_rest) = take(right, |byte| !byte.is_ascii_digit());
        let (left_number, left_rest) = take(left_rest, |byte| byte.is_ascii_digit());
        let (right_number, right_rest) = take(right_rest, |byte| byte.is_ascii_digit());
        let order =
            compare_text(left_text, right_text).then_with(|| compare_numbers(left_number, right_number));
        if order.is_ne() {
            return order;
        }
        (left, right) = (left_rest, right_rest);
    }
    Ordering::Equal
}

/// A tilde sorts before the end, the end before letters, letters before everything else.
fn compare_text(left: &[u8], right: &[u8]) -> Ordering {
    let weight = |byte: Option<&u8>| match byte {
        Some(b'~') => -1,
        None => 0,
        Some(byte) if byte.is_ascii_alphabetic() => i32::from(*byte),
        Some(byte) => i32::from(*byte) + 256,
    };
    (0..left.len().max(right.len()))
        .map(|at| weight(left.get(at)).cmp(&weight(right.get(at))))
        .find(|order| order.is_ne())
        .unwrap_or(Ordering::Equal)
}

fn compare_numbers(left: &[u8], right: &[u8]) -> Ordering {
    let (left, right) = (without_zeros(left), without_zeros(right));
    left.len().cmp(&right.len()).then_with(|| left.cmp(right))
}

fn without_zeros(digits: &[u8]) -> &[u8] {
    take(digits, |byte| *byte == b'0').1
}

fn take(bytes: &[u8], wanted: impl Fn(&u8) -> bool) -> (&[u8], &[u8]) {
    bytes.split_at(bytes.iter().position(|byte| !wanted(byte)).unwrap_or(bytes.len()))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn orders_as_policy_says() {
        let ascending = [
            "0~~",
            "0~",
            "0",
            "0-0",
            "0-1~",
            "0-1",
            "0-1.1",
            "0a",
            "0.0",
            "1.0~beta1~svn1245",
            "1.0~beta1",
            "1.0",
            "1.0-1",
            "1.0+b1",
            "1.0.1",
            "1.2",
            "1.10",
            "2.0",
            "1:0.1",
            "2:0",
        ];
        let mut sorted = ascending;
        sorted.reverse();
        sorted.sort_by(|a, b| compare(a, b));
        let mut seen = sorted.iter();
        // "0" and "0-0" are equal: only the others have one place.
        for version in ascending.iter().filter(|version| **version != "0" && **version != "0-0") {
            assert!(seen.any(|there| there == version), "{version} is out of order in {sorted:?}");
        }
        assert_eq!(compare("0", "0-0"), Ordering::Equal);
        assert_eq!(compare("1.0", "0:1.0"), Ordering::Equal);
        assert_eq!(compare("1.001", "1.1"), Ordering::Equal);
        assert_eq!(without_epoch("1:2.0-1"), "2.0-1");
    }

    proptest! {
        #[test]
        fn is_a_total_order(a in "[0-9a-z.+~:-]{0,8}", b in "[0-9a-z.+~:-]{0,8}", c in "[0-9a-z.+~:-]{0,8}") {
            prop_assert_eq!(compare(&a, &b), compare(&b, &a).reverse());
            prop_assert_eq!(compare(&a, &a), Ordering::Equal);
            if compare(&a, &b).is_le() && compare(&b, &c).is_le() {
                prop_assert!(compare(&a, &c).is_le());
            }
        }
    }

    /// Against dpkg itself, where there is one.
    #[test]
    #[expect(clippy::disallowed_types, reason = "the oracle is a program")]
    fn agrees_with_dpkg() {
        let dpkg = |a: &str, operator: &str, b: &str| {
            std::process::Command::new("dpkg").args(["--compare-versions", a, operator, b]).status()
        };
        if dpkg("1", "eq", "1").is_err() {
            return eprintln!("skipped: no dpkg here");
        }
        let part = "[0-9][0-9a-z.+~]{0,4}";
        let version = (proptest::option::of(0u8..3), part, proptest::option::of("[0-9a-z.+~]{1,4}"));
        let mut runner = proptest::test_runner::TestRunner::new(ProptestConfig::with_cases(300));
        runner
            .run(&(version.clone(), version), |(left, right)| {
                let text = |(epoch, upstream, revision): (Option<u8>, String, Option<String>)| {
                    let epoch = epoch.map(|epoch| format!("{epoch}:")).unwrap_or_default();
                    let revision = revision.map(|revision| format!("-{revision}")).unwrap_or_default();
                    format!("{epoch}{upstream}{revision}")
                };
                let (left, right) = (text(left), text(right));
                let operator = match compare(&left, &right) {
                    Ordering::Less => "lt",
                    Ordering::Equal => "eq",
                    Ordering::Greater => "gt",
                };
                prop_assert!(dpkg(&left, operator, &right).unwrap().success(), "{left} {operator} {right}");
                Ok(())
            })
            .unwrap();
    }
}
