//! Both decision regions, with the points on them.

use std::error::Error;
use std::path::Path;

use plotters::prelude::*;

use common::{Canvas, picture};

/// Squares along each side of a panel.
pub const CELLS: usize = 300;
/// The plane is drawn from -REACH to REACH.
pub const REACH: f32 = 1.25;

const PANEL: i32 = 600;
const TITLE: i32 = 48;
const GAP: i32 = 16;
/// Blue, orange and green that are told apart with any colour vision.
const COLORS: [(f32, f32, f32); 3] = [
    (0.0, 114.0, 178.0),
    (230.0, 159.0, 0.0),
    (0.0, 158.0, 115.0),
];

/// One network's title, and the probability of each class per square.
pub struct Panel {
    pub title: String,
    pub regions: Vec<[f32; 3]>,
}

pub fn draw(
    path: &Path,
    panels: &[Panel; 2],
    points: &[(f32, f32, i32)],
) -> Result<(), Box<dyn Error>> {
    let size = ((2 * PANEL + 3 * GAP) as u32, (PANEL + TITLE + GAP) as u32);
    picture(path, size, |root| paint(root, panels, points))
}

fn paint(
    root: &Canvas,
    panels: &[Panel; 2],
    points: &[(f32, f32, i32)],
) -> Result<(), Box<dyn Error>> {
    for (i, panel) in panels.iter().enumerate() {
        let left = GAP + i as i32 * (PANEL + GAP);
        let style = ("sans-serif", 26).into_font().color(&BLACK);
        root.draw(&Text::new(panel.title.as_str(), (left, 12), style))?;
        let side = PANEL / CELLS as i32;
        for (cell, p) in panel.regions.iter().enumerate() {
            let (x, y) = (
                left + (cell % CELLS) as i32 * side,
                TITLE + (cell / CELLS) as i32 * side,
            );
            root.draw(&Rectangle::new(
                [(x, y), (x + side, y + side)],
                shade(p).filled(),
            ))?;
        }
        let pixel = |v: f32| ((v / REACH + 1.0) / 2.0 * PANEL as f32) as i32;
        let at = |x: f32, y: f32| {
            (
                left + pixel(x).clamp(0, PANEL),
                TITLE + pixel(-y).clamp(0, PANEL),
            )
        };
        // all rims first, so that no rim covers a neighbour
        for &(x, y, _) in points {
            root.draw(&Circle::new(at(x, y), 3, WHITE.filled()))?;
        }
        for &(x, y, label) in points {
            let (r, g, b) = COLORS[label as usize % 3];
            root.draw(&Circle::new(
                at(x, y),
                2,
                RGBColor(r as u8, g as u8, b as u8).filled(),
            ))?;
        }
    }
    Ok(())
}

/// The colour of the likeliest class, stronger the surer the network is, and pale enough for the points to stand out.
fn shade(p: &[f32; 3]) -> RGBColor {
    let surest = p.iter().enumerate().max_by(|a, b| a.1.total_cmp(b.1));
    let (class, p) = surest.map_or((0, 0.0), |(class, &p)| (class, p));
    let strength = 0.2 + 0.3 * (1.5 * p - 0.5).clamp(0.0, 1.0);
    let pale = |channel: f32| (255.0 - strength * (255.0 - channel)) as u8;
    let (r, g, b) = COLORS[class];
    RGBColor(pale(r), pale(g), pale(b))
}
