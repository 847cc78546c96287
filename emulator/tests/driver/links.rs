//! Several PTX texts become one module: `cuLink*`.

use super::raw::{Code, Own, ok, run_alone};
use cudarc::driver::sys::{self, CUjit_option, CUjitInputType, CUresult};
use std::ffi::{CStr, CString, c_char, c_void};
use std::ptr::null_mut;

const HEAD: &str = ".version 8.0\n.target sm_75\n.address_size 64\n";

/// `scale` is another text's function, `step` another's variable; `own` is this text's.
const KERNEL: &str = ".extern .func (.param .b32 r) scale(.param .b32 x);\n.extern .global .align 4 .u32 step;\n\
    .global .align 4 .u32 own = 1000;\n.visible .entry k(.param .u64 out) { .reg .b32 %r<5>; .reg .b64 %a<2>;\n\
    ld.param.u64 %a1, [out]; ld.global.u32 %r1, [own]; ld.global.u32 %r2, [step];\n\
    { .param .b32 x; .param .b32 y; st.param.b32 [x], %r2; call (y), scale, (x); ld.param.b32 %r3, [y]; }\n\
    add.u32 %r4, %r1, %r3; st.global.u32 [%a1], %r4; ret; }\n";

/// Has an `own` too, and a `scale` that yields to another.
const WEAK: &str = ".global .align 4 .u32 own = 3;\n.weak .func (.param .b32 r) scale(.param .b32 x) { .reg .b32 %r<4>;\n\
    ld.param.b32 %r1, [x]; ld.global.u32 %r2, [own]; mul.lo.u32 %r3, %r1, %r2; st.param.b32 [r], %r3; ret; }\n";

const STRONG: &str = ".visible .func (.param .b32 r) scale(.param .b32 x) { .reg .b32 %r<3>;\n\
    ld.param.b32 %r1, [x]; mul.lo.u32 %r2, %r1, 10; st.param.b32 [r], %r2; ret; }\n";

const STEP: &str = ".visible .global .align 4 .u32 step = 14;\n";

struct Link {
    state: sys::CUlinkState,
    log: Box<[c_char; 512]>,
}

impl Link {
    fn new() -> Link {
        let (mut state, mut log) = (null_mut(), Box::new([0; 512]));
        let mut options = [
            CUjit_option::CU_JIT_ERROR_LOG_BUFFER,
            CUjit_option::CU_JIT_ERROR_LOG_BUFFER_SIZE_BYTES,
        ];
        let mut values = [log.as_mut_ptr().cast::<c_void>(), log.len() as *mut c_void];
        // SAFETY: two options with their values; the log lives as long as the link.
        ok(unsafe {
            sys::cuLinkCreate_v2(2, options.as_mut_ptr(), values.as_mut_ptr(), &raw mut state)
        })
        .unwrap();
        Link { state, log }
    }

    fn add(&self, name: &CStr, text: &str) -> CUresult {
        let text = CString::new(format!("{HEAD}{text}")).unwrap();
        let bytes = text.as_bytes_with_nul();
        // SAFETY: the text is as long as is said, and the name ends in NUL.
        unsafe {
            sys::cuLinkAddData_v2(
                self.state,
                CUjitInputType::CU_JIT_INPUT_PTX,
                bytes.as_ptr() as *mut c_void,
                bytes.len(),
                name.as_ptr(),
                0,
                null_mut(),
                null_mut(),
            )
        }
    }

    fn of(texts: &[&str]) -> Link {
        let link = Link::new();
        for (n, text) in texts.iter().enumerate() {
            let name = CString::new(format!("part {n}")).unwrap();
            ok(link.add(&name, text)).unwrap();
        }
        link
    }

    fn complete(&self) -> Result<*mut c_void, CUresult> {
        let (mut image, mut bytes) = (null_mut(), 0);
        // SAFETY: results have room.
        ok(unsafe { sys::cuLinkComplete(self.state, &raw mut image, &raw mut bytes) })?;
        Ok(image)
    }

    fn said(&self) -> String {
        // SAFETY: the log ends in NUL.
        unsafe { CStr::from_ptr(self.log.as_ptr()) }
            .to_string_lossy()
            .into_owned()
    }

    /// What `k` writes.
    fn answer(&self, own: &Own) -> u32 {
        let image = self
            .complete()
            .unwrap_or_else(|e| panic!("{e:?}: {}", self.said()));
        let (mut module, mut function) = (null_mut(), null_mut());
        let mut out = own.alloc(4);
        let mut answer = 0u32;
        // SAFETY: results have room, the image is the link's, which lives.
        unsafe {
            ok(sys::cuModuleLoadData(&raw mut module, image)).unwrap();
            ok(sys::cuModuleGetFunction(
                &raw mut function,
                module,
                c"k".as_ptr(),
            ))
            .unwrap();
            let mut arguments = [(&raw mut out).cast::<c_void>()];
            run_alone(function, &mut arguments);
            ok(sys::cuMemcpyDtoH_v2((&raw mut answer).cast(), out, 4)).unwrap();
        }
        answer
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        // SAFETY: the link was made above and is destroyed once.
        unsafe { sys::cuLinkDestroy(self.state) };
    }
}

#[test]
fn functions_and_variables_are_found_across_texts() {
    let own = Own::new();
    assert_eq!(Link::of(&[KERNEL, WEAK, STEP]).answer(&own), 1042);
    assert_eq!(Link::of(&[STEP, WEAK, KERNEL, STRONG]).answer(&own), 1140);
    assert_eq!(Link::of(&[WEAK, KERNEL, WEAK, STEP]).answer(&own), 1042);
}

#[test]
fn files_are_linked_too() {
    let own = Own::new();
    let file = std::env::temp_dir().join(format!("cuda-emulator-link-{}.ptx", std::process::id()));
    std::fs::write(&file, format!("{HEAD}{STRONG}")).unwrap();
    let link = Link::of(&[KERNEL, STEP]);
    let add = |path: &str| {
        let path = CString::new(path).unwrap();
        // SAFETY: the path ends in NUL.
        unsafe {
            sys::cuLinkAddFile_v2(
                link.state,
                CUjitInputType::CU_JIT_INPUT_PTX,
                path.as_ptr(),
                0,
                null_mut(),
                null_mut(),
            )
        }
    };
    let added = add(file.to_str().unwrap());
    std::fs::remove_file(&file).unwrap();
    ok(added).unwrap();
    assert_eq!(link.answer(&own), 1140);
    assert_eq!(add("/no/such/file.ptx"), Code::CUDA_ERROR_FILE_NOT_FOUND);
}

#[test]
fn what_is_missing_or_there_twice_is_in_the_log() {
    let _own = Own::new();
    for (texts, wanted) in [
        (&[KERNEL, STEP][..], "scale"),
        (&[KERNEL, STRONG], "step"),
        (&[KERNEL, STEP, STRONG, STRONG], "scale"),
        // a name that its text keeps to itself is nobody else's
        (
            &[KERNEL, STRONG, ".global .align 4 .u32 step = 14;\n"],
            "step",
        ),
    ] {
        let link = Link::of(texts);
        assert!(link.complete().is_err());
        assert!(
            link.said().contains(&format!("'{wanted}'")),
            "{}",
            link.said()
        );
    }
    let link = Link::new();
    assert!(ok(link.add(c"broken.ptx", ".visible .func f( {")).is_err());
    assert!(link.said().contains("broken.ptx"), "{}", link.said());
    assert!(link.complete().is_err(), "nothing to link");
}
