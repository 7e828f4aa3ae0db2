//! The instruction set that tests run on which do not go through all of them.

use wavelet_scattering::Isa;

/// The one that the environment names, so that the same tests can be run on each; `None`, the best, without a name.
pub fn isa() -> Option<Isa> {
    Isa::from_env().expect("an instruction set of this machine")
}
