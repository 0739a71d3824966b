// Where a tensor lives: a device type and an index.
#pragma once

#include <cstdint>

namespace tapeless {

enum class DeviceType : std::uint8_t { CPU, Meta };

struct Device {
    DeviceType type = DeviceType::CPU;
    std::int8_t index = -1;
    bool operator==(const Device&) const = default;
};

inline const char* name(DeviceType type) { return type == DeviceType::CPU ? "cpu" : "meta"; }

}  // namespace tapeless
