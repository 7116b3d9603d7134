use std::{
    collections::{BTreeMap, HashMap},
    fmt, fs,
    marker::PhantomData,
    path::Path,
};

use serde::{
    Deserialize, Deserializer,
    de::{MapAccess, Visitor},
};
use serde_json::Value;

/// The texts of the lessons in one language.
#[derive(Deserialize)]
pub struct Texts {
    pub lessons: Pairs<Lesson>,
    /// Where each lesson is in the code.
    pub closing: HashMap<String, String>,
    pub roles: Pairs<Value>,
    glossary: Pairs<Value>,
}

#[derive(Deserialize)]
pub struct Lesson {
    pub title: String,
    pub question: String,
    pub life: String,
    pub text: String,
    pub watch: String,
    pub answer: String,
    pub claims: Pairs<String>,
    pub table: Option<Pairs<BTreeMap<String, String>>>,
}

impl Texts {
    pub fn read(file: &Path) -> Self {
        serde_json::from_str(&fs::read_to_string(file).unwrap()).unwrap()
    }

    /// Returns id, term and meaning of each entry of the glossary.
    pub fn terms(&self) -> impl Iterator<Item = (&str, &str, &str)> {
        self.glossary.0.iter().filter_map(|(id, entry)| {
            Some((id.as_str(), entry.get("term")?.as_str()?, entry.get("meaning")?.as_str()?))
        })
    }
}

/// The members of an object in the order of the file.
pub struct Pairs<T>(pub Vec<(String, T)>);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Pairs<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(PairsVisitor(PhantomData))
    }
}

struct PairsVisitor<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for PairsVisitor<T> {
    type Value = Pairs<T>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut pairs = Vec::new();
        while let Some(pair) = map.next_entry()? {
            pairs.push(pair);
        }
        Ok(Pairs(pairs))
    }
}
