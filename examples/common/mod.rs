//! What the examples share: the font of their pictures, files that are whole or not there, progress bars.
#![allow(dead_code, reason = "each example uses a part")]

use std::error::Error;
use std::path::{Path, PathBuf};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};
use plotters::style::{FontStyle, register_font};

/// Makes text in pictures possible where the system has no fonts.
pub fn font() -> Result<(), Box<dyn Error>> {
    register_font(
        "sans-serif",
        FontStyle::Normal,
        epaint_default_fonts::UBUNTU_LIGHT,
    )
    .map_err(|_| "the font is not readable".into())
}

/// Has `paint` write a picture beside its place and renames it, so that an interrupted run leaves no half of one.
pub fn picture(
    path: &Path,
    paint: impl FnOnce(&Path) -> Result<(), Box<dyn Error>>,
) -> Result<(), Box<dyn Error>> {
    font()?;
    let partial = path.with_extension("part.png");
    paint(&partial).map_err(|e| format!("{}: {e}", path.display()))?;
    std::fs::rename(&partial, path).map_err(|e| format!("{}: {e}", path.display()))?;
    Ok(())
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
