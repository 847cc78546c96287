//! That the reading is right, on small trees that are made up.

use super::circles;
use super::tree::Tree;

/// Imports as `a.rs -> b.rs: Name`, and the circles.
fn read(files: &[(&str, &str)]) -> (Vec<String>, Vec<Vec<String>>) {
    let texts = files.iter().map(|(f, t)| (f.to_string(), t.to_string()));
    let tree = Tree::new(&texts.collect());
    assert_eq!(tree.unreached(), Vec::<&str>::new());
    let imports = tree.imports();
    let mut lines = vec![];
    for (from, to) in &imports {
        for (to, names) in to {
            let names: Vec<&str> = names.iter().map(String::as_str).collect();
            lines.push(format!("{from} -> {to}: {}", names.join(", ")));
        }
    }
    let owned = |c: Vec<&str>| c.into_iter().map(str::to_owned).collect();
    (
        lines,
        circles::find(&imports).into_iter().map(owned).collect(),
    )
}

#[test]
fn a_circle_is_found() {
    let (imports, circles) = read(&[
        ("lib.rs", "mod a; mod b; mod c; mod d;"),
        ("a.rs", "use crate::b::{self, B as Other, inner::{Deep}};"),
        (
            "b.rs",
            "use super::c; pub struct B; pub mod inner { pub struct Deep; } fn f() { c::go() }",
        ),
        ("c.rs", "pub fn go() { let _: Option<crate::a::A> = None; }"),
        ("d.rs", "use super::a::A;"),
    ]);
    assert_eq!(
        imports,
        [
            "a.rs -> b.rs: B, Deep",
            "b.rs -> c.rs: go",
            "c.rs -> a.rs: A",
            "d.rs -> a.rs: A"
        ]
    );
    assert_eq!(circles, [["a.rs", "b.rs", "c.rs"]]);
}

#[test]
fn what_is_handed_on_belongs_to_who_defines_it() {
    let files = |room: &'static str| {
        [
            ("lib.rs", "mod room; mod user;"),
            ("room/mod.rs", room),
            (
                "room/low.rs",
                "use super::high; pub struct Low; fn f() { high::g() }",
            ),
            (
                "room/high.rs",
                "lanes! { Lane (a: u32) } pub(super) fn g() {}",
            ),
            ("user.rs", "use crate::room::{Low, Lane}; use std::fmt;"),
        ]
    };
    let (imports, circles) = read(&files(
        "mod low; mod high; pub use low::Low; pub(crate) use self::high::*;",
    ));
    assert_eq!(
        imports,
        [
            "room/low.rs -> room/high.rs: g",
            "user.rs -> room/high.rs: Lane",
            "user.rs -> room/low.rs: Low"
        ]
    );
    assert!(circles.is_empty());
    // a room that works with what it hands on does import it
    let (imports, _) = read(&files(
        "mod low; mod high; pub use low::Low; pub use high::Lane; impl Low {}",
    ));
    assert!(imports.contains(&"room/mod.rs -> room/low.rs: Low".to_owned()));
}

#[test]
fn tests_comments_and_strings_are_passed_over() {
    let (imports, circles) = read(&[
        ("lib.rs", "mod a; mod b; #[cfg(test)] mod tests;"),
        (
            "a.rs",
            "#[cfg(test)] mod inside { use crate::b::B; } pub struct A<'a>(&'a str);",
        ),
        (
            "b.rs",
            r###"//! crate::a::A
/* use crate::a::A; /* crate::a::A */ crate::a::A */
#[cfg(test)] #[allow(unused)] use crate::a::{A};
#[cfg(test)] fn f(x: [u8; 2]) -> crate::a::A { crate::a::A }
pub struct B; const S: &[&str] = &["\" crate::a::A", r#" " crate::a::A"#];
const C: [char; 3] = ['"', '\'', '\u{22}'];
fn g<'a>() -> &'a [u8] { b"crate::a::A" }"###,
        ),
        ("tests.rs", "use crate::a::A; use crate::b::B;"),
    ]);
    assert_eq!(imports, Vec::<String>::new());
    assert!(circles.is_empty());
    let (imports, _) = read(&[
        ("lib.rs", "mod a; mod b;"),
        (
            "a.rs",
            "pub const A: char = '\"'; fn f() -> u8 { crate::b::C }",
        ),
        (
            "b.rs",
            "#[cfg(not(test))] use crate::a::A; macro_rules! m { () => { $crate::a::N } }",
        ),
    ]);
    assert_eq!(imports, ["a.rs -> b.rs: C", "b.rs -> a.rs: A, N"]);
}

#[test]
fn a_door_and_its_room_are_no_circle_of_their_own() {
    let files = |user: &'static str| {
        [
            ("lib.rs", "mod room; mod user;"),
            (
                "room/mod.rs",
                "mod low; mod high; pub const OP: u8 = 0; pub fn f() { low::f(); high::g() }",
            ),
            (
                "room/low.rs",
                "use super::{OP, high}; pub fn f() { high::g() }",
            ),
            (
                "room/high.rs",
                "use super::OP; use crate::user::U; pub fn g() {}",
            ),
            ("user.rs", user),
        ]
    };
    let (_, circles) = read(&files("pub struct U;"));
    assert!(circles.is_empty(), "{circles:?}");
    let (_, circles) = read(&files("pub struct U; fn f() { crate::room::f() }"));
    assert_eq!(
        circles,
        [["room/high.rs", "room/low.rs", "room/mod.rs", "user.rs"]]
    );
    let (_, circles) = read(&[
        ("lib.rs", "mod room;"),
        (
            "room/mod.rs",
            "mod low; mod high; pub const OP: u8 = 0; pub fn f() { low::f() }",
        ),
        ("room/low.rs", "use super::{OP, high::g}; pub fn f() {}"),
        (
            "room/high.rs",
            "use super::{OP, low}; pub fn g() { low::f() }",
        ),
    ]);
    assert_eq!(circles, [["room/high.rs", "room/low.rs"]]);
}
