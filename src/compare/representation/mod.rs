//! [`Representation`]: scattering features of labelled images or sounds as rows for a classifier, and [`FeatureCache`],
//! which keeps them on disk.
//!
//! In come images `[n, channels, rows, columns]` or sounds `[n, 1, 1, samples]`; out come features `[n, d]`, by
//! [`ImageScattering`] or [`SoundScattering`].

mod images;
mod sounds;

pub use images::ImageScattering;
pub use sounds::SoundScattering;

use std::fmt;
use std::fs;
use std::path::PathBuf;
use std::time::Instant;

use ndarray::{Array2, Array4, Axis};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::Result;
use crate::io::{self, Medium, NpyFile, NpyStack, commit_all, stage_json};

/// How images or sounds become features.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Representation {
    /// Of images.
    Images(ImageScattering),
    /// Of sounds.
    Sounds(SoundScattering),
}

impl Representation {
    /// What suits images of this many rows and columns; see [`ImageScattering::of`].
    pub fn for_images(shape: [usize; 2]) -> Self {
        Self::Images(ImageScattering::of(shape))
    }

    /// What suits sounds of this many samples; see [`SoundScattering::of`].
    pub fn for_sounds(samples: usize) -> Self {
        Self::Sounds(SoundScattering::of(samples))
    }

    /// Whether it is one of images or of sounds.
    pub fn fits(&self, medium: Medium) -> bool {
        matches!(
            (self, medium),
            (Self::Images(_), Medium::Images) | (Self::Sounds(_), Medium::Sounds { .. })
        )
    }

    /// Whether images of this many rows and columns, or sounds of one row, can become such features; nothing is computed.
    ///
    /// # Errors
    /// As [`ImageScattering::check`] and [`SoundScattering::check`].
    pub fn check(&self, shape: [usize; 2]) -> Result<()> {
        match self {
            Self::Images(scattering) => scattering.check(shape),
            Self::Sounds(scattering) => scattering.check(shape[1]),
        }
    }

    /// Features of images or sounds.
    ///
    /// **Shape** `[n, channels, rows, columns]` gives `[n, d]`.
    ///
    /// # Errors
    /// As [`ImageScattering::features`] and [`SoundScattering::features`].
    pub fn features(&self, images: &Array4<f32>) -> Result<Array2<f32>> {
        match self {
            Self::Images(scattering) => scattering.features(images),
            Self::Sounds(scattering) => scattering.features(images),
        }
    }
}

impl fmt::Display for Representation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Images(scattering) => scattering.fmt(f),
            Self::Sounds(scattering) => scattering.fmt(f),
        }
    }
}

/// Features, from the transform or from the disk, and how long the transform took.
#[derive(Debug, Clone, PartialEq)]
pub struct TimedFeatures {
    /// **Shape** `[n, d]`.
    pub features: Array2<f32>,
    /// Seconds of the transform, also if it was another run that made it.
    pub seconds: f64,
    /// Whether they come from the disk.
    pub cached: bool,
}

/// A folder of features that have been computed before.
///
/// A file is named by the hash of the images, the parameters and the version of this crate, so features of other
/// images or by other filters are never taken for the ones asked for. Beside each `.npy` a `.json` says what it is;
/// the folder may be deleted at any time.
#[derive(Debug, Clone)]
pub struct FeatureCache {
    folder: Option<PathBuf>,
}

impl FeatureCache {
    /// A cache in a folder that exists.
    pub fn new(folder: impl Into<PathBuf>) -> Self {
        Self {
            folder: Some(folder.into()),
        }
    }

    /// No cache: everything is computed.
    pub fn none() -> Self {
        Self { folder: None }
    }

    /// Features of images, from the disk if they are there. A file that cannot be read is made anew.
    ///
    /// # Errors
    /// As [`Representation::features`]; [`Error::File`](crate::Error::File) if the features cannot be written.
    pub fn features(&self, images: &Array4<f32>, by: &Representation) -> Result<TimedFeatures> {
        let path = self
            .folder
            .as_ref()
            .map(|folder| folder.join(key(images, by)));
        if let Some(known) = path
            .as_deref()
            .and_then(|path| read(path, images.len_of(Axis(0))))
        {
            return Ok(known);
        }
        let start = Instant::now();
        let features = by.features(images)?;
        let seconds = start.elapsed().as_secs_f64();
        if let Some(path) = path {
            let [n, d] = [features.nrows(), features.ncols()];
            let mut rows = NpyStack::create(path.with_extension("npy"), &[d], &[n])?;
            for row in features.rows() {
                rows.push(row.as_slice().unwrap_or_default())?;
            }
            let about = json!({
                "what": match by {
                    Representation::Images(_) => "square roots of scattering coefficients, one row an image",
                    Representation::Sounds(_) => "logarithms of scattering coefficients, one row a sound",
                },
                "representation": by,
                "shape": images.shape(),
                "version": env!("CARGO_PKG_VERSION"),
                "seconds": seconds,
            });
            let about = stage_json(path.with_extension("json"), &about)?;
            commit_all([rows.stage(&[n])?, about])?;
        }
        Ok(TimedFeatures {
            features,
            seconds,
            cached: false,
        })
    }
}

/// What a cached file holds, if it is whole.
fn read(path: &std::path::Path, n: usize) -> Option<TimedFeatures> {
    let about = fs::read_to_string(path.with_extension("json")).ok()?;
    let about: Value = serde_json::from_str(&about).ok()?;
    let features = NpyFile::open(path.with_extension("npy"))
        .ok()?
        .read::<f32>()
        .ok()?;
    let features = features.into_dimensionality().ok()?;
    (features.nrows() == n).then_some(TimedFeatures {
        features,
        seconds: about["seconds"].as_f64()?,
        cached: true,
    })
}

fn key(images: &Array4<f32>, by: &Representation) -> String {
    let mut hash = Sha256::new();
    // The instruction set is left out: it moves the last digits and no more.
    hash.update(format!(
        "{by:?} {:?} {}",
        images.shape(),
        env!("CARGO_PKG_VERSION")
    ));
    update(&mut hash, images);
    hex(&hash.finalize()[..16])
}

/// A name for labelled images by what they hold: equal sets have equal ones.
pub fn fingerprint(set: &io::LabelledImages) -> String {
    let mut hash = Sha256::new();
    hash.update(format!(
        "{:?} {:?} {:?}",
        set.images.shape(),
        set.labels,
        set.classes
    ));
    update(&mut hash, &set.images);
    hex(&hash.finalize()[..16])
}

fn update(hash: &mut Sha256, images: &Array4<f32>) {
    for image in images.outer_iter() {
        let bytes: Vec<u8> = image.iter().flat_map(|value| value.to_le_bytes()).collect();
        hash.update(&bytes);
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn images(seed: usize) -> Array4<f32> {
        Array4::from_shape_fn([3, 2, 12, 20], |(n, c, i, k)| {
            0.5 + 0.5 * ((seed + n + 3 * c + i * k) as f32).sin()
        })
    }

    fn scattering() -> ImageScattering {
        ImageScattering {
            J: 2,
            L: 4,
            max_order: 2,
        }
    }

    fn representation() -> Representation {
        Representation::Images(scattering())
    }

    #[test]
    fn a_cache_gives_back_what_it_was_given_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let cache = FeatureCache::new(folder.path());
        let first = cache.features(&images(1), &representation()).unwrap();
        let again = cache.features(&images(1), &representation()).unwrap();
        assert!(!first.cached && again.cached);
        assert_eq!(
            (&first.features, first.seconds),
            (&again.features, again.seconds)
        );

        for other in [
            ImageScattering {
                J: 1,
                ..scattering()
            },
            ImageScattering {
                L: 3,
                ..scattering()
            },
            ImageScattering {
                max_order: 1,
                ..scattering()
            },
        ] {
            let other = Representation::Images(other);
            let other = cache.features(&images(1), &other).unwrap();
            assert!(!other.cached);
            assert_ne!(other.features.dim(), first.features.dim());
        }
        let mut touched = images(1);
        touched[[2, 1, 11, 19]] += 1e-6;
        assert!(!cache.features(&touched, &representation()).unwrap().cached);
        assert!(
            cache
                .features(&images(1), &representation())
                .unwrap()
                .cached
        );
    }

    #[test]
    fn a_damaged_cache_is_made_anew() {
        let folder = tempfile::tempdir().unwrap();
        let cache = FeatureCache::new(folder.path());
        let first = cache.features(&images(1), &representation()).unwrap();
        for entry in fs::read_dir(folder.path()).unwrap() {
            let path = entry.unwrap().path();
            let whole = fs::read(&path).unwrap();
            fs::write(&path, &whole[..whole.len() / 2]).unwrap();
            let again = cache.features(&images(1), &representation()).unwrap();
            assert!(!again.cached, "{}", path.display());
            assert_eq!(again.features, first.features);
        }
    }
}
