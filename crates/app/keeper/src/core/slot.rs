//! Names of processes.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Which process of an app: printed `web.1@3`, the third generation's.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Slot {
    /// The generation's number.
    pub generation: u64,
    /// The process type.
    pub process_type: String,
    /// From 1 up to the count.
    pub number: u32,
}

impl Slot {
    /// Its name for people: `web.1`.
    pub fn process(&self) -> String {
        format!("{}.{}", self.process_type, self.number)
    }
}

impl fmt::Display for Slot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}@{}", self.process_type, self.number, self.generation)
    }
}

impl FromStr for Slot {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let parts = || {
            let (process, generation) = text.rsplit_once('@')?;
            let (process_type, number) = process.rsplit_once('.')?;
            let (generation, number) = (generation.parse().ok()?, number.parse().ok()?);
            let is_one = number > 0 && procfile::check_name(process_type).is_ok();
            is_one.then(|| Self { generation, process_type: process_type.into(), number })
        };
        parts().ok_or_else(|| format!("`{text}` is no process: `TYPE.NUMBER@GENERATION`"))
    }
}

impl Serialize for Slot {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Slot {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_name_of_a_process_is_refused() {
        let slot = Slot { generation: 3, process_type: "web-1".into(), number: 2 };
        assert_eq!(slot.to_string().parse(), Ok(slot));
        for text in ["", "web.1", "web@1", "web.0@1", ".1@1", "../web.1@1", "web.1@", "web.-1@1", "we b.1@1"]
        {
            assert!(text.parse::<Slot>().is_err(), "{text}");
        }
    }
}
