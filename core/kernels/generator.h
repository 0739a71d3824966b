// The source of random bits on the CPU: MT19937, seeded, saved and restored as PyTorch's.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

namespace tapeless {

/// A stream of random bits plus the normal that a pair-wise draw left over. One thread at a time.
class Generator {
public:
    static constexpr uint64_t default_seed = 67280421310721;
    static constexpr size_t state_size = 5056;  ///< bytes of `state()`, the layout of PyTorch's get_rng_state

    explicit Generator(uint64_t seed = default_seed) { manual_seed(seed); }

    /// Restarts the stream; only the low 32 bits of `seed` decide it, as in PyTorch.
    void manual_seed(uint64_t seed);
    /// Restarts the stream from the operating system's entropy and returns the seed taken.
    uint64_t seed();
    uint64_t initial_seed() const { return seed_; }

    uint32_t random() {
        if (--left_ == 0) refill();
        return temper(state_[next_++]);
    }
    /// Two draws, the first one in the high half.
    uint64_t random64() {
        const uint64_t high = random();
        return high << 32 | random();
    }
    /// The next `count` draws at once: the same values as `count` calls of `random`.
    void draw(uint32_t* out, size_t count);

    std::vector<uint8_t> state() const;
    /// Takes what `state` or torch.get_rng_state returned; anything else is an error and changes nothing.
    void set_state(const uint8_t* bytes, size_t size);
    void set_state(const std::vector<uint8_t>& bytes) { set_state(bytes.data(), bytes.size()); }

    std::optional<float> next_normal_float;    ///< kept for the state's sake: no CPU draw uses it
    std::optional<double> next_normal_double;  ///< the second normal of a pair, until the next draw takes it

private:
    static constexpr size_t words = 624;

    void refill();
    static uint32_t temper(uint32_t word) {
        word ^= word >> 11;
        word ^= (word << 7) & 0x9d2c5680u;
        word ^= (word << 15) & 0xefc60000u;
        return word ^ (word >> 18);
    }

    uint64_t seed_ = 0;
    uint32_t left_ = 1;  ///< one more than the words that remain: PyTorch's count, which is part of its state
    uint32_t next_ = 0;  ///< index of the next word
    std::array<uint32_t, words> state_{};
};

/// The generator that every draw without a generator uses; seeded by the operating system at first use.
Generator& default_generator();

}  // namespace tapeless
