// The two half types as storage: 16 bits each, converted to float for all arithmetic.
#pragma once

#include <bit>
#include <cstdint>

namespace tapeless {

/// IEEE binary16 from float, round to nearest even; NaN keeps its sign and is quiet.
constexpr std::uint16_t half_bits(float value) {
    const std::uint32_t bits = std::bit_cast<std::uint32_t>(value);
    const std::uint32_t sign = (bits >> 16) & 0x8000u;
    const std::uint32_t magnitude = bits & 0x7fffffffu;
    if (magnitude > 0x7f800000u) return static_cast<std::uint16_t>(sign | 0x7e00u);
    if (magnitude >= 0x477ff000u) return static_cast<std::uint16_t>(sign | 0x7c00u);
    if (magnitude <
        0x38800000u) {  // Below the smallest normal half: adding 0.5 aligns the significand, rounding in hardware.
        const float aligned = std::bit_cast<float>(magnitude) + 0.5f;
        return static_cast<std::uint16_t>(sign | (std::bit_cast<std::uint32_t>(aligned) - 0x3f000000u));
    }
    const std::uint32_t rounded = magnitude + 0xfffu + ((magnitude >> 13) & 1u);
    return static_cast<std::uint16_t>(sign | ((rounded - 0x38000000u) >> 13));
}

constexpr float half_value(std::uint16_t bits) {
    const std::uint32_t sign = static_cast<std::uint32_t>(bits & 0x8000u) << 16;
    const std::uint32_t magnitude = bits & 0x7fffu;
    if (magnitude >= 0x7c00u) return std::bit_cast<float>(sign | 0x7f800000u | ((magnitude & 0x3ffu) << 13));
    if (magnitude < 0x400u) {
        const float small = static_cast<float>(magnitude) * 0x1p-24f;
        return std::bit_cast<float>(sign | std::bit_cast<std::uint32_t>(small));
    }
    return std::bit_cast<float>(sign | ((magnitude << 13) + 0x38000000u));
}

struct Half {
    std::uint16_t bits = 0;
    constexpr Half() = default;
    constexpr explicit Half(float value) : bits(half_bits(value)) {}
    constexpr explicit operator float() const { return half_value(bits); }
};

struct BFloat16 {
    std::uint16_t bits = 0;
    constexpr BFloat16() = default;
    constexpr explicit BFloat16(float value) {
        const std::uint32_t wide = std::bit_cast<std::uint32_t>(value);
        const std::uint32_t rounded = (wide + 0x7fffu + ((wide >> 16) & 1u)) >> 16;
        bits = static_cast<std::uint16_t>(value != value ? 0x7fc0u : rounded);
    }
    constexpr explicit operator float() const {
        return std::bit_cast<float>(static_cast<std::uint32_t>(bits) << 16);
    }
};

}  // namespace tapeless
