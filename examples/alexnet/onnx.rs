//! Weights out of an ONNX file, by the names that `bvlc_alexnet` has for them: `conv1_w_0`, `conv1_b_0` to `fc8_b_0`.
//!
//! Only what is needed of onnx.proto is read: initialisers, and what nodes `ConstantOfShape` make of them, as light copies
//! of models have it.

use std::collections::BTreeMap;
use std::path::Path;

use warpsmith::{Device, Tensor};

use crate::proto::{FLOAT, Proto, Result, Value, fields, text};

/// Whether a file is taken for one of ONNX's.
pub fn is_onnx(path: &Path) -> bool {
    let extension = path.extension().and_then(|e| e.to_str());
    extension.is_some_and(|e| e.eq_ignore_ascii_case("onnx"))
}

/// The weights and biases in a file, under the keys that the crate has for them.
pub fn weights(path: &Path) -> Result<BTreeMap<String, Tensor<f32>>> {
    let bytes = std::fs::read(path).map_err(|e| format!("{}: {e}", path.display()))?;
    let weights = read(&bytes);
    weights.map_err(|e| {
        format!(
            "{}: expected an ONNX model with weights: {e}",
            path.display()
        )
        .into()
    })
}

fn read(model: &[u8]) -> Result<BTreeMap<String, Tensor<f32>>> {
    let (mut initializers, mut made) = (BTreeMap::new(), Vec::new());
    for field in fields(model) {
        let (7, Value::Bytes(graph)) = field? else {
            continue;
        };
        for field in fields(graph) {
            match field? {
                (5, Value::Bytes(bytes)) => {
                    let tensor = Proto::read(bytes)?;
                    initializers.insert(tensor.name.clone(), tensor);
                }
                (1, Value::Bytes(bytes)) => made.extend(constant_of_shape(bytes)?),
                _ => {}
            }
        }
    }
    let mut weights = BTreeMap::new();
    for (name, tensor) in &initializers {
        if let Some(key) = key(name) {
            weights.insert(key, tensor.floats()?);
        }
    }
    for Made { name, shape, value } in made {
        let of = initializers.get(&shape);
        let of = of.ok_or_else(|| format!("{name} has the shape {shape}, which is not there"))?;
        if let Some(key) = key(&name) {
            weights.insert(key, Tensor::full(&of.sides()?, value, &Device::Cpu)?);
        }
    }
    match weights.is_empty() {
        true => Err("none is called conv1_w_0 or the like".into()),
        false => Ok(weights),
    }
}

/// `conv1.weight` for `conv1_w_0`.
fn key(name: &str) -> Option<String> {
    let weight = name.strip_suffix("_w_0").map(|layer| (layer, "weight"));
    let (layer, own) = weight.or_else(|| Some((name.strip_suffix("_b_0")?, "bias")))?;
    Some(format!("{layer}.{own}"))
}

/// A tensor that a node makes: its name, the name of its shape, and what it is full of.
struct Made {
    name: String,
    shape: String,
    value: f32,
}

/// What a node makes, if it is a `ConstantOfShape` of f32.
fn constant_of_shape(node: &[u8]) -> Result<Option<Made>> {
    let (mut inputs, mut outputs, mut op) = (Vec::new(), Vec::new(), String::new());
    let mut value = Some(0.0);
    for field in fields(node) {
        match field? {
            (1, Value::Bytes(name)) => inputs.push(text(name)),
            (2, Value::Bytes(name)) => outputs.push(text(name)),
            (4, Value::Bytes(name)) => op = text(name),
            (5, Value::Bytes(attribute)) => {
                for field in fields(attribute) {
                    if let (5, Value::Bytes(tensor)) = field? {
                        let tensor = Proto::read(tensor)?;
                        let numbers = (tensor.data_type == FLOAT).then(|| tensor.floats());
                        value = match numbers {
                            Some(numbers) => numbers?.to_vec()?.first().copied(),
                            None => None,
                        };
                    }
                }
            }
            _ => {}
        }
    }
    let names = inputs.pop().zip(outputs.pop()).zip(value);
    let made = names.map(|((shape, name), value)| Made { name, shape, value });
    Ok(made.filter(|_| op == "ConstantOfShape"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use warpsmith::Generator;
    use warpsmith::models::{AlexNetOptions, LrnConstants, alexnet};
    use warpsmith::nn::{Module, load_state_dict};

    /// ONNX's own (the onnx wheel 1.16.2): the published graph, its weights replaced by constants, and what it answers.
    const LIGHT: &[u8] = include_bytes!("vectors/light_bvlc_alexnet.onnx");
    const OUTPUT: &[u8] = include_bytes!("vectors/light_bvlc_alexnet_output_0.pb");
    /// Every logit that onnxruntime has for the input i / n (`benches/peers/ort_bvlc_alexnet.py`).
    const LOGIT: f64 = 3.641264e12;

    #[test]
    fn the_light_model_gives_its_output() -> warpsmith::Result<()> {
        let cpu = Device::Cpu;
        let options = AlexNetOptions {
            lrn: LrnConstants::Caffe,
            ..AlexNetOptions::default()
        };
        let mut model = alexnet(&options, &mut Generator::manual_seed(1), &cpu)?;
        load_state_dict(&mut model, &read(LIGHT).unwrap())?;
        model.eval();
        let n = 3 * 224 * 224;
        let pixels = (0..n)
            .map(|i| (f64::from(i) / f64::from(n)) as f32)
            .collect();
        let logits = model.forward(&Tensor::from_vec(pixels, &[1, 3, 224, 224], &cpu)?)?;
        for logit in logits.to_vec()? {
            assert!((f64::from(logit) / LOGIT - 1.0).abs() < 1e-4, "{logit:e}");
        }
        let want = Proto::read(OUTPUT).unwrap().floats().unwrap();
        assert_eq!(want.shape(), logits.shape());
        for (got, want) in logits.softmax()?.to_vec()?.iter().zip(want.to_vec()?) {
            assert!((got - want).abs() <= 1e-5 * want, "{got} for {want}");
        }
        Ok(())
    }

    /// A message's field of bytes.
    fn bytes(tag: u8, value: &[u8]) -> Vec<u8> {
        let head = [tag << 3 | 2, value.len() as u8];
        [&head, value].concat()
    }

    fn number(tag: u8, value: u8) -> Vec<u8> {
        vec![tag << 3, value]
    }

    /// A model of one initialiser (2).
    fn model(name: &str, data_type: u8, data: &[u8]) -> Vec<u8> {
        let tensor = [
            number(1, 2),
            number(2, data_type),
            bytes(8, name.as_bytes()),
            data.to_vec(),
        ];
        bytes(7, &bytes(5, &tensor.concat()))
    }

    #[test]
    fn weights_in_either_form() {
        let floats = [1.5_f32, -2.0].map(f32::to_le_bytes).concat();
        let one = [&[4 << 3 | 5][..], &floats[..4]].concat();
        let other = [&[4 << 3 | 5][..], &floats[4..]].concat();
        for data in [bytes(9, &floats), bytes(4, &floats), [one, other].concat()] {
            let weights = read(&model("fc8_b_0", 1, &data)).unwrap();
            assert_eq!(weights["fc8.bias"].to_vec().unwrap(), [1.5, -2.0]);
        }
    }

    #[test]
    fn what_is_no_weight() {
        let says = |bytes: &[u8], word: &str| {
            let error = read(bytes).map(|_| ()).unwrap_err().to_string();
            assert!(error.contains(word), "{error:?} does not say {word:?}");
        };
        let floats = bytes(9, &[0; 8]);
        says(&[], "conv1_w_0");
        says(&model("other", 1, &floats), "conv1_w_0");
        says(&model("fc8_b_0", 10, &floats), "of type 10");
        says(&model("fc8_b_0", 1, &bytes(9, &[0; 12])), "fc8_b_0");
        says(&model("fc8_b_0", 1, &number(14, 1)), "another file");
        // cut short or changed anywhere, it is an error or another weight, and never a panic
        let whole = model("fc8_b_0", 1, &floats);
        assert!(read(&whole).is_ok());
        for at in 0..whole.len() {
            assert!(read(&whole[..at]).is_err(), "{at}");
            for bit in 0..8 {
                let mut changed = whole.clone();
                changed[at] ^= 1 << bit;
                read(&changed).ok();
            }
        }
    }
}
