//! The abbreviation of the local time zone, from the machine's own table (`/etc/localtime`, RFC 8536).

/// What clocks at that moment (seconds since 1970) call their time: `UTC`, `CET`, `CEST`.
pub(crate) fn abbreviation(table: &[u8], now: i64) -> Option<String> {
    // Some ten thousand years either way: beyond that a clock is wrong, and numbers would overflow.
    let now = now.clamp(-(1 << 38), 1 << 38);
    let first = Header::read(table)?;
    // A second block with 64-bit times follows in every table of the last twenty years.
    let (header, body, width) = match first.version {
        0 => (first, table.get(44..)?, 4),
        _ => {
            let rest = table.get(44 + first.size(4)?..)?;
            (Header::read(rest)?, rest.get(44..)?, 8)
        }
    };
    let moment = |index: usize| signed(body.get(index * width..(index + 1) * width)?);
    let last = header.transitions.checked_sub(1).and_then(moment);
    if last.is_none_or(|last| now >= last)
        && width == 8
        && let Some(rule) = body.get(header.size(8)?..).and_then(rule_of)
    {
        return by_rule(rule, now);
    }
    let types = body.get(header.transitions * width..)?;
    let current =
        (0..header.transitions).take_while(|index| moment(*index).is_some_and(|at| at <= now)).last();
    let kind = current.map_or(Some(0), |index| types.get(index).copied())?;
    let descriptions = types.get(header.transitions..)?;
    let name = usize::from(*descriptions.get(usize::from(kind) * 6 + 5)?);
    let names = descriptions.get(header.types * 6..)?.get(..header.names)?;
    let name = names.get(name..)?.split(|byte| *byte == 0).next()?;
    String::from_utf8(name.to_vec()).ok()
}

struct Header {
    version: u8,
    leaps: usize,
    transitions: usize,
    types: usize,
    names: usize,
    marks: (usize, usize),
}

impl Header {
    fn read(bytes: &[u8]) -> Option<Self> {
        bytes.starts_with(b"TZif").then_some(())?;
        let count = |at: usize| {
            let count = u32::from_be_bytes(bytes.get(at..at + 4)?.try_into().ok()?);
            // No zone has more; what says so is no table.
            usize::try_from(count).ok().filter(|count| *count < 100_000)
        };
        Some(Self {
            version: *bytes.get(4)?,
            marks: (count(20)?, count(24)?),
            leaps: count(28)?,
            transitions: count(32)?,
            types: count(36)?,
            names: count(40)?,
        })
    }

    /// How many bytes the block has that follows, with times of that many bytes.
    fn size(&self, width: usize) -> Option<usize> {
        let fixed = self.types * 6 + self.names + self.marks.0 + self.marks.1;
        Some(self.transitions * (width + 1) + fixed + self.leaps * (width + 4))
    }
}

fn signed(bytes: &[u8]) -> Option<i64> {
    match bytes.len() {
        4 => Some(i32::from_be_bytes(bytes.try_into().ok()?).into()),
        _ => Some(i64::from_be_bytes(bytes.try_into().ok()?)),
    }
}

/// The rule for all times after the table's last: the line at its end.
fn rule_of(footer: &[u8]) -> Option<&str> {
    let line = footer.strip_prefix(b"\n")?.split(|byte| *byte == b'\n').next()?;
    std::str::from_utf8(line).ok().filter(|line| !line.is_empty())
}

/// A rule as POSIX's `TZ` has it: `CET-1CEST,M3.5.0,M10.5.0/3`.
fn by_rule(rule: &str, now: i64) -> Option<String> {
    let (standard, rest) = name(rule)?;
    let (offset, rest) = clock(rest)?;
    let Some((summer, rest)) = name(rest) else { return Some(standard.to_string()) };
    let (summer_offset, rest) = if rest.starts_with(',') { (offset - 3600, rest) } else { clock(rest)? };
    let mut days = rest.strip_prefix(',')?.split(',');
    let year = civil_year(now);
    let begin = change(days.next()?, year)?.checked_add(offset)?;
    let end = change(days.next()?, year)?.checked_add(summer_offset)?;
    let is_summer = if begin < end { (begin..end).contains(&now) } else { !(end..begin).contains(&now) };
    Some(if is_summer { summer } else { standard }.to_string())
}

/// A name at the front, `<+03>` or letters, and what follows.
fn name(text: &str) -> Option<(&str, &str)> {
    if let Some(quoted) = text.strip_prefix('<') {
        return quoted.split_once('>');
    }
    let end = text.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(text.len());
    (end >= 3).then(|| text.split_at(end))
}

/// `[+-]hh[:mm[:ss]]` at the front as seconds, and what follows.
fn clock(text: &str) -> Option<(i64, &str)> {
    let end = text.find(|c: char| !(c.is_ascii_digit() || "+-:".contains(c))).unwrap_or(text.len());
    let (front, rest) = text.split_at(end);
    let sign = if front.starts_with('-') { -1 } else { 1 };
    let mut seconds = 0i64;
    for (part, worth) in front.trim_start_matches(['+', '-']).split(':').zip([3600, 60, 1]) {
        seconds += part.parse::<i64>().ok().filter(|part| *part < 1000)? * worth;
    }
    Some((sign * seconds, rest))
}

/// When `Mm.w.d[/time]` is in a year, in local seconds since 1970. Other forms are not in use.
fn change(text: &str, year: i64) -> Option<i64> {
    let (day, time) = text.split_once('/').unwrap_or((text, "2"));
    let mut numbers = day.strip_prefix('M')?.split('.').map(str::parse::<i64>);
    let (month, week, weekday) = (numbers.next()?.ok()?, numbers.next()?.ok()?, numbers.next()?.ok()?);
    if !(1..=12).contains(&month) || !(1..=5).contains(&week) || !(0..=6).contains(&weekday) {
        return None;
    }
    let first = days_before(year, month);
    let next = if month == 12 { days_before(year + 1, 1) } else { days_before(year, month + 1) };
    // 1970-01-01 was a Thursday.
    let mut found = first + (weekday - (first + 4)).rem_euclid(7) + (week - 1) * 7;
    if found >= next {
        found -= 7;
    }
    Some(found * 86_400 + clock(time)?.0)
}

/// Days from 1970-01-01 to the first of a month.
fn days_before(year: i64, month: i64) -> i64 {
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let century = year.div_euclid(400);
    let of_century = year.rem_euclid(400);
    century * 146_097 + of_century * 365 + of_century / 4 - of_century / 100 + (month * 153 + 2) / 5 - 719_468
}

fn civil_year(now: i64) -> i64 {
    let days = now.div_euclid(86_400);
    // 400 years have 146,097 days; the estimate is never more than one year off.
    let near = 1970 + (days * 400).div_euclid(146_097);
    let fits = |year: &i64| days_before(*year, 1) <= days && days < days_before(*year + 1, 1);
    [near - 1, near, near + 1].into_iter().find(fits).unwrap_or(near)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A table without transitions, as zones are that only have a rule.
    fn table(rule: &str) -> Vec<u8> {
        let mut header = b"TZif2".to_vec();
        header.extend([0; 15]);
        for count in [0u32, 0, 0, 0, 1, 4] {
            header.extend(count.to_be_bytes());
        }
        let block = [header.clone(), vec![0; 6], b"LMT\0".to_vec()].concat();
        [block.clone(), block, format!("\n{rule}\n").into_bytes()].concat()
    }

    #[test]
    fn rules_say_what_time_it_is() {
        let berlin = table("CET-1CEST,M3.5.0,M10.5.0/3");
        // 2024: summer time began on 31 March and ended on 27 October, at 01:00 UTC.
        let cases = [
            (1_711_846_799, "CET"),
            (1_711_846_800, "CEST"),
            (1_729_990_799, "CEST"),
            (1_729_990_800, "CET"),
            (0, "CET"),
        ];
        for (now, name) in cases {
            assert_eq!(abbreviation(&berlin, now).as_deref(), Some(name), "{now}");
        }
        let sydney = table("AEST-10AEDT,M10.1.0,M4.1.0/3");
        assert_eq!(abbreviation(&sydney, 1_704_067_200).as_deref(), Some("AEDT"));
        assert_eq!(abbreviation(&sydney, 1_719_792_000).as_deref(), Some("AEST"));
        assert_eq!(abbreviation(&table("<+03>-3"), 5).as_deref(), Some("+03"));
        assert_eq!(abbreviation(&table("UTC0"), 5).as_deref(), Some("UTC"));
    }

    #[test]
    fn every_day_is_in_its_year() {
        for days in (-400_000..400_000).step_by(13) {
            let year = civil_year(days * 86_400);
            assert!(days_before(year, 1) <= days && days < days_before(year + 1, 1), "{days}");
        }
    }

    #[test]
    fn hostile_tables_say_nothing() {
        for length in 0..table("CET-1").len() - 7 {
            let _ = abbreviation(&table("CET-1")[..length], i64::MAX);
        }
        for rule in ["", "X", "CET-1CEST,M99.5.0,M1.1.1", "CET-999999999999", "CET-1CEST,J1,J2", "CET-1CEST"]
        {
            let _ = abbreviation(&table(rule), i64::MIN);
            let _ = abbreviation(&table(rule), i64::MAX);
        }
        let mut huge = table("UTC0");
        huge[32..36].fill(0xff);
        assert_eq!(abbreviation(&huge, 0), None);
    }
}
