//! Every type and operator against what is computed here by hand.

use half::{bf16, f16};
use nccl_emulator::arithmetic::reduce;
use nccl_emulator::types::{DataType, Op};

const OPS: [Op; 5] = [Op::Sum, Op::Prod, Op::Max, Op::Min, Op::Avg];

fn bytes_of(dtype: DataType, value: f64) -> Vec<u8> {
    match dtype {
        DataType::Int8 => (value as i8).to_le_bytes().to_vec(),
        DataType::Uint8 => (value as u8).to_le_bytes().to_vec(),
        DataType::Int32 => (value as i32).to_le_bytes().to_vec(),
        DataType::Uint32 => (value as u32).to_le_bytes().to_vec(),
        DataType::Int64 => (value as i64).to_le_bytes().to_vec(),
        DataType::Uint64 => (value as u64).to_le_bytes().to_vec(),
        DataType::Float16 => f16::from_f64(value).to_le_bytes().to_vec(),
        DataType::Float32 => (value as f32).to_le_bytes().to_vec(),
        DataType::Float64 => value.to_le_bytes().to_vec(),
        DataType::Bfloat16 => bf16::from_f64(value).to_le_bytes().to_vec(),
    }
}

fn combined(dtype: DataType, op: Op, values: &[f64], order: Option<u64>) -> Vec<u8> {
    let parts: Vec<Vec<u8>> = values.iter().map(|&v| bytes_of(dtype, v)).collect();
    let parts: Vec<(Op, &[u8])> = parts.iter().map(|part| (op, &**part)).collect();
    reduce(dtype, &parts, order)
}

#[test]
fn every_type_under_every_operator() {
    // sums and products of these are exact in all types
    let values = [3.0, 5.0, 4.0, 2.0];
    for dtype in DataType::ALL {
        let is_float = bytes_of(dtype, 0.5).iter().any(|&b| b != 0);
        for op in OPS {
            let expected = match op {
                Op::Sum => 14.0,
                Op::Prod => 120.0,
                Op::Max => 5.0,
                Op::Min => 2.0,
                _ if is_float => 3.5,
                _ => 3.0,
            };
            for order in [None, Some(1), Some(7)] {
                let got = combined(dtype, op, &values, order);
                assert_eq!(got, bytes_of(dtype, expected), "{dtype:?} {op:?}");
            }
        }
    }
}

#[test]
fn signs_and_overflow() {
    let negative = [DataType::Int8, DataType::Int32, DataType::Int64];
    for dtype in negative {
        for (op, expected) in OPS.into_iter().zip([-6.0, 5.0, -1.0, -5.0, -3.0]) {
            let got = combined(dtype, op, &[-5.0, -1.0], None);
            assert_eq!(got, bytes_of(dtype, expected), "{dtype:?} {op:?}");
        }
    }
    assert_eq!(
        combined(DataType::Int8, Op::Sum, &[127.0, 1.0], None),
        [0x80]
    );
    assert_eq!(
        combined(DataType::Uint8, Op::Max, &[255.0, 1.0], None),
        [255]
    );
}

#[test]
fn each_addition_rounds_to_the_type() {
    // 2048 + 1 is 2048 in f16, twice; added in f32 it would be 2050
    let f16_sum = combined(DataType::Float16, Op::Sum, &[2048.0, 1.0, 1.0], None);
    assert_eq!(f16_sum, bytes_of(DataType::Float16, 2048.0));
    let bf16_sum = combined(DataType::Bfloat16, Op::Sum, &[256.0, 1.0, 1.0], None);
    assert_eq!(bf16_sum, bytes_of(DataType::Bfloat16, 256.0));
    // an average multiplies first: the sum of these is beyond f16
    let average = combined(DataType::Float16, Op::Avg, &[60000.0, 60000.0], None);
    assert_eq!(average, bytes_of(DataType::Float16, 60000.0));
}

#[test]
fn another_order_begins_at_another_rank_from_chunk_to_chunk() {
    let one = |v: f32| v.to_le_bytes().repeat(1024);
    let parts = [one(1e8), one(1.0), one(-1e8)];
    let parts: Vec<(Op, &[u8])> = parts.iter().map(|part| (Op::Sum, &**part)).collect();
    let plain = reduce(DataType::Float32, &parts, None);
    assert!(plain.chunks(4).all(|x| x == 0f32.to_le_bytes()));
    let turned = reduce(DataType::Float32, &parts, Some(1));
    // from rank 1: (1 - 1e8) + 1e8 = 0; from rank 2: (-1e8 + 1e8) + 1 = 1
    let values: Vec<&[u8]> = turned.chunks(4).collect();
    assert_eq!(values[0], 0f32.to_le_bytes());
    assert_eq!(values[600], 1f32.to_le_bytes());
    assert_eq!(turned, reduce(DataType::Float32, &parts, Some(1)));
}

#[test]
fn scalars_are_each_rank_s_own() {
    let scalar = |v: f32| {
        let mut bytes = [0; 8];
        bytes[..4].copy_from_slice(&v.to_le_bytes());
        Op::PreMulSum(bytes)
    };
    let (a, b) = (3f32.to_le_bytes(), 5f32.to_le_bytes());
    let got = reduce(
        DataType::Float32,
        &[(scalar(2.0), &a), (scalar(10.0), &b)],
        None,
    );
    assert_eq!(got, 56f32.to_le_bytes());
}
