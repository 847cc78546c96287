//! Shape plus contiguous row-major storage on a device. `making` fills it, `display` prints it, `storage` says who may share and write it, `equality` which are the
//! same.

mod display;
mod equality;
mod making;
mod storage;

pub use making::Nested;
pub(crate) use storage::{Data, DataMut, Version};

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use crate::checks::{check_len, expect_shape};
use crate::cpu::{self, Buffer};
use crate::device::Device;
use crate::element::Element;
use crate::error::{Error, Result, numel};
use crate::runtime::report;
use crate::runtime::transfer::{to_device, to_host};
use crate::runtime::turn::{turn, turn_outside};
use storage::Storage;

/// An n-dimensional array, contiguous and row-major, on one device.
///
/// A clone shares the storage until one of the two is written to; what looks like a value behaves like one.
///
/// ```
/// use warpsmith::{Device, Tensor};
///
/// let x = Tensor::from_slice(&[-1.0_f32, 0.0, 2.0, 3.0], &[2, 2], &Device::best())?;
/// assert_eq!(x.relu()?.to_vec()?, [0.0, 0.0, 2.0, 3.0]);
/// # Ok::<(), warpsmith::Error>(())
/// ```
#[derive(Clone)]
pub struct Tensor<T: Element> {
    shape: Vec<usize>,
    device: Device,
    storage: Arc<Storage<T>>,
    version: Version,
}

impl<T: Element> Tensor<T> {
    /// A tensor with these elements in row-major order.
    ///
    /// # Errors
    /// Where the shape does not hold exactly that many elements, or the device's memory is full.
    pub fn from_slice(data: &[T], shape: &[usize], device: &Device) -> Result<Self> {
        check_len(data.len(), shape)?;
        let mut tensor = Self::empty(shape, device)?;
        tensor.copy_from_slice(data)?;
        Ok(tensor)
    }

    /// Like [`Tensor::from_slice`]; on the CPU the vector itself becomes the storage.
    ///
    /// # Errors
    /// Where the shape does not hold exactly that many elements, or the device's memory is full.
    pub fn from_vec(data: Vec<T>, shape: &[usize], device: &Device) -> Result<Self> {
        match device {
            Device::Cpu => {
                check_len(data.len(), shape)?;
                let storage = Arc::new(Storage::Cpu(Buffer::from_vec(data)));
                Ok(Self {
                    shape: shape.to_vec(),
                    device: Device::Cpu,
                    storage,
                    version: Version::next(),
                })
            }
            Device::Cuda(_) => Self::from_slice(&data, shape, device),
        }
    }

    /// A tensor of zeros.
    ///
    /// # Errors
    /// Where the shape is too large for memory.
    pub fn zeros(shape: &[usize], device: &Device) -> Result<Self> {
        let mut tensor = Self::empty(shape, device)?;
        match tensor.data_mut()? {
            DataMut::Cpu(y) => cpu::tasks(y, |_, y| y.fill(T::default())),
            DataMut::Cuda(y) => {
                let stream = y.stream().clone();
                let _turn = turn(&stream, "zeros")?;
                stream
                    .memset_zeros(y)
                    .map_err(|e| Error::driver("zeros", e))?;
            }
        }
        Ok(tensor)
    }

    /// A tensor whose elements are whatever the memory held; the caller writes every one.
    pub(crate) fn empty(shape: &[usize], device: &Device) -> Result<Self> {
        let len = numel("tensor", shape)?;
        let storage = match device {
            Device::Cpu => Storage::Cpu(Buffer::stale(len)?),
            Device::Cuda(cuda) => Storage::Cuda(cuda.alloc(len)?),
        };
        Ok(Self {
            shape: shape.to_vec(),
            device: device.clone(),
            storage: Arc::new(storage),
            version: Version::next(),
        })
    }

    /// The size of each dimension.
    pub fn shape(&self) -> &[usize] {
        &self.shape
    }

    /// The number of elements.
    pub fn numel(&self) -> usize {
        self.shape.iter().product()
    }

    /// The device that holds the elements.
    pub fn device(&self) -> &Device {
        &self.device
    }

    /// The same elements under another shape; nothing is copied.
    ///
    /// # Errors
    /// Where the shape holds another number of elements.
    pub fn reshape(&self, shape: &[usize]) -> Result<Self> {
        if numel("reshape", shape)? != self.numel() {
            let expected = format!("a shape of {} elements", self.numel());
            return Err(Error::shape("reshape", expected, format!("{shape:?}")));
        }
        let (device, storage) = (self.device.clone(), self.storage.clone());
        Ok(Self {
            shape: shape.to_vec(),
            device,
            storage,
            version: Version::next(),
        })
    }

    /// A copy on another device, or a clone where it is there already.
    ///
    /// # Errors
    /// Out of memory, or whatever the driver answers.
    pub fn to(&self, device: &Device) -> Result<Self> {
        if *device == self.device {
            return Ok(self.clone());
        }
        match self.data() {
            Data::Cpu(x) => Self::from_slice(x, &self.shape, device),
            Data::Cuda(_) => Self::from_vec(self.to_vec()?, &self.shape, device),
        }
    }

    /// A tensor of its own with the same elements, as no later write to this one changes it. A clone is that too, and for
    /// nothing, but of a tensor that a [`CudaGraph`](crate::CudaGraph) writes.
    ///
    /// # Errors
    /// Out of memory, or whatever the driver answers.
    pub fn copy(&self) -> Result<Self> {
        let mut copy = Self::empty(&self.shape, &self.device)?;
        copy.copy_(self)?;
        Ok(copy)
    }

    /// Every element in row-major order. On a GPU this waits for the work that was queued before.
    ///
    /// # Errors
    /// Whatever the device's earlier work ended with; an index out of range that it came upon ([`Error::Index`]), once.
    pub fn to_vec(&self) -> Result<Vec<T>> {
        let all = 0..self.numel();
        self.runs_to_vec(std::slice::from_ref(&all))
    }

    /// The elements of these runs, one behind the other; [`Tensor::to_vec`] of no more than is asked for.
    fn runs_to_vec(&self, runs: &[Range<usize>]) -> Result<Vec<T>> {
        let mut copied = Vec::with_capacity(runs.iter().map(Range::len).sum());
        let runs = runs.iter().filter(|run| !run.is_empty()).cloned();
        match self.data() {
            Data::Cpu(x) => runs.for_each(|run| copied.extend_from_slice(&x[run])),
            Data::Cuda(_) if self.numel() == 0 => {}
            Data::Cuda(x) => {
                let reason = "the host cannot read what is not computed yet";
                let _turn = turn_outside(x.stream(), "to_vec", reason)?;
                for run in runs {
                    let part = to_host(x.stream(), &x.slice(run));
                    let part = part.map_err(|e| Error::driver("to_vec", e))?;
                    // the whole is not copied again
                    match copied.is_empty() {
                        true => copied = part,
                        false => copied.extend(part),
                    }
                }
                report::check(x.stream())?;
            }
        }
        Ok(copied)
    }

    /// The one element of a tensor that has just one.
    ///
    /// # Errors
    /// Where there are more or none.
    pub fn item(&self) -> Result<T> {
        match self.numel() {
            1 => Ok(self.to_vec()?[0]),
            n => Err(Error::shape(
                "item",
                "a tensor of one element",
                format!("{n} elements"),
            )),
        }
    }

    /// Overwrites every element. On a GPU this waits for the work that was queued before.
    ///
    /// # Errors
    /// Where the length is another.
    pub fn copy_from_slice(&mut self, data: &[T]) -> Result<()> {
        check_len(data.len(), &self.shape)?;
        match self.data_mut()? {
            DataMut::Cpu(y) => cpu::copy(data, y),
            DataMut::Cuda(_) if data.is_empty() => {}
            DataMut::Cuda(y) => {
                let stream = y.stream().clone();
                let reason = "every replay would read the host's memory again";
                let _turn = turn_outside(&stream, "copy_from_slice", reason)?;
                to_device(&stream, data, y).map_err(|e| Error::driver("copy_from_slice", e))?;
            }
        }
        Ok(())
    }

    /// Overwrites every element with those of `source`, from whatever device (`torch.Tensor.copy_`).
    ///
    /// # Errors
    /// Where the shapes differ, or whatever the driver answers.
    pub fn copy_(&mut self, source: &Self) -> Result<()> {
        expect_shape("copy_", self.shape(), source.shape())?;
        if self.numel() == 0 || self.is_same_memory(source) {
            return Ok(());
        }
        let one_device = self.device == source.device;
        match (source.data(), self.data_mut()?) {
            (Data::Cpu(x), _) => return self.copy_from_slice(x),
            (Data::Cuda(x), DataMut::Cuda(y)) if one_device => {
                let _turn = turn(x.stream(), "copy_")?;
                x.stream()
                    .memcpy_dtod(x, y)
                    .map_err(|e| Error::driver("copy_", e))?;
            }
            (Data::Cuda(_), _) => return self.copy_from_slice(&source.to_vec()?),
        }
        Ok(())
    }

    /// A tensor of what `f` answers, element after element.
    pub(crate) fn from_fn(shape: &[usize], device: &Device, f: impl FnMut() -> T) -> Result<Self> {
        let mut host = Self::empty(shape, &Device::Cpu)?;
        if let DataMut::Cpu(y) = host.data_mut()? {
            y.fill_with(f);
        }
        host.to(device)
    }

    /// Becomes `new`, of the same shape and device: by its elements where a graph has this tensor's memory.
    pub(crate) fn replace(&mut self, new: Self) -> Result<()> {
        if self.is_pinned() {
            return self.copy_(&new);
        }
        *self = new;
        Ok(())
    }
}

impl<T: Element> fmt::Debug for Tensor<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Tensor<{}> {:?} on {}", T::NAME, self.shape, self.device)
    }
}
