"""State dictionaries: arrays by name, from ``.npz``, ``.safetensors``, or ``.pt`` by PyTorch."""

import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nomul.golden.foreign import archives
from nomul.golden.foreign.numbers import shown
from nomul.golden.foreign.refusals import reading
from nomul.golden.foreign.tensors import Tensors

Array = NDArray[Any]

# Bytes of the pickle in a file of PyTorch: a few hundred per tensor.
_PICKLE = 16 << 20


def state(path: Path) -> dict[str, Array]:
    """Return a state dictionary.

    Numbers that NumPy does not have, bfloat16 and those of 8 bits, come as float32.

    Raises
    ------
    Refused
        The file is none, or holds something else than tensors and numbers, such as a whole module.
    ImportError
        It is a ``.pt`` file and PyTorch is missing.
    """
    if path.suffix == ".npz":
        return archives.arrays(path)
    if path.suffix == ".safetensors":
        tensors = Tensors(path)
        with reading(path):
            _check_total(sum(last - first for _, _, first, last in tensors.places.values()))
        return {name: tensors.read(name) for name in tensors.names}
    with reading(path):
        if path.suffix in (".pt", ".pth"):
            return _named(_unpickled(path))
        raise ValueError("a state dictionary ends in .npz, .safetensors, .pt or .pth")


def _check_total(octets: int) -> None:
    if octets > archives.MOST_BYTES:
        raise ValueError(
            f"would take {octets} bytes, more than the {archives.MOST_BYTES} that are read"
        )


def _unpickled(path: Path) -> Any:
    """Return what a file of PyTorch holds; it may be made of tensors and plain values only."""
    with path.open("rb") as file:
        archive = archives.opened(path, file)
        _check_total(sum(entry.file_size for entry in archive.infolist()))
        for entry in archive.infolist():
            if entry.compress_type != zipfile.ZIP_STORED:
                raise ValueError(f"entry {shown(entry.filename)} is compressed")
            if entry.filename.endswith(".pkl") and entry.file_size > _PICKLE:
                raise ValueError(f"entry {shown(entry.filename)} has {entry.file_size} bytes")
    try:
        import torch
    except ImportError:
        raise ImportError("files of PyTorch need it; try: pip install 'nomul[train]'") from None
    try:
        return torch.load(path, weights_only=True, map_location="cpu")
    except OSError:
        raise
    # Bytes at random make its unpickler raise about anything.
    except Exception as error:
        text = " ".join(str(error).split())
        if "Unsupported global" in text or "Unsupported class" in text:
            whole = text.split("GLOBAL ")[-1].split()[0]
            raise ValueError(
                f"holds {shown(whole)}, not tensors alone; save model.state_dict() instead"
            ) from None
        raise ValueError(f"is damaged: {text[:100] or type(error).__name__}") from None


def _named(values: Any) -> dict[str, Array]:
    """Return the tensors of a dictionary, or of the one dictionary of tensors inside of it."""
    import torch

    if not isinstance(values, Mapping):
        raise ValueError(f"holds a {type(values).__name__}, not a state dictionary")
    if not any(isinstance(value, torch.Tensor) for value in values.values()):
        inner = {
            key: value
            for key, value in values.items()
            if isinstance(value, Mapping)
            and any(isinstance(part, torch.Tensor) for part in value.values())
        }
        if len(inner) != 1:
            names = ", ".join(map(shown, inner)) or "none"
            raise ValueError(f"must hold one state dictionary, not {len(inner)}: {names}")
        (values,) = inner.values()
    result, total = {}, 0
    for name, value in values.items():
        if not isinstance(name, str):
            raise ValueError(f"the name {shown(name)} is no text")
        if isinstance(value, torch.Tensor):
            total += value.numel() * value.element_size()
            _check_total(total)
            result[name] = _array(name, value, torch)
        elif isinstance(value, int | float):
            result[name] = np.asarray(value)
        else:
            raise ValueError(f"{name} is a {type(value).__name__}, not a tensor")
    return result


def _array(name: str, tensor: Any, torch: Any) -> Array:
    """Return a tensor, which may be a parameter, as an array."""
    tensor = tensor.detach()
    if tensor.layout != torch.strided or tensor.is_quantized or tensor.is_complex():
        raise ValueError(f"{name} is no plain tensor of real numbers")
    if tensor.is_floating_point() and tensor.dtype not in (
        torch.float16,
        torch.float32,
        torch.float64,
    ):
        tensor = tensor.float()
    try:
        return np.array(tensor.cpu().numpy())
    except (RuntimeError, TypeError) as error:
        raise ValueError(f"{name}: {' '.join(str(error).split())[:100]}") from None
