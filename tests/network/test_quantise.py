"""Quantisation after training: what it leaves alone, what it loses, and estimators."""

import numpy as np
import pytest

from nomul.golden import network
from nomul.golden.network import calibrate, reals
from nomul.golden.network.lower import lower
from nomul.train import digits


def product(source, *shape, seed=1, **members):
    rng = np.random.default_rng(seed)
    w = rng.normal(0, (2 / np.prod(shape[1:])) ** 0.5, shape)
    outputs = shape[1] if len(shape) == 2 else shape[0]
    members = {"w": w, "bias": rng.normal(0, 0.1, outputs), **members}
    return reals.Product(sources=(source,), name=f"product {seed}", **members)


def residual():
    """Return a small network with a normalisation, a skip and a mean."""
    rng = np.random.default_rng(0)
    steps = [
        product(0, 6, 1, 3, 3, padding=(1, 1, 1, 1)),
        reals.Affine(sources=(1,), gain=rng.normal(1, 0.3, 6), shift=rng.normal(0, 0.1, 6)),
        reals.Clip(sources=(2,)),
        reals.Pool(sources=(3,), mean=False, kernel=(2, 2), stride=(2, 2)),
        product(4, 6, 6, 3, 3, padding=(1, 1, 1, 1), seed=2),
        reals.Sum(sources=(5, 4)),
        reals.Clip(sources=(6,)),
        reals.GlobalMean(sources=(7,)),
        product(8, 6, 5, seed=3),
    ]
    return reals.Graph(steps, (1, 8, 8))


IMAGES = np.random.default_rng(4).random((100, 1, 8, 8))


def test_integers_mean_what_the_quantised_reals_are():
    """The output's own rounding and the sums' guard bits apart, which is a 256th of a code."""
    graph = calibrate.prepare(residual(), IMAGES)
    net = lower(graph)
    got = network.model(net, net.encode(IMAGES)) * net.output_scale
    want = reals.ideal(graph, IMAGES)
    assert np.abs(got - want).max() < 0.01 * np.abs(want).max()


@pytest.mark.parametrize("powers", [False, True])
def test_more_bits_are_nearer(powers):
    want = reals.ideal(residual(), IMAGES)
    errors = []
    for bits in (3, 5, 8):
        net = network.quantise(residual(), IMAGES, bits, bits, powers_of_two=powers)
        got = network.model(net, net.encode(IMAGES)) * net.output_scale
        errors.append(float(np.abs(got - want).mean() / np.abs(want).mean()))
        assert (net.weight_bits, net.act_bits) == (bits, bits)
    assert errors[0] > 2 * errors[1] > 4 * errors[2]
    assert errors[2] < 0.03


def test_powers_of_two_never_multiply():
    net = network.quantise(residual(), IMAGES, powers_of_two=True)
    assert not any(isinstance(a, network.Requant) and a.multiplies for a in net.layers)
    net = network.quantise(residual(), IMAGES)
    assert any(isinstance(a, network.Requant) and a.multiplies for a in net.layers)


def test_where_codes_are():
    """The sum before the addition keeps its precision; whatever is stored is of eight bits."""
    net = network.quantise(residual(), IMAGES)
    kinds = [layer.kind for layer in net.layers]
    assert kinds == [
        *("conv2d", "requant", "maxpool2d", "conv2d", "requant", "requant", "add", "requant"),
        *("globalavgpool", "requant", "dense", "requant"),
    ]
    assert net.ranges[2] == (0, 255)
    assert net.ranges[8] == (0, 255)
    assert net.input_scale == pytest.approx(IMAGES.max() / 255, rel=0.02)


def test_a_normalisation_that_is_folded_changes_nothing():
    graph = residual()
    folded = calibrate.fold(graph)
    assert len(folded.steps) == len(graph.steps) - 1
    np.testing.assert_allclose(reals.ideal(folded, IMAGES), reals.ideal(graph, IMAGES), atol=1e-12)


def test_a_scale_per_output_and_symmetric_codes():
    step = calibrate.with_codes(product(0, 30, 4), 4)
    assert step.codes.min() >= -7
    assert step.codes.max() <= 7
    np.testing.assert_allclose(step.w, step.codes * step.scale)
    other = calibrate.with_codes(product(0, 30, 4, w=np.zeros((30, 4))), 4)
    assert not other.codes.any()


@pytest.mark.parametrize(
    ("graph", "data", "options", "error", "message"),
    [
        (residual, IMAGES, {"weight_bits": 1}, ValueError, "weight_bits must be in 2..8, not 1"),
        (residual, IMAGES, {"act_bits": 9}, ValueError, "act_bits must be in 1..8, not 9"),
        (residual, IMAGES, {"act_bits": 4.0}, TypeError, "act_bits must be an integer, not 4.0"),
        (residual, IMAGES[:, 0], {}, ValueError, r"calibration must be of shape \[V, 1, 8, 8\]"),
        (residual, IMAGES[:0], {}, ValueError, r"V > 0, not \[0, 1, 8, 8\]"),
        (residual, IMAGES * np.nan, {}, ValueError, "calibration must be finite"),
        (
            lambda: calibrate.prepare(residual(), IMAGES),
            IMAGES,
            {},
            ValueError,
            "quantised already",
        ),
    ],
)
def test_bad_input_is_refused(graph, data, options, error, message):
    with pytest.raises(error, match=message):
        network.quantise(graph(), data, **options)


def fitted(kind="MLPClassifier", target=lambda y: y, **options):
    neural = pytest.importorskip(
        "sklearn.neural_network", reason="needs scikit-learn: pip install 'nomul[train]'"
    )
    data = digits.load()
    members = {"hidden_layer_sizes": (24,), "max_iter": 60, "random_state": 1, **options}
    model = getattr(neural, kind)(**members)
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it stops early on purpose
        return model.fit(data.x, target(data.labels)), data


def test_an_estimator_loses_little():
    model, data = fitted()
    net = network.quantise(model, data.x[:300])
    chosen = network.model(net, net.encode(data.x_test)).argmax(axis=1)
    right = (model.classes_[chosen] == data.labels_test).mean()
    assert right > 0.9
    assert right >= model.score(data.x_test, data.labels_test) - 0.005
    assert net.notes["classes"] == "0,1,2,3,4,5,6,7,8,9"
    np.testing.assert_allclose(
        network.ideal(network.read(model), data.x).argmax(axis=1), model.predict(data.x)
    )


def test_two_classes_become_two_scores():
    model, data = fitted(target=lambda y: y % 2)
    scores = network.ideal(network.read(model), data.x_test)
    np.testing.assert_array_equal(scores.argmax(axis=1), model.predict(data.x_test))
    net = network.quantise(model, data.x[:300])
    chosen = network.model(net, net.encode(data.x_test)).argmax(axis=1)
    assert (chosen == model.predict(data.x_test)).mean() > 0.98


def test_a_regressor_keeps_its_scale():
    model, data = fitted("MLPRegressor", activation="identity")
    net = network.quantise(model, data.x[:300])
    got = network.model(net, net.encode(data.x_test))[:, 0] * net.output_scale
    assert np.abs(got - model.predict(data.x_test)).max() < 0.2


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"activation": "tanh"}, "MLPClassifier has the activation tanh; relu and identity"),
        ({"target": lambda y: np.stack([y % 2, y % 3 == 0], 1)}, "several labels per input"),
    ],
)
def test_other_estimators_are_refused(options, message):
    model, _ = fitted(max_iter=1, **options)
    with pytest.raises(ValueError, match=message):
        network.read(model)


def test_an_estimator_must_be_fitted():
    neural = pytest.importorskip("sklearn.neural_network")
    with pytest.raises(ValueError, match="MLPRegressor is not fitted"):
        network.read(neural.MLPRegressor())


@pytest.mark.parametrize("classes", [2, 10])
def test_its_export_to_onnx_is_the_estimator(classes, judge):
    """Labels, probabilities and all, as skl2onnx writes them."""
    skl2onnx = pytest.importorskip("skl2onnx", reason="needs skl2onnx: pip install skl2onnx")
    model, data = fitted(target=lambda y: y % classes)
    x = data.x_test.astype(np.float32)
    onnx_model = skl2onnx.to_onnx(model, x[:1])
    graph = network.read(onnx_model)
    np.testing.assert_array_equal(
        network.ideal(graph, x).argmax(axis=1), judge(onnx_model, x, ["output_label"])[0]
    )
    assert graph.notes["classes"] == ",".join(map(str, range(classes)))
