// A short list of sizes, strides or dimension numbers: four inline, more on the heap.
#pragma once

#include <algorithm>
#include <cstdint>
#include <initializer_list>
#include <iosfwd>
#include <string>
#include <utility>

namespace tapeless {

class Dims {
public:
    Dims() = default;
    explicit Dims(int count, std::int64_t fill = 0) { resize(count, fill); }
    Dims(std::initializer_list<std::int64_t> values) {
        assign(values.begin(), static_cast<int>(values.size()));
    }
    Dims(const std::int64_t* values, int count) { assign(values, count); }
    Dims(const Dims& other) { copy(other); }
    Dims(Dims&& other) noexcept { take(other); }
    Dims& operator=(const Dims& other) {
        if (this != &other) copy(other);
        return *this;
    }
    Dims& operator=(Dims&& other) noexcept {
        if (this != &other) {
            release();
            take(other);
        }
        return *this;
    }
    ~Dims() { release(); }

    int size() const { return count_; }
    bool empty() const { return count_ == 0; }
    std::int64_t* data() { return capacity_ > kInline ? heap_ : inline_; }
    const std::int64_t* data() const { return capacity_ > kInline ? heap_ : inline_; }
    std::int64_t& operator[](int i) { return data()[i]; }
    std::int64_t operator[](int i) const { return data()[i]; }
    std::int64_t* begin() { return data(); }
    std::int64_t* end() { return data() + count_; }
    const std::int64_t* begin() const { return data(); }
    const std::int64_t* end() const { return data() + count_; }
    std::int64_t back() const { return data()[count_ - 1]; }
    bool operator==(const Dims& other) const {
        if (count_ != other.count_) return false;
        const std::int64_t *x = data(), *y = other.data();
        for (int i = 0; i < count_;
             ++i) {  // Not std::equal: for a few words, calling memcmp is the greater part.
            if (x[i] != y[i]) return false;
        }
        return true;
    }

    void reserve(int capacity) {
        if (capacity <= capacity_) return;
        std::int64_t* grown = new std::int64_t[static_cast<std::size_t>(capacity)];
        std::copy(begin(), end(), grown);
        release();
        heap_ = grown;
        capacity_ = capacity;
    }
    void resize(int count, std::int64_t fill = 0) {
        reserve(count);
        for (int i = count_; i < count; ++i) data()[i] = fill;
        count_ = count;
    }
    void push_back(std::int64_t value) {
        if (count_ == capacity_) reserve(2 * capacity_);
        data()[count_++] = value;
    }
    void insert(int at, std::int64_t value) {
        push_back(value);
        std::rotate(begin() + at, end() - 1, end());
    }
    void erase(int at) {
        std::copy(begin() + at + 1, end(), begin() + at);
        --count_;
    }

private:
    static constexpr int kInline = 4;
    void copy(const Dims& other) {
        if (capacity_ > kInline || other.capacity_ > kInline) return assign(other.data(), other.count_);
        count_ = other.count_;
        std::copy(other.inline_, other.inline_ + kInline,
                  inline_);  // All of them: a constant number of words.
    }
    void assign(const std::int64_t* values, int count) {
        count_ = 0;
        reserve(count);
        std::copy(values, values + count, data());
        count_ = count;
    }
    void take(Dims& other) noexcept {
        count_ = other.count_;
        capacity_ = other.capacity_;
        if (capacity_ > kInline) {
            heap_ = other.heap_;
        } else {
            std::copy(other.inline_, other.inline_ + kInline, inline_);
        }
        other.count_ = 0;
        other.capacity_ = kInline;
    }
    void release() noexcept {
        if (capacity_ > kInline) delete[] heap_;
        capacity_ = kInline;
    }

    int count_ = 0;
    int capacity_ = kInline;
    union {
        std::int64_t inline_[kInline] = {};  // Defined from the start, because copies take all of them.
        std::int64_t* heap_;
    };
};

/// "[2, 3]", as PyTorch's messages write sizes.
std::string to_string(const Dims& dims);

std::ostream& operator<<(std::ostream& stream, const Dims& dims);

/// The product of the sizes; fails with PyTorch's message when it does not fit.
std::int64_t product(const Dims& sizes);

}  // namespace tapeless
