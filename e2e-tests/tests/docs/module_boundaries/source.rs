//! The modules of a crate and the paths that each of them names, read with `syn`.

use std::collections::BTreeMap;

use proc_macro2::{TokenStream, TokenTree};
use syn::{
    Attribute, Expr, ExprLit, Item, Lit, Meta, MetaNameValue, UseTree,
    ext::IdentExt,
    visit::{self, Visit},
};

/// The segments of a path, for example `["crate", "domain", "Client"]`.
pub type Path = Vec<String>;

/// A module without its test code.
#[derive(Default)]
pub struct Module {
    /// The path of its file, relative to the crate.
    pub file: String,
    /// The names of its child modules.
    pub children: Vec<String>,
    /// The names of the items that it defines.
    pub items: Vec<String>,
    /// The names that it imports, each with its path.
    pub imports: Vec<(String, Path)>,
    /// The modules from which it imports everything.
    pub globs: Vec<Path>,
    /// Every path in it, including those of imports.
    pub paths: Vec<Path>,
}

/// All modules below one root file (`src/lib.rs`, `src/main.rs`) by their path from the root.
pub type Modules = BTreeMap<Path, Module>;

/// Reads the modules of the crate whose root is `root` from `files` (file name, text).
///
/// # Panics
/// Panics if a file is missing or is not valid Rust.
pub fn modules(files: &BTreeMap<String, String>, root: &str) -> Modules {
    let mut modules = Modules::new();
    let folder = root.rsplit_once('/').map_or("", |(folder, _)| folder);
    read_file(files, root, folder, Vec::new(), &mut modules);
    modules
}

fn read_file(
    files: &BTreeMap<String, String>,
    file: &str,
    folder: &str,
    path: Path,
    modules: &mut Modules,
) {
    let text = files.get(file).unwrap_or_else(|| panic!("there is no file {file}"));
    let parsed = syn::parse_file(text).unwrap_or_else(|error| panic!("{file}: {error}"));
    read_items(files, &parsed.items, file, folder, path, modules);
}

fn read_items(
    files: &BTreeMap<String, String>,
    items: &[Item],
    file: &str,
    folder: &str,
    path: Path,
    modules: &mut Modules,
) {
    let mut module = Module { file: file.to_owned(), ..Module::default() };
    for item in items {
        let Item::Mod(child) = item else {
            module.visit_item(item);
            continue;
        };
        if is_test_code(&child.attrs) {
            continue;
        }
        let name = child.ident.unraw().to_string();
        module.children.push(name.clone());
        let child_folder = format!("{folder}/{name}");
        let child_path = [path.clone(), vec![name.clone()]].concat();
        if let Some((_, items)) = &child.content {
            read_items(files, items, file, &child_folder, child_path, modules);
        } else {
            let flat = format!("{folder}/{name}.rs");
            let nested = format!("{folder}/{name}/mod.rs");
            let named = path_attribute(&child.attrs, file);
            let default = if files.contains_key(&flat) { flat } else { nested };
            let file = named.unwrap_or(default);
            read_file(files, &file, &child_folder, child_path, modules);
        }
    }
    modules.insert(path, module);
}

/// Returns the file that `#[path = "…"]` names, relative to the folder of the file it stands in.
fn path_attribute(attributes: &[Attribute], file: &str) -> Option<String> {
    let attribute = attributes.iter().find(|attribute| attribute.path().is_ident("path"))?;
    let Meta::NameValue(MetaNameValue { value, .. }) = &attribute.meta else { return None };
    let Expr::Lit(ExprLit { lit: Lit::Str(path), .. }) = value else { return None };
    let folder = file.rsplit_once('/').map_or("", |(folder, _)| folder);
    Some(format!("{folder}/{}", path.value()))
}

/// Returns whether `cfg` compiles the item for tests: `test`, alone or among other conditions.
fn is_test_code(attributes: &[Attribute]) -> bool {
    attributes.iter().filter(|attribute| attribute.path().is_ident("cfg")).any(|attribute| {
        let Meta::List(list) = &attribute.meta else { return false };
        let names = names_in(list.tokens.clone());
        names.iter().any(|name| name == "test") && !names.iter().any(|name| name == "not")
    })
}

fn names_in(tokens: TokenStream) -> Vec<String> {
    tokens
        .into_iter()
        .flat_map(|token| match token {
            TokenTree::Ident(name) => vec![name.to_string()],
            TokenTree::Group(group) => names_in(group.stream()),
            TokenTree::Punct(_) | TokenTree::Literal(_) => Vec::new(),
        })
        .collect()
}

impl Module {
    fn import(&mut self, tree: &UseTree, prefix: &Path) {
        let joined = |name: &syn::Ident| [prefix.clone(), vec![name.unraw().to_string()]].concat();
        match tree {
            UseTree::Path(path) => self.import(&path.tree, &joined(&path.ident)),
            UseTree::Name(name) if name.ident == "self" => {
                let last = prefix.last().cloned().unwrap_or_default();
                self.import_as(last, prefix.clone());
            }
            UseTree::Name(name) => {
                self.import_as(name.ident.unraw().to_string(), joined(&name.ident));
            }
            UseTree::Rename(name) => {
                let path = if name.ident == "self" { prefix.clone() } else { joined(&name.ident) };
                self.import_as(name.rename.unraw().to_string(), path);
            }
            UseTree::Glob(_) => {
                self.paths.push(prefix.clone());
                self.globs.push(prefix.clone());
            }
            UseTree::Group(group) => {
                for tree in &group.items {
                    self.import(tree, prefix);
                }
            }
        }
    }

    fn import_as(&mut self, name: String, path: Path) {
        self.paths.push(path.clone());
        self.imports.push((name, path));
    }

    /// Finds paths in tokens that `syn` does not parse: the bodies of macros. `prefix` is the path
    /// before a group of imports.
    fn scan(&mut self, tokens: TokenStream, prefix: &[String]) {
        let mut path = Path::new();
        let mut colons = 0;
        for token in tokens {
            match token {
                TokenTree::Punct(mark) if mark.as_char() == ':' => colons += 1,
                TokenTree::Ident(name) => {
                    if colons != 2 {
                        self.end_path(prefix, &mut path);
                    }
                    path.push(name.unraw().to_string());
                    colons = 0;
                }
                TokenTree::Group(group) if colons == 2 => {
                    self.scan(group.stream(), &[prefix, &path].concat());
                    (path, colons) = (Path::new(), 0);
                }
                TokenTree::Group(group) => {
                    self.end_path(prefix, &mut path);
                    colons = 0;
                    self.scan(group.stream(), &[]);
                }
                TokenTree::Punct(_) | TokenTree::Literal(_) => {
                    self.end_path(prefix, &mut path);
                    colons = 0;
                }
            }
        }
        self.end_path(prefix, &mut path);
    }

    fn end_path(&mut self, prefix: &[String], path: &mut Path) {
        let whole = [prefix, &std::mem::take(path)].concat();
        if whole.len() > prefix.len().max(1) {
            self.paths.push(whole);
        }
    }
}

/// Returns the name by which other modules refer to an item.
fn item_name(item: &Item) -> Option<String> {
    let ident = match item {
        Item::Const(item) => &item.ident,
        Item::Enum(item) => &item.ident,
        Item::Fn(item) => &item.sig.ident,
        Item::Macro(item) => item.ident.as_ref()?,
        Item::Static(item) => &item.ident,
        Item::Struct(item) => &item.ident,
        Item::Trait(item) => &item.ident,
        Item::TraitAlias(item) => &item.ident,
        Item::Type(item) => &item.ident,
        Item::Union(item) => &item.ident,
        _ => return None,
    };
    Some(ident.unraw().to_string())
}

fn item_attributes(item: &Item) -> &[Attribute] {
    match item {
        Item::Const(item) => &item.attrs,
        Item::Enum(item) => &item.attrs,
        Item::Fn(item) => &item.attrs,
        Item::Impl(item) => &item.attrs,
        Item::Macro(item) => &item.attrs,
        Item::Mod(item) => &item.attrs,
        Item::Static(item) => &item.attrs,
        Item::Struct(item) => &item.attrs,
        Item::Trait(item) => &item.attrs,
        Item::Type(item) => &item.attrs,
        Item::Use(item) => &item.attrs,
        _ => &[],
    }
}

impl<'ast> Visit<'ast> for Module {
    fn visit_item(&mut self, item: &'ast Item) {
        if is_test_code(item_attributes(item)) {
            return;
        }
        self.items.extend(item_name(item));
        visit::visit_item(self, item);
    }

    fn visit_impl_item_fn(&mut self, function: &'ast syn::ImplItemFn) {
        if !is_test_code(&function.attrs) {
            visit::visit_impl_item_fn(self, function);
        }
    }

    fn visit_item_use(&mut self, item: &'ast syn::ItemUse) {
        self.import(&item.tree, &Path::new());
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        let segments = path.segments.iter().map(|segment| segment.ident.unraw().to_string());
        self.paths.push(segments.collect());
        visit::visit_path(self, path);
    }

    fn visit_macro(&mut self, call: &'ast syn::Macro) {
        self.visit_path(&call.path);
        self.scan(call.tokens.clone(), &[]);
    }

    /// Attributes name functions too: `#[serde(default = "super::default_port")]`.
    fn visit_attribute(&mut self, attribute: &'ast Attribute) {
        if attribute.path().is_ident("doc") {
            return;
        }
        if let Meta::List(list) = &attribute.meta {
            self.scan(list.tokens.clone(), &[]);
            for text in literals_in(list.tokens.clone()) {
                if let Ok(path) = syn::parse_str::<syn::Path>(&text) {
                    self.visit_path(&path);
                }
            }
        }
    }
}

fn literals_in(tokens: TokenStream) -> Vec<String> {
    tokens
        .into_iter()
        .flat_map(|token| match token {
            TokenTree::Literal(literal) => vec![literal.to_string().trim_matches('"').to_owned()],
            TokenTree::Group(group) => literals_in(group.stream()),
            TokenTree::Punct(_) | TokenTree::Ident(_) => Vec::new(),
        })
        .collect()
}
