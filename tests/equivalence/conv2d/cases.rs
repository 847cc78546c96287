//! The convolutions that every kernel runs.

use warpsmith::ops::{Activation, Conv2dOptions};

/// A convolution and why it is tried.
pub struct Case {
    pub name: &'static str,
    pub input: [usize; 4],
    /// Output channels and the kernel's sides.
    pub weight: [usize; 3],
    pub bias: bool,
    pub options: Conv2dOptions,
}

impl Case {
    pub fn weight(&self) -> [usize; 4] {
        let [outputs, kh, kw] = self.weight;
        [outputs, self.input[1] / self.options.groups, kh, kw]
    }

    pub fn output(&self) -> [usize; 4] {
        let o = &self.options;
        let side = |d: usize| {
            let padded = self.input[2 + d] + o.padding[d] + o.padding_end[d];
            (padded - o.dilation[d] * (self.weight[1 + d] - 1) - 1) / o.stride[d] + 1
        };
        [self.input[0], self.weight[0], side(0), side(1)]
    }

    /// Terms of an output, of an input's gradient and of a weight's.
    pub fn terms(&self) -> [usize; 3] {
        let [_, inputs, kh, kw] = self.weight();
        let [n, outputs, oh, ow] = self.output();
        [
            inputs * kh * kw,
            outputs / self.options.groups * kh * kw,
            n * oh * ow,
        ]
    }
}

/// Small, because the device may be emulated; each kernel runs all of them. One after the other they have each activation.
pub fn cases() -> Vec<Case> {
    let plain = Conv2dOptions::default();
    let case = |name, input, weight, bias, options| Case {
        name,
        input,
        weight,
        bias,
        options,
    };
    let mut cases = vec![
        case("empty", [0, 2, 3, 3], [4, 2, 2], true, plain),
        case("one", [1, 1, 1, 1], [1, 1, 1], false, plain),
        // tiles that end inside, planes that are no multiple of four
        case("lenet", [3, 6, 14, 14], [16, 5, 5], true, plain),
        case(
            "strided",
            [1, 3, 31, 27],
            [9, 11, 7],
            true,
            plain.stride([4, 3]).padding([2, 1]),
        ),
        case(
            "same",
            [2, 5, 12, 10],
            [7, 3, 3],
            false,
            plain.padding([1, 1]),
        ),
        case(
            "groups",
            [2, 6, 9, 8],
            [8, 3, 2],
            true,
            plain.groups(2).padding([1, 0]),
        ),
        case(
            "depthwise",
            [1, 5, 7, 7],
            [10, 3, 3],
            true,
            plain.groups(5).stride([2, 2]),
        ),
        case(
            "dilated",
            [1, 3, 13, 11],
            [4, 3, 2],
            false,
            plain.dilation([2, 5]).stride([1, 2]),
        ),
        case("point", [2, 9, 6, 8], [5, 1, 1], true, plain),
        case(
            "unequal_padding",
            [1, 2, 6, 5],
            [3, 4, 2],
            true,
            Conv2dOptions {
                padding: [2, 0],
                padding_end: [1, 3],
                ..plain.stride([3, 2])
            },
        ),
        // more zeros around than windows reach over
        case(
            "far_padding",
            [1, 2, 4, 5],
            [9, 2, 2],
            false,
            plain.padding([3, 0]),
        ),
        // more terms than stages are in flight, and more rows than a tile
        case(
            "many_channels",
            [1, 40, 5, 6],
            [70, 3, 3],
            true,
            plain.padding([1, 1]),
        ),
        // more rows than a tile of 128
        case("many_outputs", [1, 6, 5, 4], [131, 2, 2], true, plain),
        // groups of more than one chunk of 16 bytes, the last one partial
        case(
            "groups_in_chunks",
            [2, 22, 7, 6],
            [24, 3, 3],
            true,
            plain.groups(2).stride([2, 1]).padding([1, 1]),
        ),
        // the window of the input's gradient begins inside the output
        case(
            "padding_past_the_window",
            [1, 3, 4, 5],
            [2, 2, 2],
            false,
            plain.padding([3, 2]),
        ),
        case(
            "long_window",
            [1, 9, 39, 7],
            [3, 35, 3],
            true,
            plain.padding([1, 0]),
        ),
        // sums over places in more than one part
        case(
            "parts",
            [3, 3, 20, 19],
            [5, 3, 3],
            false,
            plain.padding([1, 1]),
        ),
        // more columns than a tile, the last tile partial
        case(
            "many_places",
            [2, 1, 13, 14],
            [2, 3, 3],
            false,
            plain.padding([1, 1]),
        ),
        // neighbours that share 16 bytes: two, from an odd place in the padding to an odd width, of groups as well
        case(
            "neighbours",
            [2, 3, 15, 13],
            [9, 5, 5],
            true,
            plain.stride([3, 2]).padding([2, 3]),
        ),
        case(
            "neighbours_in_groups",
            [2, 4, 7, 11],
            [6, 3, 4],
            false,
            Conv2dOptions {
                padding_end: [0, 2],
                ..plain.groups(2).stride([1, 6]).padding([1, 1])
            },
        ),
        // four or eight of them, windows that end inside a chunk
        case(
            "many_neighbours",
            [3, 1, 9, 27],
            [5, 3, 7],
            true,
            plain.stride([2, 8]).padding([0, 5]),
        ),
        // windows that reach past the last neighbours
        case(
            "neighbours_apart",
            [1, 2, 6, 9],
            [3, 2, 2],
            true,
            plain.stride([2, 4]).dilation([2, 1]),
        ),
    ];
    const ACTIVATIONS: [Activation; 4] = [
        Activation::None,
        Activation::Relu,
        Activation::Sigmoid,
        Activation::Tanh,
    ];
    for (case, activation) in cases.iter_mut().zip(ACTIVATIONS.iter().cycle()) {
        case.options.activation = *activation;
    }
    cases
}
