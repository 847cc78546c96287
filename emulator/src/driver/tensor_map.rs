//! Tensor maps, the descriptors of Hopper's bulk copies. Not encoded yet; the device's attribute says so.

use super::entry::api;
use super::unsupported::refuse;

api! {
    fn cuTensorMapEncodeIm2col() {
        refuse("cuTensorMapEncodeIm2col")
    }

    fn cuTensorMapEncodeIm2colWide() {
        refuse("cuTensorMapEncodeIm2colWide")
    }

    fn cuTensorMapEncodeTiled() {
        refuse("cuTensorMapEncodeTiled")
    }

    fn cuTensorMapReplaceAddress() {
        refuse("cuTensorMapReplaceAddress")
    }
}
