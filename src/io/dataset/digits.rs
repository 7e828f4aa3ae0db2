//! The digits that are compiled in.

use std::path::Path;

use super::idx;
use super::packed::unpacked_bytes;
use super::part::Parts;
use crate::Result;

/// 5,000 digits, as `assets/mnist` has them.
pub(super) fn mnist_subset() -> Result<Parts> {
    macro_rules! part {
        ($half:literal) => {{
            const FILES: [&str; 2] = [
                concat!($half, "-images-idx3-ubyte.gz"),
                concat!($half, "-labels-idx1-ubyte.gz"),
            ];
            let packed: [&[u8]; 2] = [
                include_bytes!(concat!(
                    "../../../assets/mnist/",
                    $half,
                    "-images-idx3-ubyte.gz"
                )),
                include_bytes!(concat!(
                    "../../../assets/mnist/",
                    $half,
                    "-labels-idx1-ubyte.gz"
                )),
            ];
            let [images, labels] = FILES.map(Path::new);
            let bytes = [
                unpacked_bytes(images, packed[0])?,
                unpacked_bytes(labels, packed[1])?,
            ];
            idx::parse_part([images, labels], [&bytes[0], &bytes[1]])?
        }};
    }
    Ok(Parts {
        train: part!("train"),
        test: Some(part!("t10k")),
    })
}
