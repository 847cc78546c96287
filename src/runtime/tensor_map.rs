//! Tensor maps: how Hopper's bulk copies see matrices in global memory (`cuTensorMapEncodeTiled`).

use std::mem::MaybeUninit;

use cudarc::driver::DriverError;
use cudarc::driver::sys::{
    CUtensorMap, CUtensorMapDataType, CUtensorMapFloatOOBfill, CUtensorMapInterleave,
    CUtensorMapL2promotion, CUtensorMapSwizzle, cuTensorMapEncodeTiled,
};

use crate::element::Float;
use crate::error::{Error, Result};

/// Bytes of a box's row: what the swizzle spans.
const BOX_ROW: usize = 128;

/// A batch of row-major matrices, and the boxes that a copy moves.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Matrices {
    pub(crate) batch: usize,
    pub(crate) rows: usize,
    pub(crate) cols: usize,
    /// Elements from one row to the next.
    pub(crate) ld: usize,
    /// Elements from one matrix to the next.
    pub(crate) stride: usize,
    pub(crate) box_rows: u32,
    /// Whether copies round `f32` to tf32 on their way.
    pub(crate) rounded: bool,
}

impl Matrices {
    /// The map of these matrices at `pointer`, swizzled by 128 bytes.
    pub(crate) fn map<T: Float>(&self, op: &'static str, pointer: u64) -> Result<CUtensorMap> {
        let kind = match T::NAME {
            "f16" => CUtensorMapDataType::CU_TENSOR_MAP_DATA_TYPE_FLOAT16,
            "bf16" => CUtensorMapDataType::CU_TENSOR_MAP_DATA_TYPE_BFLOAT16,
            "f32" if self.rounded => CUtensorMapDataType::CU_TENSOR_MAP_DATA_TYPE_TFLOAT32,
            "f32" => CUtensorMapDataType::CU_TENSOR_MAP_DATA_TYPE_FLOAT32,
            other => return Err(Error::argument(op, "f16, bf16 or f32", other)),
        };
        let bytes = |elements: usize| elements as u64 * size_of::<T>() as u64;
        // The driver refuses sizes of 0, of which nothing is ever read, and its documentation asks that each stride be a
        // multiple of the one before, also that which one row or one matrix never takes.
        let [cols, rows, batch] = [self.cols, self.rows, self.batch].map(|n| n.max(1) as u64);
        let row = match (rows, batch) {
            (1, 1) => bytes(self.cols).next_multiple_of(16).max(16),
            (1, _) => bytes(self.stride).max(16),
            _ => bytes(self.ld).max(16),
        };
        let matrix = match batch {
            1 => row * rows,
            _ => bytes(self.stride),
        };
        if !pointer.is_multiple_of(16) || row % 16 != 0 || matrix == 0 || matrix % row != 0 {
            let got = format!("{self:?} at {pointer:#x}");
            return Err(Error::argument(
                op,
                "rows at 16 bytes, and matrices at rows",
                got,
            ));
        }
        let mut map = MaybeUninit::<CUtensorMap>::uninit();
        // SAFETY: the driver is loaded (the kernel that takes the map is), and reads three sizes, two strides, three
        // box sizes and three steps from arrays of that length; it writes the map or answers with an error.
        let code = unsafe {
            cuTensorMapEncodeTiled(
                map.as_mut_ptr(),
                kind,
                3,
                pointer as *mut _,
                [cols, rows, batch].as_ptr(),
                [row, matrix].as_ptr(),
                [(BOX_ROW / size_of::<T>()) as u32, self.box_rows, 1].as_ptr(),
                [1, 1, 1].as_ptr(),
                CUtensorMapInterleave::CU_TENSOR_MAP_INTERLEAVE_NONE,
                CUtensorMapSwizzle::CU_TENSOR_MAP_SWIZZLE_128B,
                CUtensorMapL2promotion::CU_TENSOR_MAP_L2_PROMOTION_L2_256B,
                CUtensorMapFloatOOBfill::CU_TENSOR_MAP_FLOAT_OOB_FILL_NONE,
            )
        };
        code.result()
            .map_err(|e: DriverError| Error::driver(op, e))?;
        // SAFETY: the call above succeeded, so the map is written.
        Ok(unsafe { map.assume_init() })
    }
}
