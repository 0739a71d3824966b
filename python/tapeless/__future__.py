# torch.__future__: how modules convert their parameters.
"""Flags that nn.Module's conversions (`to`, `double`, ...) look at."""

_overwrite = False
_swap = False


def set_overwrite_module_params_on_conversion(value: bool) -> None:
    """Whether conversions put new parameters in the place of old ones instead of changing those."""
    global _overwrite
    _overwrite = value


def get_overwrite_module_params_on_conversion() -> bool:
    """Whether conversions put new parameters in the place of old ones; at first False."""
    return _overwrite


def set_swap_module_params_on_conversion(value: bool) -> None:
    """Accepted: a parameter that is changed in place stays the same object either way."""
    global _swap
    _swap = value


def get_swap_module_params_on_conversion() -> bool:
    """What set_swap_module_params_on_conversion was given; at first False."""
    return _swap
