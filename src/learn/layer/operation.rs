//! [`with_back`]: a value that was computed elsewhere, with a way back of its own in burn's graph.
//!
//! ```text
//! inputs, numbers ─▶ value        on the way back:  ∂/∂value ─▶ Back ─▶ ∂/∂inputs, ∂/∂numbers, each only if it is asked for
//! ```
//!
//! One node of the graph, whatever the value took to compute. Backends that a value can be on: `Flex`, also under autodiff.

use std::sync::Arc;

use burn::backend::autodiff::checkpoint::base::Checkpointer;
use burn::backend::autodiff::checkpoint::strategy::CheckpointStrategy;
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops, OpsKind};
use burn::backend::tensor::FloatTensor;
use burn::backend::{Autodiff, Backend, Dispatch, Flex, TensorMetadata, backend_extension};
use burn::tensor::{Tensor, TensorData, read_sync};
use ndarray::ArrayD;

/// What knows the way back from a value.
pub(super) trait Back: std::fmt::Debug + Send + Sync {
    /// The gradient with respect to the inputs.
    fn inputs(&self, weights: &[f32]) -> ArrayD<f32>;

    /// The gradient with respect to the numbers.
    fn numbers(&self, weights: &[f32]) -> ArrayD<f32>;
}

/// The value as a function of inputs and numbers, on whose device it lives.
pub(super) fn with_back<const D: usize, const N: usize>(
    inputs: Tensor<D>,
    numbers: Tensor<N>,
    value: ArrayD<f32>,
    back: Arc<dyn Back>,
) -> Tensor<D> {
    let value = Tensor::<D>::from_data(data(value), &inputs.device());
    let [inputs, numbers] = [inputs.into_dispatch(), numbers.into_dispatch()];
    let value = value.into_dispatch();
    Tensor::from_dispatch(Dispatch::attach(inputs, numbers, value, back))
}

fn data(array: ArrayD<f32>) -> TensorData {
    let shape = array.shape().to_vec();
    TensorData::new(array.into_iter().collect::<Vec<f32>>(), shape)
}

#[backend_extension(Flex, Autodiff)]
pub(super) trait Attach: Backend {
    fn attach(
        inputs: FloatTensor<Self>,
        numbers: FloatTensor<Self>,
        value: FloatTensor<Self>,
        back: Arc<dyn Back>,
    ) -> FloatTensor<Self>;
}

impl Attach for Flex {
    fn attach(
        _: FloatTensor<Self>,
        _: FloatTensor<Self>,
        value: FloatTensor<Self>,
        _: Arc<dyn Back>,
    ) -> FloatTensor<Self> {
        value
    }
}

impl<B: Backend, C: CheckpointStrategy> Attach for Autodiff<B, C> {
    fn attach(
        inputs: FloatTensor<Self>,
        numbers: FloatTensor<Self>,
        value: FloatTensor<Self>,
        back: Arc<dyn Back>,
    ) -> FloatTensor<Self> {
        let value = value.into_primitive();
        let prepared = Attached.prepare::<C>([inputs.node(), numbers.node()]);
        match prepared.compute_bound().stateful() {
            OpsKind::Tracked(prepared) => prepared.finish(back, value),
            OpsKind::UnTracked(prepared) => prepared.finish(value),
        }
    }
}

#[derive(Debug)]
struct Attached;

impl<B: Backend> Backward<B, 2> for Attached {
    type State = Arc<dyn Back>;

    fn backward(self, ops: Ops<Self::State, 2>, gradients: &mut Gradients, _: &mut Checkpointer) {
        let weights = gradients.consume::<B>(&ops.node);
        let (device, dtype) = (weights.device(), weights.dtype());
        let [inputs, numbers] = ops.parents;
        // Memory of the processor is always there to be read.
        let weights = read_sync(B::float_into_data(weights))
            .map(|data| {
                data.convert::<f32>()
                    .try_into_vec::<f32>()
                    .unwrap_or_default()
            })
            .unwrap_or_default();
        let tensor = |array| B::float_from_data(data(array).convert_dtype(dtype), &device);
        if let Some(node) = inputs {
            gradients.register::<B>(node.id, tensor(ops.state.inputs(&weights)));
        }
        if let Some(node) = numbers {
            gradients.register::<B>(node.id, tensor(ops.state.numbers(&weights)));
        }
    }
}
