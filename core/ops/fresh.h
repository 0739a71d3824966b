// What operations that compute at the call share: new results, conversions that are not recorded, checks of devices.
#pragma once

#include <initializer_list>

#include "ops/structured.h"

namespace tapeless {

/// Gives a result the flag that inference mode implies.
inline Tensor marked(Tensor out) {
    if (modes.word) out->inference = modes.has(kInference);
    return out;
}

/// An uninitialised row-major result.
inline Tensor fresh(const Dims& sizes, DType dtype, Device device) {
    return marked(empty(sizes, dtype, device));
}

/// x with another dtype; x itself if it has it. Not recorded.
inline Tensor converted(const Tensor& x, DType dtype) {
    if (x->dtype == dtype) return x;
    const Argument argument(x);
    return marked(compute({nullptr, dtype, dtype}, &argument, 1));
}

/// x itself if it is row-major, else a copy that is. Not recorded.
inline Tensor row_major(const Tensor& x) { return x->contiguous ? x : dense_copy(x, true); }

/// A row-major copy that the caller may write into. Not recorded.
inline Tensor own_copy(const Tensor& x) { return marked(dense_copy(x, true)); }

/// Refuses a number with an imaginary part for a dtype that has none; bool asks only whether it is 0.
inline void check_number(const Scalar& value, DType dtype) {
    const bool fits = value.category() != Category::Complex || is_complex(dtype) || dtype == DType::Bool ||
                      value.to<Complex<double>>().im == 0;
    check(fits, "value cannot be converted to type float without overflow");
}

/// A result in the order of memory of the images x: with channels that lie together if x's do. Not recorded.
inline Tensor like_images(const Tensor& x, const Tensor& result) {
    if (!is_channels_last(*x)) return result;
    const ModeGuard quiet(kNoGrad, true);
    return clone(result, MemoryFormat::ChannelsLast);
}

/// Refuses tensors of several devices.
inline void check_devices(const char* operation, std::initializer_list<const Tensor*> inputs) {
    const TensorBody* first = nullptr;
    for (const Tensor* x : inputs) {
        if (!*x) continue;
        if (!first) first = x->get();
        check((*x)->device.type == first->device.type,
              "Expected all tensors to be on the same device, but found at "
              "least two devices, ",
              name(first->device.type), " and ", name((*x)->device.type), "! (", operation, ")");
    }
}

inline bool on_cpu(const Tensor& x) { return x->device.type == DeviceType::CPU; }

}  // namespace tapeless
