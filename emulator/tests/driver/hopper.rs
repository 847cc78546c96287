//! Kernels of Hopper's: a product by tensor maps and wgmma, clusters.

use super::raw::{launch, ok, synchronise};
use super::tiles::{Map, download, function, own, upload};
use cudarc::driver::sys::{self, CUtensorMapDataType as Type, CUtensorMapSwizzle as Swizzle};
use std::ffi::c_void;
use std::ptr::null_mut;

const GEMM: &str = include_str!("../fixtures/gemm_wgmma.ptx");

#[test]
fn a_product_by_tiles_and_wgmma() {
    let Some(own) = own() else { return };
    let (size, depth) = (128usize, 256usize);
    let value = |n: usize| (((n * 40503) >> 4) & 15) as f32 - 7.0;
    let (a, b): (Vec<f32>, Vec<f32>) = (0..size * depth).map(|n| (value(n), value(n + 5))).unzip();
    let narrow = |v: &[f32]| -> Vec<u16> { v.iter().map(|f| (f.to_bits() >> 16) as u16).collect() };
    let map = |data: &[f32]| {
        Map {
            kind: Type::CU_TENSOR_MAP_DATA_TYPE_BFLOAT16,
            address: upload(&own, &narrow(data)),
            sizes: &[depth as u64, size as u64],
            strides: &[2 * depth as u64],
            boxes: &[64, 64],
            swizzle: Swizzle::CU_TENSOR_MAP_SWIZZLE_128B,
            nan: false,
        }
        .encode()
        .unwrap()
    };
    let (mut a_map, mut b_map) = (map(&a), map(&b));
    let mut out = own.alloc(4 * size * size);
    let (mut n, mut k) = (size as u32, depth as u32);
    let mut arguments: [*mut c_void; 5] = [
        (&raw mut a_map).cast(),
        (&raw mut b_map).cast(),
        (&raw mut out).cast(),
        (&raw mut n).cast(),
        (&raw mut k).cast(),
    ];
    let tiles = size as u32 / 64;
    let kernel = function(GEMM, "gemm");
    ok(launch(
        kernel,
        [tiles, tiles, 1],
        [160, 1, 1],
        0,
        null_mut(),
        &mut arguments,
    ))
    .unwrap();
    ok(synchronise()).unwrap();
    let got = download::<f32>(out, size * size);
    for (at, got) in got.iter().enumerate() {
        let (row, column) = (at / size * depth, at % size * depth);
        // small integers: exact in f32, in every order
        let right: f32 = (0..depth).map(|k| a[row + k] * b[column + k]).sum();
        assert_eq!(*got, right, "element {at}");
    }
}

#[test]
fn clusters_are_launched_by_attribute() {
    let Some(own) = own() else { return };
    let ptx = ".version 8.7\n.target sm_90\n.address_size 64\n.visible .entry k(.param .u64 out)\n{ .reg .b64 %o; .reg .b32 %a, %b;\n\
               ld.param.u64 %o, [out]; mov.u32 %a, %ctaid.x; mul.wide.u32 %o, %a, 4; .reg .b64 %q; ld.param.u64 %q, [out]; add.u64 %o, %o, %q;\n\
               mov.u32 %a, %cluster_nctarank; mov.u32 %b, %cluster_ctarank; mad.lo.u32 %a, %a, 10, %b; st.global.u32 [%o], %a; }";
    let kernel = function(ptx, "k");
    let mut out = upload(&own, &[0u32; 8]);
    let mut arguments: [*mut c_void; 1] = [(&raw mut out).cast()];
    let mut run = |cluster: u32| {
        // SAFETY: all zeros is a value of these C structures, of which the fields below are set.
        let (mut attribute, mut config): (sys::CUlaunchAttribute, sys::CUlaunchConfig) =
            unsafe { (std::mem::zeroed(), std::mem::zeroed()) };
        attribute.id = sys::CUlaunchAttributeID_enum::CU_LAUNCH_ATTRIBUTE_CLUSTER_DIMENSION;
        attribute.value.clusterDim.x = cluster;
        attribute.value.clusterDim.y = 1;
        attribute.value.clusterDim.z = 1;
        (config.gridDimX, config.gridDimY, config.gridDimZ) = (8, 1, 1);
        (config.blockDimX, config.blockDimY, config.blockDimZ) = (1, 1, 1);
        (config.attrs, config.numAttrs) = (&raw mut attribute, 1);
        // SAFETY: the configuration and the argument live until the call returns.
        ok(unsafe {
            sys::cuLaunchKernelEx(
                &raw const config,
                kernel,
                arguments.as_mut_ptr(),
                null_mut(),
            )
        })
    };
    run(4).unwrap();
    ok(synchronise()).unwrap();
    assert_eq!(download::<u32>(out, 8), [40, 41, 42, 43, 40, 41, 42, 43]);
    assert!(run(3).is_err(), "8 blocks are no clusters of 3");
}
