//! Tensors as text, as PyTorch prints them: columns aligned, long ones abridged, the device and the type behind where they are
//! not the CPU and the usual ones.

use std::fmt;
use std::ops::Range;

use super::Tensor;
use crate::device::Device;
use crate::element::Element;

/// More elements are abridged to so many at either end of each dimension.
const THRESHOLD: usize = 1000;
const EDGE: usize = 3;
/// Characters of a line, and digits behind the point.
const WIDTH: usize = 80;
const PRECISION: usize = 4;

const OPENING: &str = "tensor(";

/// How the elements of a tensor are written, all in one way.
enum Style {
    Whole,
    Point,
    Scientific,
    Integer,
    Truth,
}

impl Style {
    /// PyTorch's choice: whole numbers with a bare point; powers of ten where magnitudes are far apart or far from 1.
    fn of<T: Element>(values: &[f32]) -> Self {
        match T::NAME {
            "bool" => return Self::Truth,
            _ if T::IS_INTEGER => return Self::Integer,
            _ => {}
        }
        let magnitudes = values.iter().map(|v| f64::from(v.abs()));
        let magnitudes = magnitudes.filter(|v| *v > 0.0 && v.is_finite());
        let (low, high) = magnitudes.fold((f64::INFINITY, 0.0_f64), |(low, high), v| {
            (low.min(v), high.max(v))
        });
        let whole = values
            .iter()
            .filter(|v| v.is_finite())
            .all(|v| v.fract() == 0.0);
        let apart = high > 0.0 && (high / low > 1000.0 || high > 1e8);
        match (whole, apart || low < 1e-4) {
            (true, _) if !apart => Self::Whole,
            (false, false) => Self::Point,
            _ => Self::Scientific,
        }
    }

    fn write(&self, value: f32, integer: i64) -> String {
        let special = !value.is_finite();
        match self {
            Self::Truth => if integer == 0 { "False" } else { "True" }.into(),
            Self::Integer => integer.to_string(),
            _ if value.is_nan() => "nan".into(),
            _ if special => if value < 0.0 { "-inf" } else { "inf" }.into(),
            Self::Whole => format!("{value:.0}."),
            Self::Point => format!("{value:.PRECISION$}"),
            Self::Scientific => {
                // Rust writes 1.5e3 where PyTorch has 1.5000e+03
                let text = format!("{value:.PRECISION$e}");
                let (digits, exponent) = text.split_once('e').unwrap_or((&text, "0"));
                let (sign, power) = match exponent.strip_prefix('-') {
                    Some(power) => ('-', power),
                    None => ('+', exponent),
                };
                format!("{digits}e{sign}{power:0>2}")
            }
        }
    }
}

/// Whether the middle of a dimension is left out.
fn is_abridged(size: usize, abridged: bool) -> bool {
    abridged && size > 2 * EDGE
}

/// The places of a dimension that are shown.
fn places(size: usize, abridged: bool) -> impl Iterator<Item = usize> {
    let edge = if is_abridged(size, abridged) {
        EDGE
    } else {
        size
    };
    (0..edge).chain(size.max(2 * edge) - edge..size)
}

struct Text<'a> {
    shape: &'a [usize],
    words: Vec<String>,
    width: usize,
    abridged: bool,
}

impl Text<'_> {
    /// The dimensions from `d` on, with the shown elements in `words` from `at` on, of which it takes its own.
    fn write(&self, f: &mut fmt::Formatter<'_>, d: usize, at: &mut usize) -> fmt::Result {
        let Some(&size) = self.shape.get(d) else {
            let word = &self.words[*at];
            *at += 1;
            return write!(f, "{word:>width$}", width = self.width);
        };
        let indent = OPENING.len() + d + 1;
        let last = d + 1 == self.shape.len();
        let per_line = match last {
            true => (WIDTH.saturating_sub(indent) / (self.width + 2)).max(1),
            false => 1,
        };
        let blank = self.shape.len() - d - 1;
        let gap = is_abridged(size, self.abridged).then_some(EDGE);
        let items = places(size, self.abridged).count() + usize::from(gap.is_some());
        f.write_str("[")?;
        for i in 0..items {
            match (i, i % per_line) {
                (0, _) => {}
                (_, 0) => write!(f, ",{}{:indent$}", "\n".repeat(blank.max(1)), "")?,
                _ => f.write_str(", ")?,
            }
            match gap == Some(i) {
                true => f.write_str(if last { " ..." } else { "..." })?,
                false => self.write(f, d + 1, at)?,
            }
        }
        f.write_str("]")
    }
}

/// All shown elements in order, as runs of neighbours: of a large tensor no more is copied.
fn runs(shape: &[usize], abridged: bool) -> Vec<Range<usize>> {
    if shape.contains(&0) {
        return Vec::new();
    }
    let mut all = vec![0];
    for &size in shape {
        all = all
            .iter()
            .flat_map(|at| places(size, abridged).map(move |place| at * size + place))
            .collect();
    }
    let neighbours = all.chunk_by(|a, b| a + 1 == *b);
    neighbours.map(|run| run[0]..run[0] + run.len()).collect()
}

impl<T: Element> fmt::Display for Tensor<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let abridged = self.numel() > THRESHOLD;
        let elements = match self.runs_to_vec(&runs(&self.shape, abridged)) {
            Ok(elements) => elements,
            // formatting has no other word for it
            Err(error) => return write!(f, "{OPENING}<{error}>)"),
        };
        let (mut floats, mut integers) = (vec![0.0; elements.len()], vec![0; elements.len()]);
        T::block_to_f32(&elements, &mut floats);
        if T::IS_INTEGER {
            T::block_to_i64(&elements, &mut integers);
        }
        let style = Style::of::<T>(&floats);
        let words = floats.iter().zip(&integers);
        let words: Vec<String> = words.map(|(v, i)| style.write(*v, *i)).collect();
        let width = words.iter().map(String::len).max().unwrap_or(0);
        f.write_str(OPENING)?;
        match elements.is_empty() {
            true => f.write_str("[]")?,
            false => {
                let shape = &self.shape;
                let text = Text {
                    shape,
                    words,
                    width,
                    abridged,
                };
                text.write(f, 0, &mut 0)?;
            }
        }
        if elements.is_empty() && self.shape.len() > 1 {
            write!(f, ", size={:?}", self.shape)?;
        }
        if let Device::Cuda(_) = self.device {
            write!(f, ", device='{}'", self.device)?;
        }
        match T::NAME {
            "f32" | "i64" | "bool" => {}
            "f16" => f.write_str(", dtype=torch.float16")?,
            "bf16" => f.write_str(", dtype=torch.bfloat16")?,
            "i32" => f.write_str(", dtype=torch.int32")?,
            _ => f.write_str(", dtype=torch.uint8")?,
        }
        f.write_str(")")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_more_is_read_than_is_shown() {
        assert_eq!(runs(&[1 << 40], true), [0..3, (1 << 40) - 3..1 << 40]);
        let lone = |range: Range<usize>| vec![range];
        assert_eq!(runs(&[2, 300], false), lone(0..600));
        assert_eq!(runs(&[2, 1000], true), [0..3, 997..1003, 1997..2000]);
        assert_eq!(runs(&[], false), lone(0..1));
        assert_eq!(runs(&[0, 5], false), []);
        // of a thousand matrices six corners' worth
        let cube: usize = runs(&[1000; 3], true).iter().map(Range::len).sum();
        assert_eq!(cube, 216);
    }
}
