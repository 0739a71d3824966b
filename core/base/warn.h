// Warnings: what the core says to the user without failing.
#pragma once

#include <string>

namespace tapeless {

/// Set by the bindings.
inline void (*warn_user)(const std::string& message) = [](const std::string&) {};

}  // namespace tapeless
