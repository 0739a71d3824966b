// The CUDA C++ text of a formula: a prelude that defines every word, and one kernel that needs nothing else.
#pragma once

#include <string>

#include "base/dtype.h"
#include "kernels/code.h"

namespace tapeless {

/// What one kernel computes: a row's forward formula, or one of its gradients.
struct KernelText {
    const char* row;
    const CodeGraph* code;
    int root;
    int arity;                   ///< of the row
    int gradient;                ///< which operand's, or -1 for the forward formula
    DType dtype;                 ///< of the computation
    DType result;                ///< of the row's result
    std::uint8_t bool_operands;  ///< bit k: the row's operand k is a condition
};

/// Whether kernels of that dtype can be written: all but halves and complex numbers.
bool has_kernel_text(DType dtype);
/// The kernel's name, such as `tl_mul_float32` or `tl_mul_float32_gradient1`.
std::string kernel_name(const KernelText& kernel);
/// `extern "C" __global__ void NAME(to, operands ..., count)`; operands of a gradient: g, the row's operands, out.
std::string kernel_text(const KernelText& kernel);
/// Definitions of all words, without any #include.
const char* cuda_prelude();
/// What a host compiler needs before the prelude, so that kernels compile as ordinary loops.
const char* host_prelude();

}  // namespace tapeless
