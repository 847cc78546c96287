//! Names as their authors wrote them, by the C++ library of the machine; without one they stay as they are.

use std::ffi::{CStr, CString, c_char, c_int};
use std::ptr::null_mut;
use std::sync::OnceLock;

/// `__cxa_demangle` of the C++ ABI: name, buffer, its size, status.
type Demangle =
    unsafe extern "C" fn(*const c_char, *mut c_char, *mut usize, *mut c_int) -> *mut c_char;

fn library() -> Option<Demangle> {
    static FOUND: OnceLock<Option<Demangle>> = OnceLock::new();
    *FOUND.get_or_init(|| {
        // SAFETY: the library's constructors ask nothing of the caller, and names end in NUL; it stays loaded.
        let found = unsafe {
            let library = libc::dlopen(
                c"libstdc++.so.6".as_ptr(),
                libc::RTLD_NOW | libc::RTLD_LOCAL,
            );
            if library.is_null() {
                return None;
            }
            libc::dlsym(library, c"__cxa_demangle".as_ptr())
        };
        // SAFETY: the symbol is the ABI's function of this signature.
        (!found.is_null())
            .then(|| unsafe { std::mem::transmute::<*mut libc::c_void, Demangle>(found) })
    })
}

fn name(mangled: &str) -> Option<String> {
    let (demangle, text) = (library()?, CString::new(mangled).ok()?);
    let mut status = 0;
    // SAFETY: the name ends in NUL; without a buffer the function allocates one, which is freed here.
    unsafe {
        let out = demangle(text.as_ptr(), null_mut(), null_mut(), &raw mut status);
        if out.is_null() {
            return None;
        }
        let name = CStr::from_ptr(out).to_string_lossy().into_owned();
        libc::free(out.cast());
        (status == 0).then_some(name)
    }
}

/// A text with the mangled names in it replaced.
pub fn demangled(text: &str) -> String {
    let inside = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '$' | '.');
    let (mut out, mut rest) = (String::with_capacity(text.len()), text);
    while let Some(at) = rest.find("_Z") {
        let begins = !rest[..at].ends_with(inside);
        let end = at + rest[at..].find(|c| !inside(c)).unwrap_or(rest.len() - at);
        out.push_str(&rest[..at]);
        let word = &rest[at..end];
        match name(word).filter(|_| begins) {
            Some(name) => out.push_str(&name),
            None => out.push_str(word),
        }
        rest = &rest[end..];
    }
    out + rest
}
