//! One order out of two numbers: supervisord starts groups by their priority, and within a group programs by theirs.

use super::Group;
use super::groups::Found;

/// Sorts programs as supervisord starts them, and gives each a priority that puts them in that order: its own where
/// that will do, else its group's, else its place.
pub(super) fn order(programs: &mut [Found], groups: &[Group]) {
    let own = |found: &Found| found.program.process_type.priority;
    let group = |found: &Found| {
        let of = found.in_group.and_then(|index| groups.get(index)).map(|group| group.priority);
        of.unwrap_or(own(found))
    };
    programs.sort_by(|one, other| {
        let key = |found: &Found| {
            (group(found), found.program.group.clone(), own(found), found.program.section.clone())
        };
        key(one).cmp(&key(other))
    });
    let mut sorted: Vec<&Found> = programs.iter().collect();
    sorted.sort_by_key(|found| (group(found), own(found)));
    let keeps = |number: &dyn Fn(&Found) -> i32| {
        sorted.windows(2).all(|two| {
            let order = (group(two[0]), own(two[0])).cmp(&(group(two[1]), own(two[1])));
            order == number(two[0]).cmp(&number(two[1]))
        })
    };
    if keeps(&own) {
        return;
    }
    let numbers: Vec<i32> = if keeps(&group) {
        programs.iter().map(group).collect()
    } else {
        let mut keys: Vec<_> = programs.iter().map(|found| (group(found), own(found))).collect();
        keys.sort_unstable();
        keys.dedup();
        let place = |key: &(i32, i32)| keys.binary_search(key).unwrap_or_default();
        programs.iter().map(|found| place(&(group(found), own(found))) as i32).collect()
    };
    programs.iter_mut().zip(numbers).for_each(|(found, number)| found.program.process_type.priority = number);
}
