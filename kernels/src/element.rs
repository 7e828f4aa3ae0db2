//! [`Element`]: what a number must be to stand in a lane.

use std::fmt::{Debug, Display};
use std::iter::Sum;

use bytemuck::Zeroable;
use num_traits::{Float, NumAssign};

/// A number that kernels compute with: `f32` or `f64`, with the arithmetic of both and nothing of what they are for. Their
/// memory may be zeros as they come from the system.
pub trait Element:
    Float + NumAssign + Sum + Zeroable + Debug + Display + Default + Send + Sync + 'static
{
}

impl Element for f32 {}
impl Element for f64 {}
