// What this processor is: the level of its instruction set, the size of its last cache.
#pragma once

#include <cstddef>

namespace tapeless {

/// x86-64 levels; any other processor counts as V2, the level of the plain loops.
enum class Isa { V2, V3, V4 };

/// The level to run at: what the processor has, lowered by TAPELESS_ISA=v2|v3. Fixed at the first call.
Isa isa();

/// Bytes of the last-level cache; beyond it streaming stores pay.
std::size_t last_level_cache();

}  // namespace tapeless
