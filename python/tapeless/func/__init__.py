"""Function transforms: derivatives and batches of functions, in any composition."""

from tapeless.func._differentiate import grad, grad_and_value, jvp, linearize, vjp
from tapeless.func._functional_call import functional_call, stack_module_state
from tapeless.func._jacobians import hessian, jacfwd, jacrev
from tapeless.func._programs import functionalize, replace_all_batch_norm_modules_
from tapeless.func._vmap import vmap

__all__ = [
    "functional_call",
    "functionalize",
    "grad",
    "grad_and_value",
    "hessian",
    "jacfwd",
    "jacrev",
    "jvp",
    "linearize",
    "replace_all_batch_norm_modules_",
    "stack_module_state",
    "vjp",
    "vmap",
]
