//! The derivative of a step along a direction, on a [`Plane`].

use super::{BAND, LineBuffers, Plane, PlaneBuffers, Rows};
use crate::kernels::pass::{Emit, Gather, Passes};
use crate::kernels::phases::along::Along;
use crate::kernels::vector::{Cell, zero};
use crate::num::Real;

impl<T: Real, S: Passes<T>> Plane<T, S> {
    /// [`rows`](Self::rows), of the derivative of moduli: from what the first stage left of the spectrum, in `there`, and of its
    /// derivative.
    #[allow(clippy::too_many_arguments)] // a stage of two at once
    pub fn rows_along<W: Send + AsMut<LineBuffers<S::V>>>(
        &self,
        scale: T,
        observer: &impl Rows<S::V>,
        goes_on: bool,
        there: &PlaneBuffers<S::V>,
        buffers: &mut PlaneBuffers<S::V>,
        workers: &mut [W],
    ) {
        let n1 = self.grid.shape[1];
        let derivative =
            |bands: &[Cell<S::V>], y: usize, tile: &mut [Cell<S::V>], u: &mut [S::V]| {
                let [z, dz] = [&there.bands, bands].map(|bands| {
                    let mut cells = vec![zero(self.simd); n1];
                    let emit = Emit::Cells {
                        to: &mut cells,
                        stride: 1,
                    };
                    let row = Gather::new(&bands[y * BAND..], &self.row);
                    self.lines[1].run_gathered(row, tile, emit);
                    cells
                });
                self.simd.run(Along::<T, S> {
                    z: &z,
                    dz: &dz,
                    scale: self.simd.splat(scale),
                    to: &mut u[..n1],
                    stride: 1,
                });
            };
        self.rows_of(derivative, observer, goes_on, buffers, workers);
    }
}
