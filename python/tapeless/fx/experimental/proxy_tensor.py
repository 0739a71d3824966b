# torch.fx.experimental.proxy_tensor: the mode of a trace, of which there is none.
"""Whether a trace by proxies is going on: never."""

from tapeless import _doors

globals().update(_doors.answers("get_proxy_mode maybe_disable_fake_tensor_mode", None))
globals().update(_doors.answers("is_sym_node", False))
make_fx = _doors.refusing("make_fx", RuntimeError, "make_fx: functions are not traced here; call the function itself")
