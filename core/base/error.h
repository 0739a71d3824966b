// The error type of the core: a kind (which Python exception it becomes) and a message.
#pragma once

#include <exception>
#include <sstream>
#include <string>
#include <utility>

namespace tapeless {

/// Which Python exception class an error becomes; the bindings hold the mapping.
enum class ErrorKind {
    Runtime,         ///< RuntimeError
    Type,            ///< TypeError
    Value,           ///< ValueError
    Index,           ///< IndexError
    NotImplemented,  ///< NotImplementedError
    Overflow,        ///< OverflowError
    Buffer,          ///< BufferError
    Assertion,       ///< AssertionError, where PyTorch raises one
    OutOfMemory,     ///< RuntimeError that carries the size that was asked for
    Python,          ///< a Python exception is already set; carry it on
};

/// Thrown by every layer; the message follows "operation: what you gave, what is needed, what to write instead".
class Error : public std::exception {
public:
    Error(ErrorKind kind, std::string message) : kind_(kind), message_(std::move(message)) {}
    ErrorKind kind() const { return kind_; }
    const std::string& message() const { return message_; }
    const char* what() const noexcept override { return message_.c_str(); }

private:
    ErrorKind kind_;
    std::string message_;
};

/// The parts, streamed one after another.
template <class... Parts> std::string text(const Parts&... parts) {
    std::ostringstream stream;
    (stream << ... << parts);
    return stream.str();
}

template <class... Parts> [[noreturn]] void fail(ErrorKind kind, const Parts&... parts) {
    throw Error(kind, text(parts...));
}

/// Throws a RuntimeError unless `condition` holds.
template <class... Parts> void check(bool condition, const Parts&... parts) {
    if (!condition) [[unlikely]]
        fail(ErrorKind::Runtime, parts...);
}

}  // namespace tapeless
