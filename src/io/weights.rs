//! [`read_weights`]: the kernels of a convolution from a safetensors file, as other programs write it.
//!
//! In comes a file, and perhaps the name of a tensor; out come numbers `[out, in, rows, columns]`, whichever of the
//! floating-point formats f64, f32, f16 and bf16 they are stored in.
//!
//! Conventions that bite: without a name, the tensor is the one of floating-point numbers with four axes and sides above
//! 1 that stands first in the file. Writers order tensors by type or by name, not by layer, so the name is better.
//!
//! Source: the safetensors format; parsed by its authors' crate.

use std::fs;
use std::path::Path;

use ndarray::Array4;
use npyz::half::{bf16, f16};
use safetensors::tensor::TensorView;
use safetensors::{Dtype, SafeTensors};

use crate::{Error, Result, memory};

/// Tensors that a message lists at most.
const LISTED: usize = 30;

/// Reads one tensor `[out, in, rows, columns]`; returns its name too.
///
/// # Errors
/// [`Error::File`] if the file cannot be read, [`Error::OutOfMemory`] if it does not fit; [`Error::BadFile`], listing
/// what the file holds, if it is no safetensors file, has no such tensor, none with four axes, or one of other than
/// floating-point numbers.
pub fn read_weights(path: impl AsRef<Path>, tensor: Option<&str>) -> Result<(String, Array4<f32>)> {
    let path = path.as_ref();
    let file_error = |source| Error::unread(path, source);
    let bad = |reason: String| Error::bad_file(path, reason);
    let len = fs::metadata(path).map_err(file_error)?.len();
    memory::require("the file of weights", len, "save the first layer alone")?;
    let bytes = fs::read(path).map_err(file_error)?;
    let tensors = SafeTensors::deserialize(&bytes)
        .map_err(|error| bad(format!("it is no whole safetensors file: {error}")))?;

    // In the order of the file, so that "the first" does not depend on a hash.
    let mut views = tensors.tensors();
    views.sort_by_key(|(_, view)| view.data().as_ptr());
    let listing = || {
        let mut names: Vec<_> = views
            .iter()
            .take(LISTED)
            .map(|(name, view)| format!("{name} {} {:?}", view.dtype(), view.shape()))
            .collect();
        if views.len() > LISTED {
            names.push(format!("and {} more", views.len() - LISTED));
        }
        if names.is_empty() {
            return "it holds no tensor".to_string();
        }
        format!("it holds {}", names.join(", "))
    };
    let is_kernel = |view: &TensorView| {
        let real = matches!(
            view.dtype(),
            Dtype::F64 | Dtype::F32 | Dtype::F16 | Dtype::BF16
        );
        real && matches!(view.shape(), [_, _, rows, columns] if *rows > 1 && *columns > 1)
    };
    let found = match tensor {
        Some(name) => views.iter().find(|(other, _)| other == name),
        None => views.iter().find(|(_, view)| is_kernel(view)),
    };
    let Some((name, view)) = found else {
        return Err(bad(match tensor {
            Some(name) => format!("there is no tensor `{name}`; {}", listing()),
            None => format!(
                "no tensor of floating-point numbers has the four axes [out, in, rows, columns] of a convolution; {}",
                listing()
            ),
        }));
    };
    let &[out, channels, rows, columns] = view.shape() else {
        return Err(bad(format!(
            "`{name}` has shape {:?}, not the four axes [out, in, rows, columns]; {}",
            view.shape(),
            listing()
        )));
    };
    let data = view.data();
    let values: Vec<f32> = match view.dtype() {
        Dtype::F32 => numbers(data, f32::from_le_bytes),
        Dtype::F64 => numbers(data, |b| f64::from_le_bytes(b) as f32),
        Dtype::F16 => numbers(data, |b| f16::from_le_bytes(b).to_f32()),
        Dtype::BF16 => numbers(data, |b| bf16::from_le_bytes(b).to_f32()),
        other => {
            return Err(bad(format!(
                "`{name}` holds {other}; weights are F64, F32, F16 or BF16"
            )));
        }
    };
    let weights = Array4::from_shape_vec([out, channels, rows, columns], values)
        .map_err(|error| bad(format!("`{name}`: {error}")))?;
    Ok((name.clone(), weights))
}

/// Little-endian numbers of `N` bytes each.
fn numbers<const N: usize>(data: &[u8], from: impl Fn([u8; N]) -> f32) -> Vec<f32> {
    let (chunks, _) = data.as_chunks::<N>();
    chunks.iter().map(|&bytes| from(bytes)).collect()
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;

    fn data(name: &str) -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("tests/data/weights")
            .join(name)
    }

    /// What the script in `tests/data/weights/README.md` stores, exact in every format.
    fn expected([o, c, i, k]: [usize; 4]) -> f32 {
        ((o * 7 + c * 5 + i * 3 + k) % 16) as f32 / 8.0 - 1.0
    }

    #[test]
    fn every_floating_point_format_reads_as_its_numbers() {
        for name in ["conv.f32", "conv.f64", "conv.f16", "conv.bf16"] {
            let (found, weights) = read_weights(data("mixed.safetensors"), Some(name)).unwrap();
            assert_eq!(found, name);
            assert_eq!(weights.dim(), (2, 3, 4, 5));
            for (at, &value) in weights.indexed_iter() {
                assert_eq!(value, expected([at.0, at.1, at.2, at.3]), "{name} {at:?}");
            }
        }
    }

    #[test]
    fn without_a_name_the_first_convolution_is_taken() {
        let (name, weights) = read_weights(data("mixed.safetensors"), None).unwrap();
        assert!(name.starts_with("conv."), "{name}");
        assert_eq!(weights.dim(), (2, 3, 4, 5));
    }

    #[test]
    fn refusals_list_what_is_there() {
        let message = |file: &str, name| read_weights(data(file), name).unwrap_err().to_string();
        let absent = message("mixed.safetensors", Some("conv1"));
        assert!(absent.contains("no tensor `conv1`"), "{absent}");
        assert!(absent.contains("conv.f16 F16 [2, 3, 4, 5]"), "{absent}");
        let flat = message("mixed.safetensors", Some("fc.weight"));
        assert!(flat.contains("has shape [6, 10]"), "{flat}");
        let counts = message("mixed.safetensors", Some("counts"));
        assert!(counts.contains("I64"), "{counts}");
        let none = message("flat.safetensors", None);
        assert!(none.contains("has the four axes"), "{none}");
        assert!(none.contains("pointwise F32 [4, 2, 1, 1]"), "{none}");
        assert!(message("README.md", None).contains("no whole safetensors file"));
        assert!(message("absent.safetensors", None).starts_with("cannot read"));

        let bytes = fs::read(data("mixed.safetensors")).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let cut = folder.path().join("cut.safetensors");
        for len in [0, 7, 8, 100, bytes.len() - 1] {
            fs::write(&cut, &bytes[..len]).unwrap();
            let message = read_weights(&cut, None).unwrap_err().to_string();
            assert!(
                message.contains("no whole safetensors file"),
                "{len}: {message}"
            );
        }
    }
}
