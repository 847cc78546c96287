//! Lines over an axis, the one kind of picture that the answers need.

use std::error::Error;
use std::path::Path;

use plotters::coord::ranged1d::{AsRangedCoord, ValueFormatter};
use plotters::prelude::*;

use common::{Canvas, picture};

/// Pixels of a picture.
const SIZE: (u32, u32) = (900, 520);

/// Told apart with any colour vision (Okabe, Ito).
const COLORS: [RGBColor; 7] = [
    RGBColor(0, 114, 178),
    RGBColor(213, 94, 0),
    RGBColor(0, 158, 115),
    RGBColor(204, 121, 167),
    RGBColor(86, 180, 233),
    RGBColor(230, 159, 0),
    RGBColor(0, 0, 0),
];

/// A name and its points.
pub type Line = (String, Vec<(f64, f64)>);

pub struct Chart<'a> {
    pub title: &'a str,
    pub x: &'a str,
    pub y: &'a str,
    /// Whether y is drawn by powers of ten; values of 0 or less are then left out.
    pub logarithmic: bool,
}

impl Chart<'_> {
    pub fn draw(&self, path: &Path, lines: &[Line]) -> Result<(), Box<dyn Error>> {
        let points = || lines.iter().flat_map(|(_, points)| points);
        let shown = |y: f64| y.is_finite() && (!self.logarithmic || y > 0.0);
        let ys = || points().map(|p| p.1).filter(|&y| shown(y));
        let (low, high) = ys().fold((f64::MAX, f64::MIN), |(l, h), y| (l.min(y), h.max(y)));
        let (left, right) =
            points().fold((f64::MAX, f64::MIN), |(l, r), p| (l.min(p.0), r.max(p.0)));
        if low > high || left > right {
            return Err("nothing to draw".into());
        }
        let x = left..right.max(left + 1e-9);
        if self.logarithmic {
            let y = (low / 1.5..high * 1.5).log_scale();
            return picture(path, SIZE, |root| self.paint(root, lines, x, y, &shown));
        }
        let room = 0.05 * (high - low).max(1e-9);
        let y = low.min(0.0)..high + room;
        picture(path, SIZE, |root| self.paint(root, lines, x, y, &shown))
    }

    /// A number beside the y axis.
    fn label(&self, y: f64) -> String {
        if self.logarithmic && !(0.1..1000.0).contains(&y) {
            format!("{y:.0e}")
        } else {
            format!("{}", (y * 1000.0).round() / 1000.0)
        }
    }

    fn paint<Y>(
        &self,
        root: &Canvas,
        lines: &[Line],
        x: std::ops::Range<f64>,
        y: Y,
        shown: &dyn Fn(f64) -> bool,
    ) -> Result<(), Box<dyn Error>>
    where
        Y: AsRangedCoord<Value = f64>,
        Y::CoordDescType: ValueFormatter<f64>,
    {
        let mut chart = ChartBuilder::on(root)
            .margin(16)
            .caption(self.title, ("sans-serif", 22))
            .x_label_area_size(42)
            .y_label_area_size(70)
            .build_cartesian_2d(x, y)?;
        chart
            .configure_mesh()
            .x_desc(self.x)
            .y_desc(self.y)
            .y_label_formatter(&|y| self.label(*y))
            .light_line_style(WHITE)
            .draw()?;
        for (i, (name, points)) in lines.iter().enumerate() {
            let color = COLORS[i % COLORS.len()];
            let points = points.iter().copied().filter(|p| shown(p.1));
            chart
                .draw_series(LineSeries::new(points, color.stroke_width(2)))?
                .label(name.as_str())
                .legend(move |(x, y)| {
                    PathElement::new([(x, y), (x + 18, y)], color.stroke_width(3))
                });
        }
        chart
            .configure_series_labels()
            .background_style(WHITE.mix(0.85))
            .border_style(BLACK.mix(0.3))
            .draw()?;
        Ok(())
    }
}
