// Where a tensor lives: a device type and an index.
#pragma once

#include <cstdint>

namespace tapeless {

/// Kinds of devices. Those after Meta only have a name here: a tensor there is refused when its storage is made.
enum class DeviceType : std::uint8_t { CPU, Meta, CUDA, MPS, XPU };
inline constexpr int kDeviceTypes = 5;
inline constexpr bool has_backend(DeviceType type) { return type <= DeviceType::Meta; }

struct Device {
    DeviceType type = DeviceType::CPU;
    std::int8_t index = -1;
    bool operator==(const Device&) const = default;
};

inline const char* name(DeviceType type) {
    constexpr const char* names[kDeviceTypes] = {"cpu", "meta", "cuda", "mps", "xpu"};
    return names[static_cast<int>(type)];
}

}  // namespace tapeless
