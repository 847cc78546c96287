//! Where the images come from.

use std::convert::Infallible;
use std::path::PathBuf;
use std::str::FromStr;

use warpsmith::data::{FASHION_MNIST_CLASSES, Images, Split, fashion_mnist, glyphs};
use warpsmith::{Generator, Result};

/// Images to learn from, images to be tested on, and the names of their classes.
pub struct Data {
    pub train: Images,
    pub test: Images,
    pub classes: [&'static str; 10],
}

#[derive(Clone, Debug, Default)]
pub enum Source {
    /// Where Debian's package puts Fashion-MNIST.
    #[default]
    Installed,
    Folder(PathBuf),
    Synthetic,
}

impl FromStr for Source {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Self, Infallible> {
        Ok(match text {
            "synthetic" => Self::Synthetic,
            folder => Self::Folder(folder.into()),
        })
    }
}

impl Source {
    pub fn load(&self, seed: u64) -> Result<Data> {
        let folder = match self {
            Self::Installed => None,
            Self::Folder(folder) => Some(folder.as_path()),
            Self::Synthetic => {
                let mut generator = Generator::manual_seed(seed);
                return Ok(Data {
                    train: glyphs(6000, &mut generator)?,
                    test: glyphs(1000, &mut generator)?,
                    classes: ["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"],
                });
            }
        };
        Ok(Data {
            train: fashion_mnist(folder, Split::Train)?,
            test: fashion_mnist(folder, Split::Test)?,
            classes: FASHION_MNIST_CLASSES,
        })
    }
}
