//! The macro that writes one function for several integer types.

/// One function for several types: `Name [types] (m, a, b) -> result { body }`; `T` is the type.
macro_rules! typed {
    () => {};
    ($(#[$doc:meta])* $name:ident $list:tt ($a:ident) $body:block $($rest:tt)*) => {
        $(#[$doc])* pub struct $name<T>(PhantomData<T>);
        typed!(@one $name $list ($a) $body);
        typed!($($rest)*);
    };
    ($(#[$doc:meta])* $name:ident $list:tt ($a:ident, $b:ident) $body:block $($rest:tt)*) => {
        $(#[$doc])* pub struct $name<T>(PhantomData<T>);
        typed!(@two $name $list ($a, $b) $body);
        typed!($($rest)*);
    };
    ($(#[$doc:meta])* $name:ident $list:tt ($a:ident, $b:ident, $c:ident) $body:block $($rest:tt)*) => {
        $(#[$doc])* pub struct $name<T>(PhantomData<T>);
        typed!(@three $name $list ($a, $b, $c) $body);
        typed!($($rest)*);
    };
    (@one $name:ident [$($t:ident),*] ($a:ident) $body:block) => {$(
        impl Fn1 for $name<$t> {
            type A = $t; type D = $t;
            #[inline(always)]
            fn f(_m: u8, $a: $t) -> $t { #[allow(dead_code)] type T = $t; $body }
        }
    )*};
    (@two $name:ident [$($t:ident),*] ($a:ident, $b:ident) $body:block) => {$(
        impl Fn2 for $name<$t> {
            type A = $t; type B = $t; type D = $t;
            #[inline(always)]
            fn f(_m: u8, $a: $t, $b: $t) -> $t { #[allow(dead_code)] type T = $t; $body }
        }
    )*};
    (@three $name:ident [$($t:ident),*] ($a:ident, $b:ident, $c:ident) $body:block) => {$(
        impl Fn3 for $name<$t> {
            type A = $t; type B = $t; type C = $t; type D = $t;
            #[inline(always)]
            fn f(_m: u8, $a: $t, $b: $t, $c: $t) -> $t { #[allow(dead_code)] type T = $t; $body }
        }
    )*};
}
pub(super) use typed;
