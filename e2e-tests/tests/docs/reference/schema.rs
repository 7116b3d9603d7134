//! Structs and enums of the sources, with their doc comments and serde names.

use std::{collections::HashMap, fs};

use syn::{
    Attribute, Expr, Fields, Item, Lit, Meta,
    Type::{self, Path},
};

use crate::{files, root};

/// The types that the files of a crate define.
#[derive(Default)]
pub struct Schema {
    structs: HashMap<String, Vec<Member>>,
    enums: HashMap<String, Vec<Member>>,
}

/// A field of a struct or a variant of an enum.
#[derive(Clone)]
pub struct Member {
    /// The name in TOML or JSON.
    pub name: String,
    pub docs: String,
    pub kind: Kind,
}

/// The type of a field, as far as the reference distinguishes it.
#[derive(Clone)]
pub enum Kind {
    Named(String),
    List(Box<Kind>),
    Map(Box<Kind>),
}

impl Schema {
    /// Parses every source file below these folders. A type of an earlier folder wins over one of
    /// the same name in a later folder.
    pub fn parse(folders: &[&str]) -> Self {
        let mut schema = Self::default();
        for folder in folders {
            let mut sources = files(".rs");
            sources.retain(|file| file.starts_with(root().join(folder)));
            sources.sort();
            for file in sources {
                schema.add(&syn::parse_file(&fs::read_to_string(file).unwrap()).unwrap().items);
            }
        }
        schema
    }

    /// Returns the fields of a struct with named fields.
    pub fn fields(&self, name: &str) -> Option<&[Member]> {
        self.structs.get(name).map(Vec::as_slice)
    }

    /// Returns the variants of an enum without data.
    pub fn variants(&self, name: &str) -> Option<&[Member]> {
        self.enums.get(name).map(Vec::as_slice)
    }

    fn add(&mut self, items: &[Item]) {
        for item in items {
            match item {
                Item::Struct(item) => {
                    if let Fields::Named(fields) = &item.fields {
                        let style = serde_value(&item.attrs, "rename_all");
                        let members = fields
                            .named
                            .iter()
                            .filter(|field| !is_skipped(&field.attrs))
                            .map(|field| {
                                let name = field.ident.as_ref().unwrap().to_string();
                                member(&name, &field.attrs, kind(&field.ty), style.as_deref())
                            })
                            .collect();
                        self.structs.entry(item.ident.to_string()).or_insert(members);
                    }
                }
                Item::Enum(item) => {
                    let style = serde_value(&item.attrs, "rename_all");
                    let members = item
                        .variants
                        .iter()
                        .map(|variant| {
                            let name = variant.ident.to_string();
                            let kind = Kind::Named(String::new());
                            member(&name, &variant.attrs, kind, style.as_deref())
                        })
                        .collect();
                    self.enums.entry(item.ident.to_string()).or_insert(members);
                }
                _ => {}
            }
        }
    }
}

fn member(name: &str, attributes: &[Attribute], kind: Kind, style: Option<&str>) -> Member {
    let name = serde_value(attributes, "rename").unwrap_or_else(|| match style {
        Some("snake_case") => snake_case(name),
        Some("lowercase") => name.to_lowercase(),
        Some("kebab-case") => snake_case(name).replace('_', "-"),
        _ => name.to_owned(),
    });
    Member { name, docs: docs(attributes), kind }
}

fn snake_case(name: &str) -> String {
    let mut text = String::new();
    for letter in name.chars() {
        if letter.is_uppercase() && !text.is_empty() {
            text.push('_');
        }
        text.extend(letter.to_lowercase());
    }
    text
}

/// Returns the text of the doc comment in one line.
fn docs(attributes: &[Attribute]) -> String {
    let lines = attributes.iter().filter_map(|attribute| match &attribute.meta {
        Meta::NameValue(meta) if meta.path.is_ident("doc") => match &meta.value {
            Expr::Lit(literal) => match &literal.lit {
                Lit::Str(text) => Some(text.value().trim().to_owned()),
                _ => None,
            },
            _ => None,
        },
        _ => None,
    });
    lines.collect::<Vec<_>>().join(" ").trim().to_owned()
}

/// Returns the value of `#[serde(key = "value")]`.
fn serde_value(attributes: &[Attribute], key: &str) -> Option<String> {
    let mut found = None;
    for attribute in attributes.iter().filter(|attribute| attribute.path().is_ident("serde")) {
        let _ = attribute.parse_nested_meta(|meta| {
            let is_key = meta.path.is_ident(key);
            if let Ok(value) = meta.value() {
                let literal: Lit = value.parse()?;
                if let (true, Lit::Str(text)) = (is_key, literal) {
                    found = Some(text.value());
                }
            }
            Ok(())
        });
    }
    found
}

/// Returns whether files cannot name the field (`#[serde(skip)]`).
fn is_skipped(attributes: &[Attribute]) -> bool {
    let mut found = false;
    for attribute in attributes.iter().filter(|attribute| attribute.path().is_ident("serde")) {
        let _ = attribute.parse_nested_meta(|meta| {
            found |= meta.path.is_ident("skip");
            if let Ok(value) = meta.value() {
                value.parse::<Lit>()?;
            }
            Ok(())
        });
    }
    found
}

fn kind(of: &Type) -> Kind {
    let Path(path) = of else { return Kind::Named("value".to_owned()) };
    let segment = path.path.segments.last().unwrap();
    let arguments: Vec<Kind> = match &segment.arguments {
        syn::PathArguments::AngleBracketed(generic) => generic
            .args
            .iter()
            .filter_map(|argument| match argument {
                syn::GenericArgument::Type(of) => Some(kind(of)),
                _ => None,
            })
            .collect(),
        _ => Vec::new(),
    };
    match (segment.ident.to_string().as_str(), arguments.last()) {
        ("Option" | "Box" | "Arc", Some(inner)) => inner.clone(),
        ("Vec" | "BTreeSet" | "HashSet", Some(inner)) => Kind::List(Box::new(inner.clone())),
        ("BTreeMap" | "HashMap", Some(inner)) => Kind::Map(Box::new(inner.clone())),
        (name, _) => Kind::Named(name.to_owned()),
    }
}
