"""Function transforms: derivatives and batches of functions, in any composition."""

from tapeless.func._differentiate import grad, grad_and_value, jvp, vjp
from tapeless.func._jacobians import hessian, jacfwd, jacrev
from tapeless.func._vmap import vmap

__all__ = ["grad", "grad_and_value", "hessian", "jacfwd", "jacrev", "jvp", "vjp", "vmap"]
