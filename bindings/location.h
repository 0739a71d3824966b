// Code locations of nodes and writes, as the interpreter knows them.
#pragma once

#include <string>

#include "graph/node.h"

namespace tapeless {

/// From now on nodes note the line of the user's program; frames of code in `package_folder` are passed over.
void install_locations(const std::string& package_folder);

}  // namespace tapeless
