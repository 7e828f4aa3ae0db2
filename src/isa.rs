//! [`Isa`]: which instruction set the kernels use, chosen at run time, once per plan: the best there is, or the one asked for.

use std::fmt;
use std::str::FromStr;

use crate::kernels::pass::WithSimd;
use crate::kernels::portable::Portable;
#[cfg(target_arch = "x86_64")]
use crate::kernels::x86_64::{Avx2, Avx512};
use crate::{Error, Result};

/// An instruction set that there are kernels for, least first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum Isa {
    /// Whatever the crate was compiled for: any machine.
    Portable,
    /// x86-64 with AVX2 and FMA: vectors of 256 bits.
    Avx2,
    /// x86-64 with AVX-512 F and VL: 32 registers of 512 bits.
    Avx512,
}

impl Isa {
    /// The environment variable that [`from_env`](Self::from_env) reads.
    pub const VARIABLE: &str = "WAVELET_SCATTERING_ISA";

    /// All of them, least first.
    pub const ALL: [Isa; 3] = [Isa::Portable, Isa::Avx2, Isa::Avx512];

    /// The name it is asked for by, in [`WAVELET_SCATTERING_ISA`](Self::VARIABLE) too.
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
            Isa::Avx2 => Avx2::detect().is_some(),
            #[cfg(target_arch = "x86_64")]
            Isa::Avx512 => Avx512::detect().is_some(),
            #[cfg(not(target_arch = "x86_64"))]
            Isa::Avx2 | Isa::Avx512 => false,
        }
    }

    /// Those this machine has, least first.
    pub fn available() -> impl Iterator<Item = Isa> {
        Self::ALL.into_iter().filter(|isa| isa.is_available())
    }

    /// The best that this machine has: what plans use that are not told otherwise.
    pub fn best() -> Self {
        Self::available().last().unwrap_or(Isa::Portable)
    }

    /// The one that the environment variable [`WAVELET_SCATTERING_ISA`](Self::VARIABLE) names; `None` if it is not set, or
    /// empty. The library never asks: a program that wants to be steered by it passes the answer to
    /// [`Scattering2dParams::isa`](crate::scattering::Scattering2dParams::isa) or
    /// [`ConvolutionParams::isa`](crate::conv::ConvolutionParams::isa), which take `None` too.
    ///
    /// # Errors
    /// [`Error::InvalidParameter`] if the variable names none that is known, or one that this machine lacks.
    pub fn from_env() -> Result<Option<Self>> {
        match std::env::var_os(Self::VARIABLE) {
            Some(name) if !name.is_empty() => {
                let isa = named(Self::VARIABLE, &name.to_string_lossy())?;
                isa.available_as(Self::VARIABLE).map(Some)
            }
            _ => Ok(None),
        }
    }

    /// Itself, if this machine has it.
    ///
    /// # Errors
    /// [`Error::InvalidParameter`] if not.
    pub fn require(self) -> Result<Self> {
        self.available_as("isa")
    }

    /// The same for whatever asked by this name.
    fn available_as(self, parameter: &'static str) -> Result<Self> {
        if self.is_available() {
            Ok(self)
        } else {
            let limit = format!("this machine has {}", list(Self::available()));
            Err(refused(parameter, self.name(), limit))
        }
    }
}

/// The one of this name; `parameter` is what the name came in by.
fn named(parameter: &'static str, name: &str) -> Result<Isa> {
    let mut all = Isa::ALL.into_iter();
    all.find(|isa| isa.name() == name).ok_or_else(|| {
        let limit = format!("there are {}", list(Isa::ALL));
        refused(parameter, name, limit)
    })
}

fn list(those: impl IntoIterator<Item = Isa>) -> String {
    let names: Vec<_> = those.into_iter().map(Isa::name).collect();
    names.join(", ")
}

fn refused(parameter: &'static str, value: &str, limit: String) -> Error {
    Error::InvalidParameter {
        name: parameter,
        value: value.into(),
        limit,
    }
}

impl FromStr for Isa {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self> {
        named("isa", name)
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
        /// Does it with the token of an instruction set that this machine has.
        pub fn $name<W: WithSimd<$T>>(isa: Isa, with: W) -> W::Output {
            #[cfg(target_arch = "x86_64")]
            match isa {
                Isa::Portable => {}
                Isa::Avx2 => match Avx2::detect() {
                    Some(simd) => return with.run(simd),
                    None => absent(isa),
                },
                Isa::Avx512 => match Avx512::detect() {
                    Some(simd) => return with.run(simd),
                    None => absent(isa),
                },
            }
            #[cfg(not(target_arch = "x86_64"))]
            if isa != Isa::Portable {
                absent(isa);
            }
            with.run(Portable)
        }
    };
}

fn absent(isa: Isa) -> ! {
    unreachable!("plans refuse {isa} on a machine without it")
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
