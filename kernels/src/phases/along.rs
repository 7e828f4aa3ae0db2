//! The derivative of moduli along a direction.

use crate::element::Element;
use crate::vector::{Cell, Kernel, Simd, Vector};

/// d|z| = scale·Re(dz·conj z)/|z|, or 0 where z is.
pub struct Along<'a, T, S: Simd<T>> {
    pub z: &'a [Cell<S::V>],
    pub dz: &'a [Cell<S::V>],
    pub scale: S::V,
    /// From the row on, `stride` from each other.
    pub to: &'a mut [S::V],
    pub stride: usize,
}

impl<T: Element, S: Simd<T>> Kernel for Along<'_, T, S> {
    type Output = ();

    #[inline(always)]
    fn run(self) {
        let to = self.to.iter_mut().step_by(self.stride);
        for ((to, &z), dz) in to.zip(self.z).zip(self.dz) {
            let sign = z.sign::<T>();
            *to = sign.re.mul_add(dz.re, sign.im * dz.im) * self.scale;
        }
    }
}
