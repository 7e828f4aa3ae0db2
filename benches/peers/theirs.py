"""Kymatio's half of `run`: one workload on one backend.

    theirs.py BACKEND THREADS WORKLOAD FEATURES

BACKEND is torch or jax, WORKLOAD an object of `ours.rs list`, FEATURES a file by `ours.rs answer`. Builds the
transform, warms up, and prints its version and the relative l2 difference from FEATURES for every order; then answers
every line `n` on standard input by the milliseconds of n transforms of the whole batch, a JSON array.
"""

import json
import os
import sys
import time

import numpy as np


def noise(shape, start=0):
    """The signals of benches/workloads/noise.rs: SplitMix64 of the index, its top 24 bits in [0, 1)."""
    z = np.arange(start + 1, start + 1 + np.prod(shape), dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    z ^= z >> np.uint64(31)
    return ((z >> np.uint64(40)).astype(np.float32) / np.float32(1 << 24)).reshape(shape)


def gabor_2d(M, N, sigma, theta, xi, slant=1.0, offset=0):
    """kymatio.scattering2d.filter_bank.gabor_2d without the samples that single precision makes 0.

    Kymatio sums 25 periods of the wavelet, each over the whole grid. Here every period is evaluated only where its
    envelope is at least exp(-106), half the least positive float32; the rest adds exactly nothing.
    """
    assert offset == 0
    c, s = np.cos(theta), np.sin(theta)
    rotation = np.array([[c, -s], [s, c]], np.float32)
    inverse = np.array([[c, s], [-s, c]], np.float32)
    curvature = rotation @ np.diag([1, slant * slant]) @ inverse / (2 * sigma * sigma)
    a, b, d = curvature[0, 0], curvature[0, 1] + curvature[1, 0], curvature[1, 1]
    radius = int(np.sqrt(106 / np.linalg.eigvalsh((curvature + curvature.T) / 2)[0])) + 2

    gabor = np.zeros((M, N), np.complex64)
    for ex in range(-2, 3):
        x = np.arange(max(ex * M, -radius), min((ex + 1) * M, radius + 1))[:, None]
        for ey in range(-2, 3):
            y = np.arange(max(ey * N, -radius), min((ey + 1) * N, radius + 1))[None, :]
            if x.size and y.size:
                exponent = -(a * (x * x) + b * (x * y) + d * (y * y)) + 1j * (x * xi * c + y * xi * s)
                at = x[0, 0] - ex * M, y[0, 0] - ey * N
                gabor[at[0] : at[0] + x.size, at[1] : at[1] + y.size] += np.exp(exponent)
    gabor /= 2 * 3.1415 * sigma * sigma / slant
    return gabor


def periodize_filter_fft(x, res):
    """kymatio.scattering2d.filter_bank.periodize_filter_fft with its four loops over samples as one sum."""
    kept = x.copy()
    for axis, n in enumerate(x.shape):
        start = int(n * 2 ** (-res - 1))
        middle = slice(start, start + int(n * (1 - 2**-res)))
        kept[middle if axis == 0 else (slice(None), middle)] = 0
    (M, N), step = x.shape, 2**res
    return kept.reshape(step, M // step, step, N // step).sum((0, 2))


def restore_sph_harm():
    import scipy.special

    if not hasattr(scipy.special, "sph_harm"):  # gone since scipy 1.17; Kymatio imports it, for 3D only
        scipy.special.sph_harm = lambda m, n, azimuth, polar: scipy.special.sph_harm_y(n, m, polar, azimuth)


def patch_kymatio():
    restore_sph_harm()
    import kymatio.scattering2d.filter_bank as filter_bank

    theirs = filter_bank.gabor_2d, filter_bank.periodize_filter_fft
    for arguments in [(40, 40, 0.8, 0.4, 2.4, 0.5), (24, 40, 3.2, -1.2, 0.6, 0.5), (40, 24, 3.2, 0, 0)]:
        gabor = gabor_2d(*arguments)
        assert np.array_equal(gabor, theirs[0](*arguments)), "gabor_2d differs from Kymatio's"
        for res in range(3):
            same = np.array_equal(periodize_filter_fft(gabor.real, res), theirs[1](gabor.real, res))
            assert same, "periodize_filter_fft differs from Kymatio's"
    filter_bank.gabor_2d, filter_bank.periodize_filter_fft = gabor_2d, periodize_filter_fft


def transform(backend, threads, workload, images):
    """A call that transforms all inputs and returns an array, and the version behind it."""
    if not workload["comparison"].endswith("2d"):
        return transform_signals(backend, threads, workload, images)
    J, L, shape = workload["J"], workload["L"], tuple(workload["shape"])
    if backend == "torch":
        import torch
        from kymatio.torch import Scattering2D

        torch.set_num_threads(threads)
        plan, images = Scattering2D(J, shape, L=L), torch.from_numpy(images)
        return of_torch(plan, images, workload), f"torch {torch.__version__}"
    if backend == "jax":
        import jax
        from kymatio.jax import Scattering2D

        plan, images = Scattering2D(J, shape, L=L), jax.numpy.asarray(images)
        compiled = jax.jit(plan.scattering)
        return lambda: compiled(images).block_until_ready(), f"jax {jax.__version__}"
    sys.exit(f"no such backend: {backend}")


def of_torch(plan, inputs, workload):
    """A call of the features, or of the features and the gradient of their sum."""
    import torch

    if not workload["comparison"].startswith("gradient"):
        torch.set_grad_enabled(False)
        return lambda: plan(inputs)

    def there_and_back():
        leaf = inputs.detach().requires_grad_()
        plan(leaf).sum().backward()
        return leaf.grad

    return there_and_back


def transform_signals(backend, threads, workload, signals):
    """The same of signals. Joint scattering is in Kymatio's development version only."""
    J, Q, [N] = workload["J"], workload["Q"], workload["shape"]
    joint = workload["comparison"] == "joint"
    if joint:
        sys.path.insert(0, os.environ["KYMATIO_SRC"])
    if backend == "torch":
        import torch

        torch.set_num_threads(threads)
        signals = torch.from_numpy(signals)
        if joint:
            from kymatio.torch import TimeFrequencyScattering

            plan = TimeFrequencyScattering(J=J, J_fr=workload["J_fr"], Q=Q, shape=N)
        else:
            from kymatio.torch import Scattering1D

            plan = Scattering1D(J, N, Q)
        return of_torch(plan, signals, workload), f"torch {torch.__version__}"
    if backend == "jax":
        import jax
        from kymatio.jax import Scattering1D

        plan, signals = Scattering1D(J, N, Q), jax.numpy.asarray(signals)
        compiled = jax.jit(plan.scattering)
        return lambda: compiled(signals).block_until_ready(), f"jax {jax.__version__}"
    sys.exit(f"no such backend: {backend}")


def differences_of_signals(got, file, workload):
    """Relative l2 difference of the first signal from ours: of joint scattering everything, else of order 0 and of the first
    wavelets, which are not subsampled: Kymatio 0.3 scales filters otherwise once they are.
    """
    ours = np.fromfile(file, "<f4").astype(np.float64)
    ours = ours.reshape(-1, got.shape[-1])
    got = np.asarray(got, np.float64).reshape(-1, *ours.shape)[0]
    stretches = [slice(None)] if workload["comparison"] == "joint" else [slice(0, 1), slice(1, 4)]
    return [float(np.linalg.norm(got[rows] - ours[rows]) / np.linalg.norm(ours[rows])) for rows in stretches]


def differences(got, file, J, L):
    """Relative l2 difference of the first image from ours, for every order.

    Kymatio divides a filter by 2 * 3.1415 * sigma^2, we by 2 * pi * sigma^2; a row of order m has met m + 1 filters.
    """
    rows = [0, 1, 1 + J * L, 1 + J * L + J * (J - 1) // 2 * L * L]
    got = got.reshape(-1, rows[-1], *got.shape[-2:])[0].astype(np.float64)
    ours = np.fromfile(file, "<f4").reshape(got.shape).astype(np.float64)
    errors = []
    for order, (start, end) in enumerate(zip(rows, rows[1:])):
        expected = ours[start:end] * (np.pi / 3.1415) ** (order + 1)
        error = np.linalg.norm(got[start:end] - expected) / np.linalg.norm(expected) if end > start else 0.0
        errors.append(float(error))
    return errors


def main():
    backend, threads, workload, features = sys.argv[1], int(sys.argv[2]), json.loads(sys.argv[3]), sys.argv[4]
    if backend == "jax" and hasattr(os, "sched_setaffinity"):  # its pool has a thread for every core it may use
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:threads])
    if workload["comparison"].endswith("2d"):
        patch_kymatio()
    else:
        restore_sph_harm()
    run, version = transform(backend, threads, workload, noise(workload["leading"] + workload["shape"]))
    if workload["comparison"].startswith("gradient"):
        got = np.asarray(run(), np.float64).reshape(-1, *workload["shape"])[0].ravel()
        ours = np.fromfile(features, "<f4")
        errors = [float(np.linalg.norm(got - ours) / np.linalg.norm(ours))]
        if workload["comparison"] == "gradient1d":
            errors = []  # Kymatio 0.3 scales filters otherwise once they are subsampled
    elif workload["comparison"] == "scattering2d":
        errors = differences(np.asarray(run()), features, workload["J"], workload["L"])
    else:
        errors = differences_of_signals(np.asarray(run()), features, workload)
    serve(run, version, errors)


def serve(run, version, errors):
    """Says that it is ready, then times calls as it is told to."""
    print(json.dumps({"version": version, "errors": errors}), flush=True)
    for line in sys.stdin:
        times = []
        for _ in range(int(line)):
            start = time.perf_counter()
            run()
            times.append((time.perf_counter() - start) * 1e3)
        print(json.dumps(times), flush=True)


if __name__ == "__main__":
    main()
