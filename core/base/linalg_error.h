// The error of matrices that are singular, not positive definite, or whose decomposition does not converge.
#pragma once

#include "base/error.h"

namespace tapeless {

/// A RuntimeError that the bindings give a class of its own.
class LinAlgError : public Error {
public:
    explicit LinAlgError(std::string message) : Error(ErrorKind::Runtime, std::move(message)) {}
};

}  // namespace tapeless
