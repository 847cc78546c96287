//! Elements by index, running sums and the k best.

use warpsmith::ops::{cumsum_backward, gather_backward, index_select_backward};
use warpsmith::{Device, Error, Tensor};

use crate::assert_says;

const CPU: &Device = &Device::Cpu;

fn zeros(shape: &[usize]) -> Tensor<f32> {
    Tensor::zeros(shape, CPU).unwrap()
}

fn index(places: &[i64], shape: &[usize]) -> Tensor<i64> {
    Tensor::from_slice(places, shape, CPU).unwrap()
}

#[test]
fn indices_out_of_range() {
    let x = zeros(&[2, 3]);
    for wrong in [3, -1, i64::MIN, i64::MAX] {
        let (list, places) = (index(&[0, wrong], &[2]), index(&[0, wrong], &[1, 2]));
        let said = wrong.to_string();
        let words = |op| [op, "0..3", "dimension 1", &said];
        let selected = x.index_select(-1, &list);
        assert!(matches!(
            selected,
            Err(Error::Index { dim: 1, size: 3, index, .. }) if index == wrong
        ));
        assert_says(selected, &words("index_select"));
        assert_says(x.gather(1, &places), &words("gather"));
        // what is added in place is added whole or not at all
        let mut y = zeros(&[2, 3]);
        let ones = Tensor::ones(&[1, 2], CPU).unwrap();
        assert_says(y.scatter_add_(1, &places, &ones), &words("scatter_add"));
        assert_eq!(y.to_vec().unwrap(), [0.0; 6]);
        assert_says(
            index_select_backward(&zeros(&[2, 2]), &[2, 3], 1, &list),
            &words("index_select_backward"),
        );
        assert_says(
            gather_backward(&ones, &[2, 3], 1, &places),
            &words("gather_backward"),
        );
    }
    // of several the first is told; of a dimension without elements every one is
    assert_says(x.index_select(0, &index(&[9, 8], &[2])), &["got 9"]);
    assert_says(
        zeros(&[0, 3]).index_select(0, &index(&[0], &[1])),
        &["0..0"],
    );
    let empty = zeros(&[0, 3]).index_select(0, &index(&[], &[0]));
    assert_eq!(empty.unwrap().shape(), [0, 3]);
}

#[test]
fn shapes_that_do_not_fit() {
    let x = zeros(&[2, 3]);
    let (list, flat) = (index(&[0, 1], &[2]), index(&[0, 0], &[2, 1]));
    assert_says(x.index_select(2, &list), &["index_select", "2"]);
    assert_says(x.index_select(0, &flat), &["one dimension", "[2, 1]"]);
    assert_says(zeros(&[]).index_select(0, &list), &["index_select"]);
    assert_says(x.gather(0, &list), &["gather", "[2, 3]", "[2]"]);
    let long = index(&[0; 3], &[3, 1]);
    assert_says(x.gather(1, &long), &["gather", "dimension 1", "[3, 1]"]);
    assert_eq!(x.gather(0, &long).unwrap().shape(), [3, 1]);
    assert_says(x.gather(-3, &flat), &["gather", "-3"]);
    let add = |index, src: &[usize]| x.scatter_add(1, index, &zeros(src));
    assert_says(add(&flat, &[1, 1]), &["scatter_add", "[2, 1]", "[1, 1]"]);
    assert_says(add(&flat, &[2]), &["scatter_add", "[2]"]);
    assert_says(add(&long, &[3, 1]), &["scatter_add", "[3, 1]"]);
    assert_says(
        index_select_backward(&zeros(&[2, 3]), &[2, 5], 0, &list),
        &["index_select_backward", "[2, 5]", "[2, 3]"],
    );
    assert_says(
        gather_backward(&zeros(&[2, 2]), &[2, 5], 0, &flat),
        &["gather_backward", "[2, 1]", "[2, 2]"],
    );
}

#[test]
fn running_sums_and_the_best() {
    let x = zeros(&[2, 3]);
    assert_says(x.cumsum(2), &["cumsum", "2"]);
    assert_says(cumsum_backward(&zeros(&[]), 0), &["cumsum_backward", "0"]);
    assert_says(index(&[1], &[1]).cumsum(-2), &["cumsum", "-2"]);
    assert_says(
        x.topk(4, 1, true, true),
        &["topk", "at most 3", "dimension 1", "4"],
    );
    assert_says(x.topk(1, 2, true, true), &["topk", "2"]);
    let (values, places) = x.topk(0, 0, true, true).unwrap();
    assert_eq!((values.shape(), places.shape()), (&[0, 3][..], &[0, 3][..]));
}
