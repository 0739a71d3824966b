// The list of structured operations, and the reading of their signatures.
#include "ops/operation.h"

namespace tapeless {
namespace {

std::vector<Operation>& list() {
    static std::vector<Operation> all;
    return all;
}

std::string trimmed(const std::string& text) {
    const std::size_t first = text.find_first_not_of(' '), last = text.find_last_not_of(' ');
    return first == std::string::npos ? "" : text.substr(first, last - first + 1);
}

}  // namespace

const std::vector<Operation>& operations() { return list(); }

Offer::Offer(std::vector<Operation> operations) {
    for (Operation& operation : operations) list().push_back(std::move(operation));
}

Offer::Offer(KnowsLevels, std::vector<Operation> operations) {
    for (Operation& operation : operations) operation.knows_levels = true;
    Offer all(std::move(operations));
}

std::vector<Parameter> Operation::parameters() const {
    std::vector<Parameter> out;
    const std::string whole = signature;
    bool keyword_only = false;
    for (std::size_t at = 0; at < whole.size();) {
        std::size_t end = whole.find(", ", at);
        if (end == std::string::npos) end = whole.size();
        std::string word = trimmed(whole.substr(at, end - at));
        at = end + 2;
        if (word == "*") {
            keyword_only = true;
            continue;
        }
        const std::size_t index = out.size();
        check(index < types.kinds.size(), "operation ", name, ": more names than parameters in '", signature,
              "'");
        Parameter& parameter = out.emplace_back();
        parameter.kind = types.kinds[index];
        parameter.optional = types.optional[index];
        parameter.keyword_only = keyword_only;
        if (word[0] == '*') {
            parameter.variadic = true;
            word.erase(0, 1);
        }
        const std::size_t equals = word.find('=');
        parameter.name = word.substr(0, equals);
        parameter.required = equals == std::string::npos;
        if (!parameter.required) parameter.default_text = word.substr(equals + 1);
    }
    check(out.size() == types.kinds.size(), "operation ", name, ": fewer names than parameters in '",
          signature, "'");
    return out;
}

}  // namespace tapeless
