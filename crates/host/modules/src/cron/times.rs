//! When a job runs: checking what is asked for, since one wrong line makes cron pass over a whole crontab.

use std::hash::{DefaultHasher, Hash, Hasher};

/// Name, lowest and highest value of each field, with the names that may stand for values.
const FIELDS: [(&str, u32, u32, &[&str]); 5] = [
    ("minute", 0, 59, &[]),
    ("hour", 0, 23, &[]),
    ("daymonth", 1, 31, &[]),
    ("month", 1, 12, &["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"]),
    ("dayweek", 0, 7, &["sun", "mon", "tue", "wed", "thu", "fri", "sat"]),
];

/// Keywords that cron knows.
const KEYWORDS: [&str; 8] =
    ["@reboot", "@yearly", "@annually", "@monthly", "@weekly", "@daily", "@midnight", "@hourly"];

/// What is wrong with five fields, if anything.
pub(super) fn problem(times: &[String; 5]) -> Option<String> {
    FIELDS.iter().zip(times).find_map(|((name, lowest, highest, names), text)| {
        let part = |part: &str| is_part(part, *lowest, *highest, names);
        (!text.split(',').all(part)).then(|| format!("`{text}` is no {name} that cron understands"))
    })
}

/// What is wrong with a keyword, if anything.
pub(super) fn keyword_problem(keyword: &str) -> Option<String> {
    if KEYWORDS.contains(&keyword) {
        return None;
    }
    let near = report::suggest(keyword, KEYWORDS).map(|near| format!(", did you mean `{near}`?"));
    Some(format!("`{keyword}` is no keyword that cron understands{}", near.unwrap_or_default()))
}

/// `*`, `5`, `1-5`, `mon-fri`, each with a step (`*/10`).
fn is_part(part: &str, lowest: u32, highest: u32, names: &[&str]) -> bool {
    let (range, step) = match part.split_once('/') {
        Some((range, step)) => (range, Some(step)),
        None => (part, None),
    };
    if step.is_some_and(|step| !step.parse::<u32>().is_ok_and(|step| step > 0)) {
        return false;
    }
    let value = |text: &str| {
        let named = names.iter().position(|name| text.eq_ignore_ascii_case(name));
        let number = match named {
            Some(at) => u32::try_from(at).ok().map(|at| at + lowest),
            None => text.parse().ok().filter(|_| text.bytes().all(|byte| byte.is_ascii_digit())),
        };
        number.filter(|number| (lowest..=highest).contains(number))
    };
    match range.split_once('-') {
        _ if range == "*" => true,
        Some((from, to)) => value(from).zip(value(to)).is_some_and(|(from, to)| from <= to),
        None => value(range).is_some(),
    }
}

/// `random`, made a value that stays the same for the same job on the same minion: spread over machines, and a plan
/// knows it.
pub(super) fn chosen(field: usize, seed: &[&str]) -> String {
    let (lowest, highest) = match FIELDS.get(field) {
        // Every month has a 28th; Sunday has two numbers.
        Some(("daymonth", ..)) => (1, 28),
        Some(("dayweek", ..)) => (0, 6),
        Some((_, lowest, highest, _)) => (*lowest, *highest),
        None => (0, 0),
    };
    let mut hasher = DefaultHasher::new();
    (field, seed).hash(&mut hasher);
    let span = u64::from(highest - lowest) + 1;
    (u64::from(lowest) + hasher.finish() % span).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_checked_as_cron_reads_them() {
        let times = |text: &str| {
            let mut words = text.split(' ').map(String::from);
            [(); 5].map(|()| words.next().unwrap())
        };
        for right in ["* * * * *", "*/5 0-6 1,15 jan-mar MON-fri", "59 23 31 12 7", "0-30/10 * * * *"] {
            assert_eq!(problem(&times(right)), None, "{right}");
        }
        for wrong in [
            "60 * * * *",
            "* 24 * * *",
            "* * 0 * *",
            "* * * 13 *",
            "* * * * 8",
            "*/0 * * * *",
            "5-1 * * * *",
            "x * * * *",
            "+5 * * * *",
            ", * * * *",
        ] {
            assert!(problem(&times(wrong)).is_some(), "{wrong}");
        }
        assert!(keyword_problem("@dialy").unwrap().contains("@daily"));
    }

    #[test]
    fn random_is_in_range_and_stays() {
        for field in 0..5 {
            for seed in ["a", "b", "c"] {
                let mut times = [(); 5].map(|()| "*".to_string());
                times[field] = chosen(field, &["minion", seed]);
                assert_eq!(problem(&times), None);
                assert_eq!(times[field], chosen(field, &["minion", seed]));
            }
        }
    }
}
