//! Networks: that they learn, forget nothing on disk, and do the same twice.

use ndarray::{Array4, Axis, s};
use wavelet_scattering::Error;
use wavelet_scattering::io::LabelledImages;
use wavelet_scattering::learn::{
    Architecture, EpochReport, FirstLayer, LearnedScattering, Network, Optimizer, Task,
    TrainingParams, Tying, error_rate,
};

/// 300 of the digits to learn from.
fn few() -> (Task, LabelledImages) {
    let task = Task::mnist_subset();
    let few = task.train().select(&task.draw(300, 0).unwrap()).unwrap();
    (task, few)
}

fn quick() -> TrainingParams {
    TrainingParams {
        epochs: 12,
        batch: 20,
        ..TrainingParams::default()
    }
}

fn train(architecture: &Architecture, images: &LabelledImages) -> (Network, Vec<EpochReport>) {
    let mut reports = Vec::new();
    let mut progress = |report: &EpochReport| reports.push(report.clone());
    let network = Network::train(architecture, images, &quick(), &mut progress).unwrap();
    (network, reports)
}

/// Small enough to be trained in a moment.
fn parametric(tying: Tying) -> Architecture {
    Architecture::Parametric(LearnedScattering {
        J: 2,
        L: 3,
        max_order: 2,
        tying,
    })
}

fn all() -> [Architecture; 6] {
    [
        Architecture::LeNet5,
        Architecture::Mlp { hidden: 32 },
        Architecture::Cnn {
            first: FirstLayer::learned(8, 7),
        },
        Architecture::Head { hidden: 0 },
        parametric(Tying::PerWavelet),
        parametric(Tying::Equivariant),
    ]
}

#[test]
fn every_architecture_learns_digits_far_beyond_chance_in_seconds() {
    let (task, few) = few();
    for architecture in all() {
        let (network, reports) = train(&architecture, &few);
        let validated = reports.iter().filter(|report| report.validation.is_some());
        assert_eq!(validated.count(), 12);
        let [first, last] = [&reports[0], &reports[11]];
        assert!(
            last.loss < 0.25 * first.loss,
            "{architecture:?}: {first:?} {last:?}"
        );
        let predicted = network.predict(&task.test().images).unwrap();
        let error = error_rate(&predicted, &task.test().labels).unwrap();
        // Of four seeds each, errors were 0.11 to 0.20, and the loss fell to an eighth or less.
        assert!(error < 0.25, "{architecture:?}: {error}, chance is 0.9");
    }
}

#[test]
fn lenet_has_the_parameters_of_the_papers_table() {
    let (_, few) = few();
    let (network, _) = train(&Architecture::LeNet5, &few);
    let convolutions = (5 * 5 + 1) * 6 + (6 * 5 * 5 + 1) * 16 + (16 * 5 * 5 + 1) * 120;
    let dense = (120 + 1) * 84 + (84 + 1) * 10;
    assert_eq!(network.parameters(), convolutions + dense);
    assert_eq!(network.parameters(), 61_706);
    assert_eq!(network.first_layer().unwrap().shape(), [6, 1, 5, 5]);
}

#[test]
fn a_network_that_was_saved_predicts_the_same_when_it_is_loaded() {
    let (task, few) = few();
    let folder = tempfile::tempdir().unwrap();
    for architecture in all() {
        let path = folder.path().join("network.safetensors");
        let (network, _) = train(&architecture, &few);
        network.save(&path).unwrap();
        let loaded = Network::load(&path).unwrap();
        let images = &task.test().images;
        assert_eq!(
            loaded.predict(images).unwrap(),
            network.predict(images).unwrap()
        );
        assert_eq!(loaded.first_layer(), network.first_layer());
        assert_eq!(loaded.wavelets(), network.wavelets());
        assert_eq!(loaded.architecture(), network.architecture());
        assert_eq!(loaded.classes(), network.classes());
        assert_eq!(loaded.parameters(), network.parameters());
    }
}

#[test]
fn wavelets_learn_at_a_rate_of_their_own_within_their_limits() {
    let (_, few) = few();
    let few = few.select(&(0..60).collect::<Vec<_>>()).unwrap();
    let moved = |tying, wavelet_rate| {
        let params = TrainingParams {
            epochs: 2,
            wavelet_rate,
            weight_decay: 0.1,
            ..quick()
        };
        let network = Network::train(&parametric(tying), &few, &params, &mut |_| {}).unwrap();
        let [start, end] = network.wavelets().unwrap();
        let mut largest: f64 = 0.0;
        for (start, end) in start.iter().flatten().zip(end.iter().flatten()) {
            assert_eq!((start.j, start.l), (end.j, end.l));
            assert!(
                end.xi > 0.0 && end.xi <= 0.5 && end.sigma > 0.0 && end.slant > 0.0,
                "{end:?}"
            );
            largest = largest
                .max((start.xi - end.xi).abs())
                .max((start.slant - end.slant).abs());
        }
        largest
    };
    for tying in Tying::ALL {
        // Adam moves a number by at most about its rate a step, and there are six steps.
        let slow = moved(tying, 1e-5);
        assert!(slow > 1e-6 && slow < 1e-4, "{tying:?}: {slow}");
        let fast = moved(tying, 0.5);
        assert!(fast > 0.1, "{tying:?}: {fast}");
    }
}

#[test]
fn files_that_hold_no_network_of_ours_are_refused() {
    let (_, few) = few();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("network.safetensors");
    let (network, _) = train(&Architecture::Mlp { hidden: 4 }, &few);
    network.save(&path).unwrap();
    let whole = std::fs::read(&path).unwrap();
    let header = String::from_utf8_lossy(&whole).into_owned();
    assert!(header.contains("hidden"), "the header is text");

    let refusal = |bytes: &[u8]| {
        std::fs::write(&path, bytes).unwrap();
        let error = Network::load(&path).unwrap_err();
        assert!(matches!(error, Error::BadFile { .. }), "{error:?}");
        error.to_string()
    };
    for cut in [0, 5, whole.len() / 2, whole.len() - 1] {
        assert!(
            refusal(&whole[..cut]).contains("no safetensors file"),
            "{cut}"
        );
    }
    let change = |from: &str, to: &str| {
        assert_eq!(from.len(), to.len());
        let mut bytes = whole.clone();
        let at = bytes.windows(from.len()).position(|w| w == from.as_bytes());
        bytes[at.unwrap()..][..to.len()].copy_from_slice(to.as_bytes());
        bytes
    };
    assert!(refusal(&change("\"network\"", "\"nothing\"")).contains("no entry"));
    assert!(refusal(&change("mlp", "xyz")).contains("description"));
    assert!(
        refusal(&change("\\\"hidden\\\":4", "\\\"hidden\\\":5")).contains("tensors are not those")
    );
    let absent = Network::load(folder.path().join("absent.safetensors"));
    assert!(matches!(absent, Err(Error::File { .. })));
}

#[test]
fn the_same_seed_gives_the_same_numbers_and_another_gives_others() {
    let (task, few) = few();
    let architecture = Architecture::Cnn {
        first: FirstLayer::learned(6, 5),
    };
    let params = TrainingParams {
        epochs: 2,
        shift: 1,
        ..quick()
    };
    let run = |seed: u64| {
        let params = TrainingParams {
            seed,
            ..params.clone()
        };
        let mut losses = Vec::new();
        let mut progress = |report: &EpochReport| losses.push((report.loss, report.validation));
        let network = Network::train(&architecture, &few, &params, &mut progress).unwrap();
        let predicted = network.predict(&task.test().images).unwrap();
        (losses, network.first_layer().unwrap(), predicted)
    };
    // Side by side, since other trainings draw from the same generator.
    let (first, again) = std::thread::scope(|scope| {
        let other = scope.spawn(|| run(3));
        (run(3), other.join().unwrap())
    });
    assert_eq!(first, again);
    assert_ne!(first.1, run(4).1);
}

#[test]
fn given_filters_stay_if_frozen_and_move_if_not() {
    let (_, few) = few();
    let weights = Array4::from_shape_fn([5, 1, 7, 7], |(n, _, i, k)| {
        (((n + 1) * (i + 2 * k)) as f32 / 5.0).sin() / 7.0
    });
    let trained = |frozen| {
        let first = FirstLayer::given(weights.clone(), frozen);
        train(&Architecture::Cnn { first }, &few)
            .0
            .first_layer()
            .unwrap()
    };
    assert_eq!(trained(true), weights);
    let moved = trained(false);
    let distance = (&moved - &weights).mapv(|d| d * d).sum().sqrt();
    let size = weights.mapv(|w| w * w).sum().sqrt();
    assert!(
        distance > 1e-3 * size && distance < size,
        "{distance} of {size}"
    );
}

#[test]
fn a_network_hears_tones_apart_and_forgets_nothing_on_disk() {
    // Two pitches at any phase and loudness: what tells them apart has to be found in the samples.
    let labels: Vec<usize> = (0..80).map(|i| i % 2).collect();
    let sounds = Array4::from_shape_fn([80, 1, 1, 1100], |(n, .., t)| {
        let omega = [0.3, 0.45][labels[n]];
        0.01 * (1 + n) as f32 * (omega * t as f32 + n as f32).sin()
    });
    let classes = vec!["low".to_string(), "high".to_string()];
    let all = LabelledImages::new(sounds, labels, classes).unwrap();
    let [train, test] =
        [0, 40].map(|from| all.select(&(from..from + 40).collect::<Vec<_>>()).unwrap());
    let architecture = Architecture::Cnn1d {
        filters: 16,
        taps: 80,
    };
    // Shifts move along the only axis there is.
    let params = TrainingParams {
        epochs: 20,
        batch: 10,
        shift: 50,
        ..TrainingParams::default()
    };
    let network = Network::train(&architecture, &train, &params, &mut |_| {}).unwrap();
    let predicted = network.predict(&test.images).unwrap();
    assert!(
        error_rate(&predicted, &test.labels).unwrap() < 0.1,
        "{predicted:?}"
    );

    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ear.safetensors");
    network.save(&path).unwrap();
    let again = Network::load(&path).unwrap();
    assert_eq!(again.architecture(), &architecture);
    assert_eq!(again.predict(&test.images).unwrap(), predicted);
    assert_eq!(again.first_layer().unwrap().shape(), [16, 1, 1, 80]);

    for (filters, taps, samples, part) in [
        (20, 80, 1100, "multiple of 16"),
        (16, 0, 1100, "taps"),
        (16, 80, 1000, "1024"),
    ] {
        let mut short = train.clone();
        short.images = Array4::zeros([40, 1, 1, samples]);
        let architecture = Architecture::Cnn1d { filters, taps };
        let refused = Network::train(&architecture, &short, &params, &mut |_| {}).unwrap_err();
        assert!(refused.to_string().contains(part), "{refused}");
    }
}

#[test]
fn a_loss_that_is_no_number_stops_the_training() {
    let (_, few) = few();
    let first = FirstLayer::given(Array4::from_elem([3, 1, 3, 3], f32::MAX), false);
    let error = Network::train(&Architecture::Cnn { first }, &few, &quick(), &mut |_| {});
    let error = error.unwrap_err();
    assert!(
        matches!(
            error,
            Error::Diverged {
                epoch: 1,
                step: 1,
                ..
            }
        ),
        "{error}"
    );
    assert!(error.to_string().contains("use a lower rate"));
}

#[test]
fn training_stops_when_the_validation_part_has_nothing_more_to_gain() {
    // Two classes that one sample tells apart: solved at once, and what is solved cannot improve for ever.
    let labels: Vec<usize> = (0..80).map(|i| i % 2).collect();
    let images = Array4::from_shape_fn([80, 1, 4, 4], |(n, _, i, k)| {
        (labels[n] * usize::from(i == k)) as f32
    });
    let classes = vec!["dark".to_string(), "bright".to_string()];
    let set = LabelledImages::new(images, labels, classes).unwrap();
    let params = TrainingParams {
        epochs: 400,
        patience: 1,
        validation: 0.25,
        optimizer: Optimizer::Sgd {
            rate: 0.5,
            momentum: 0.9,
        },
        ..TrainingParams::default()
    };
    let mut reports = Vec::new();
    let mut progress = |report: &EpochReport| reports.push(report.clone());
    let network = Network::train(
        &Architecture::Head { hidden: 0 },
        &set,
        &params,
        &mut progress,
    )
    .unwrap();
    assert!(reports.len() < 400, "{}", reports.len());
    assert_eq!(network.predict(&set.images).unwrap(), set.labels);
    let last: Vec<(f64, f64)> = reports.iter().filter_map(|r| r.validation).collect();
    let least = last.iter().map(|(_, error)| *error).fold(1.0, f64::min);
    assert_eq!(least, 0.0);
}

#[test]
fn once_the_epoch_is_chosen_all_images_are_learned_as_long() {
    let (task, few) = few();
    let architecture = Architecture::Mlp { hidden: 8 };
    let params = TrainingParams {
        epochs: 6,
        validation: 0.2,
        ..quick()
    };
    let run = |params: &TrainingParams| {
        let mut reports = Vec::new();
        let mut progress = |report: &EpochReport| reports.push(report.clone());
        let network = Network::train(&architecture, &few, params, &mut progress).unwrap();
        (network.predict(&task.test().images).unwrap(), reports)
    };
    let (predicted, reports) = run(&params);
    let (validated, again): (Vec<_>, Vec<_>) = reports
        .iter()
        .partition(|report| report.validation.is_some());
    let loss = |report: &EpochReport| report.validation.unwrap().0;
    let best = validated.iter().min_by(|a, b| loss(a).total_cmp(&loss(b)));
    let chosen = best.unwrap().epoch;
    assert_eq!(again.len(), chosen);
    assert!(again.iter().all(|report| report.epochs == chosen));
    // As if nobody had held anything back.
    let (expected, _) = run(&TrainingParams {
        epochs: chosen,
        validation: 0.0,
        ..params.clone()
    });
    assert_eq!(predicted, expected);
    let (held_back, reports) = run(&TrainingParams {
        again: false,
        ..params
    });
    assert_eq!(reports.len(), validated.len());
    assert_ne!(predicted, held_back);
}

#[test]
fn a_shifted_digit_is_found_again_by_a_network_that_has_seen_shifts() {
    let (task, few) = few();
    let params = |shift| TrainingParams {
        epochs: 25,
        shift,
        ..quick()
    };
    // Two samples to the right, the margin of MNIST is four.
    let mut moved = Array4::zeros(task.test().images.raw_dim());
    moved
        .slice_mut(s![.., .., .., 2..])
        .assign(&task.test().images.slice(s![.., .., .., ..-2]));
    let error = |shift| {
        let network = Network::train(
            &Architecture::Mlp { hidden: 64 },
            &few,
            &params(shift),
            &mut |_| {},
        );
        let predicted = network.unwrap().predict(&moved).unwrap();
        error_rate(&predicted, &task.test().labels).unwrap()
    };
    let (without, with) = (error(0), error(2));
    assert!(with < without - 0.05, "{with} {without}");
}

#[test]
fn what_does_not_fit_is_refused_by_name() {
    let (_, few) = few();
    let train = |architecture: &Architecture, params: &TrainingParams, images: &LabelledImages| {
        Network::train(architecture, images, params, &mut |_| {}).unwrap_err()
    };
    let parameter = |error: &Error| match error {
        Error::InvalidParameter { name, .. } => *name,
        other => panic!("{other:?}"),
    };
    let mlp = Architecture::Mlp { hidden: 4 };
    let cases = [
        (
            "epochs",
            TrainingParams {
                epochs: 0,
                ..quick()
            },
        ),
        (
            "batch",
            TrainingParams {
                batch: 0,
                ..quick()
            },
        ),
        (
            "patience",
            TrainingParams {
                patience: 0,
                ..quick()
            },
        ),
        (
            "validation",
            TrainingParams {
                validation: 0.6,
                ..quick()
            },
        ),
        (
            "weight_decay",
            TrainingParams {
                weight_decay: f32::NAN,
                ..quick()
            },
        ),
        (
            "rate",
            TrainingParams {
                optimizer: Optimizer::Adam { rate: 0.0 },
                ..quick()
            },
        ),
        (
            "momentum",
            TrainingParams {
                optimizer: Optimizer::Sgd {
                    rate: 0.1,
                    momentum: 1.0,
                },
                ..quick()
            },
        ),
    ];
    for (name, params) in cases {
        assert_eq!(parameter(&train(&mlp, &params, &few)), name);
    }
    let cnn = |filters, side| Architecture::Cnn {
        first: FirstLayer::learned(filters, side),
    };
    assert_eq!(parameter(&train(&cnn(0, 7), &quick(), &few)), "filters");
    assert_eq!(parameter(&train(&cnn(4, 6), &quick(), &few)), "side");
    assert_eq!(
        parameter(&train(&Architecture::Mlp { hidden: 0 }, &quick(), &few)),
        "hidden"
    );
    for beyond in [
        Architecture::Mlp { hidden: usize::MAX },
        cnn(1 << 50, 7),
        cnn(4, (1 << 40) + 1),
    ] {
        let error = train(&beyond, &quick(), &few);
        assert!(matches!(error, Error::OutOfMemory { .. }), "{error:?}");
    }
    let color = FirstLayer::given(Array4::zeros([4, 3, 7, 7]), true);
    let error = train(&Architecture::Cnn { first: color }, &quick(), &few);
    assert!(matches!(error, Error::WrongShape { .. }), "{error:?}");

    let mut large = few.clone();
    large.images = Array4::zeros([300, 1, 33, 20]);
    let error = train(&Architecture::LeNet5, &quick(), &large);
    assert!(error.to_string().contains("at most 32 x 32"), "{error}");
    let mut labels = few.clone();
    labels.labels.pop();
    assert!(matches!(
        train(&mlp, &quick(), &labels),
        Error::WrongShape { .. }
    ));

    let network = Network::train(&mlp, &few, &quick(), &mut |_| {}).unwrap();
    let narrow = few.images.slice_axis(Axis(3), (0..20).into()).to_owned();
    let error = network.predict(&narrow).unwrap_err();
    assert!(error.to_string().contains("[n, 1, 28, 28]"), "{error}");
}
