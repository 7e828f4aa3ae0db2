//! Inner loops over slices: everything the hot path does between two Fourier transforms.
//!
//! The seam where vector code goes: whoever writes a faster twin of these functions speeds up the whole library, and
//! the tests beside [`scalar`] are the battery it has to pass.

pub(crate) mod scalar;
