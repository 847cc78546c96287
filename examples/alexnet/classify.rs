//! Images and tensors through the network.

use std::collections::BTreeMap;
use std::error::Error;
use std::path::Path;

use image::imageops::FilterType;
use warpsmith::data::{read_safetensors, write_safetensors};
use warpsmith::nn::{Module, Sequential};
use warpsmith::{Device, Tensor};

use crate::{Options, picture};

const SIDE: u32 = 227;
/// Images are scaled to this side before their middle is taken.
const SCALED: u32 = 256;

/// What is made of a pixel's colours, from 0 to 255: `(color - mean) / std` in this order of red, green and blue.
struct Colors {
    order: [usize; 3],
    mean: [f32; 3],
    std: [f32; 3],
}

/// ImageNet's mean and deviation, as torchvision has them for colours from 0 to 1.
const TORCHVISION: Colors = Colors {
    order: [0, 1, 2],
    mean: [255.0 * 0.485, 255.0 * 0.456, 255.0 * 0.406],
    std: [255.0 * 0.229, 255.0 * 0.224, 255.0 * 0.225],
};

/// Caffe's: blue first, and only the mean taken off.
const CAFFE: Colors = Colors {
    order: [2, 1, 0],
    mean: [104.0, 117.0, 123.0],
    std: [1.0; 3],
};

/// Classes that are printed.
const TOP: usize = 5;

/// Runs the tensor `input` of one file through the network and writes `logits` to another.
pub fn tensors(
    model: &mut Sequential,
    input: &Path,
    output: &Path,
    device: &Device,
) -> Result<(), Box<dyn Error>> {
    let tensors = read_safetensors(input, device)?;
    let x = tensors
        .get("input")
        .ok_or_else(|| format!("{}: expected a tensor named input", input.display()))?;
    let logits = model.forward(x)?;
    write_safetensors(output, &BTreeMap::from([("logits".into(), logits)]))?;
    println!("logits: {}", output.display());
    Ok(())
}

/// Prints the likeliest classes of each image, and at the end which files are none.
pub fn images(model: &mut Sequential, options: &Options) -> Result<(), Box<dyn Error>> {
    let names: Vec<String> = match &options.labels {
        Some(file) => std::fs::read_to_string(file)
            .map_err(|e| format!("{}: {e}", file.display()))?
            .lines()
            .map(str::to_owned)
            .collect(),
        None => Vec::new(),
    };
    let colors = if options.caffe() { CAFFE } else { TORCHVISION };
    let mut bad = Vec::new();
    for path in &options.images {
        let pixels = match pixels(path, &colors) {
            Ok(pixels) => pixels,
            Err(error) => {
                eprintln!("{}: {error}", path.display());
                bad.push(path.display().to_string());
                continue;
            }
        };
        let x = Tensor::from_vec(
            pixels,
            &[1, 3, SIDE as usize, SIDE as usize],
            &options.device,
        )?;
        let p = model.forward(&x)?.softmax()?.to_vec()?;
        let mut order: Vec<usize> = (0..p.len()).collect();
        order.sort_by(|&a, &b| p[b].total_cmp(&p[a]));
        println!("{}", path.display());
        for &class in order.iter().take(TOP) {
            let name = names.get(class).map_or("", String::as_str);
            println!("  {:6.3}  {class:4}  {name}", p[class]);
        }
    }
    match bad.is_empty() {
        true => Ok(()),
        false => {
            let (bad, of) = (bad.join(", "), options.images.len());
            Err(format!("not classified, of {of} files: {bad}").into())
        }
    }
}

/// The middle of an image, scaled, normalised, and sorted by colour.
fn pixels(path: &Path, colors: &Colors) -> Result<Vec<f32>, Box<dyn Error>> {
    let image = picture::open(path)?;
    let (width, height) = image.dimensions();
    let shorter = width.min(height);
    // the square in the middle, and of it what is 227 of 256
    let square = image::imageops::crop_imm(
        &image,
        (width - shorter) / 2,
        (height - shorter) / 2,
        shorter,
        shorter,
    );
    let scaled = image::imageops::resize(&square.to_image(), SCALED, SCALED, FilterType::Triangle);
    let margin = (SCALED - SIDE) / 2;
    let middle = image::imageops::crop_imm(&scaled, margin, margin, SIDE, SIDE).to_image();
    let mut planes = Vec::with_capacity((3 * SIDE * SIDE) as usize);
    let plane = colors.order.iter().zip(&colors.mean).zip(&colors.std);
    for ((&color, &mean), &std) in plane {
        let value = |p: &image::Rgb<u8>| (f32::from(p[color]) - mean) / std;
        planes.extend(middle.pixels().map(value));
    }
    Ok(planes)
}
