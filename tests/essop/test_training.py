"""Training with ESSOP in the loop: gradients equal the golden model's, layer by layer."""

import numpy as np
import pytest

from nomul.golden import essop

torch = pytest.importorskip("torch", reason="install the extra: pip install nomul[train]")

from nomul.train import essop as layers  # noqa: E402


@pytest.mark.parametrize("source", ["lfsr", "vdc_xor", "sobol_xor"])
def test_linear_gradient_is_the_golden_update(source):
    torch.manual_seed(1)
    unit = layers.Unit(source, 16, seed=3)
    linear = layers.Linear(6, 4, unit).double()
    x = torch.relu(torch.randn(9, 6, dtype=torch.float64)).requires_grad_()
    delta = torch.randn(9, 4, dtype=torch.float64)
    linear(x).backward(delta)
    cfg = unit.config(6, 4)
    expected = essop.update(x.detach().numpy(), delta.numpy(), cfg)
    assert np.array_equal(linear.weight.grad.numpy(), expected.T)
    assert np.array_equal(x.grad.numpy(), (delta @ linear.weight).detach().numpy())
    assert np.array_equal(linear.bias.grad.numpy(), delta.sum(dim=0).numpy())


def test_sources_run_on_from_batch_to_batch():
    unit = layers.Unit("lfsr", 8)
    linear = layers.Linear(3, 2, unit).double()
    x, delta = torch.rand(4, 3, dtype=torch.float64), torch.rand(4, 2, dtype=torch.float64)
    for _ in range(2):
        linear.weight.grad = None
        linear(x).backward(delta)
    expected = essop.update(x.numpy(), delta.numpy(), unit.config(3, 2), n_vectors_before=4)
    assert np.array_equal(linear.weight.grad.numpy(), expected.T)


@pytest.mark.parametrize("options", [{}, {"stride": 2, "padding": 1}, {"bias": False}])
def test_convolution_equals_torch_forward_and_golden_backward(options):
    torch.manual_seed(2)
    unit = layers.Unit("vdc_xor", 32)
    conv = layers.Conv2d(2, 3, 3, unit, **options).double()
    x = torch.rand(2, 2, 7, 6, dtype=torch.float64)
    plain = torch.nn.functional.conv2d(x, conv.weight, conv.bias, conv.stride, conv.padding)
    y = conv(x)
    torch.testing.assert_close(y, plain)
    delta = torch.randn_like(y)
    y.backward(delta)
    patches = torch.nn.functional.unfold(x, 3, padding=conv.padding, stride=conv.stride)
    vectors = patches.transpose(1, 2).reshape(-1, 18).numpy()
    deltas = delta.permute(0, 2, 3, 1).reshape(-1, 3).numpy()
    expected = essop.update(vectors, deltas, unit.config(18, 3))
    assert np.array_equal(conv.weight.grad.flatten(1).numpy(), expected.T)


def test_without_a_unit_gradients_are_exact():
    torch.manual_seed(3)
    net, same = layers.mlp(None), layers.mlp(None)
    same.load_state_dict(net.state_dict())
    x = torch.rand(5, 64)
    net(x).sum().backward()
    torch.nn.Sequential(*same)(x).sum().backward()
    for a, b in zip(net.parameters(), same.parameters(), strict=True):
        assert torch.equal(a.grad, b.grad)


def test_resnet32_is_the_network_of_the_original():
    """Thirty-one convolutions and a linear layer, 0.46 million weights."""
    net = layers.resnet32(None)
    weights = [p for p in net.parameters() if p.ndim > 1]
    assert len(weights) == 32
    assert 0.45e6 < sum(p.numel() for p in net.parameters()) < 0.48e6
    assert net(torch.rand(2, 3, 32, 32)).shape == (2, 10)


def test_groups_are_refused():
    with pytest.raises(ValueError, match=r"Conv2d.groups must be 1, not 2"):
        layers.Conv2d(2, 2, 3, None, groups=2)
