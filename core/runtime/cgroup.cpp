// Reads the limits of control groups, versions 1 and 2: the least one on the way from our group up to the
// root.
#include "runtime/cgroup.h"

#include <cmath>
#include <fstream>
#include <functional>
#include <sstream>
#include <string>

namespace tapeless {
namespace {

/// The first line of a file; empty when it cannot be read.
std::string first_line(const std::string& path) {
    std::ifstream file(path);
    std::string line;
    std::getline(file, line);
    return line;
}

/// Whether the comma-separated `list` holds `word`; the empty word is in the empty list only.
bool has_word(const std::string& list, const std::string& word) {
    if (list.empty() || word.empty()) return list == word;
    std::istringstream words(list);
    for (std::string one; std::getline(words, one, ',');) {
        if (one == word) return true;
    }
    return false;
}

/// Calls `visit` with the folder of our group for `controller` ("" means version 2), then with each parent.
/// Inside a container the path may be the host's, so that only the root exists: missing files are skipped.
void each_group(const std::string& controller, const std::string& root,
                const std::function<void(const std::string&)>& visit) {
    std::ifstream groups("/proc/self/cgroup");
    std::string line;
    while (std::getline(groups, line)) {
        const std::size_t first = line.find(':');
        const std::size_t second = line.find(':', first + 1);
        if (second == std::string::npos) continue;
        if (!has_word(line.substr(first + 1, second - first - 1), controller)) continue;
        std::string path = line.substr(second + 1);
        while (!path.empty() && path != "/") {
            visit(root + path);
            path.erase(path.rfind('/'));
        }
        visit(root);
    }
}

/// The smaller of two limits, where 0 means none.
template <class T> T least(T x, T y) {
    if (x == 0 || y == 0) return x + y;
    return x < y ? x : y;
}

double cpus_v2(const std::string& folder) {
    std::istringstream words(first_line(folder + "/cpu.max"));
    double quota = 0, period = 0;
    return words >> quota >> period && quota > 0 && period > 0 ? quota / period : 0;
}

double cpus_v1(const std::string& folder) {
    std::istringstream quota_text(first_line(folder + "/cpu.cfs_quota_us"));
    std::istringstream period_text(first_line(folder + "/cpu.cfs_period_us"));
    double quota = 0, period = 0;
    return quota_text >> quota && period_text >> period && quota > 0 && period > 0 ? quota / period : 0;
}

std::int64_t bytes_in(const std::string& path) {
    std::istringstream text(first_line(path));
    std::int64_t bytes = 0;
    constexpr std::int64_t no_limit = std::int64_t{1} << 60;  // version 1 writes a huge number for "none"
    return text >> bytes && bytes > 0 && bytes < no_limit ? bytes : 0;
}

}  // namespace

int cgroup_cpu_limit() {
    double limit = 0;
    each_group("", "/sys/fs/cgroup",
               [&](const std::string& folder) { limit = least(limit, cpus_v2(folder)); });
    each_group("cpu", "/sys/fs/cgroup/cpu",
               [&](const std::string& folder) { limit = least(limit, cpus_v1(folder)); });
    return static_cast<int>(std::ceil(limit));
}

std::int64_t cgroup_memory_limit() {
    std::int64_t limit = 0;
    each_group("", "/sys/fs/cgroup",
               [&](const std::string& folder) { limit = least(limit, bytes_in(folder + "/memory.max")); });
    each_group("memory", "/sys/fs/cgroup/memory", [&](const std::string& folder) {
        limit = least(limit, bytes_in(folder + "/memory.limit_in_bytes"));
    });
    return limit;
}

}  // namespace tapeless
