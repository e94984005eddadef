//! Lists the imports of a source file: every path of the crate and every crate that its code names, found with a real
//! parser.

use proc_macro2::{TokenStream, TokenTree};
use syn::ext::IdentExt as _;
use syn::visit::{self, Visit};
use syn::{Attribute, ItemMod, Macro, Meta, UseTree};

/// Lists the paths that the code of a module names, split at `::`. A path of this crate begins with `crate`. Tests are
/// left out: they may use anything.
///
/// `super` and `self` are resolved against `module`, the path of the module from the root of the crate.
pub(crate) fn imports(source: &str, module: &[&str]) -> syn::Result<Vec<Vec<String>>> {
    let file = syn::parse_file(source)?;
    let module = module.iter().map(|segment| (*segment).to_owned()).collect();
    let mut collector = Collector { module, found: Vec::new() };
    if !is_test(&file.attrs) {
        collector.visit_file(&file);
    }
    collector.found.sort();
    collector.found.dedup();
    Ok(collector.found)
}

/// Returns true if the attributes say that the item is compiled only for tests.
pub(crate) fn is_test(attributes: &[Attribute]) -> bool {
    attributes.iter().any(|attribute| match &attribute.meta {
        Meta::List(list) if list.path.is_ident("cfg") => list.tokens.to_string() == "test",
        meta => meta.path().is_ident("test"),
    })
}

struct Collector {
    module: Vec<String>,
    found: Vec<Vec<String>>,
}

impl Collector {
    /// Adds a path of at least two segments; a single one is a name in scope, not an import.
    fn add(&mut self, segments: &[String]) {
        let Some(first) = segments.first().filter(|_| segments.len() > 1) else { return };
        let path = match first.as_str() {
            "self" | "super" => {
                let is_relative = |segment: &&String| matches!(segment.as_str(), "self" | "super");
                let (relative, rest) = segments.split_at(segments.iter().take_while(is_relative).count());
                let n_up = relative.iter().filter(|segment| *segment == "super").count();
                let above = &self.module[..self.module.len().saturating_sub(n_up)];
                ["crate".to_owned()].iter().chain(above).chain(rest).cloned().collect()
            }
            _ => segments.to_vec(),
        };
        self.found.push(path);
    }

    fn add_tree(&mut self, tree: &UseTree, before: &mut Vec<String>) {
        match tree {
            UseTree::Path(path) => {
                before.push(path.ident.unraw().to_string());
                self.add_tree(&path.tree, before);
                before.pop();
            }
            UseTree::Group(group) => group.items.iter().for_each(|tree| self.add_tree(tree, before)),
            UseTree::Name(name) if name.ident == "self" => self.add(before),
            UseTree::Name(name) => self.add_with(before, name.ident.unraw().to_string()),
            UseTree::Rename(rename) => self.add_with(before, rename.ident.unraw().to_string()),
            UseTree::Glob(_) => self.add_with(before, "*".to_owned()),
        }
    }

    fn add_with(&mut self, before: &mut Vec<String>, last: String) {
        before.push(last);
        if before.len() == 1 {
            // `use serde;` names a crate.
            self.found.push(before.clone());
        }
        self.add(before);
        before.pop();
    }

    /// Finds the paths in the arguments of a macro, which are only tokens to the parser.
    fn add_tokens(&mut self, tokens: TokenStream) {
        let mut path: Vec<String> = Vec::new();
        let mut n_colons = 0;
        for token in tokens {
            match token {
                TokenTree::Ident(ident) => {
                    if n_colons != 2 {
                        self.add(&std::mem::take(&mut path));
                    }
                    path.push(ident.unraw().to_string());
                    n_colons = 0;
                }
                TokenTree::Punct(punct) if punct.as_char() == ':' => n_colons += 1,
                token => {
                    self.add(&std::mem::take(&mut path));
                    n_colons = 0;
                    if let TokenTree::Group(group) = token {
                        self.add_tokens(group.stream());
                    }
                }
            }
        }
        self.add(&path);
    }
}

impl<'ast> Visit<'ast> for Collector {
    fn visit_item(&mut self, item: &'ast syn::Item) {
        let attributes = match item {
            syn::Item::Mod(item) => &item.attrs,
            syn::Item::Fn(item) => &item.attrs,
            syn::Item::Use(item) => &item.attrs,
            syn::Item::Impl(item) => &item.attrs,
            syn::Item::Const(item) => &item.attrs,
            syn::Item::Struct(item) => &item.attrs,
            _ => &Vec::new(),
        };
        if !is_test(attributes) {
            visit::visit_item(self, item);
        }
    }

    fn visit_impl_item_fn(&mut self, item: &'ast syn::ImplItemFn) {
        if !is_test(&item.attrs) {
            visit::visit_impl_item_fn(self, item);
        }
    }

    fn visit_item_mod(&mut self, item: &'ast ItemMod) {
        self.module.push(item.ident.unraw().to_string());
        visit::visit_item_mod(self, item);
        self.module.pop();
    }

    fn visit_item_use(&mut self, item: &'ast syn::ItemUse) {
        self.add_tree(&item.tree, &mut Vec::new());
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        let segments: Vec<String> =
            path.segments.iter().map(|segment| segment.ident.unraw().to_string()).collect();
        self.add(&segments);
        visit::visit_path(self, path);
    }

    // `pub(in crate::cli)` says who may use an item, not what the item uses.
    fn visit_vis_restricted(&mut self, _: &'ast syn::VisRestricted) {}

    fn visit_macro(&mut self, found: &'ast Macro) {
        self.add_tokens(found.tokens.clone());
        visit::visit_macro(self, found);
    }

    // An attribute of a derive or of clap names functions of this crate.
    fn visit_attribute(&mut self, attribute: &'ast Attribute) {
        if let Meta::List(list) = &attribute.meta {
            self.add_tokens(list.tokens.clone());
        }
    }
}
