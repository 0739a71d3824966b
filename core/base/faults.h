// Planted faults: rules that a test switches off, one at a time, to prove that it would notice their loss.
#pragma once

#include <cstdint>

namespace tapeless {

/// A rule of Note [Deferral barriers], Note [Views and in-place] or of versions, named for what breaking it does.
enum class Fault : std::uint8_t {
    WriteShared,         ///< a part is written into a buffer that others read
    OverwriteShared,     ///< a whole is written into a buffer that others read
    PartialDropsRest,    ///< a partial write forgets what the rest was to be
    ViewAsWhole,         ///< a view of a pending value is read as if it were the value
    Unexposed,           ///< memory seen from outside is not marked so
    ExposedDeferred,     ///< operations that read memory seen from outside wait
    OverlapUnnoticed,    ///< an operand that overlaps the written tensor is read while it changes
    SelfOverlapWritten,  ///< tensors that name an element twice are written
    LogForgets,          ///< the write log finds no write
    LogSpreads,          ///< every write counts as overlapping, which is PyTorch's coarser rule
    WriteUncounted,      ///< a write leaves the version as it was
    DataCounted,         ///< a write through `.data` counts
    VersionUnchecked,    ///< a saved value is given back whatever was written
    ViewStale,           ///< a view keeps its grad_fn when its base is written
    BaseKept,            ///< a write through a view leaves the base's grad_fn
    RegionKept,          ///< CopySlices passes on the gradient of what was overwritten
    CreationIgnored,     ///< views that cannot be regenerated are written
    BeforeImageLost,     ///< an in-place operation saves its input as it is afterwards
    GradientShared,      ///< a leaf's .grad shares memory with other gradients
    HookShared,          ///< a hook sees the engine's own gradient
    Count
};

/// One bit for each broken rule; 0 outside of the tests of the tests.
extern std::uint32_t planted_faults;
/// Asked only where something unusual is going on already.
inline bool planted(Fault fault) { return (planted_faults >> static_cast<unsigned>(fault)) & 1; }

/// "write-shared" and so on; null past the last.
const char* fault_name(int index);

}  // namespace tapeless
