//! Counts, not clocks: allocations, bytes of scratch, and bits that must not depend on how work is shared.

#![allow(non_snake_case)]

mod isa;

use isa::isa;
use ndarray::{Array, Array3, Array5, ArrayD, Axis, Slice, s};
use wavelet_scattering::scattering::Average;
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
