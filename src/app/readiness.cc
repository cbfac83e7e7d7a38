#include "app/readiness.h"

#include <boost/json.hpp>

namespace florin::app {

bool Readiness::ready() const {
    if (draining_) return false;
    for (const auto& [name, check] : checks_) {
        if (!check().empty()) return false;
    }
    return true;
}

std::string Readiness::json() const {
    boost::json::object dependencies;
    bool all_up = true;
    for (const auto& [name, check] : checks_) {
        const std::string wrong = check();
        boost::json::object state{{"status", wrong.empty() ? "up" : "down"}};
        if (!wrong.empty()) state["reason"] = wrong;
        dependencies[name] = std::move(state);
        all_up = all_up && wrong.empty();
    }
    const char* status = draining_ ? "draining" : all_up ? "ready" : "not_ready";
    return boost::json::serialize(boost::json::object{
        {"status", status}, {"role", roles_.text()}, {"dependencies", std::move(dependencies)}});
}

}  // namespace florin::app
