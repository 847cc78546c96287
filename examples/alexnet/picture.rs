//! Pictures from files, by what the files hold: a PNG may be called `.JPEG`, as one is in ImageNet.

use std::error::Error;
use std::fs;
use std::io::Cursor;
use std::path::Path;

use image::{DynamicImage, ImageDecoder, ImageFormat, ImageReader, RgbImage};

/// Reads a PNG or a JPEG, the way up that its EXIF data says. Half a file is an error, also where a decoder would fill what
/// is missing with grey.
pub fn open(path: &Path) -> Result<RgbImage, Box<dyn Error>> {
    let bytes = fs::read(path)?;
    let reader = ImageReader::new(Cursor::new(&bytes)).with_guessed_format()?;
    if reader.format() == Some(ImageFormat::Jpeg) && !is_whole_jpeg(&bytes) {
        return Err("a JPEG without its end".into());
    }
    let mut decoder = reader.into_decoder()?;
    let orientation = decoder.orientation()?;
    let mut image = DynamicImage::from_decoder(decoder)?;
    image.apply_orientation(orientation);
    Ok(image.into_rgb8())
}

/// Whether a JPEG's segments lead to its end marker. The marker's bytes alone say nothing: a thumbnail has one too.
fn is_whole_jpeg(bytes: &[u8]) -> bool {
    const END: u8 = 0xd9;
    const SCAN: u8 = 0xda;
    let mut rest = bytes.get(2..).unwrap_or_default();
    while let [0xff, marker, after @ ..] = rest {
        rest = match *marker {
            END => return true,
            // padding, and markers without a length
            0xff => &rest[1..],
            0x01 | 0xd0..=0xd8 => after,
            marker => {
                let [high, low, ..] = after else {
                    return false;
                };
                let length = usize::from(u16::from_be_bytes([*high, *low]));
                let behind = after.get(length..).unwrap_or_default();
                match marker {
                    SCAN => behind_scan(behind),
                    _ => behind,
                }
            }
        };
    }
    false
}

/// What follows a scan's data: the first marker that is neither a stuffed byte nor a restart.
fn behind_scan(data: &[u8]) -> &[u8] {
    let marker = |pair: &[u8]| pair[0] == 0xff && !matches!(pair[1], 0x00 | 0xd0..=0xd7 | 0xff);
    let at = data.windows(2).position(marker);
    at.map_or(&[], |at| &data[at..])
}
