// The settings of autocast, its conversions, and the parameters that were converted already.
#include "ops/autocast.h"

#include <cstring>
#include <unordered_map>

namespace tapeless {

thread_local constinit AutocastCache autocast_cache;

namespace {

thread_local AutocastSetting settings[] = {
    {"cpu", DType::BFloat16},          {"cuda", DType::Float16}, {"xpu", DType::Float16},
    {"mps", DType::Float16},           {"hpu", DType::BFloat16}, {"xla", DType::BFloat16},
    {"ipu", DType::Float16},           {"mtia", DType::Float16}, {"maia", DType::BFloat16},
    {"privateuseone", DType::Float16},
};

struct Conversion {
    Tensor source, converted;
    std::uint32_t version;
};
using Conversions = std::unordered_map<const TensorBody*, Conversion>;
// A pointer, so that nothing is left to do when a thread ends: a program's outermost context empties it.
thread_local constinit Conversions* conversions = nullptr;

bool converts(const Tensor& x) {
    return x && x->device.type == DeviceType::CPU && is_floating(x->dtype) && x->dtype != DType::Float64;
}

/// Whether x is a parameter whose conversion is worth keeping: the same at its next use, gradient included.
bool keeps(DType dtype, const Tensor& x) {
    return autocast_cache.enabled && grad_enabled() && !modes.has(kLevels) &&
           dtype == autocast_setting("cpu")->dtype && x->dtype == DType::Float32 && requires_grad(x) &&
           is_leaf(x) && !view_of(*x);
}

}  // namespace

AutocastSetting* autocast_setting(const std::string& device) {
    for (AutocastSetting& setting : settings) {
        if (device == setting.device) return &setting;
    }
    return nullptr;
}

void follow_autocast_setting() { modes.set(kAutocast, settings[0].enabled); }

void clear_autocast_cache() { delete std::exchange(conversions, nullptr); }

DType autocast_dtype(Autocast policy, std::span<const Tensor> operands) {
    const DType lower = settings[0].dtype;
    if (policy != Autocast::Widest) return policy == Autocast::Lower ? lower : DType::Float32;
    DType found = lower;
    for (const Tensor& x : operands) {
        if (!converts(x) || x->dtype == found) continue;
        check(x->dtype == DType::Float32 || found == DType::Float32,
              "Unexpected floating ScalarType in at::autocast::prioritize: operands are ",
              facts(x->dtype).name, " where autocast means ", facts(lower).name);
        found = DType::Float32;
    }
    return found;
}

Tensor autocast_to(DType dtype, const Tensor& x) {
    if (!converts(x) || x->dtype == dtype) return x;
    if (!keeps(dtype, x)) return to_dtype(x, dtype);
    if (!conversions) conversions = new Conversions();
    Conversion& known = (*conversions)[x.get()];
    if (!known.converted || known.version != version(*x) || known.converted->dtype != dtype)
        known = {x, to_dtype(x, dtype), version(*x)};
    return known.converted;
}

void autocast_values(Autocast policy, AnyValue* values, std::size_t count) {
    std::vector<Tensor> operands;
    auto each = [&](auto&& act) {
        for (std::size_t i = 0; i < count; ++i) {
            if (Tensor* x = std::get_if<Tensor>(&values[i])) act(*x);
            if (auto* list = std::get_if<std::vector<Tensor>>(&values[i])) {
                for (Tensor& x : *list) act(x);
            }
        }
    };
    if (policy == Autocast::Widest) each([&](Tensor& x) { operands.push_back(x); });
    const DType dtype = autocast_dtype(policy, operands);
    each([&](Tensor& x) { x = autocast_to(dtype, x); });
}

}  // namespace tapeless
