//! Images as files, sorted into folders by class.

use std::fs;
use std::path::{Path, PathBuf};

use crate::error::{Error, Result};

/// Ends of the names of images, as torchvision has them.
const EXTENSIONS: [&str; 9] = [
    "jpg", "jpeg", "png", "ppm", "bmp", "pgm", "tif", "tiff", "webp",
];

/// The images of a folder `<root>/<class>/`, each with the number of its class, the classes in the order of their names
/// (`torchvision.datasets.ImageFolder`). It only looks for files; what reads them is the program's.
///
/// ```no_run
/// let train = warpsmith::data::ImageFolder::new("imagenet/train")?;
/// for (path, class) in train.samples() {
///     println!("{}: {}", path.display(), train.classes()[*class]);
/// }
/// # Ok::<(), warpsmith::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct ImageFolder {
    classes: Vec<String>,
    samples: Vec<(PathBuf, usize)>,
}

impl ImageFolder {
    /// Looks into the folders of a folder, and into those below them, in the order of their names. Files beside the classes,
    /// names that begin with a dot and other files than images are left out.
    ///
    /// # Errors
    /// A folder that cannot be read, one without folders, or a class without images.
    pub fn new(root: impl AsRef<Path>) -> Result<Self> {
        let root = root.as_ref();
        let (mut classes, mut samples) = (Vec::new(), Vec::new());
        for (name, path) in entries(root)? {
            if !path.is_dir() {
                continue;
            }
            let before = samples.len();
            images(&path, classes.len(), &mut samples)?;
            if samples.len() == before {
                return Err(Error::file(&path, "images of a class", "none"));
            }
            classes.push(name);
        }
        match classes.is_empty() {
            true => Err(Error::file(root, "a folder for each class", "none")),
            false => Ok(Self { classes, samples }),
        }
    }

    /// The names of the classes.
    pub fn classes(&self) -> &[String] {
        &self.classes
    }

    /// The images and the numbers of their classes.
    pub fn samples(&self) -> &[(PathBuf, usize)] {
        &self.samples
    }

    /// The images without every `one_in`-th of each class, and these: what is learnt from, and what is held out.
    ///
    /// # Errors
    /// A `one_in` below 2.
    pub fn split(&self, one_in: usize) -> Result<(Self, Self)> {
        if one_in < 2 {
            let expected = "a part of the images: every second or less";
            return Err(Error::argument("ImageFolder", expected, one_in));
        }
        let mut seen = vec![0_usize; self.classes.len()];
        let held_out = |(_, class): &&(PathBuf, usize)| {
            seen[*class] += 1;
            seen[*class].is_multiple_of(one_in)
        };
        let (held_out, kept) = self.samples.iter().partition::<Vec<_>, _>(held_out);
        let of = |samples: Vec<&(PathBuf, usize)>| Self {
            classes: self.classes.clone(),
            samples: samples.into_iter().cloned().collect(),
        };
        Ok((of(kept), of(held_out)))
    }
}

/// What a folder holds but for what is hidden, by name.
fn entries(folder: &Path) -> Result<Vec<(String, PathBuf)>> {
    let unread = |e| Error::file(folder, "a folder to read", e);
    let mut entries = Vec::new();
    for entry in fs::read_dir(folder).map_err(unread)? {
        let path = entry.map_err(unread)?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        if !name.starts_with('.') {
            entries.push((name.into_owned(), path));
        }
    }
    entries.sort();
    Ok(entries)
}

fn images(folder: &Path, class: usize, samples: &mut Vec<(PathBuf, usize)>) -> Result<()> {
    for (_, path) in entries(folder)? {
        let end = path.extension().unwrap_or_default();
        if path.is_dir() {
            images(&path, class, samples)?;
        } else if EXTENSIONS.iter().any(|e| end.eq_ignore_ascii_case(e)) {
            samples.push((path, class));
        }
    }
    Ok(())
}
