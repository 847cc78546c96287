//! What the examples share: the font of their pictures, files that are whole or not there, progress bars, a training step,
//! ranks.

mod learner;
mod ranks;

pub use learner::{Learner, Made, right};
pub use ranks::{Devices, Ranks, on_each};

use std::error::Error;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};
use plotters::coord::Shift;
use plotters::prelude::{BitMapBackend, DrawingArea, IntoDrawingArea, WHITE};
use plotters::style::{FontStyle, register_font};

/// What a picture is painted on.
pub type Canvas<'a> = DrawingArea<BitMapBackend<'a>, Shift>;

/// Has `paint` fill a white picture of `size` pixels, and writes it as a PNG: beside its place and renamed, so that an
/// interrupted run leaves no half of one. Its folder is made if it is not there.
pub fn picture(
    path: &Path,
    (width, height): (u32, u32),
    paint: impl FnOnce(&Canvas) -> Result<(), Box<dyn Error>>,
) -> Result<(), Box<dyn Error>> {
    font()?;
    let mut pixels = vec![0; 3 * width as usize * height as usize];
    {
        let canvas = BitMapBackend::with_buffer(&mut pixels, (width, height)).into_drawing_area();
        canvas.fill(&WHITE)?;
        paint(&canvas)?;
        canvas.present()?;
    }
    let partial = path.with_extension("part.png");
    let write = || -> Result<(), Box<dyn Error>> {
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder)?;
        }
        let mut png = png::Encoder::new(File::create(&partial)?, width, height);
        png.set_color(png::ColorType::Rgb);
        png.write_header()?.write_image_data(&pixels)?;
        Ok(std::fs::rename(&partial, path)?)
    };
    write().map_err(|e| format!("{}: {e}", path.display()).into())
}

/// Makes text in pictures possible where the system has no fonts.
fn font() -> Result<(), Box<dyn Error>> {
    let font = epaint_default_fonts::UBUNTU_LIGHT;
    register_font("sans-serif", FontStyle::Normal, font)
        .map_err(|_| "the font is not readable".into())
}

/// The name of a picture, for clap.
pub fn png(text: &str) -> Result<PathBuf, String> {
    let path = PathBuf::from(text);
    match path.extension().and_then(|e| e.to_str()) {
        Some(e) if e.eq_ignore_ascii_case("png") => Ok(path),
        _ => Err("expected a name that ends in .png".into()),
    }
}

/// A bar of so many steps under this name.
pub fn progress(steps: u64, template: &'static str, name: &str) -> ProgressBar {
    let bar = ProgressBar::new(steps);
    if let Ok(style) = ProgressStyle::with_template(template) {
        bar.set_style(style.progress_chars("=> "));
    }
    bar.set_prefix(name.to_owned());
    bar.enable_steady_tick(Duration::from_millis(200));
    bar
}
