//! [`Isa`]: which instruction set the kernels use, chosen at run time, once per plan.

use std::fmt;
use std::str::FromStr;

use super::vector::WithSimd;
use crate::{Error, Result};

/// An instruction set that there are kernels for, least first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Isa {
    /// Whatever the crate was compiled for: any machine.
    Portable,
    /// x86-64 with AVX2 and FMA: vectors of 256 bits.
    Avx2,
    /// x86-64 with AVX-512 F and VL: 32 registers of 512 bits.
    Avx512,
}

impl Isa {
    /// The environment variable that forces an instruction set.
    pub const VARIABLE: &str = "WAVELET_SCATTERING_ISA";

    /// All of them, least first.
    pub const ALL: [Isa; 3] = [Isa::Portable, Isa::Avx2, Isa::Avx512];

    /// The name that [`WAVELET_SCATTERING_ISA`](Self::VARIABLE) takes.
    pub fn name(self) -> &'static str {
        match self {
            Isa::Portable => "portable",
            Isa::Avx2 => "avx2",
            Isa::Avx512 => "avx512",
        }
    }

    /// Whether this machine has it.
    pub fn is_available(self) -> bool {
        match self {
            Isa::Portable => true,
            #[cfg(target_arch = "x86_64")]
            Isa::Avx2 => super::x86_64::Avx2::detect().is_some(),
            #[cfg(target_arch = "x86_64")]
            Isa::Avx512 => super::x86_64::Avx512::detect().is_some(),
            #[cfg(not(target_arch = "x86_64"))]
            Isa::Avx2 | Isa::Avx512 => false,
        }
    }

    /// Those this machine has, least first.
    pub fn available() -> impl Iterator<Item = Isa> {
        Self::ALL.into_iter().filter(|isa| isa.is_available())
    }

    /// What plans use: the one that the environment variable [`WAVELET_SCATTERING_ISA`](Self::VARIABLE) names, or the best
    /// that this machine has.
    ///
    /// # Errors
    /// [`Error::InvalidParameter`] if the variable names none that is known, or one that this machine lacks.
    pub fn select() -> Result<Self> {
        match std::env::var_os(Self::VARIABLE) {
            Some(name) if !name.is_empty() => name.to_string_lossy().parse::<Self>()?.require(),
            _ => Ok(Self::available().last().unwrap_or(Isa::Portable)),
        }
    }

    /// Itself, if this machine has it.
    ///
    /// # Errors
    /// [`Error::InvalidParameter`] if not.
    pub fn require(self) -> Result<Self> {
        if self.is_available() {
            Ok(self)
        } else {
            Err(invalid(self.name(), "this machine has"))
        }
    }
}

fn invalid(value: &str, those: &str) -> Error {
    let names: Vec<_> = match those {
        "there are" => Isa::ALL.map(Isa::name).into(),
        _ => Isa::available().map(Isa::name).collect(),
    };
    Error::InvalidParameter {
        name: Isa::VARIABLE,
        value: value.into(),
        limit: format!("{those} {}", names.join(", ")),
    }
}

impl FromStr for Isa {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self> {
        Self::ALL
            .into_iter()
            .find(|isa| isa.name() == name)
            .ok_or_else(|| invalid(name, "there are"))
    }
}

impl fmt::Display for Isa {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// Does something with the vectors of one precision: `f32`, `f64`.
macro_rules! dispatch {
    ($name:ident, $T:ty) => {
        /// Does it with the token of an instruction set. One that the machine lacks becomes the portable one; plans
        /// refuse it before.
        pub fn $name<W: WithSimd<$T>>(isa: Isa, with: W) -> W::Output {
            #[cfg(target_arch = "x86_64")]
            {
                use super::x86_64::{Avx2, Avx512};
                if isa == Isa::Avx512
                    && let Some(simd) = Avx512::detect()
                {
                    return with.run(simd);
                }
                if isa == Isa::Avx2
                    && let Some(simd) = Avx2::detect()
                {
                    return with.run(simd);
                }
            }
            let _ = isa;
            with.run(super::portable::Portable)
        }
    };
}

dispatch!(with_f32, f32);
dispatch!(with_f64, f64);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_back_and_others_refused_with_those_there_are() {
        for isa in Isa::ALL {
            assert_eq!(isa.to_string().parse::<Isa>().unwrap(), isa);
            assert_eq!(isa.require().is_ok(), isa.is_available());
        }
        let message = "sse9".parse::<Isa>().unwrap_err().to_string();
        assert!(
            message.contains("sse9") && message.contains("portable, avx2, avx512"),
            "{message}"
        );
        assert!(Isa::available().next() == Some(Isa::Portable));
    }
}
