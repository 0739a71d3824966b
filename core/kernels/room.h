// Memory for one task of a kernel, given back at its end.
#pragma once

#include <cstdint>

#include "runtime/allocator.h"

namespace tapeless {

/// Room for `count` elements, whose contents are arbitrary.
template <class T> class Room {
public:
    explicit Room(std::int64_t count)
        : bytes_(static_cast<std::size_t>(count) * sizeof(T)), data_(static_cast<T*>(allocate(bytes_))) {}
    ~Room() { release(data_, bytes_); }
    Room(const Room&) = delete;
    Room& operator=(const Room&) = delete;
    T* get() const { return data_; }

private:
    std::size_t bytes_;
    T* data_;
};

}  // namespace tapeless
