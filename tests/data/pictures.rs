//! What the AlexNet example takes for a picture.

#[path = "../../examples/alexnet/picture.rs"]
mod picture;

use std::io::Cursor;
use std::path::PathBuf;

use image::{DynamicImage, ImageFormat, Rgb, RgbImage};
use tempfile::{TempDir, tempdir};

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

fn named(name: &str, bytes: &[u8]) -> (TempDir, PathBuf) {
    let dir = tempdir().unwrap();
    let path = dir.path().join(name);
    std::fs::write(&path, bytes).unwrap();
    (dir, path)
}

#[test]
fn a_png_may_have_any_name() {
    for name in ["n02105855_2933.JPEG", "picture", "picture.png"] {
        let (_dir, path) = named(name, &encoded(&small(), ImageFormat::Png));
        assert_eq!(picture::open(&path).unwrap(), small(), "{name}");
    }
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
    let read = |orientation| {
        let (_dir, path) = named("held.jpg", &with_orientation(&jpeg, orientation));
        picture::open(&path).unwrap()
    };
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
        let (_dir, path) = named("whole", &whole);
        picture::open(&path).unwrap();
        for part in [1, 2, 3] {
            let (_dir, path) = named("half", &whole[..whole.len() * part / 4]);
            assert!(
                picture::open(&path).is_err(),
                "{part} quarters of {format:?}"
            );
        }
        let (_dir, path) = named("short", &whole[..whole.len() - 2]);
        assert!(picture::open(&path).is_err(), "{format:?} but for its end");
    }
    // a thumbnail has an end of its own
    let thumbnail = encoded(&small(), ImageFormat::Jpeg);
    let length = (thumbnail.len() as u16 + 2).to_be_bytes();
    let whole = encoded(&large(), ImageFormat::Jpeg);
    let with = [&whole[..2], &[0xff, 0xe2], &length, &thumbnail, &whole[2..]].concat();
    let (_dir, path) = named("thumbnail", &with);
    picture::open(&path).unwrap();
    let (_dir, path) = named("thumbnail", &with[..with.len() / 2]);
    assert!(picture::open(&path).is_err());
    // what cameras write behind the end is nothing to us
    let (_dir, path) = named("more", &[whole, vec![0; 9]].concat());
    picture::open(&path).unwrap();
}

#[test]
fn what_is_no_picture() {
    let (_dir, path) = named("text.png", b"no picture at all");
    assert!(picture::open(&path).is_err());
}
