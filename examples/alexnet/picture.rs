//! Pictures from files, by what the files hold: a PNG may be called `.JPEG`, as one is in ImageNet.

use std::error::Error;
use std::fs;
use std::io::Cursor;
use std::path::Path;

use image::{DynamicImage, ImageDecoder, ImageFormat, ImageReader, RgbImage};

/// Reads a PNG or a JPEG, the way up that its EXIF data says. Half a file is an error, also where a decoder would fill what
/// is missing with grey.
pub fn open(path: &Path) -> Result<RgbImage, Box<dyn Error>> {
    decoded(&fs::read(path)?)
}

fn decoded(bytes: &[u8]) -> Result<RgbImage, Box<dyn Error>> {
    let reader = ImageReader::new(Cursor::new(bytes)).with_guessed_format()?;
    if reader.format() == Some(ImageFormat::Jpeg) && !is_whole_jpeg(bytes) {
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

#[cfg(test)]
mod tests {
    use image::Rgb;

    use super::*;

    fn encoded(image: &RgbImage, format: ImageFormat) -> Vec<u8> {
        let mut bytes = Cursor::new(Vec::new());
        let image = DynamicImage::ImageRgb8(image.clone());
        image.write_to(&mut bytes, format).unwrap();
        bytes.into_inner()
    }

    /// Two wide, one high: black, then white.
    fn small() -> RgbImage {
        RgbImage::from_fn(2, 1, |x, _| Rgb([x as u8 * 255; 3]))
    }

    /// So large and uneven that its data are much longer than the header.
    fn large() -> RgbImage {
        RgbImage::from_fn(120, 90, |x, y| {
            Rgb([(x * y % 251) as u8, (x * 7) as u8, (y * 5) as u8])
        })
    }

    #[test]
    fn a_png_may_have_any_name() {
        let path = std::env::temp_dir().join(format!("warpsmith-{}.JPEG", std::process::id()));
        fs::write(&path, encoded(&small(), ImageFormat::Png)).unwrap();
        let read = open(&path);
        fs::remove_file(&path).unwrap();
        assert_eq!(read.unwrap(), small());
    }

    /// The segment that says how the camera was held: a TIFF header, one entry, tag 0x0112.
    fn with_orientation(jpeg: &[u8], orientation: u8) -> Vec<u8> {
        let mut exif = b"Exif\0\0MM\0\x2a\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0".to_vec();
        exif.extend([orientation, 0, 0, 0, 0, 0, 0]);
        let length = (exif.len() as u16 + 2).to_be_bytes();
        [&jpeg[..2], &[0xff, 0xe1], &length, &exif, &jpeg[2..]].concat()
    }

    #[test]
    fn the_way_up_is_exifs() {
        // large enough for its blocks to keep the halves apart
        let wide = RgbImage::from_fn(32, 16, |x, _| Rgb([if x < 16 { 0 } else { 255 }; 3]));
        let jpeg = encoded(&wide, ImageFormat::Jpeg);
        let read = |orientation| decoded(&with_orientation(&jpeg, orientation)).unwrap();
        let dark = |image: &RgbImage, x, y| image.get_pixel(x, y)[0] < 64;
        let up = read(1);
        assert!(up.dimensions() == (32, 16) && dark(&up, 2, 2) && !dark(&up, 29, 2));
        let over = read(3);
        assert!(over.dimensions() == (32, 16) && !dark(&over, 2, 2) && dark(&over, 29, 2));
        // a quarter clockwise: what was left is above
        let right = read(6);
        assert!(right.dimensions() == (16, 32) && dark(&right, 2, 2) && !dark(&right, 2, 29));
    }

    #[test]
    fn half_a_file_is_no_picture() {
        for format in [ImageFormat::Jpeg, ImageFormat::Png] {
            let whole = encoded(&large(), format);
            decoded(&whole).unwrap();
            for part in [1, 2, 3] {
                let half = &whole[..whole.len() * part / 4];
                assert!(decoded(half).is_err(), "{part} quarters of {format:?}");
            }
        }
        let whole = encoded(&large(), ImageFormat::Jpeg);
        assert!(
            decoded(&whole[..whole.len() - 2]).is_err(),
            "a JPEG but for its end"
        );
        // a thumbnail has an end of its own
        let thumbnail = encoded(&small(), ImageFormat::Jpeg);
        let length = (thumbnail.len() as u16 + 2).to_be_bytes();
        let with = [&whole[..2], &[0xff, 0xe2], &length, &thumbnail, &whole[2..]].concat();
        decoded(&with).unwrap();
        assert!(decoded(&with[..with.len() / 2]).is_err());
        // what cameras write behind the end is nothing to us
        decoded(&[whole, vec![0; 9]].concat()).unwrap();
    }

    #[test]
    fn what_is_no_picture() {
        assert!(decoded(b"no picture at all").is_err());
    }
}
