"""Sizes of a fusion: the default, and what is refused.

Every fusion takes its sizes through here, so that all say the same of a wrong one.
"""


def common_size(codes: dict, units: int | None, name: str) -> int:
    """The size asked for, checked, or else that of the smallest code.

    Args:
        codes: `{modality: (batch, size)}`, symbolic.
        units: What was asked for.
        name: Name of the fusion, for the message.

    Raises:
        ValueError: If `units` is not a positive whole number.

    Example:
        >>> import keras
        >>> codes = {"ehr": keras.Input((64,)), "cxr": keras.Input((32,))}
        >>> common_size(codes, None, "fusion"), common_size(codes, 7, "fusion")
        (32, 7)
    """
    if units is None:
        return min(code.shape[-1] for code in codes.values())
    check_sizes(name, units=units)
    return units


def check_sizes(name: str, **sizes: int) -> None:
    """Refuse what is not a positive whole number.

    Args:
        name: Name of the fusion, for the message.
        **sizes: Options and their values.

    Raises:
        ValueError: If one of `sizes` is not a positive whole number.

    Example:
        >>> check_sizes("fusion", rank=4)
    """
    for option, size in sizes.items():
        if not isinstance(size, int) or size < 1:
            raise ValueError(
                f"`{option}` must be a positive whole number. Received: "
                f"{option}={size!r} for {name!r}. Leave it out for the default."
            )
