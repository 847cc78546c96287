//! The learning curve, and images with what the network says of them.

use std::error::Error;
use std::path::Path;

use plotters::prelude::*;

use crate::train::Sample;
use common::picture;

/// Images in the picture of samples.
pub const SAMPLES: usize = 24;
const COLUMNS: usize = 8;
/// Pixels of the picture for each of an image.
const ZOOM: i32 = 4;
const MARGIN: i32 = 12;
const CAPTION: i32 = 22;
const RIGHT: RGBColor = RGBColor(0, 110, 80);
const WRONG: RGBColor = RGBColor(200, 60, 0);
/// Steps whose losses one point of the curve averages.
const SMOOTH: usize = 25;

/// The loss of every step, smoothed, and the test accuracy after every epoch.
pub fn curve(path: &Path, losses: &[f32], accuracies: &[f64]) -> Result<(), Box<dyn Error>> {
    picture(path, (900, 480), |root| {
        let points: Vec<(f64, f64)> = losses
            .chunks(SMOOTH)
            .enumerate()
            .map(|(i, part)| {
                let mean = part.iter().sum::<f32>() / part.len() as f32;
                ((i * SMOOTH + part.len() / 2) as f64, f64::from(mean))
            })
            .collect();
        let highest = points.iter().map(|p| p.1).fold(0.1, f64::max);
        let steps = losses.len().max(1) as f64;
        let mut chart = ChartBuilder::on(root)
            .margin(16)
            .caption(
                "LeNet-5: loss (blue) and test accuracy (orange)",
                ("sans-serif", 22),
            )
            .x_label_area_size(40)
            .y_label_area_size(55)
            .right_y_label_area_size(55)
            .build_cartesian_2d(0.0..steps, 0.0..highest)?
            .set_secondary_coord(0.0..steps, 0.0..1.0);
        chart
            .configure_mesh()
            .x_desc("step")
            .y_desc("loss")
            .draw()?;
        chart.configure_secondary_axes().y_desc("accuracy").draw()?;
        chart.draw_series(LineSeries::new(points, &RGBColor(0, 114, 178)))?;
        let per_epoch = steps / accuracies.len().max(1) as f64;
        let after: Vec<_> = (1..)
            .zip(accuracies)
            .map(|(epoch, &accuracy)| (f64::from(epoch) * per_epoch, accuracy))
            .collect();
        let orange = RGBColor(213, 94, 0);
        chart.draw_secondary_series(LineSeries::new(after.clone(), &orange))?;
        let dot = |at| Circle::new(at, 4, orange.filled());
        chart.draw_secondary_series(after.into_iter().map(dot))?;
        Ok(())
    })
}

/// Images in rows, each under what the network takes it for; what it is stands there too where that is wrong.
pub fn samples(path: &Path, samples: &[Sample]) -> Result<(), Box<dyn Error>> {
    let side = samples.first().map_or(28, |s| s.side) as i32 * ZOOM;
    let rows = samples.len().div_ceil(COLUMNS) as i32;
    let (width, height) = (side + MARGIN, side + MARGIN + 2 * CAPTION);
    let size = (COLUMNS as i32 * width + MARGIN, rows * height + MARGIN);
    picture(path, (size.0 as u32, size.1 as u32), |root| {
        for (i, sample) in samples.iter().enumerate() {
            let left = MARGIN + (i % COLUMNS) as i32 * width;
            let top = MARGIN + (i / COLUMNS) as i32 * height;
            let right = sample.guess == sample.label;
            let style = |color: &RGBColor| ("sans-serif", 15).into_font().color(color);
            let color = if right { RIGHT } else { WRONG };
            root.draw(&Text::new(sample.guess, (left, top), style(&color)))?;
            if !right {
                let truth = format!("is: {}", sample.label);
                root.draw(&Text::new(truth, (left, top + CAPTION - 4), style(&BLACK)))?;
            }
            let top = top + 2 * CAPTION - 6;
            for (j, &pixel) in sample.pixels.iter().enumerate() {
                let (x, y) = ((j % sample.side) as i32, (j / sample.side) as i32);
                let corner = (left + x * ZOOM, top + y * ZOOM);
                let end = (corner.0 + ZOOM, corner.1 + ZOOM);
                // ink on paper
                let grey = 255 - pixel;
                let shade = RGBColor(grey, grey, grey);
                root.draw(&Rectangle::new([corner, end], shade.filled()))?;
            }
        }
        Ok(())
    })
}
