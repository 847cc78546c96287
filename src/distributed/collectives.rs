//! What ranks do together on tensors.

use super::communicator::Communicator;
use crate::checks::{expect_shape, same_device};
use crate::element::Element;
use crate::error::{Error, Result};
use crate::runtime::nccl::{Call, Overlap, ReduceOp};
use crate::tensor::Tensor;

impl Communicator {
    /// Every element becomes `op` of all ranks' (`torch.distributed.all_reduce`). Of `bool`, `Sum` is whether any is true,
    /// as in PyTorch, and `Prod` whether all are.
    ///
    /// # Errors
    /// A tensor of another device, a mean of `bool`, or a rank that has failed.
    pub fn all_reduce<T: Element>(&self, tensor: &mut Tensor<T>, op: ReduceOp) -> Result<()> {
        let call = Call::AllReduce(for_type::<T>("all_reduce", op)?);
        self.in_place(call, tensor, None)
    }

    /// [`Communicator::all_reduce`] on a stream beside the device's.
    pub(super) fn all_reduce_beside(
        &self,
        tensor: &mut Tensor<f32>,
        op: ReduceOp,
        overlap: &mut Overlap,
    ) -> Result<()> {
        self.in_place(Call::AllReduce(op), tensor, Some(overlap))
    }

    /// Every element of rank `dst`'s tensor becomes `op` of all ranks' (`torch.distributed.reduce`); the others' stay as they
    /// are.
    ///
    /// # Errors
    /// A tensor of another device, a rank that there is not, a mean of `bool`, or a rank that has failed.
    pub fn reduce<T: Element>(
        &self,
        tensor: &mut Tensor<T>,
        dst: usize,
        op: ReduceOp,
    ) -> Result<()> {
        self.a_rank("reduce", dst)?;
        let call = Call::Reduce(for_type::<T>("reduce", op)?, dst);
        self.in_place(call, tensor, None)
    }

    /// [`Communicator::reduce`] on a stream beside the device's.
    pub(super) fn reduce_beside(
        &self,
        tensor: &mut Tensor<f32>,
        dst: usize,
        op: ReduceOp,
        overlap: &mut Overlap,
    ) -> Result<()> {
        self.in_place(Call::Reduce(op, dst), tensor, Some(overlap))
    }

    /// Every element becomes that of rank `src` (`torch.distributed.broadcast`).
    ///
    /// # Errors
    /// A tensor of another device, a rank that there is not, or one that has failed.
    pub fn broadcast<T: Element>(&self, tensor: &mut Tensor<T>, src: usize) -> Result<()> {
        self.a_rank("broadcast", src)?;
        self.in_place(Call::Broadcast(src), tensor, None)
    }

    /// `op` of all ranks' tensors, of which each rank gets a part along dimension 0
    /// (`torch.distributed.reduce_scatter_tensor`): from (n w, ...) on w ranks, (n, ...) each.
    ///
    /// # Errors
    /// A dimension 0 that the ranks do not divide, a tensor of another device, a mean of `bool`, or a rank that has failed.
    pub fn reduce_scatter<T: Element>(&self, input: &Tensor<T>, op: ReduceOp) -> Result<Tensor<T>> {
        let mut shape = input.shape().to_vec();
        let w = self.world_size();
        match shape.first_mut() {
            Some(n) if *n % w == 0 => *n /= w,
            _ => {
                let expected = format!("a dimension 0 that {w} ranks divide");
                let got = format!("{:?}", input.shape());
                return Err(Error::shape("reduce_scatter", expected, got));
            }
        }
        let mut output = Tensor::empty(&shape, input.device())?;
        self.reduce_scatter_out(input, op, &mut output)?;
        Ok(output)
    }

    /// [`Communicator::reduce_scatter`] into a tensor made beforehand.
    ///
    /// # Errors
    /// Those of [`Communicator::reduce_scatter`], or an output of another shape.
    pub fn reduce_scatter_out<T: Element>(
        &self,
        input: &Tensor<T>,
        op: ReduceOp,
        output: &mut Tensor<T>,
    ) -> Result<()> {
        const OP: &str = "reduce_scatter";
        let op = for_type::<T>(OP, op)?;
        expect_shape(OP, &self.all_of(OP, output.shape())?, input.shape())?;
        self.between(Call::ReduceScatter(op), input, output, output.numel())
    }

    /// All ranks' tensors, one behind the other along dimension 0 (`torch.distributed.all_gather_into_tensor`): from
    /// (n, ...) on w ranks, (n w, ...).
    ///
    /// # Errors
    /// A tensor without dimensions or of another device, or a rank that has failed.
    pub fn all_gather<T: Element>(&self, input: &Tensor<T>) -> Result<Tensor<T>> {
        let shape = self.all_of("all_gather", input.shape())?;
        let mut output = Tensor::empty(&shape, input.device())?;
        self.all_gather_out(input, &mut output)?;
        Ok(output)
    }

    /// [`Communicator::all_gather`] into a tensor made beforehand.
    ///
    /// # Errors
    /// Those of [`Communicator::all_gather`], or an output of another shape.
    pub fn all_gather_out<T: Element>(
        &self,
        input: &Tensor<T>,
        output: &mut Tensor<T>,
    ) -> Result<()> {
        const OP: &str = "all_gather";
        expect_shape(OP, &self.all_of(OP, input.shape())?, output.shape())?;
        self.between(Call::AllGather, input, output, input.numel())
    }

    /// Gives the elements to rank `dst`, which receives them (`torch.distributed.send`). Two ranks that send to each other
    /// do so in a [`group`](super::group), with their receives.
    ///
    /// # Errors
    /// A tensor of another device, a rank that there is not or that is this one, or one that has failed.
    pub fn send<T: Element>(&self, tensor: &Tensor<T>, dst: usize) -> Result<()> {
        self.another_rank("send", dst)?;
        same_device("send", &[self.device(), tensor.device()])?;
        let Some(memory) = tensor.memory().filter(|_| tensor.numel() > 0) else {
            return Ok(());
        };
        let memory = (memory.alias(), memory);
        self.rank
            .call(Call::Send(dst), memory, tensor.numel(), None)
    }

    /// Overwrites every element with those that rank `src` sends (`torch.distributed.recv`).
    ///
    /// # Errors
    /// A tensor of another device, a rank that there is not or that is this one, or one that has failed.
    pub fn recv<T: Element>(&self, tensor: &mut Tensor<T>, src: usize) -> Result<()> {
        self.another_rank("recv", src)?;
        self.in_place(Call::Recv(src), tensor, None)
    }

    fn in_place<T: Element>(
        &self,
        call: Call,
        tensor: &mut Tensor<T>,
        overlap: Option<&mut Overlap>,
    ) -> Result<()> {
        same_device(call.name(), &[self.device(), tensor.device()])?;
        let count = tensor.numel();
        if count == 0 {
            return Ok(());
        }
        match tensor.memory_update()? {
            Some(memory) => {
                let memory = (memory.alias(), memory);
                self.rank.call(call, memory, count, overlap)
            }
            None => Ok(()),
        }
    }

    fn between<T: Element>(
        &self,
        call: Call,
        input: &Tensor<T>,
        output: &mut Tensor<T>,
        count: usize,
    ) -> Result<()> {
        let devices = [self.device(), input.device(), output.device()];
        same_device(call.name(), &devices)?;
        if count == 0 {
            return Ok(());
        }
        match input.memory().zip(output.memory_update()?) {
            Some(memory) => self.rank.call(call, memory, count, None),
            None => Ok(()),
        }
    }

    /// The shape of all ranks' tensors together.
    fn all_of(&self, op: &'static str, shape: &[usize]) -> Result<Vec<usize>> {
        let mut all = shape.to_vec();
        let dims = || Error::shape(op, "a tensor with a dimension 0", format!("{shape:?}"));
        *all.first_mut().ok_or_else(dims)? *= self.world_size();
        Ok(all)
    }

    fn another_rank(&self, op: &'static str, rank: usize) -> Result<()> {
        self.a_rank(op, rank)?;
        match rank != self.rank() {
            true => Ok(()),
            false => Err(Error::argument(op, "another rank", rank)),
        }
    }
}

/// What NCCL is asked for: a `bool` is a byte there, of 0 or 1.
fn for_type<T: Element>(call: &'static str, op: ReduceOp) -> Result<ReduceOp> {
    match op {
        ReduceOp::Sum if T::NAME == bool::NAME => Ok(ReduceOp::Max),
        ReduceOp::Avg if T::NAME == bool::NAME => {
            Err(Error::argument(call, "an op that bool has", "Avg"))
        }
        op => Ok(op),
    }
}
