//! Fashion-MNIST (Xiao, Rasul, Vollgraf 2017): 70,000 grey images of clothes, 28 by 28, in ten classes.

use std::path::{Path, PathBuf};

use super::idx::read_idx;
use super::images::Images;
use crate::error::{Error, Result};

/// Where Debian's package `dataset-fashion-mnist` puts the files.
const DEBIAN: &str = "/usr/share/datasets/fashion-mnist";

/// The name of each class.
pub const FASHION_MNIST_CLASSES: [&str; 10] = [
    "T-shirt/top",
    "Trouser",
    "Pullover",
    "Dress",
    "Coat",
    "Sandal",
    "Shirt",
    "Sneaker",
    "Bag",
    "Ankle boot",
];

/// Which part of a data set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Split {
    /// 60,000 images to learn from.
    Train,
    /// 10,000 images to be tested on.
    Test,
}

/// Reads Fashion-MNIST, or MNIST itself, whose files have the same names: `train-images-idx3-ubyte` and its three
/// fellows, with `.idx` for `-idx` as well, with or without `.gz`, in `dir` or else where Debian's package puts them.
///
/// # Errors
/// A file that is missing (the text says where to get them) or is not what its name says.
pub fn fashion_mnist(dir: Option<&Path>, split: Split) -> Result<Images> {
    let dir = dir.unwrap_or(Path::new(DEBIAN));
    let part = match split {
        Split::Train => "train",
        Split::Test => "t10k",
    };
    let images = find(dir, &format!("{part}-images-idx3-ubyte"))?;
    let labels = find(dir, &format!("{part}-labels-idx1-ubyte"))?;
    Images::new(
        read_idx(&images)?,
        read_idx(&labels)?,
        FASHION_MNIST_CLASSES.len(),
    )
    .map_err(|error| Error::file(&images, "images and as many labels", error))
}

/// The file of this name, where the data sets' own tools and others' write `-idx` or `.idx`; plain before compressed, and
/// no folder.
fn find(dir: &Path, name: &str) -> Result<PathBuf> {
    let dotted = name.replace("-idx", ".idx");
    let packed = |name: &str| format!("{name}.gz");
    let names = [name.into(), packed(name), dotted.clone(), packed(&dotted)];
    let mut paths = names.into_iter().map(|name: String| dir.join(name));
    match paths.find(|path| path.is_file()) {
        Some(path) => Ok(path),
        None => Err(Error::file(
            &dir.join(name),
            "this file of Fashion-MNIST, or the same with .gz (Debian and Ubuntu: apt install dataset-fashion-mnist; \
             elsewhere: https://github.com/zalandoresearch/fashion-mnist)",
            "none",
        )),
    }
}
