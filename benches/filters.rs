//! Building filter banks, and their frame bounds. Sides are those of padded images: 272 is 256 at J = 3.

#![allow(non_snake_case)] // J keeps its case, as in the library

use std::hint::black_box;
use std::time::Duration;

use criterion::{BenchmarkId, Criterion, SamplingMode, criterion_group, criterion_main};
use wavelet_scattering::filters::{FilterBank2d, FilterBank2dParams};

/// Side of the grid and J. L = 8 throughout.
const BANKS: [(usize, usize); 4] = [(272, 3), (288, 4), (1088, 5), (2112, 5)];

fn params(side: usize, J: usize) -> FilterBank2dParams {
    FilterBank2d::params([side, side], J).L(8)
}

/// Known numbers: the upper frame bound on 64 × 64 at J = 3, and that a low-pass keeps a constant.
fn check() {
    let small = params(64, 3)
        .build::<f64>()
        .expect("a small bank")
        .frame_bounds();
    assert!((small.upper - 1.01357).abs() < 1e-5, "{small:?}");
    for (side, J) in BANKS {
        let phi = params(side, J)
            .build::<f32>()
            .expect("the bank fits into memory")
            .phi(0)
            .expect("level 0 exists");
        assert!(
            (phi[[0, 0]] - 1.0).abs() < 1e-6,
            "side {side}: φ̂(0) = {}",
            phi[[0, 0]]
        );
    }
}

fn banks(criterion: &mut Criterion) {
    check();
    let mut group = criterion.benchmark_group("filters");
    group.sample_size(10).sampling_mode(SamplingMode::Flat);
    group
        .warm_up_time(Duration::from_millis(500))
        .measurement_time(Duration::from_secs(3));
    for (side, J) in BANKS {
        let params = params(side, J);
        let name = format!("{side}-J{J}-L8");
        group.bench_function(BenchmarkId::new("build", &name), |b| {
            b.iter(|| params.build::<f32>())
        });
        let bank = params.build::<f32>().expect("it was built by the check");
        group.bench_function(BenchmarkId::new("frame_bounds", &name), |b| {
            b.iter(|| black_box(&bank).frame_bounds())
        });
    }
    group.finish();
}

criterion_group!(benches, banks);
criterion_main!(benches);
