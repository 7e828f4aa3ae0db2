//! Counts, not clocks: allocations, bytes of scratch, and bits that must not depend on how work is shared.

#![allow(non_snake_case)]

mod isa;
use std::panic::{AssertUnwindSafe, catch_unwind};

use isa::isa;
use ndarray::{Array, Array3, Array5, ArrayD, Axis, Slice, s};
use proptest::prelude::*;
use wavelet_scattering::num::Real;
use wavelet_scattering::scattering::{Average, Scattering2dParams};
use wavelet_scattering::signal::Padding;
use wavelet_scattering::{Error, Scattering2d};

fn images(count: usize) -> Array3<f32> {
    Array::from_shape_fn([count, 41, 36], |(n, i, k)| {
        ((n * 7 + i * k) as f32 * 0.37).sin() + n as f32
    })
}

#[test]
fn a_second_call_allocates_nothing() {
    for average in [Average::Local, Average::Global, Average::None] {
        let plan = Scattering2d::params([41, 36], 3)
            .max_order(3)
            .L(3)
            .average(average)
            .isa(isa())
            .plan::<f32>()
            .unwrap();
        let x = images(4).into_shape_with_order([2, 2, 41, 36]).unwrap();
        let mut out = ArrayD::zeros(plan.output_shape(&[2, 2]));
        let mut workspace = plan.workspace_for(1);
        plan.transform_into(&x, &mut out, &mut workspace).unwrap();
        let expected = out.clone();
        out.fill(f32::NAN);
        let counted = allocation_counter::measure(|| {
            plan.transform_into(&x, &mut out, &mut workspace).unwrap()
        });
        assert_eq!(
            (counted.count_total, counted.bytes_total),
            (0, 0),
            "{average:?}"
        );
        assert_eq!(out, expected);
    }
}

#[test]
fn bits_depend_neither_on_threads_nor_on_the_split_of_a_batch() {
    for average in [Average::Local, Average::Global, Average::None] {
        let plan = Scattering2d::params([41, 36], 2)
            .L(5)
            .average(average)
            .isa(isa())
            .plan::<f32>()
            .unwrap();
        let x = images(7);
        let mut expected = ArrayD::zeros(plan.output_shape(&[7]));
        plan.transform_into(&x, &mut expected, &mut plan.workspace_for(1))
            .unwrap();
        for threads in 1..=8 {
            let mut got = ArrayD::zeros(plan.output_shape(&[7]));
            plan.transform_into(&x, &mut got, &mut plan.workspace_for(threads))
                .unwrap();
            assert_eq!(got, expected, "{average:?}, {threads} threads");
        }
        for (image, expected) in x.outer_iter().zip(expected.outer_iter()) {
            assert_eq!(
                plan.transform(&image).unwrap().array(),
                expected,
                "{average:?}, alone"
            );
        }
    }
}

#[test]
fn any_strides_give_the_same_bits() {
    let plan = Scattering2d::params([41, 36], 2)
        .L(2)
        .isa(isa())
        .plan::<f32>()
        .unwrap();
    let x = images(6);
    let expected = plan.transform(&x).unwrap();
    // leading axes that cannot be merged, reversed rows, columns first
    let mut wide = Array5::<f32>::zeros([3, 2, 2, 36, 41]);
    let mut view = wide.slice_mut(s![.., .., 1, .., ..;-1]);
    view.swap_axes(2, 3);
    view.assign(&x.view().into_shape_with_order([3, 2, 41, 36]).unwrap());
    let got = plan.transform(&view).unwrap();
    assert_eq!(got.array().shape(), [3, 2, 9, 10, 9]);
    assert!(got.array().iter().eq(expected.array().iter()));
    // an output with gaps
    let mut out = ArrayD::from_elem(vec![6, 9, 10, 18], f32::NAN);
    let mut gaps = out.slice_axis_mut(Axis(3), Slice::new(0, None, 2));
    plan.transform_into(&x, &mut gaps, &mut plan.workspace())
        .unwrap();
    assert_eq!(gaps, expected.array());
}

#[test]
fn scratch_depends_neither_on_the_batch_nor_on_the_number_of_paths() {
    let bytes = |L, shape: [usize; 2]| {
        let plan = Scattering2d::params(shape, 3)
            .L(L)
            .isa(isa())
            .plan::<f32>()
            .unwrap();
        allocation_counter::measure(|| drop(plan.workspace_for(1))).bytes_total
    };
    // 1 + 15 + 75 paths against 1 + 24 + 192, and 1 + 27 + 243 against 1 + 72 + 1728. On no instruction set do vectors hold two
    // columns for one of a pair and one column for the other, which takes twice the room.
    let (few, many) = (bytes(5, [64, 64]), bytes(8, [64, 64]));
    assert_eq!(few, many);
    assert_eq!(bytes(9, [64, 64]), bytes(24, [64, 64]));
    let plan = Scattering2d::params([64, 64], 3)
        .isa(isa())
        .plan::<f32>()
        .unwrap();
    assert!(
        many <= plan.workspace_bytes(1),
        "{many} > {}",
        plan.workspace_bytes(1)
    );
    let x = |count| Array3::<f32>::ones([count, 64, 64]);
    let during = |count| {
        let (x, mut out) = (x(count), ArrayD::zeros(plan.output_shape(&[count])));
        let mut workspace = plan.workspace_for(1);
        allocation_counter::measure(|| plan.transform_into(&x, &mut out, &mut workspace).unwrap())
            .bytes_max
    };
    assert_eq!((during(1), during(16)), (0, 0));
}

#[test]
fn plans_are_shared_among_threads() {
    fn shared<T: Send + Sync>(_: &T) {}
    let plan = Scattering2d::params([41, 36], 2)
        .L(2)
        .isa(isa())
        .plan::<f32>()
        .unwrap();
    shared(&plan);
    let x = images(2);
    let expected = plan.transform(&x).unwrap();
    std::thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| assert_eq!(plan.transform(&x).unwrap(), expected));
        }
    });
}

#[test]
fn arrays_that_do_not_fit_are_refused() {
    let plan = Scattering2d::params([41, 36], 2)
        .L(2)
        .isa(isa())
        .plan::<f32>()
        .unwrap();
    let mut out = ArrayD::zeros(plan.output_shape(&[2]));
    let mut workspace = plan.workspace_for(1);
    let mut run = |x: &Array3<f32>| plan.transform_into(x, &mut out, &mut workspace);
    assert!(run(&images(2)).is_ok());
    let message = run(&images(3)).unwrap_err().to_string();
    assert!(
        message.contains("[2, 9, 10, 9]") && message.contains("[3, 9, 10, 9]"),
        "{message}"
    );
    assert!(matches!(
        run(&Array3::zeros([2, 36, 41])),
        Err(Error::WrongShape { .. })
    ));
    assert!(matches!(
        run(&Array3::zeros([0, 41, 36])),
        Err(Error::Empty { .. })
    ));
    assert!(matches!(
        plan.transform(&ndarray::Array1::<f32>::zeros(41)),
        Err(Error::WrongShape { .. })
    ));
    for bad in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
        let mut x = images(2);
        x[[1, 40, 3]] = bad;
        let error = run(&x).unwrap_err();
        assert!(
            matches!(&error, Error::NotFinite { position, .. } if *position == [1, 40, 3]),
            "{error}"
        );
    }
}

#[test]
fn an_output_beyond_memory_is_refused_beforehand() {
    let plan = Scattering2d::params([41, 36], 2)
        .oversampling(2)
        .isa(isa())
        .plan::<f32>()
        .unwrap();
    let one = images(1);
    let many = one.broadcast([1 << 30, 41, 36]).unwrap();
    // Only the shape is looked at before the refusal; a scan of 1.6·10¹² pixels would take hours.
    assert!(matches!(
        plan.transform(&many),
        Err(Error::OutOfMemory { .. })
    ));
}

/// Plans of one image size that differ in everything a workspace may depend on.
fn dozen() -> Vec<Scattering2dParams> {
    let J = |J| Scattering2d::params([32, 32], J);
    vec![
        J(2),
        J(2).average(Average::Global),
        J(2).average(Average::None),
        J(2).max_order(0),
        J(2).max_order(1).average(Average::None),
        J(3).max_order(3).L(2),
        J(2).L(9),
        J(2).L(2).average(Average::None),
        J(2).oversampling(1),
        J(2).oversampling(2).average(Average::None),
        J(3).padding(Padding::Periodic),
        J(1).average(Average::None).padding(Padding::Symmetric),
    ]
}

/// What goes wrong when each plan is given the workspaces of all.
fn wrong_pairs<T: Real>(described: &[Scattering2dParams], threads: usize) -> Vec<String> {
    let x = Array3::from_shape_fn([2, 32, 32], |(n, i, k)| {
        T::narrow(((n + i * k) as f64).sin())
    });
    let plans: Vec<_> = (described.iter())
        .map(|params| params.plan::<T>().unwrap())
        .collect();
    let mut wrong = Vec::new();
    for (plan, own) in plans.iter().zip(described) {
        let shape = plan.output_shape(&[2]);
        let mut expected = ArrayD::zeros(shape.clone());
        plan.transform_into(&x, &mut expected, &mut plan.workspace_for(threads))
            .unwrap();
        for (maker, made_by) in plans.iter().zip(described) {
            let mut workspace = maker.workspace_for(threads);
            let mut out = ArrayD::from_elem(shape.clone(), T::nan());
            let call = || plan.transform_into(&x, &mut out, &mut workspace);
            let fault = match catch_unwind(AssertUnwindSafe(call)) {
                Ok(Ok(())) if out == expected => None,
                Ok(Ok(())) => Some("wrong numbers".to_string()),
                Ok(Err(error)) if own == made_by => Some(format!("refused: {error}")),
                Ok(Err(error)) => (!error.to_string().contains("workspace"))
                    .then(|| format!("an error about something else: {error}")),
                Err(_) => Some("a panic".to_string()),
            };
            wrong.extend(fault.map(|fault| {
                format!("{fault}: on {threads} thread(s), {own:?} in a workspace of {made_by:?}")
            }));
        }
    }
    wrong
}

#[test]
fn a_workspace_of_another_plan_is_as_good_as_the_own_one_or_refused() {
    let all = dozen();
    let mut wrong = wrong_pairs::<f32>(&all, 1);
    wrong.extend(wrong_pairs::<f32>(&all, 2));
    wrong.extend(wrong_pairs::<f64>(&all[..6], 1));
    assert!(
        wrong.is_empty(),
        "{} pairs:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn scratch_is_what_was_foretold(
        shape in prop::array::uniform2(8_usize..90),
        J in 1_usize..4,
        L in prop::sample::select(vec![1_usize, 2, 4, 5, 8, 9, 17]),
        max_order in 0_usize..4,
        oversampling in 0_usize..3,
        average in prop::sample::select(vec![Average::Local, Average::Global, Average::None]),
        threads in 1_usize..4,
        double in any::<bool>(),
    ) {
        let params = Scattering2d::params(shape, J)
            .L(L)
            .max_order(max_order)
            .oversampling(oversampling.min(J))
            .average(average);
        let (foretold, seen) = if double {
            scratch::<f64>(&params, threads)
        } else {
            scratch::<f32>(&params, threads)
        };
        // Beside the scratch itself there is what holds it together.
        let holders = 4096 * threads as u64;
        prop_assert!(
            seen <= foretold + holders && foretold <= 2 * seen,
            "{seen} bytes, but foretold were {foretold}"
        );
    }
}

/// Bytes of a workspace in which every thread has had an image to itself: as the plan says, and as the allocator counts.
fn scratch<T: Real>(params: &Scattering2dParams, threads: usize) -> (u64, u64) {
    let plan = params.plan::<T>().unwrap();
    let [n0, n1] = params.shape;
    let x = Array3::<T>::zeros([threads, n0, n1]);
    let mut out = ArrayD::zeros(plan.output_shape(&[threads]));
    let mut fill = || {
        let mut workspace = plan.workspace_for(threads);
        plan.transform_into(&x, &mut out, &mut workspace).unwrap();
    };
    // Allocations are counted on the thread that makes them: one does the work of all.
    #[cfg(feature = "parallel")]
    let pool = rayon::ThreadPoolBuilder::new().num_threads(1);
    #[cfg(feature = "parallel")]
    let counted = (pool.build().unwrap()).install(|| allocation_counter::measure(&mut fill));
    #[cfg(not(feature = "parallel"))]
    let counted = allocation_counter::measure(&mut fill);
    (plan.workspace_bytes(threads), counted.bytes_max)
}

/// Calls from inside the caller's own pool, whatever its size and whatever else it is doing.
#[cfg(feature = "parallel")]
mod pools {
    use rayon::prelude::*;
    use rayon::{ThreadPool, ThreadPoolBuilder};

    use super::*;

    const THREADS: [usize; 5] = [1, 2, 3, 7, 64];

    fn pool(threads: usize) -> ThreadPool {
        ThreadPoolBuilder::new()
            .num_threads(threads)
            .build()
            .unwrap()
    }

    /// Three plans, images, and features made on one thread.
    fn jobs() -> Vec<(Scattering2d<f32>, Array3<f32>, ArrayD<f32>)> {
        let described = [
            Scattering2d::params([41, 36], 2).L(5),
            Scattering2d::params([41, 36], 3)
                .max_order(3)
                .L(2)
                .average(Average::Global),
            Scattering2d::params([41, 36], 2)
                .L(9)
                .average(Average::None),
        ];
        (described.into_iter().zip([1, 3, 5]))
            .map(|(params, count)| {
                let (plan, x) = (params.plan::<f32>().unwrap(), images(count));
                let mut expected = ArrayD::zeros(plan.output_shape(&[count]));
                plan.transform_into(&x, &mut expected, &mut plan.workspace_for(1))
                    .unwrap();
                (plan, x, expected)
            })
            .collect()
    }

    #[test]
    fn a_pool_of_any_size_gives_the_same_bits() {
        let jobs = jobs();
        for threads in THREADS {
            let pool = pool(threads);
            for (plan, x, expected) in &jobs {
                let got = pool.install(|| plan.transform(x)).unwrap();
                assert_eq!(got.array(), expected, "{threads} threads");
                // A plan that was made in the pool, and a workspace for its threads.
                let made_inside = pool.install(|| plan.description().plan::<f32>()).unwrap();
                let mut out = ArrayD::from_elem(expected.shape(), f32::NAN);
                let mut workspace = pool.install(|| made_inside.workspace());
                made_inside
                    .transform_into(x, &mut out, &mut workspace)
                    .unwrap();
                assert_eq!(&out, expected, "{threads} threads, workspace used outside");
            }
        }
    }

    #[test]
    fn tasks_of_a_pool_that_share_a_plan_get_the_same_bits() {
        let jobs = jobs();
        for threads in THREADS {
            let pool = pool(threads);
            pool.scope(|scope| {
                for (plan, x, expected) in jobs.iter().cycle().take(9) {
                    scope.spawn(move |_| {
                        let got = plan.transform(x).unwrap();
                        assert_eq!(got.array(), expected, "{threads} threads");
                    });
                }
            });
            pool.install(|| {
                (0..12).into_par_iter().for_each(|task| {
                    let (plan, x, expected) = &jobs[task % jobs.len()];
                    // One after another with the images on all threads, or image by image in tasks of tasks.
                    if task % 2 == 0 {
                        assert_eq!(plan.transform(x).unwrap().array(), expected);
                    } else {
                        (0..x.len_of(Axis(0))).into_par_iter().for_each(|image| {
                            let got = plan.transform(&x.index_axis(Axis(0), image)).unwrap();
                            assert_eq!(got.array(), expected.index_axis(Axis(0), image));
                        });
                    }
                });
            });
        }
    }

    #[test]
    fn workspaces_of_more_threads_than_the_pool_has_give_the_same_bits() {
        let pool = pool(2);
        for (plan, x, expected) in &jobs() {
            for threads in THREADS {
                let mut out = ArrayD::from_elem(expected.shape(), f32::NAN);
                let mut workspace = plan.workspace_for(threads);
                pool.install(|| plan.transform_into(x, &mut out, &mut workspace))
                    .unwrap();
                assert_eq!(&out, expected, "{threads} threads");
            }
        }
    }
}
