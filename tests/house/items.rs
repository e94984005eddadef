//! Lists the types and functions of a source file. Tests are left out.

use crate::imports::is_test;
use syn::visit::{self, Visit};
use syn::{ImplItemFn, Item, ItemFn, ItemMod};

/// Lists the names of structs, enums, traits, unions and type aliases, but for those inside functions.
pub(crate) fn types(source: &str) -> syn::Result<Vec<String>> {
    let mut types = Types(Vec::new());
    types.visit_file(&syn::parse_file(source)?);
    Ok(types.0)
}

struct Types(Vec<String>);

impl<'ast> Visit<'ast> for Types {
    fn visit_item(&mut self, item: &'ast Item) {
        let (attributes, name) = match item {
            Item::Struct(item) => (&item.attrs, &item.ident),
            Item::Enum(item) => (&item.attrs, &item.ident),
            Item::Union(item) => (&item.attrs, &item.ident),
            Item::Trait(item) => (&item.attrs, &item.ident),
            Item::Type(item) => (&item.attrs, &item.ident),
            _ => return visit::visit_item(self, item),
        };
        if !is_test(attributes) {
            self.0.push(name.to_string());
        }
    }

    fn visit_item_mod(&mut self, module: &'ast ItemMod) {
        if !is_test(&module.attrs) {
            visit::visit_item_mod(self, module);
        }
    }

    // A type inside a function is known to that function alone.
    fn visit_item_fn(&mut self, _: &'ast ItemFn) {}
    fn visit_impl_item_fn(&mut self, _: &'ast ImplItemFn) {}
}

/// Lists the functions and methods of code that rustfmt formatted, each with its number of lines from `fn` to the
/// closing brace.
pub(crate) fn functions(code: &str) -> Vec<(String, usize)> {
    let lines: Vec<&str> = code.lines().collect();
    let mut functions = Vec::new();
    for (start, line) in lines.iter().enumerate() {
        let text = line.trim_start();
        let indent = &line[..line.len() - text.len()];
        let Some((before, after)) = text.split_once("fn ") else { continue };
        let is_keyword = |word: &str| {
            matches!(word, "pub" | "const" | "unsafe" | "async" | "extern" | "super)" | "crate)" | "self)")
                || word.starts_with("pub(")
                || word.contains("::")
        };
        if !before.split_whitespace().all(is_keyword) {
            continue;
        }
        let name: String = after.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
        let end = format!("{indent}}}");
        // A function without a body, or with a short one, is one line.
        let is_one_line = line.ends_with(';') || line.ends_with('}');
        let n_lines = match is_one_line {
            true => 1,
            false => lines[start..].iter().take_while(|line| **line != end).count() + 1,
        };
        functions.push((name, n_lines));
    }
    functions
}
