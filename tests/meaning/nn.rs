use warpsmith::nn::{CrossEntropyLoss, Linear, Module, Parameter, ReLU, Sequential, Sigmoid};
use warpsmith::{Device, Generator, Result, Tensor};

use crate::common::compare::{Tolerance, assert_close_f64};

const CPU: Device = Device::Cpu;
const LABELS: [i32; 7] = [0, 1, 2, 0, 1, 2, 2];

fn network(generator: &mut Generator) -> Sequential {
    Sequential::new()
        .push(Linear::new(4, 6, generator, &CPU).unwrap())
        .push(Sigmoid::new())
        .push(Linear::new(6, 5, generator, &CPU).unwrap())
        .push(ReLU::new())
        .push(Linear::new(5, 3, generator, &CPU).unwrap())
}

/// Every gradient of a small network against (loss(w + h) - loss(w - h)) / 2h.
#[test]
fn gradients_of_a_network_are_its_central_differences() {
    // with these numbers no ReLU has its kink within h of where it stands, where a difference is no derivative
    let mut generator = Generator::manual_seed(5);
    let mut model = network(&mut generator);
    let mut x = Tensor::<f32>::randn(&[7, 4], &mut generator, &CPU).unwrap();
    let labels = Tensor::from_slice(&LABELS, &[7], &CPU).unwrap();
    // in f64 from the logits on, since a difference of losses in f32 has few digits
    let loss = |model: &mut Sequential, x: &Tensor<f32>| -> f64 {
        let logits = model.forward(x).unwrap().to_vec().unwrap();
        let rows = logits.chunks_exact(3).zip(LABELS);
        let of = |(row, label): (&[f32], i32)| {
            let sum: f64 = row.iter().map(|&v| f64::from(v).exp()).sum();
            sum.ln() - f64::from(row[label as usize])
        };
        rows.map(of).sum::<f64>() / LABELS.len() as f64
    };
    let h = 2e-3_f32;
    let differ = |up: f64, down: f64| (up - down) / (2.0 * f64::from(h));

    let mut numeric = Vec::new();
    for p in 0..model.parameters().len() {
        let start = model.parameters()[p].value.to_vec().unwrap();
        let mut differences = Vec::new();
        for i in 0..start.len() {
            let mut at = |step: f32| {
                let mut moved = start.clone();
                moved[i] += step;
                model.parameters()[p].value.copy_from_slice(&moved).unwrap();
                loss(&mut model, &x)
            };
            differences.push(differ(at(h), at(-h)));
        }
        model.parameters()[p].value.copy_from_slice(&start).unwrap();
        numeric.push(differences);
    }
    let start = x.to_vec().unwrap();
    let mut input_differences = Vec::new();
    for i in 0..start.len() {
        let mut at = |step: f32| {
            let mut moved = start.clone();
            moved[i] += step;
            x.copy_from_slice(&moved).unwrap();
            loss(&mut model, &x)
        };
        input_differences.push(differ(at(h), at(-h)));
    }
    x.copy_from_slice(&start).unwrap();

    let mut criterion = CrossEntropyLoss::new();
    criterion
        .forward(&model.forward(&x).unwrap(), &labels)
        .unwrap();
    let dx = model.backward(&criterion.backward().unwrap()).unwrap();
    // f32 losses near 1 carry 6e-8, divided by 2h
    let tolerance = Tolerance {
        abs: 1e-4,
        rel: 1e-3,
    };
    assert_close_f64("dx", &dx.to_vec().unwrap(), &input_differences, tolerance);
    for (i, (parameter, want)) in model.parameters().iter().zip(&numeric).enumerate() {
        assert_close_f64(
            &format!("parameter {i}"),
            &parameter.grad.to_vec().unwrap(),
            want,
            tolerance,
        );
    }
}

#[test]
fn linear_starts_as_pytorch_does() {
    let mut layer = Linear::new(400, 50, &mut Generator::manual_seed(1), &CPU).unwrap();
    let bound = 1.0 / 400_f32.sqrt();
    for parameter in layer.parameters() {
        let values = parameter.value.to_vec().unwrap();
        assert!(values.iter().all(|v| v.abs() <= bound));
        let largest = values.iter().fold(0.0_f32, |m, v| m.max(v.abs()));
        assert!(
            largest > 0.9 * bound,
            "{} values reach only {largest} of {bound}",
            values.len()
        );
    }
}

/// A first layer that nobody may ask for the gradient of its input.
struct First(Linear);

impl Module for First {
    fn forward(&mut self, input: &Tensor<f32>) -> Result<Tensor<f32>> {
        self.0.forward(input)
    }
    fn backward(&mut self, _: &Tensor<f32>) -> Result<Tensor<f32>> {
        panic!("the input's gradient is worked out though nobody reads it")
    }
    fn backward_parameters(&mut self, grad: &Tensor<f32>) -> Result<()> {
        self.0.backward_parameters(grad)
    }
    fn named_parameters(&mut self) -> Vec<(String, &mut Parameter)> {
        self.0.named_parameters()
    }
}

#[test]
fn gradients_of_the_parameters_do_not_need_the_inputs() {
    let mut generator = Generator::manual_seed(5);
    let x = Tensor::<f32>::randn(&[7, 4], &mut generator, &CPU).unwrap();
    let grad = Tensor::<f32>::randn(&[7, 3], &mut generator, &CPU).unwrap();
    let first = || Linear::new(4, 4, &mut Generator::manual_seed(6), &CPU).unwrap();
    let rest = || network(&mut Generator::manual_seed(7));
    let gradients = |model: &mut Sequential| -> Vec<Vec<f32>> {
        let parameters = model.parameters().into_iter();
        parameters.map(|p| p.grad.to_vec().unwrap()).collect()
    };

    let mut full = Sequential::new().push(first()).push(rest());
    full.forward(&x).unwrap();
    full.backward(&grad).unwrap();

    // a network in a network, whose own first layer must hand its input's gradient on
    let mut lean = Sequential::new().push(First(first())).push(rest());
    lean.forward(&x).unwrap();
    lean.backward_parameters(&grad).unwrap();
    assert_eq!(gradients(&mut lean), gradients(&mut full));

    let mut nested = Sequential::new().push(Sequential::new().push(First(first())).push(rest()));
    nested.forward(&x).unwrap();
    nested.backward_parameters(&grad).unwrap();
    assert_eq!(gradients(&mut nested), gradients(&mut full));
    Sequential::new().backward_parameters(&grad).unwrap();
}
