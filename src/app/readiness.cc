#include "app/readiness.h"

#include <boost/json.hpp>

namespace florin::app {

bool Readiness::ready() const {
    if (draining_) return false;
    for (const auto& [name, check, need] : dependencies_) {
        if (need == Need::Required && !check().empty()) return false;
    }
    return true;
}

std::string Readiness::json() const {
    boost::json::object dependencies;
    bool all_up = true;
    for (const auto& [name, check, need] : dependencies_) {
        const std::string wrong = check();
        boost::json::object state{{"status", wrong.empty() ? "up" : "down"}};
        if (!wrong.empty()) state["reason"] = wrong;
        if (need == Need::Optional) state["required"] = false;
        dependencies[name] = std::move(state);
        all_up = all_up && (wrong.empty() || need == Need::Optional);
    }
    const char* status = draining_ ? "draining" : all_up ? "ready" : "not_ready";
    return boost::json::serialize(boost::json::object{
        {"status", status}, {"role", roles_.text()}, {"dependencies", std::move(dependencies)}});
}

}  // namespace florin::app
