"""Text as numbers, without a vocabulary to download: hashed character n-grams.

The hash is MurmurHash3 with a fixed seed, as scikit-learn has it, and so the same on
all machines and in all sessions; Python's own `hash` is not. Two n-grams may share a
number; Weinberger et al. (2009), https://arxiv.org/abs/0902.2206, say why this
hardly matters. `TEXTS` names the forms; a new one is a function and a line there.
"""

from collections.abc import Sequence
from functools import cache

import numpy as np
from sklearn.feature_extraction.text import HashingVectorizer
from sklearn.utils import murmurhash3_32

BUCKETS = 4096  # As many as the encoder `text` expects.
PADDING = 0


def bag(
    texts: Sequence[str], *, buckets: int = BUCKETS, length: int = 256, n: int = 3
) -> np.ndarray:
    """How often each n-gram of characters occurs in words, rows of Euclidean length 1.

    For the encoder `mlp`, which sees no order.

    Args:
        texts: One for each row.
        buckets: Numbers that n-grams are hashed to.
        length: Not used: a bag holds the whole text.
        n: Characters of an n-gram.

    Returns:
        `(texts, buckets)`, float32, with signs, so that collisions cancel.

    Example:
        >>> bag(["a grey cat", "A GREY CAT"], buckets=64).shape
        (2, 64)
    """
    hashing = HashingVectorizer(
        analyzer="char_wb", ngram_range=(n, n), n_features=buckets, dtype="float32"
    )
    return hashing.transform(texts).toarray()


def ids(
    texts: Sequence[str], *, buckets: int = BUCKETS, length: int = 256, n: int = 3
) -> np.ndarray:
    """The n-grams of characters in their order, as numbers from 1 to `buckets - 1`.

    For the encoder `text`. A text that is longer keeps its beginning; a shorter one
    stands at the end of its row, behind zeros, so that a recurrent layer ends on it.

    Args:
        texts: One for each row.
        buckets: Numbers that n-grams are hashed to, padding included.
        length: N-grams of a row.
        n: Characters of an n-gram.

    Returns:
        `(texts, length)`, whole numbers, float32 (exact below 2**24).

    Example:
        >>> row = ids(["cats"], length=4)[0]
        >>> (row > 0).tolist(), row.tolist() == ids(["CATS"], length=4)[0].tolist()
        ([False, False, True, True], True)
    """
    rows = np.full((len(texts), length), PADDING, "float32")
    for row, text in zip(rows, texts, strict=True):
        text = text.lower()
        count = min(max(len(text) - n + 1, 0), length)
        row[length - count :] = [
            _number(text[k : k + n], buckets) for k in range(count)
        ]
    return rows


TEXTS = {"bag": bag, "ids": ids}


def text_shape(form: str, *, buckets: int, length: int) -> tuple[int]:
    """The shape of a row of a form.

    Raises:
        ValueError: If the form is unknown, or a size is too small or too large.

    Example:
        >>> text_shape("ids", buckets=4096, length=256)
        (256,)
    """
    if form not in TEXTS:
        raise ValueError(f"Unknown form of text {form!r}. Known: {sorted(TEXTS)}.")
    for name, value, most in (("buckets", buckets, 2**24), ("length", length, 10**5)):
        if not isinstance(value, int) or not 2 <= value <= most:
            raise ValueError(
                f"`{name}` must be a whole number from 2 to {most:,}. Received: "
                f"{value!r}."
            )
    return (buckets,) if form == "bag" else (length,)


@cache
def _number(gram: str, buckets: int) -> int:
    return 1 + murmurhash3_32(gram, positive=True) % (buckets - 1)
