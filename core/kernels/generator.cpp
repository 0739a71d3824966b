// The MT19937 stream and its state in PyTorch's bytes.
#include "kernels/generator.h"

#include <algorithm>
#include <cstring>
#include <random>

#include "base/error.h"

namespace tapeless {

void Generator::manual_seed(uint64_t seed) {
    seed_ = seed;
    state_[0] = static_cast<uint32_t>(seed);
    for (uint32_t i = 1; i < words; ++i) {
        const uint32_t previous = state_[i - 1];
        state_[i] = 1812433253u * (previous ^ (previous >> 30)) + i;
    }
    left_ = 1;
    next_ = 0;
    next_normal_float.reset();
    next_normal_double.reset();
}

uint64_t Generator::seed() {
    std::random_device entropy;
    const uint64_t high = entropy();
    manual_seed(high << 32 | entropy());
    return seed_;
}

// Three loops without a wrap-around, so that each vectorises: a word needs the ones 1 and 397 places ahead.
void Generator::refill() {
    constexpr size_t ahead = 397;
    const auto twist = [](uint32_t x, uint32_t y) {
        const uint32_t mixed = (x & 0x80000000u) | (y & 0x7fffffffu);
        return (mixed >> 1) ^ ((0u - (y & 1u)) & 0x9908b0dfu);
    };
    uint32_t* const word = state_.data();
    for (size_t i = 0; i < words - ahead; ++i) word[i] = word[i + ahead] ^ twist(word[i], word[i + 1]);
    for (size_t i = words - ahead; i < words - 1; ++i) {
        word[i] = word[i - (words - ahead)] ^ twist(word[i], word[i + 1]);
    }
    word[words - 1] = word[ahead - 1] ^ twist(word[words - 1], word[0]);
    left_ = words;
    next_ = 0;
}

void Generator::draw(uint32_t* out, size_t count) {
    while (count > 0) {
        if (left_ == 1) {
            refill();
            ++left_;  // `refill` counts the draw that caused it; here the loop below counts it.
        }
        const size_t taken = std::min<size_t>(count, left_ - 1);
        const uint32_t* const from = state_.data() + next_;
        for (size_t i = 0; i < taken; ++i) out[i] = temper(from[i]);
        next_ += static_cast<uint32_t>(taken);
        left_ -= static_cast<uint32_t>(taken);
        out += taken;
        count -= taken;
    }
}

namespace {

// Where PyTorch's state keeps each part, in bytes; what lies between is zero.
namespace layout {
constexpr size_t seed = 0, left = 8, seeded = 12, next = 16, words = 24, normal_double = 5024,
                 has_normal_double = 5040, normal_float = 5048, has_normal_float = 5052;
}

template <class T> void put(std::vector<uint8_t>& bytes, size_t at, T value) {
    std::memcpy(bytes.data() + at, &value, sizeof value);
}

template <class T> T get(const uint8_t* bytes, size_t at) {
    T value;
    std::memcpy(&value, bytes + at, sizeof value);
    return value;
}

}  // namespace

std::vector<uint8_t> Generator::state() const {
    std::vector<uint8_t> bytes(state_size, 0);
    put<uint64_t>(bytes, layout::seed, seed_);
    put<uint32_t>(bytes, layout::left, left_);
    put<uint32_t>(bytes, layout::seeded, 1);
    put<uint64_t>(bytes, layout::next, next_);
    for (size_t i = 0; i < words; ++i) put<uint64_t>(bytes, layout::words + 8 * i, state_[i]);
    put<double>(bytes, layout::normal_double, next_normal_double.value_or(0.0));
    put<uint32_t>(bytes, layout::has_normal_double, next_normal_double.has_value());
    put<float>(bytes, layout::normal_float, next_normal_float.value_or(0.0f));
    put<uint8_t>(bytes, layout::has_normal_float, next_normal_float.has_value());
    return bytes;
}

void Generator::set_state(const uint8_t* bytes, size_t size) {
    check(size == state_size, "set_state: a state of ", size, " bytes; a CPU generator's state has ",
          state_size, "; give what get_state() or get_rng_state() returned");
    const auto left = get<uint32_t>(bytes, layout::left);
    const auto next = get<uint32_t>(bytes, layout::next);
    const bool valid = get<uint32_t>(bytes, layout::seeded) != 0 && left >= 1 && left <= words &&
                       next <= words && next + left - 1 <= words;
    check(valid, "set_state: Invalid mt19937 state (left ", left, ", next ", next,
          "); give what get_state() or get_rng_state() returned");
    seed_ = get<uint64_t>(bytes, layout::seed);
    left_ = left;
    next_ = next;
    for (size_t i = 0; i < words; ++i) state_[i] = get<uint32_t>(bytes, layout::words + 8 * i);
    next_normal_double.reset();
    next_normal_float.reset();
    if (get<uint32_t>(bytes, layout::has_normal_double))
        next_normal_double = get<double>(bytes, layout::normal_double);
    if (get<uint8_t>(bytes, layout::has_normal_float))
        next_normal_float = get<float>(bytes, layout::normal_float);
}

Generator& default_generator() {
    static Generator generator = [] {
        Generator fresh;
        fresh.seed();
        return fresh;
    }();
    return generator;
}

}  // namespace tapeless
