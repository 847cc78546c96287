//! What each ONNX operator that slides windows over planes is here.

use warpsmith::ops::{Conv2dOptions, Window, max_pool2d_with_indices};
use warpsmith::{Result, Tensor};

use crate::onnx::Node;

/// The window that a node's attributes describe, over planes of these sides.
#[allow(clippy::needless_range_loop, reason = "several arrays at one place")]
fn window(node: &Node, kernel: [usize; 2], plane: [usize; 2]) -> Window {
    let pair = |name: &str, at: usize| match node.ints(name)[..] {
        [] => None,
        ref v => Some([v[at] as usize, v[at + 1] as usize]),
    };
    let stride = pair("strides", 0).unwrap_or([1, 1]);
    let window = Window::new(kernel)
        .stride(stride)
        .dilation(pair("dilations", 0).unwrap_or([1, 1]))
        .ceil_mode(node.int("ceil_mode", 0) == 1);
    let mut padding = [0, 2].map(|at| pair("pads", at).unwrap_or([0, 0]));
    let same = node.text("auto_pad");
    if same.starts_with("SAME") {
        // as many outputs as steps fit in the plane; an odd one out goes to the end, or with LOWER to the start
        for d in 0..2 {
            let outputs = plane[d].div_ceil(stride[d]);
            let spanned = (outputs - 1) * stride[d] + kernel[d];
            let all = spanned.saturating_sub(plane[d]);
            let (less, more) = (all / 2, all.div_ceil(2));
            let lower = same == "SAME_LOWER";
            [padding[0][d], padding[1][d]] = if lower { [more, less] } else { [less, more] };
        }
    }
    Window {
        padding: padding[0],
        padding_end: padding[1],
        ..window
    }
}

fn sides(shape: &[usize]) -> [usize; 2] {
    [shape[2], shape[3]]
}

fn pool_window(node: &Node, x: &Tensor<f32>) -> Window {
    let kernel = node.ints("kernel_shape");
    window(
        node,
        [kernel[0] as usize, kernel[1] as usize],
        sides(x.shape()),
    )
}

/// `MaxPool`, with its indices.
pub fn max_pool(node: &Node, x: &Tensor<f32>) -> Result<(Tensor<f32>, Vec<f64>)> {
    let (y, indices) = max_pool2d_with_indices(x, &pool_window(node, x))?;
    let [h, w] = sides(x.shape());
    let per_plane = y.numel() / (x.numel() / (h * w));
    // ONNX counts over the whole tensor, and with storage_order 1 down the columns of a plane
    let place = |(i, &at): (usize, &i32)| {
        let at = at as usize;
        let within = match node.int("storage_order", 0) {
            0 => at,
            _ => at % w * h + at / w,
        };
        (i / per_plane * h * w + within) as f64
    };
    let places = indices.to_vec()?.iter().enumerate().map(place).collect();
    Ok((y, places))
}

/// `AveragePool`.
pub fn average_pool(node: &Node, x: &Tensor<f32>) -> Result<Tensor<f32>> {
    x.avg_pool2d(&pool_window(node, x), node.int("count_include_pad", 0) == 1)
}

/// `Conv`.
pub fn conv(node: &Node, x: &Tensor<f32>, w: &Tensor<f32>) -> Result<Tensor<f32>> {
    let window = window(node, sides(w.shape()), sides(x.shape()));
    let options = Conv2dOptions {
        stride: window.stride,
        padding: window.padding,
        padding_end: window.padding_end,
        dilation: window.dilation,
        groups: node.int("group", 1) as usize,
        ..Conv2dOptions::default()
    };
    x.conv2d(w, None, &options)
}
