//! Keeping what a file contained before it was replaced.

use std::path::{Path, PathBuf};

use host::{Attributes, Metadata, Timestamp};
use value::Value;

use super::place;
use crate::{Context, Failure};

/// Whether a state's `backup` (or the configuration's) asks for a copy on the minion.
pub(super) fn wanted(context: &Context<'_>, declared: Option<&Value>) -> bool {
    let configured = || context.minion.options.get("backup_mode");
    let declared = declared.filter(|value| value.is_truthy()).or_else(configured);
    declared.and_then(Value::as_str).is_some_and(|mode| matches!(mode, "minion" | "both"))
}

/// Puts a copy under `file_backup` in the cache, named after the moment.
pub(super) fn keep(context: &Context<'_>, path: &Path, old: &[u8], found: &Metadata) -> Result<(), Failure> {
    let host = context.host();
    let cache =
        context.minion.options.get("cachedir").and_then(Value::as_str).unwrap_or("/var/cache/salt/minion");
    let mut copy = PathBuf::from(cache).join("file_backup");
    copy.push(path.parent().unwrap_or(Path::new("/")).strip_prefix("/").unwrap_or(Path::new("")));
    let private = Attributes { mode: Some(0o700), ..Attributes::default() };
    place::make_directories(host, &copy, &private)?;
    let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    copy.push(format!("{name}_{}", stamp(host.now())));
    let attributes = Attributes {
        mode: Some(found.mode),
        user: Some(found.user.clone()),
        group: Some(found.group.clone()),
    };
    Ok(host.write(&copy, old, &attributes)?)
}

/// A moment as Salt names backups: `Sun_Nov_22_15:04:05_123456_2026`, in UTC.
fn stamp(moment: Timestamp) -> String {
    const WEEKDAYS: [&str; 7] = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"];
    const MONTHS: [&str; 12] =
        ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let days = moment.seconds.div_euclid(86_400);
    let second = moment.seconds.rem_euclid(86_400);
    // Days counted from 1 March of year 0, so that leap days end a year.
    let shifted = days.saturating_add(719_468);
    let era = shifted.div_euclid(146_097);
    let day_of_era = shifted.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month + 2) / 5 + 1;
    let month = (month + 2) % 12;
    let year = era.saturating_mul(400).saturating_add(year_of_era + i64::from(month < 2));
    format!(
        "{}_{}_{day:02}_{:02}:{:02}:{:02}_{:06}_{year}",
        WEEKDAYS.get(days.rem_euclid(7) as usize).unwrap_or(&""),
        MONTHS.get(month as usize).unwrap_or(&""),
        second / 3600,
        second / 60 % 60,
        second % 60,
        moment.nanoseconds / 1000
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_named_as_salt_names_them() {
        let moment = Timestamp { seconds: 1_709_210_096, nanoseconds: 5_000 };
        assert_eq!(stamp(moment), "Thu_Feb_29_12:34:56_000005_2024");
        assert_eq!(stamp(Timestamp::default()), "Thu_Jan_01_00:00:00_000000_1970");
    }
}
