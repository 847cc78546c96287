//! How many of a thousand and of a million normal numbers fall where, beside the curve that they follow.

use std::error::Error;
use std::path::Path;

use plotters::prelude::*;

use common::{Canvas, picture};
use warpsmith::{Device, Generator, Tensor};

const BINS: usize = 60;
const RANGE: [f32; 2] = [-4.0, 4.0];
const BLUE: RGBColor = RGBColor(86, 180, 233);
const ORANGE: RGBColor = RGBColor(213, 94, 0);

/// The share of the elements in each bin, over its width.
fn density(x: &Tensor<f32>) -> warpsmith::Result<Vec<f64>> {
    let [low, high] = RANGE;
    let width = (high - low) / BINS as f32;
    let place = x.sub(low)?.div(width)?.floor()?.to_vec()?;
    let mut counts = [0.0; BINS];
    for place in place
        .into_iter()
        .filter(|place| (0.0..BINS as f32).contains(place))
    {
        counts[place as usize] += 1.0;
    }
    let all = x.numel() as f64 * f64::from(width);
    Ok(counts.iter().map(|count| count / all).collect())
}

pub fn draw(path: &Path, generator: &mut Generator) -> Result<(), Box<dyn Error>> {
    let mut panels = Vec::new();
    for n in [1000, 1_000_000] {
        let x = Tensor::<f32>::randn(&[n], generator, &Device::Cpu)?;
        println!(
            ">>> x = randn({n}); x.mean(), x.std()\n{} {}\n",
            x.mean()?,
            x.std(&[], 1, false)?
        );
        panels.push((n, density(&x)?));
    }
    picture(path, (1000, 420), |root| {
        let areas = root.split_evenly((1, 2));
        areas
            .iter()
            .zip(&panels)
            .try_for_each(|(area, (n, density))| panel(area, *n, density))
    })
}

fn panel(area: &Canvas, n: usize, density: &[f64]) -> Result<(), Box<dyn Error>> {
    let [low, high] = RANGE.map(f64::from);
    let width = (high - low) / BINS as f64;
    let mut chart = ChartBuilder::on(area)
        .margin(12)
        .caption(format!("{n} numbers"), ("sans-serif", 20))
        .x_label_area_size(28)
        .y_label_area_size(40)
        .build_cartesian_2d(low..high, 0.0..0.55)?;
    chart.configure_mesh().light_line_style(WHITE).draw()?;
    chart.draw_series(density.iter().enumerate().map(|(i, height)| {
        let left = low + i as f64 * width;
        Rectangle::new([(left, 0.0), (left + width, *height)], BLUE.filled())
    }))?;
    let curve = (0..=200).map(|i| {
        let x = low + (high - low) * f64::from(i) / 200.0;
        (
            x,
            (-x * x / 2.0).exp() / (2.0 * std::f64::consts::PI).sqrt(),
        )
    });
    chart.draw_series(LineSeries::new(curve, ORANGE.stroke_width(2)))?;
    Ok(())
}
