//! The facts of a step: outputs that a workflow can read.

use serde_json::{Map, Value};

/// The facts of a step: outputs that a workflow can read.
pub trait Facts: serde::Serialize + Default {
    /// Names and meanings.
    const FIELDS: &'static [Fact];

    /// Returns the facts that are known.
    fn to_map(&self) -> Map<String, Value> {
        let Ok(Value::Object(mut map)) = serde_json::to_value(self) else {
            return Map::new();
        };
        map.retain(|_, value| !value.is_null());
        map
    }
}

/// One fact.
#[derive(Debug, Clone, Copy)]
pub struct Fact {
    /// `snake_case`, as in JSON and as an output.
    pub name: &'static str,
    /// Meaning and shape of the value.
    pub meaning: &'static str,
}

/// Declares a step's facts once: the struct, its serialisation, and the table for the README, whose
/// sentences are the fields' docs.
#[macro_export]
macro_rules! facts {
    (
        $(#[$outer:meta])*
        pub struct $name:ident {
            $( $(#[doc = $doc:literal])+ pub $field:ident : $type:ty ),* $(,)?
        }
    ) => {
        $(#[$outer])*
        #[derive(Debug, Default, Clone, $crate::macros::serde::Serialize)]
        #[serde(crate = "contract::macros::serde")]
        pub struct $name { $( $(#[doc = $doc])+ pub $field: $type ),* }

        impl $crate::Facts for $name {
            const FIELDS: &'static [$crate::Fact] = &[
                $( $crate::Fact { name: stringify!($field), meaning: concat!($($doc),+) } ),*
            ];
        }
    };
}
