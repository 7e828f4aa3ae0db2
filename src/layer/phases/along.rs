//! The derivative of moduli along a direction.

use super::{Frequencies, Passband, PhaseBuffers, Phases};
use crate::kernels::pass::{Emit, Passes};
use crate::kernels::phases::along::Along;
use crate::kernels::vector::zero;
use crate::num::Real;

impl<T: Real, S: Passes<T>> Phases<T, S> {
    /// The derivative of [`moduli`](Self::moduli) of a spectrum along another one: scale·Re(dz·conj z)/|z|, in natural order.
    pub fn moduli_along(
        &self,
        band: &Passband<T, S::V>,
        spectra: [&Frequencies<T>; 2],
        scale: T,
        buffers: &mut PhaseBuffers<T, S::V>,
        u: &mut [S::V],
    ) {
        let [a, b] = self.sides();
        let [pitch, _] = self.pitches();
        // A modulus does not see how z was turned, nor does this, where dz was turned with it.
        let [z, dz] = spectra.map(|from| {
            self.rows(band, from, buffers);
            let mut cells = vec![zero(self.simd); a * b];
            for (row, to) in cells.chunks_mut(b).enumerate() {
                let tile = &mut buffers.rows[row * pitch..][..b];
                self.lines[1].run(tile, Emit::Cells { to, stride: 1 });
            }
            cells
        });
        for (row, (z, dz)) in z.chunks(b).zip(dz.chunks(b)).enumerate() {
            self.simd.run(Along::<T, S> {
                z,
                dz,
                scale: self.simd.splat(scale),
                to: &mut u[row..],
                stride: a,
            });
        }
    }
}
