//! Classes of instructions.

use serde::{Deserialize, Serialize};

macro_rules! classes {
    ($($(#[$doc:meta])* $name:ident $text:literal,)*) => {
        /// What kind of work an instruction is.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        pub enum Class {
            $($(#[$doc])* #[serde(rename = $text)] $name,)*
        }

        impl Class {
            /// All of them, in order.
            pub const ALL: &[Class] = &[$(Class::$name),*];

            /// Its name in the table and in JSON.
            pub fn name(self) -> &'static str {
                match self {
                    $(Class::$name => $text,)*
                }
            }
        }
    };
}

classes! {
    /// Arithmetic, logic and shifts of integers.
    Integer "integer",
    /// f32 arithmetic.
    Float "float",
    /// f16 and bf16 arithmetic, pairs included.
    Half "half",
    /// f64 arithmetic.
    Double "double",
    /// `rcp`, `sqrt`, `ex2`, `sin` and their like.
    Special "special function",
    /// `cvt`.
    Conversion "conversion",
    /// Comparisons, selections, logic of predicates.
    Predicate "predicate",
    /// `mov`, `cvta`, `prmt`.
    Move "move",
    /// Branches, calls, ends.
    Branch "branch",
    /// Loads of global and constant memory.
    LoadGlobal "load global",
    /// Stores to global memory.
    StoreGlobal "store global",
    /// Loads of shared memory.
    LoadShared "load shared",
    /// Stores to shared memory.
    StoreShared "store shared",
    /// Loads of local memory.
    LoadLocal "load local",
    /// Stores to local memory.
    StoreLocal "store local",
    /// Loads of parameters.
    LoadParam "load parameter",
    /// Stores to parameters of a call.
    StoreParam "store parameter",
    /// Loads by a generic address.
    LoadGeneric "load generic",
    /// Stores to a generic address.
    StoreGeneric "store generic",
    /// `atom` and `red`.
    Atomic "atomic",
    /// Barriers and fences.
    Barrier "barrier",
    /// `shfl`, `vote`, `match`, `redux`.
    Shuffle "shuffle and vote",
    /// Multiplications by Tensor Cores.
    Tensor "tensor core",
    /// `ldmatrix`, `stmatrix`, `movmatrix`, `wmma.load`, `wmma.store`.
    Matrix "matrix",
    /// Asynchronous copies and their waits.
    AsyncCopy "async copy",
    /// Anything else.
    Other "other",
}
