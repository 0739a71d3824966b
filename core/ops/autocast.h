// Autocast: under its mode, operations with a policy convert their floating operands before they run.
#pragma once

#include <span>
#include <string>

#include "ops/operation.h"
#include "ops/structured.h"

namespace tapeless {

/// What this thread has set for one type of device. Only the CPU's has tensors to act on.
struct AutocastSetting {
    const char* device;
    DType dtype;
    bool enabled = false;
};
/// The setting for "cpu", "cuda" and so on; null for a type that does not exist.
AutocastSetting* autocast_setting(const std::string& device);
/// Sets the mode of the thread to what the CPU's setting says.
void follow_autocast_setting();

/// Nested contexts count themselves, because the conversions of parameters are kept until the outermost ends.
struct AutocastCache {
    int nesting = 0;
    bool enabled = true;
};
extern thread_local constinit AutocastCache autocast_cache;
void clear_autocast_cache();

/// The dtype that a policy means for those operands; tensors of other kinds than floating, and float64, stay.
DType autocast_dtype(Autocast policy, std::span<const Tensor> operands);
/// x in that dtype if autocast may convert it, else x; recorded. A parameter is converted once to the lower precision.
Tensor autocast_to(DType dtype, const Tensor& x);
/// The operands of a call, by the policy.
void autocast_values(Autocast policy, AnyValue* values, std::size_t count);

/// x as the operand of a product inside of an operation without a policy of its own.
inline Tensor lowered(const Tensor& x) {
    return modes.has(kAutocast) ? autocast_to(autocast_setting("cpu")->dtype, x) : x;
}

}  // namespace tapeless
