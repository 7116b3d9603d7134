//! The sentences in the code of a source file, read with `syn`.

use std::{collections::BTreeSet, fs, path::Path};

use proc_macro2::{TokenStream, TokenTree};
use syn::{
    Attribute, ExprMethodCall, Item, Lit, LitStr, Macro, Meta,
    visit::{self, Visit},
};

/// Macros whose texts are logged, or end the program.
const LOGGED: [&str; 10] =
    ["debug", "error", "info", "trace", "warn", "anyhow", "bail", "ensure", "panic", "unreachable"];

/// Methods whose texts are printed at the start, end the program, or stand in the member `expected`
/// of an error of the control API.
const PRINTED: [&str; 5] = ["context", "expect", "expect_err", "expecting", "with_context"];

/// The types whose associated functions create errors of responses.
const ERRORS: [&str; 5] =
    ["ApiError", "BearerRejection", "ControlError", "ErrorCode", "OAuthError"];

/// What a file without its tests contains.
#[derive(Default)]
pub struct Texts {
    /// String literals of at least three words. `…` stands for what is inserted.
    pub sentences: BTreeSet<String>,
    pub creates_errors: bool,
}

/// Reads the texts of a file.
///
/// # Panics
/// Panics if the file is not valid Rust.
pub fn of(file: &Path) -> Texts {
    texts(&fs::read_to_string(file).unwrap())
}

fn texts(source: &str) -> Texts {
    let mut texts = Texts::default();
    texts.visit_file(&syn::parse_file(source).unwrap());
    texts
}

impl Texts {
    fn add(&mut self, text: &str) {
        self.creates_errors |= text == "error_description";
        let is_sentence = text.trim().split(' ').count() >= 3;
        if is_sentence && !text.contains('\n') && !text.starts_with("http") {
            self.sentences.insert(with_ellipses(text).trim().to_owned());
        }
    }

    fn add_tokens(&mut self, tokens: TokenStream) {
        for token in tokens {
            match token {
                TokenTree::Literal(literal) => {
                    if let Ok(Lit::Str(text)) = syn::parse_str(&literal.to_string()) {
                        self.add(&text.value());
                    }
                }
                TokenTree::Group(group) => self.add_tokens(group.stream()),
                TokenTree::Ident(_) | TokenTree::Punct(_) => {}
            }
        }
    }
}

/// Replaces the placeholders of a format string.
fn with_ellipses(text: &str) -> String {
    let mut result = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('{') {
        let Some((_, end)) = after.split_once('}') else { break };
        result += before;
        result.push('…');
        rest = end;
    }
    result + rest
}

impl<'ast> Visit<'ast> for Texts {
    fn visit_item(&mut self, item: &'ast Item) {
        let attributes = match item {
            Item::Fn(item) => &item.attrs,
            Item::Impl(item) => &item.attrs,
            Item::Mod(item) => &item.attrs,
            _ => return visit::visit_item(self, item),
        };
        if !attributes.iter().any(is_test) {
            visit::visit_item(self, item);
        }
    }

    /// Only texts of `thiserror` count: doc comments are attributes too.
    fn visit_attribute(&mut self, attribute: &'ast Attribute) {
        if let Meta::List(list) = &attribute.meta
            && list.path.is_ident("error")
        {
            self.add_tokens(list.tokens.clone());
        }
    }

    fn visit_expr_method_call(&mut self, call: &'ast ExprMethodCall) {
        if PRINTED.iter().any(|method| call.method == method) {
            self.visit_expr(&call.receiver);
        } else {
            visit::visit_expr_method_call(self, call);
        }
    }

    fn visit_macro(&mut self, called: &'ast Macro) {
        let name = &called.path.segments.last().unwrap().ident;
        if !LOGGED.iter().any(|logged| name == logged) {
            self.add_tokens(called.tokens.clone());
        }
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        let names: Vec<_> = path.segments.iter().map(|segment| segment.ident.to_string()).collect();
        if let [.., kind, _] = &names[..] {
            self.creates_errors |= ERRORS.contains(&&**kind);
        }
        visit::visit_path(self, path);
    }

    fn visit_lit_str(&mut self, text: &'ast LitStr) {
        self.add(&text.value());
    }
}

fn is_test(attribute: &Attribute) -> bool {
    match &attribute.meta {
        Meta::List(list) => {
            list.path.is_ident("cfg") && list.tokens.to_string().starts_with("test")
        }
        meta => meta.path().is_ident("test"),
    }
}

#[test]
fn sentences_of_errors_are_found_and_those_of_logs_and_tests_are_not() {
    let source = r#"
        /// A comment of four words.
        #[derive(thiserror::Error)]
        enum GrantError {
            #[error("the scope {0} is unknown")]
            Unknown(String),
        }
        fn reject(name: &str) -> ApiError {
            tracing::warn!("a request was rejected");
            let text = format!("{name:?} was sent twice");
            let rule = "https://example.com/a rule of words";
            Some(1).expect("it is always some");
            ApiError::invalid_request(text, "two words", rule)
        }
        #[cfg(test)]
        mod tests {
            const TEXT: &str = "only tests say this";
        }
    "#;
    let texts = texts(source);
    assert!(texts.creates_errors);
    assert_eq!(
        texts.sentences.iter().map(String::as_str).collect::<Vec<_>>(),
        ["the scope … is unknown", "… was sent twice"]
    );
    let unrelated = self::texts("fn f() -> Error { Error::new(\"a b\") }");
    assert!(!unrelated.creates_errors && unrelated.sentences.is_empty());
    assert!(self::texts("const A: Code = ErrorCode::InvalidRequest;").creates_errors);
}
