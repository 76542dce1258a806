"""Trees that scikit-learn fitted, from files of skops, without running what is in them."""

import json
import zipfile
from pathlib import Path
from typing import Any

from nomul.runs import folders

# What a file may hold that skops does not trust by itself. It warns of trees, since scikit-learn
# follows their indices unchecked when it predicts; here nothing predicts, and the reader of trees
# checks every index.
TRUSTED = ("sklearn.tree._tree.Tree",)
MOST_BYTES = 1 << 28  # of all members of a file, unpacked


def estimator(path: Path) -> Any:
    """Return the fitted estimator in a file of skops.

    Raises
    ------
    ImportError
        skops is not installed.
    ValueError
        The file is none of skops, is too large, or names a type that is not trusted, which would be
        code of whoever wrote it.
    """
    try:
        from skops import io
    except ImportError:
        raise ImportError(f"{path.name} needs skops; try: pip install 'nomul[skops]'") from None
    try:
        with zipfile.ZipFile(path) as archive:
            size = sum(member.file_size for member in archive.infolist())
    except zipfile.BadZipFile:
        raise ValueError(f"{path.name}: is no file of skops") from None
    if size > MOST_BYTES:
        raise ValueError(f"{path.name}: has {size} bytes, more than the {MOST_BYTES} that are read")
    try:
        strange = sorted(set(io.get_untrusted_types(file=path)) - set(TRUSTED))
        if not strange:
            return io.load(path, trusted=list(TRUSTED))
    except Exception as error:  # whatever its parser meets in a damaged file
        raise ValueError(f"{path.name}: is no file of skops: {error}") from None
    raise ValueError(f"{path.name}: types that are not trusted: {', '.join(strange)}")


def trees(path: Path, **options: Any) -> Any:
    """Return the network of look-up tables of the trees in a file of skops.

    ``options`` are those of :func:`nomul.golden.lutnet.importers.trees.xgboost`.
    """
    from nomul.golden.lutnet.importers import load
    from nomul.train.trees import document

    model = estimator(path)
    try:
        values = document(model)
    except (TypeError, ValueError) as error:
        raise ValueError(f"{path.name}: {error}") from None
    with folders.scratch() as folder:
        text = folder / path.name  # so that refusals name the file that the user knows
        text.write_text(json.dumps(values))
        return load(text, "xgboost", **options)
